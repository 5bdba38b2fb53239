"""The statistics of a study: arrays in, numbers out. No configs, no files, no plots."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.distributions import fair_coin_p, noncentral_t_above, t_below, t_quantile
from kmlp.stats.summaries import t_interval

ALPHA = 0.05


MIN_SEEDS_TO_TEST = 6


MAX_SEEDS = 500


_MAX_EXACT = 14


_NUM_FLIPS = 100_000


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


@dataclass(frozen=True)
class McNemar:
    """Two models on the same rows: how many each gets right, and the exact two-sided p."""

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p: float


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
    signs = _signs(len(d), seed)
    extreme = int((np.abs(_flipped_sums(d, signs)) >= observed).sum())
    if len(d) <= _MAX_EXACT:
        return extreme / len(signs)
    return (extreme + 1) / (len(signs) + 1)


def _flipped_sums(d: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The sum of `(n,)` differences under each pattern: eight signs at a time are looked up."""
    sums = np.zeros(len(signs))
    for place, byte in enumerate(signs.T):
        eight = d[8 * place : 8 * place + 8]
        sums += ((1 - 2 * _BITS[:, : len(eight)]) @ eight).take(byte)
    return sums


_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(float)


@functools.lru_cache(maxsize=2)
def _signs(n: int, seed: int) -> np.ndarray:
    """`(2^n, n / 8)` bytes of eight signs each, a bit a minus: all patterns; beyond 14 differences
    100,000 random ones."""
    if n <= _MAX_EXACT:
        bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.uint8)
    else:
        bits = np.random.default_rng(seed).integers(2, size=(_NUM_FLIPS, n), dtype=np.int8)
    signs = np.asfortranarray(np.packbits(bits, axis=1))
    signs.setflags(write=False)
    return signs


def wilcoxon_p(differences: Sequence[float] | np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test of `(n,)` paired differences, exact.

    Zeros are left out, equal sizes share their mean rank, and the distribution is counted over
    all signs of just these ranks, so that it is exact with ties, for any n (Wilcoxon 1945,
    https://doi.org/10.2307/3001968). Sizes that differ by rounding alone count as equal.

    Example:
        >>> wilcoxon_p([0.1, 0.2, 0.2, 0.3, 0.0])
        0.125
    """
    d = np.asarray(differences, float)
    tolerance = 1e-9 * np.abs(d).max(initial=0.0)
    d = d[np.abs(d) > tolerance]
    d = d[np.argsort(np.abs(d))]
    groups = np.cumsum(np.diff(np.abs(d), prepend=0.0) > tolerance)
    _, sizes = np.unique(groups, return_counts=True)
    # Twice the ranks: those of ties are halves.
    ranks = np.repeat(2 * np.cumsum(sizes) - sizes + 1, sizes)
    chances = np.zeros(ranks.sum() + 1)
    chances[0] = 1.0
    for rank in ranks:
        shifted = np.concatenate([np.zeros(rank), chances[:-rank]])
        chances = (chances + shifted) / 2
    positive = int(ranks[d > 0].sum())
    smaller = min(positive, int(ranks.sum()) - positive)
    return min(1.0, float(2 * chances[: smaller + 1].sum()))


def paired_t_p(differences: Sequence[float] | np.ndarray) -> float:
    """Two-sided p of the paired t test of `(n,)` differences, which assumes that they are about
    normal.

    Among very many comparisons it can still tell where n sign flips cannot: the smallest p of
    those is 2^(1 - n). Differences that are all alike are 0 or certain; one alone tells nothing.

    Example:
        >>> round(paired_t_p([1.0, 2.0, 3.0]), 4), paired_t_p([0.0, 0.0]), paired_t_p([1.0])
        (0.0742, 1.0, 1.0)
    """
    d = np.asarray(differences, float)
    if len(d) < 2 or not d.any():
        return 1.0
    if np.ptp(d) <= 1e-9 * np.abs(d).max():
        return 0.0
    t = d.mean() / np.sqrt(d.var(ddof=1) / len(d))
    return float(2 * t_below(-abs(t), len(d) - 1))


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


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's exact test: do two models get equally many of the same rows right?

    Only rows on which they disagree count: each is a fair coin if the models are equally good
    (McNemar 1947, https://doi.org/10.1007/BF02295996). It compares two trained models, not the
    variants that they stand for.

    Args:
        first, second: `(n,)` booleans, whether each is right.

    Example:
        >>> mcnemar(np.array([1, 1, 1, 0], bool), np.array([1, 0, 0, 0], bool)).p
        0.5
    """
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    disagreeing = only_first + only_second
    return McNemar(
        both_right=int((a & b).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~a & ~b).sum()),
        p=fair_coin_p(only_first, disagreeing),
    )


def min_seeds_to_test(num_comparisons: int) -> int:
    """How many pairs it takes before any difference can be called significant.

    The smallest two-sided p of n pairs is 2^(1 - n), and Holm multiplies it by the comparisons.

    Example:
        >>> min_seeds_to_test(1), min_seeds_to_test(7), min_seeds_to_test(10)
        (6, 9, 9)
    """
    n = MIN_SEEDS_TO_TEST
    while num_comparisons * 2.0 ** (1 - n) >= ALPHA:
        n += 1
    return n


def seeds_to_show(
    effect: float,
    sd: float,
    *,
    num_comparisons: int = 1,
    power: float = 0.8,
    max_seeds: int = MAX_SEEDS,
) -> int | None:
    """How many seeds show a true mean difference of this size with this chance.

    The power is that of the paired t test at the level that Holm gives the smallest of
    `num_comparisons` p-values, rounded down to one that the sign flips of so few pairs can
    reach: 2^(1 - n) and its multiples.

    Args:
        effect: the mean difference, in the metric's own unit.
        sd: standard deviation of the paired differences, in the same unit.
        num_comparisons: how many are tested together and still open.
        power: the chance to call it significant.
        max_seeds: beyond these it is no use.

    Returns:
        The number of seeds, at least six; None where `max_seeds` are not enough.

    Example:
        >>> seeds_to_show(1.0, 1.0), seeds_to_show(0.1, 1.0), seeds_to_show(0.0, 1.0)
        (11, None, None)
    """
    n = np.arange(MIN_SEEDS_TO_TEST, max_seeds + 1)
    if effect == 0 or not len(n):
        return None
    # Beyond a shift of 30 standard errors the power is 1, and SciPy's tail is not reliable.
    shift = np.minimum(abs(effect) / max(sd, 1e-300) * np.sqrt(n), 30.0)
    enough = noncentral_t_above(_critical(num_comparisons, max_seeds), n - 1, shift) >= power
    return int(n[enough][0]) if enough.any() else None


@functools.lru_cache(maxsize=2)
def _critical(num_comparisons: int, max_seeds: int) -> np.ndarray:
    """Of the t test of six seeds to `max_seeds`; NaN of those whose flips reach no such level."""
    n = np.arange(MIN_SEEDS_TO_TEST, max_seeds + 1)
    steps = 2.0 ** np.minimum(n - 1, 50)
    level = (np.ceil(ALPHA / num_comparisons * steps) - 1) / steps
    return np.where(level > 0, -t_quantile(np.maximum(level, 1e-300) / 2, n - 1), np.nan)
