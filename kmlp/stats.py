"""The statistics of a study: arrays in, numbers out. No configs, no files, no plots."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

MIN_SEEDS_TO_TEST = 6
MIN_ROWS_TO_BOOTSTRAP = 20
_MAX_EXACT = 14
_NUM_FLIPS = 100_000


@dataclass(frozen=True)
class Summary:
    """A sample's mean and spread; what one value cannot tell is None.

    Attributes:
        mean, sd, se: mean, standard deviation (n - 1), standard error.
        ci95: t interval of the mean.
        min, max: the extremes.
    """

    mean: float
    sd: float | None
    se: float | None
    ci95: tuple[float, float] | None
    min: float
    max: float


@dataclass(frozen=True)
class Comparison:
    """A variant minus its baseline, paired by seed.

    Attributes:
        difference: mean of the differences, in the metric's own unit.
        ci95: paired t interval; None for fewer than two pairs.
        p: two-sided p of the sign-flip test.
        wins, ties, losses: seeds on which the variant is better, equal, worse.
    """

    difference: float
    ci95: tuple[float, float] | None
    p: float
    wins: int
    ties: int
    losses: int


def summarize(values: Sequence[float] | np.ndarray) -> Summary:
    """Mean, spread and t interval of `(n,)` values.

    Example:
        >>> summarize([1.0, 2.0, 3.0]).mean
        2.0
    """
    x = np.asarray(values, float)
    mean, low, high = float(x.mean()), float(x.min()), float(x.max())
    if len(x) < 2:
        return Summary(mean, None, None, None, low, high)
    sd = float(x.std(ddof=1))
    return Summary(mean, sd, sd / len(x) ** 0.5, t_interval(x), low, high)


def t_interval(values: Sequence[float] | np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The t interval of the mean of `(n,)` values, n >= 2."""
    x = np.asarray(values, float)
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5
    return float(x.mean() - half), float(x.mean() + half)


def compare_paired(
    variant: Sequence[float] | np.ndarray,
    baseline: Sequence[float] | np.ndarray,
    *,
    higher_is_better: bool,
) -> Comparison:
    """Compares `(n,)` values with the baseline's of the same seeds, in the same order.

    Example:
        >>> compare_paired([0.9] * 6, [0.8] * 6, higher_is_better=True).wins
        6
    """
    differences = np.asarray(variant, float) - np.asarray(baseline, float)
    better = differences if higher_is_better else -differences
    return Comparison(
        difference=float(differences.mean()),
        ci95=t_interval(differences) if len(differences) > 1 else None,
        p=sign_flip_p(differences),
        wins=int((better > 0).sum()),
        ties=int((better == 0).sum()),
        losses=int((better < 0).sum()),
    )


def sign_flip_p(differences: Sequence[float] | np.ndarray, *, seed: int = 0) -> float:
    """Two-sided p that the mean of `(n,)` paired differences is zero, by flipping signs.

    Exact over all 2^n signs up to 14 pairs; else 100,000 random flips and (b + 1) / (m + 1)
    (Phipson and Smyth 2010, https://arxiv.org/abs/1603.05766). Sums that differ by rounding
    alone count as equal.

    Example:
        >>> sign_flip_p([1.0, 1.0, 1.0])
        0.25
    """
    d = np.asarray(differences, float)
    # A difference of two accuracies near 1 carries rounding far above its own precision.
    observed = abs(d.sum()) - 1e-9 * np.abs(d).sum()
    if len(d) <= _MAX_EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(d))))
        return float((np.abs(signs @ d) >= observed).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for _ in range(10):
        signs = rng.choice((1.0, -1.0), size=(_NUM_FLIPS // 10, len(d)))
        extreme += int((np.abs(signs @ d) >= observed).sum())
    return (extreme + 1) / (_NUM_FLIPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the p-values that hold for all comparisons at once.

    Example:
        >>> holm([0.01, 0.04])
        [0.02, 0.04]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return [float(value) for value in np.minimum(corrected, 1.0)]


def wilson_interval(hits: int, num_rows: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: what the test set's own size leaves open.

    Example:
        >>> low, high = wilson_interval(90, 100)
        >>> round(low, 3), round(high, 3)
        (0.826, 0.945)
    """
    interval = stats.binomtest(hits, num_rows).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_intervals(
    scores: Callable[[np.ndarray], Mapping[str, float]],
    num_rows: int,
    *,
    num_draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float] | None]:
    """Percentile intervals of scores over test rows, drawn with replacement.

    For scores without an interval of their own, such as an AUC or R². None where there are
    fewer than 20 rows, or no draw gives a score. Draws that give none are left out.

    Args:
        scores: rows, `(num_rows,)` indices -> score by name; NaN where they cannot tell it.
        num_rows: how many rows there are.
        num_draws, seed: how often rows are drawn, and from where.

    Example:
        >>> x = np.arange(100.0)
        >>> low, high = bootstrap_intervals(lambda i: {"mean": x[i].mean()}, 100)["mean"]
        >>> round(low), round(high)
        (44, 55)
    """
    rng = np.random.default_rng(seed)
    draws = [scores(rng.integers(num_rows, size=num_rows)) for _ in range(num_draws)]
    tail = (1 - level) / 2
    intervals: dict[str, tuple[float, float] | None] = {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws])
        values = values[~np.isnan(values)]
        if len(values) and num_rows >= MIN_ROWS_TO_BOOTSTRAP:
            low, high = np.quantile(values, (tail, 1 - tail))
            intervals[name] = float(low), float(high)
        else:
            intervals[name] = None
    return intervals
