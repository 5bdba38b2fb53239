"""Scores of folds: means, and intervals that know that folds share their training rows.

A table of scores has the shape `(num_repeats, num_folds)`. Folds are never taken for independent:
no sign flips over them, and every variance is corrected (`corrected_variance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.distributions import t_below, t_quantile

_ROUNDING = 1e-12


@dataclass(frozen=True)
class FoldSummary:
    """A score over all folds.

    Attributes:
        mean: over repeats of the means over folds.
        ci95: t interval with the corrected variance.
        of_repeats: the repeats' means, each of which counts every row once.
        num_folds: of all repeats together.
    """

    mean: float
    ci95: tuple[float, float]
    of_repeats: tuple[float, ...]
    num_folds: int


@dataclass(frozen=True)
class FoldComparison:
    """A variant minus the baseline on the same folds.

    Attributes:
        difference: mean over all folds, in the metric's own unit.
        ci95: t interval with the corrected variance.
        p: two-sided p of the corrected resampled t test; 1 where the differences have no spread
            beyond rounding, from which no error of the mean can be told.
        wins, ties, losses: folds on which the variant is better, equal, worse.
    """

    difference: float
    ci95: tuple[float, float]
    p: float
    wins: int
    ties: int
    losses: int


def summarize_folds(scores: np.ndarray, *, num_train: float, num_held_out: float) -> FoldSummary:
    """Mean and interval of a table of scores.

    Args:
        scores: `(num_repeats, num_folds)`, two or more in all.
        num_train: rows that each network trains on, without those that it validates on.
        num_held_out: rows that it is scored on.

    Example:
        >>> found = summarize_folds(np.array([[0.8, 0.9], [0.7, 1.0]]), num_train=8, num_held_out=2)
        >>> round(found.mean, 2), [round(mean, 2) for mean in found.of_repeats]
        (0.85, [0.85, 0.85])
    """
    table = np.atleast_2d(np.asarray(scores, float))
    return FoldSummary(
        mean=float(table.mean()),
        ci95=fold_interval(table, num_train=num_train, num_test=num_held_out),
        of_repeats=tuple(map(float, table.mean(axis=1))),
        num_folds=table.size,
    )


def compare_folds(
    variant: np.ndarray,
    baseline: np.ndarray,
    *,
    num_train: float,
    num_held_out: float,
    higher_is_better: bool,
) -> FoldComparison:
    """Compares two tables of scores, paired by fold: the corrected resampled t test.

    See Nadeau and Bengio 2003, https://doi.org/10.1023/A:1024068626366. It errs about as often as
    it says, where a plain t test over folds errs far more often.

    Args:
        variant, baseline: `(num_repeats, num_folds)` of the same folds.
        num_train, num_held_out: as for `summarize_folds`.
        higher_is_better: who wins.

    Example:
        >>> found = compare_folds(
        ...     np.array([[0.8, 0.9]]), np.array([[0.7, 0.7]]),
        ...     num_train=5, num_held_out=5, higher_is_better=True)
        >>> round(found.difference, 2), round(found.p, 2), found.wins
        (0.15, 0.33, 2)
    """
    differences = np.asarray(variant, float) - np.asarray(baseline, float)
    better = differences if higher_is_better else -differences
    sizes = {"num_train": num_train, "num_test": num_held_out}
    variance, mean = corrected_variance(differences, **sizes), float(differences.mean())
    largest = max(np.abs(variant).max(), np.abs(baseline).max())
    has_spread = differences.std(ddof=1) > _ROUNDING * largest
    p = 2 * t_below(-abs(mean) / variance**0.5, differences.size - 1) if has_spread else 1
    return FoldComparison(
        difference=mean,
        ci95=fold_interval(differences, **sizes),
        p=float(p),
        wins=int((better > 0).sum()),
        ties=int((better == 0).sum()),
        losses=int((better < 0).sum()),
    )


def corrected_variance(
    values: Sequence[float] | np.ndarray, *, num_train: float, num_test: float
) -> float:
    """Variance of the mean of scores from overlapping training sets, as folds' are.

    Nadeau and Bengio's correction (2003, https://doi.org/10.1023/A:1024068626366): the sample
    variance times (1 / J + num_test / num_train) instead of 1 / J, because J models that share
    training rows are correlated.

    Args:
        values: scores or paired differences, `(J,)` or `(num_repeats, num_folds)`; at least 2.
        num_train, num_test: rows that each model was trained and scored on; their ratio counts.

    Example:
        >>> corrected_variance([1.0, 2.0, 3.0], num_train=2, num_test=1)
        0.8333333333333333
    """
    x = np.asarray(values, float).ravel()
    return float(x.var(ddof=1)) * (1 / len(x) + num_test / num_train)


def fold_interval(
    values: Sequence[float] | np.ndarray, *, num_train: float, num_test: float, level: float = 0.95
) -> tuple[float, float]:
    """The t interval of a mean over folds with the corrected variance and J - 1 degrees.

    Arguments as of `corrected_variance` (Bouckaert and Frank 2004,
    https://doi.org/10.1007/978-3-540-24775-3_3).
    """
    x = np.asarray(values, float).ravel()
    half = t_quantile((1 + level) / 2, len(x) - 1)
    half *= corrected_variance(x, num_train=num_train, num_test=num_test) ** 0.5
    return float(x.mean() - half), float(x.mean() + half)
