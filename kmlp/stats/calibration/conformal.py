"""Split-conformal prediction: sets and intervals that hold the truth as often as is said.

Of rows that were not used to make a model, as new ones are not, each has a score: how badly the
model does on it. A new row's score is as likely to stand at any place among theirs as at any other.
So the k-th smallest of n, k = ceil((n + 1) coverage), bounds it with at least this probability,
whatever the model and the data, as long as all these rows are exchangeable (Vovk, Gammerman and
Shafer 2005; Lei et al. 2018, https://doi.org/10.1080/01621459.2017.1307116). That is on average
over draws of the n rows; `coverage_of` says how far one draw may be off.
"""

import math

import numpy as np
from scipy import stats


def rank(num_rows: int, coverage: float) -> int:
    """Which of the scores, from 1 in ascending order, bounds a new one; `num_rows + 1` is none.

    Example:
        >>> rank(99, 0.9), rank(8, 0.9), rank(9, 0.9)
        (90, 9, 9)
    """
    # 0.9 is no binary fraction: what is a whole number but for rounding is one.
    return math.ceil((num_rows + 1) * coverage - 1e-9)


def rows_needed(coverage: float) -> int:
    """How many rows it takes for a bound that is finite.

    Example:
        >>> rows_needed(0.9), rows_needed(0.99), rows_needed(0.5)
        (9, 99, 1)
    """
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def coverage_of(num_rows: int, coverage: float, level: float = 0.95) -> tuple[float, float]:
    """Between which shares of new rows the bound of one draw of `num_rows` rows covers, in a
    `level` of all draws; of scores without ties: Beta(k, n + 1 - k) (Vovk 2012,
    https://arxiv.org/abs/1209.2673).

    Example:
        >>> [round(end, 3) for end in coverage_of(999, 0.9)]
        [0.881, 0.918]
    """
    k = rank(num_rows, coverage)
    low, high = stats.beta.ppf([(1 - level) / 2, (1 + level) / 2], k, num_rows + 1 - k)
    return float(low), float(high)


def bound(scores: np.ndarray, coverage: float) -> float:
    """The score that a new row's does not exceed with at least this probability; infinite where
    there are fewer rows than `rows_needed`.

    Args:
        scores: `(n,)` of rows that the model was not made with; `(repeats, n)` where each row was
            held out once a repeat: then each of a row's scores counts as a share of that row.
        coverage: between 0 and 1.

    Example:
        >>> bound(np.arange(1, 100), 0.9)
        90.0
        >>> bound(np.arange(5), 0.9)
        inf
    """
    table = np.atleast_2d(np.asarray(scores, np.float64))
    num_repeats, num_rows = table.shape
    k = rank(num_rows, coverage)
    if k > num_rows:
        return math.inf
    return float(np.partition(table, k * num_repeats - 1, axis=None)[k * num_repeats - 1])


def class_scores(labels: np.ndarray, log_probabilities: np.ndarray) -> np.ndarray:
    """One minus the probability of the true class: the LAC score (Sadinle, Lei and Wasserman 2019,
    https://doi.org/10.1080/01621459.2017.1395341).

    A row's set is of all classes whose own score the bound does not exceed: those that are at
    least so likely. Of all sets of a coverage these hold the fewest classes on average, and one
    comparison makes them in any runtime; APS (Romano, Sesia and Candès 2020,
    https://arxiv.org/abs/2006.02544) covers hard rows more evenly, for larger sets and at random.
    A set may be empty: no class is as likely as the true ones of that many known rows.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(..., n, num_classes)` of the model as it is.

    Returns:
        `(..., n)`.

    Example:
        >>> class_scores(np.array([0]), np.log([[0.75, 0.25]])).round(2).tolist()
        [0.25]
    """
    of_label = np.asarray(log_probabilities)[..., np.arange(len(labels)), labels]
    return 1 - np.exp(of_label, dtype=np.float64)


def residuals(truth: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """How far off each prediction is, `(..., n)`: an interval reaches the bound to either side."""
    return np.abs(np.asarray(predictions, np.float64) - np.asarray(truth, np.float64))
