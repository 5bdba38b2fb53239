"""How large a difference is beside the spread of single runs: arrays in, numbers out."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.distributions import chi2_quantile, normal_below
from kmlp.stats.roots import crossing

_NODES = 200


@dataclass(frozen=True)
class EffectSize:
    """A standardized difference: 0.2 is called small, 0.5 medium, 0.8 large (Cohen 1988).

    Attributes:
        value: mean difference / standard deviation of the differences.
        ci95: its interval.
    """

    value: float
    ci95: tuple[float, float]


def standardized_difference(differences: Sequence[float] | np.ndarray) -> EffectSize | None:
    """The mean of `(n,)` paired differences in units of their standard deviation.

    The interval inverts the noncentral t distribution (Steiger and Fouladi 1997; exact for normal
    differences). None of fewer than two pairs and without any spread.

    Example:
        >>> found = standardized_difference([0.1, 0.3, 0.2, 0.4])
        >>> round(found.value, 2), [round(bound, 2) for bound in found.ci95]
        (1.94, [0.15, 3.67])
    """
    d = np.asarray(differences, float)
    if len(d) < 2 or d.std(ddof=1) <= 1e-12 * np.abs(d).max():
        return None
    value, n = float(d.mean() / d.std(ddof=1)), len(d)
    low, high = (_noncentrality(value * n**0.5, n - 1, p) / n**0.5 for p in (0.975, 0.025))
    return EffectSize(value, (low, high))


def _noncentrality(t: float, degrees: int, p: float) -> float:
    """That under which a share p of the noncentral t distribution lies below t.

    The share is the mean of normal ones over the chi distribution of the spread, by quadrature:
    SciPy's own distribution is NaN in its tails.
    """
    spreads, weights = _spreads(degrees)

    def off(shift: float) -> float:
        return float(weights @ normal_below(t * spreads - shift)) / 2 - p

    reach = 10 + abs(t) * float(spreads.max())
    return crossing(off, -reach, reach)


@functools.cache
def _spreads(degrees: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the quadrature looks, and how much each place counts."""
    nodes, weights = _nodes()
    return np.sqrt(chi2_quantile((1 + nodes) / 2, degrees) / degrees), weights


@functools.cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(_NODES)
