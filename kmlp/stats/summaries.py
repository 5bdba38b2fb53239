"""Means, shares and their intervals: arrays in, numbers out. No configs, no files, no plots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.distributions import normal_quantile, t_quantile


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
class Share:
    """An estimated probability with its interval."""

    value: float
    ci95: tuple[float, float]


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
    half = t_quantile((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / len(x) ** 0.5
    return float(x.mean() - half), float(x.mean() + half)


def wilson_interval(hits: float, num_rows: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share: what the number of trials leaves open.

    Args:
        hits: of `num_rows` trials; a tie may count half.

    Example:
        >>> low, high = wilson_interval(90, 100)
        >>> round(low, 3), round(high, 3)
        (0.826, 0.945)
    """
    z2 = float(normal_quantile((1 + level) / 2)) ** 2
    share = hits / num_rows
    centre = (share + z2 / (2 * num_rows)) / (1 + z2 / num_rows)
    half = (z2 * (share * (1 - share) + z2 / (4 * num_rows)) / num_rows) ** 0.5
    half /= 1 + z2 / num_rows
    return max(0.0, centre - half), min(1.0, centre + half)


def probability_better(wins: int, ties: int, losses: int) -> Share:
    """P(A > B): the chance that a run of A scores better than B's of the same seed.

    A tie counts half (Bouthillier et al. 2021, https://arxiv.org/abs/2103.03098). Their interval
    is a percentile bootstrap, which after 10 wins of 10 is 1 to 1; this one is Wilson's, which
    says 0.72 to 1. With ties it is wider than need be.

    Example:
        >>> probability_better(8, 1, 1).value
        0.85
    """
    pairs, better = wins + ties + losses, wins + ties / 2
    return Share(better / pairs, wilson_interval(better, pairs))
