"""One method against another over several data sets: arrays in, numbers out.

A data set counts once, by its mean difference: how often a network was trained on it says nothing
of other data sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.equivalence import Posterior, checked_margin
from kmlp.stats.paired_tests import wilcoxon_p
from kmlp.stats.summaries import t_interval

_NUM_DRAWS = 50_000
_CHUNK = 4_000_000
_PRIOR_STRENGTH = 0.5


@dataclass(frozen=True)
class AcrossDatasets:
    """A minus B over data sets.

    Attributes:
        num_datasets: how many there are.
        difference: the mean over data sets of the mean differences.
        ci95: t interval of it; None of a single data set.
        p: of Wilcoxon's signed-rank test, two-sided and exact.
        wins, ties, losses: data sets on which A is better, within the margin, worse.
        posterior: of the next data set (`signed_rank_posterior`); None without a margin.
    """

    num_datasets: int
    difference: float
    ci95: tuple[float, float] | None
    p: float
    wins: int
    ties: int
    losses: int
    posterior: Posterior | None


def compare_across(
    differences: Sequence[float] | np.ndarray, *, margin: float | None, higher_is_better: bool
) -> AcrossDatasets:
    """Compares two methods by their mean differences on each data set.

    The test is the signed-rank test that Demsar recommends (2006,
    https://jmlr.org/papers/v7/demsar06a.html): no data set outweighs the others by its size, and
    few of them cannot show anything: of five the smallest p is 0.063.

    Args:
        differences: `(num_datasets,)` A minus B, all in one metric's unit.
        margin: within it two methods are practically equal; None where no difference is too small
            to matter.
        higher_is_better: the metric's direction.

    Raises:
        ValueError: there is no data set, a difference is not finite, or the margin is not a
            positive number.

    Example:
        >>> found = compare_across(
        ...     [0.02, 0.03, 0.01, 0.04, 0.02, 0.001], margin=0.005, higher_is_better=True)
        >>> found.wins, found.ties, found.losses, round(found.p, 3)
        (5, 1, 0, 0.031)
    """
    d = np.asarray(differences, float)
    if d.ndim != 1 or not len(d) or not np.isfinite(d).all():
        raise ValueError(
            "differences must be finite numbers, one a data set, at least one. "
            f"Received: {d.tolist()}."
        )
    better, equal = d if higher_is_better else -d, margin or 0.0
    return AcrossDatasets(
        num_datasets=len(d),
        difference=float(d.mean()),
        ci95=t_interval(d) if len(d) > 1 else None,
        p=wilcoxon_p(d),
        wins=int((better > equal).sum()),
        ties=int((np.abs(d) <= equal).sum()),
        losses=int((better < -equal).sum()),
        posterior=None if margin is None else signed_rank_posterior(better, margin=margin),
    )


def signed_rank_posterior(
    gains: Sequence[float] | np.ndarray, *, margin: float, seed: int = 0
) -> Posterior:
    """The Bayesian signed-rank test (Benavoli et al. 2014, 2017,
    https://jmlr.org/papers/v18/16-305.html).

    A Dirichlet process over data sets, its prior worth half a data set without any difference.
    The probabilities are shares of 50,000 draws in which better, equal or worse pairs weigh most.

    Args:
        gains: `(num_datasets,)`, above 0 where A is better.
        margin: of practical equality, above 0.
        seed: of the draws.

    Example:
        >>> signed_rank_posterior([0.02] * 9, margin=0.01).better > 0.99
        True
    """
    checked_margin(margin)
    z = np.concatenate([[0.0], np.asarray(gains, float)])
    sums = z[:, None] + z
    above, below = (np.heaviside(side * sums - 2 * margin, 0.5) for side in (1, -1))
    strengths = np.ones(len(z))
    strengths[0] = _PRIOR_STRENGTH
    rng, counts, left = np.random.default_rng(seed), np.zeros(3), _NUM_DRAWS
    while left:
        weights = rng.dirichlet(strengths, min(left, max(1, _CHUNK // len(z))))
        better, worse = (((weights @ side) * weights).sum(axis=1) for side in (above, below))
        heaviest = np.argmax([better, 1 - better - worse, worse], axis=0)
        counts += np.bincount(heaviest, minlength=3)
        left -= len(weights)
    return Posterior(*map(float, counts / _NUM_DRAWS))
