"""Two samples that share nothing: arrays in, numbers out."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NUM_PERMUTATIONS = 100_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class UnpairedComparison:
    """The mean of one sample minus that of another.

    Attributes:
        difference: in the scores' own unit.
        ci95: Welch's t interval, which takes no variances for equal; None of fewer than two values
            on a side, and without any spread.
        p: two-sided p of the permutation test; 1 of fewer than two values on a side.
    """

    difference: float
    ci95: tuple[float, float] | None
    p: float


def compare_unpaired(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> UnpairedComparison:
    """Compares `(n,)` values with `(m,)` others of which none belongs to one of the first.

    The test draws labels anew: all ways of them where there are at most 100,000, else as many at
    random, and (b + 1) / (m + 1) of them (Phipson and Smyth 2010,
    https://arxiv.org/abs/1603.05766).

    Example:
        >>> found = compare_unpaired([0.9, 0.8, 0.85, 0.95], [0.7, 0.6, 0.65, 0.75])
        >>> round(found.difference, 3), round(found.p, 3)
        (0.2, 0.029)
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return UnpairedComparison(difference, None, 1.0)
    from scipy import stats  # seldom needed, and slow to import

    found = stats.permutation_test(
        (a, b),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        n_resamples=_NUM_PERMUTATIONS,
        vectorized=True,
        batch=5_000,
        rng=np.random.default_rng(0),
    )
    return UnpairedComparison(difference, _welch_interval(a, b), float(found.pvalue))


def _welch_interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float] | None:
    largest = max(np.abs(a).max(), np.abs(b).max())
    if max(np.ptp(a), np.ptp(b)) <= _ROUNDING * largest:
        return None
    from scipy import stats

    with warnings.catch_warnings():
        # It warns of one side without spread, whose variance of rounding changes nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        bounds = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    return float(bounds.low), float(bounds.high)
