"""Which randomness matters: a score's standard deviation with one seed stream varying."""

from dataclasses import dataclass

import numpy as np

from kmlp.stats.distributions import chi2_quantile


@dataclass(frozen=True)
class Spread:
    """A standard deviation, in the metric's own unit.

    Attributes:
        value: pooled over settings.
        ci95: from the chi-square distribution with `degrees` degrees of freedom.
        degrees: of freedom: values less settings.
        num_settings: how many settings of the other streams it is pooled over.
    """

    value: float
    ci95: tuple[float, float]
    degrees: int
    num_settings: int


def pooled_sd(scores: list[np.ndarray] | np.ndarray, level: float = 0.95) -> Spread:
    """The standard deviation within settings, pooled over them.

    The interval is exact for independent normal scores whose deviation is the same in every
    setting; heavy tails make it too narrow, and so do settings that share their draws.

    Args:
        scores: one array of two values or more for each setting of what is held fixed, or one
            setting alone, as where everything varies.

    Raises:
        ValueError: a setting with fewer than two values.

    Example:
        >>> spread = pooled_sd([np.array([1.0, 3.0]), np.array([10.0, 12.0])])
        >>> round(spread.value, 3), spread.degrees
        (1.414, 2)
    """
    settings = [np.asarray(values, float) for values in scores]
    fewest = min(map(len, settings), default=0)
    if fewest < 2:
        raise ValueError(
            f"a standard deviation needs two values or more a setting. Received: {fewest}."
        )
    squares = sum(float(np.square(values - values.mean()).sum()) for values in settings)
    degrees = sum(map(len, settings)) - len(settings)
    value = (squares / degrees) ** 0.5
    return Spread(
        value=value,
        ci95=sd_interval(value, degrees, level),
        degrees=degrees,
        num_settings=len(settings),
    )


def sd_interval(value: float, degrees: int, level: float = 0.95) -> tuple[float, float]:
    """The chi-square interval of a standard deviation with so many degrees of freedom.

    Example:
        >>> [round(bound, 2) for bound in sd_interval(1.0, 10)]
        [0.7, 1.75]
    """
    tails = chi2_quantile(((1 + level) / 2, (1 - level) / 2), degrees)
    low, high = value * np.sqrt(degrees / tails)
    return float(low), float(high)
