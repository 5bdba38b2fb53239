"""Is a difference of a size that matters? Two one-sided tests, and a posterior beside them.

"Cannot be told apart" is ignorance; "equivalent" is a finding: the difference is shown to lie
within a margin that the reader names. Arrays in, numbers out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from kmlp.stats.cross_validation import corrected_variance
from kmlp.stats.distributions import t_below, t_quantile
from kmlp.stats.paired_tests import ALPHA


@dataclass(frozen=True)
class MeanDifference:
    """An estimated mean difference and how well it is known.

    Attributes:
        mean: in the metric's own unit.
        se: its standard error.
        degrees: of freedom of the t distribution.
    """

    mean: float
    se: float
    degrees: int

    @classmethod
    def of_pairs(cls, differences: Sequence[float] | np.ndarray) -> Self:
        """Of `(n,)` independent paired differences, as over seeds; n at least 2."""
        d = np.asarray(differences, float)
        return cls(float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5), len(d) - 1)

    @classmethod
    def of_folds(cls, differences: np.ndarray, *, num_train: float, num_test: float) -> Self:
        """Of `(num_repeats, num_folds)` differences, which share training rows.

        The standard error is Nadeau and Bengio's (`corrected_variance`).
        """
        d = np.asarray(differences, float)
        variance = corrected_variance(d, num_train=num_train, num_test=num_test)
        return cls(float(d.mean()), variance**0.5, d.size - 1)

    def below(self, value: float) -> float:
        """The share of the t distribution around the mean that lies below a value.

        Without any spread all of it lies at the mean, half of it on either side of itself.
        """
        if self.se == 0:
            return float(np.heaviside(value - self.mean, 0.5))
        return float(t_below((value - self.mean) / self.se, self.degrees))

    def interval(self, level: float) -> tuple[float, float]:
        """The t interval of this level."""
        half = self.se * float(t_quantile((1 + level) / 2, self.degrees))
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Equivalence:
    """Whether a mean difference is shown to lie within a margin.

    Attributes:
        margin: the largest difference that does not matter, in the metric's own unit.
        p: the larger p of both one-sided tests.
        ci90: the interval that lies within the margin where p is below 0.05.
    """

    margin: float
    p: float
    ci90: tuple[float, float]


@dataclass(frozen=True)
class Posterior:
    """How probable it is that A is better than B, practically equal, worse. They sum to 1."""

    better: float
    equal: float
    worse: float


def equivalence(difference: MeanDifference, margin: float) -> Equivalence:
    """Two one-sided t tests: the difference is above `-margin`, and it is below `margin`.

    See Schuirmann 1987, https://doi.org/10.1007/BF01068419.

    Args:
        difference: variant minus baseline.
        margin: above 0.

    Raises:
        ValueError: the margin is not a positive number.

    Example:
        >>> seen = MeanDifference.of_pairs([0.001, -0.001, 0.002, 0.0, -0.001, 0.001])
        >>> round(equivalence(seen, 0.005).p, 4)
        0.0001
    """
    checked_margin(margin)
    p = max(difference.below(-margin), 1 - difference.below(margin))
    return Equivalence(margin, p, difference.interval(1 - 2 * ALPHA))


def posterior(difference: MeanDifference, margin: float, *, higher_is_better: bool) -> Posterior:
    """The Bayesian reading: a t posterior under a flat prior, and its mass within the margin.

    Over folds it is the correlated t test's (Corani and Benavoli 2015,
    https://doi.org/10.1007/s10994-015-5486-z).

    Args:
        difference: A minus B.
        margin: above 0; within it A and B are practically equal.
        higher_is_better: the metric's direction.

    Raises:
        ValueError: the margin is not a positive number.

    Example:
        >>> seen = MeanDifference(mean=0.01, se=0.005, degrees=9)
        >>> found = posterior(seen, 0.002, higher_is_better=True)
        >>> round(found.better, 3), round(found.equal, 3), round(found.worse, 3)
        (0.928, 0.052, 0.02)
    """
    checked_margin(margin)
    low, high = difference.below(-margin), 1 - difference.below(margin)
    better, worse = (high, low) if higher_is_better else (low, high)
    return Posterior(better, 1 - low - high, worse)


def checked_margin(margin: float) -> float:
    """The margin, or a `ValueError`."""
    if not 0 < margin < float("inf"):
        raise ValueError(
            "the margin of equivalence must be a number above 0: the largest difference that "
            f"does not matter, in the metric's unit. Received: {margin!r}."
        )
    return margin
