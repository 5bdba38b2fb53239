"""What networks say of the test rows: confusions, misread rows, reliability. No files here."""

from dataclasses import dataclass

import numpy as np

from kmlp.stats import summaries

NUM_BINS = 10


@dataclass(frozen=True)
class Reliability:
    """How often predictions are right by how sure they are: bins that hold rows.

    Attributes:
        confidence, accuracy: `(num_bins,)` means, fractions.
        counts: `(num_bins,)` rows.
        intervals: `(num_bins, 2)` Wilson intervals of the accuracies.
        ece: expected calibration error, the mean of |accuracy - confidence| over rows.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray
    intervals: np.ndarray
    ece: float


@dataclass(frozen=True)
class Misread:
    """A test row that many networks get wrong.

    Attributes:
        row: its index in the test set.
        label, taken_for: the true class and the most frequent wrong one.
        num_wrong: networks that are wrong; `num_agreeing` of them say `taken_for`.
    """

    row: int
    label: int
    taken_for: int
    num_wrong: int
    num_agreeing: int


def confusion(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """The share of each true class's rows that is read as each class, mean over networks.

    Args:
        labels: `(n,)` class indices.
        predicted: `(num_networks, n)` class indices.
        num_classes: how many classes there are.

    Returns:
        `(num_classes, num_classes)`, true classes by row; NaN in rows of classes without rows.

    Example:
        >>> confusion(np.array([0, 0, 1]), np.array([[0, 1, 1]]), 2).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    pairs = labels.astype(np.int64) * num_classes + predicted
    counts = np.bincount(pairs.reshape(-1), minlength=num_classes**2)
    table = counts.reshape(num_classes, num_classes).astype(float)
    rows = table.sum(axis=1, keepdims=True)
    return np.divide(table, rows, out=np.full_like(table, np.nan), where=rows > 0)


def reliability(
    labels: np.ndarray, log_probabilities: np.ndarray, num_bins: int = NUM_BINS
) -> Reliability:
    """Bins of equal width by the probability of the predicted class (Guo et al. 2017).

    See https://arxiv.org/abs/1706.04599. A probability on a bin's upper edge belongs to it.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(n, num_classes)`.
        num_bins: bins between 0 and 1; those without rows are left out.

    Example:
        >>> log_p = np.log([[0.95, 0.05], [0.95, 0.05]])
        >>> round(reliability(np.array([0, 1]), log_p).ece, 3)
        0.45
    """
    confidence = np.exp(log_probabilities.max(axis=1).astype(np.float64))
    right = log_probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    counts = np.bincount(place, minlength=num_bins)
    used = counts > 0
    hits = np.bincount(place, weights=right, minlength=num_bins)[used]
    sure = np.bincount(place, weights=confidence, minlength=num_bins)[used] / counts[used]
    accuracy, counts = hits / counts[used], counts[used]
    intervals = [
        summaries.wilson_interval(int(h), int(n)) for h, n in zip(hits, counts, strict=True)
    ]
    ece = float((counts * np.abs(accuracy - sure)).sum() / counts.sum())
    return Reliability(sure, accuracy, counts, np.array(intervals), ece)


def most_misread(labels: np.ndarray, log_probabilities: np.ndarray, limit: int) -> list[Misread]:
    """The test rows that most networks get wrong, of equals the least likely true class first.

    Args:
        labels: `(n,)` class indices.
        log_probabilities: `(num_networks, n, num_classes)`.
        limit: at most so many; rows that no network gets wrong never count.
    """
    predicted = log_probabilities.argmax(axis=2)
    wrong = predicted != labels
    num_wrong = wrong.sum(axis=0)
    likelihood = log_probabilities[:, np.arange(len(labels)), labels].mean(axis=0, dtype=float)
    rows = np.lexsort((likelihood, -num_wrong))[:limit]
    found = []
    for row in rows[num_wrong[rows] > 0]:
        said = np.bincount(predicted[wrong[:, row], row])
        taken_for = int(said.argmax())
        counts = int(num_wrong[row]), int(said[taken_for])
        found.append(Misread(int(row), int(labels[row]), taken_for, *counts))
    return found


def confused_pairs(shares: np.ndarray, limit: int) -> list[tuple[int, int, float]]:
    """The most frequent confusions: true class, predicted class, share of the true one's rows.

    Args:
        shares: as `confusion` gives them.
        limit: at most so many; what never happens does not count.
    """
    off = np.where(np.eye(len(shares), dtype=bool), 0.0, np.nan_to_num(shares))
    order = np.argsort(-off, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(i), len(shares)) for i in order]
    return [(true, read, float(off[true, read])) for true, read in pairs if off[true, read] > 0]
