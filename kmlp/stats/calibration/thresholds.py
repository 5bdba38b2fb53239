"""From which probability on a row is called positive: by a metric, or by what errors cost."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kmlp.stats.metrics.counts import METRICS_OF_COUNTS, Counts


@dataclass(frozen=True)
class Threshold:
    """A row is positive from this probability of the positive class on.

    Attributes:
        threshold: between 0 and 1.
        value: of the metric on the rows that it was chosen on, or the mean cost of a row there.
        at_half: the same at one half.
    """

    threshold: float
    value: float
    at_half: float


def best_threshold(
    labels: np.ndarray,
    probabilities: np.ndarray,
    metric: str,
    weights: np.ndarray | None = None,
) -> Threshold:
    """The threshold with the best value of a metric.

    Between two neighbouring probabilities all thresholds call the rows alike: the middle is taken;
    of several equally good ones that nearest to one half.

    Args:
        labels: `(n,)`, 1 of positive rows, else 0; of both there must be some.
        probabilities: `(n,)` of being positive.
        metric: one of `METRICS_OF_COUNTS`.
        weights: `(n,)`, how much each row counts; all alike where omitted.

    Raises:
        ValueError: the rows are of one class only.

    Example:
        >>> p = np.array([0.1, 0.2, 0.4, 0.3])
        >>> best_threshold(np.array([0, 0, 1, 1]), p, "f1")
        Threshold(threshold=0.25, value=1.0, at_half=0.0)
    """
    return _best(labels, probabilities, METRICS_OF_COUNTS[metric], weights, sign=1)


def cheapest_threshold(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    false_positive: float,
    false_negative: float,
    weights: np.ndarray | None = None,
) -> Threshold:
    """The threshold with the least mean cost of a row, a right answer costing nothing.

    Were the probabilities right, it would be false_positive / (false_positive + false_negative)
    (Elkan 2001, https://dl.acm.org/doi/10.5555/1642194.1642224).

    Args:
        labels, probabilities, weights: as of `best_threshold`.
        false_positive, false_negative: what each error costs.

    Raises:
        ValueError: the rows are of one class only.

    Example:
        >>> p, y = np.array([0.1, 0.2, 0.6, 0.3]), np.array([0, 0, 0, 1])
        >>> cheapest_threshold(y, p, false_positive=1, false_negative=5)
        Threshold(threshold=0.25, value=0.25, at_half=1.5)
    """

    def cost(c: Counts) -> np.ndarray:
        total = c.tp + c.fp + c.tn + c.fn
        return (false_positive * c.fp + false_negative * c.fn) / total

    return _best(labels, probabilities, cost, weights, sign=-1)


def _best(
    labels: np.ndarray,
    probabilities: np.ndarray,
    score: Callable[[Counts], np.ndarray],
    weights: np.ndarray | None,
    *,
    sign: int,
) -> Threshold:
    p = np.asarray(probabilities, np.float64)
    counted = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    positives, negatives = counted * (labels == 1), counted * (labels != 1)
    if not (positives.sum() > 0 and negatives.sum() > 0):
        raise ValueError("the rows are of one class only: no threshold is better than another")
    candidates = np.append(_between(p), 0.5)
    order = np.argsort(p)
    below = np.searchsorted(p[order], candidates, side="left")
    fn, tn = (np.append(0.0, np.cumsum(each[order]))[below] for each in (positives, negatives))
    found = score(Counts(positives.sum() - fn, negatives.sum() - tn, tn, fn))
    values = sign * found
    # What differs by rounding is equally good.
    best = np.flatnonzero(values >= values.max() - 1e-12 * max(1.0, abs(values.max())))
    chosen = best[np.argmin(np.abs(candidates[best] - 0.5))]
    return Threshold(float(candidates[chosen]), float(found[chosen]), float(found[-1]))


def _between(p: np.ndarray) -> np.ndarray:
    """The middles between neighbouring probabilities, and below and above all of them."""
    distinct = np.unique(p)
    return (np.append(0.0, distinct) + np.append(distinct, 1.0)) / 2
