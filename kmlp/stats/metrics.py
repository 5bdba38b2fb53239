"""The final scores of a model: arrays in, numbers out. NumPy only.

What is reported is computed here in float64 from stored predictions, so that anyone can
compute it again: accuracies are whole numbers of rows over n, and ties stay ties.
"""

from collections.abc import Sequence

import numpy as np

METRICS: dict[str, tuple[str, ...]] = {
    "binary": ("accuracy", "balanced_accuracy", "auc", "macro_f1", "cross_entropy"),
    "multiclass": ("accuracy", "balanced_accuracy", "auc", "macro_f1", "cross_entropy"),
    "regression": ("rmse", "mae", "r2", "mse"),
}
"""The metrics of each task; the first is the primary one."""

HIGHER_IS_BETTER: dict[str, bool] = {
    "accuracy": True,
    "balanced_accuracy": True,
    "auc": True,
    "macro_f1": True,
    "cross_entropy": False,
    "rmse": False,
    "mae": False,
    "r2": True,
    "mse": False,
}


def within_range(metric: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """An interval of a metric without what it cannot be: an accuracy above 1, an error below 0."""
    low, high = bounds
    largest = 1.0 if HIGHER_IS_BETTER[metric] else float("inf")
    smallest = float("-inf") if metric == "r2" else 0.0
    return max(low, smallest), min(high, largest)


def classification_metrics(
    labels: np.ndarray | Sequence[int], log_probabilities: np.ndarray
) -> dict[str, float]:
    """Scores of predicted class probabilities, binary or multiclass.

    The predicted class is the likeliest, the first of equals.

    Args:
        labels: `(n,)` integers from 0 to `num_classes - 1`.
        log_probabilities: `(n, num_classes)` natural logarithms; two columns for a binary task.

    Returns:
        Fractions in [0, 1], but for `cross_entropy` in nats per row:

        - `accuracy`: correct rows / n.
        - `balanced_accuracy`: mean recall over the classes that `labels` holds.
        - `auc`: area under the ROC curve, ties counted half (Fawcett 2006,
          https://doi.org/10.1016/j.patrec.2005.10.010). Binary: of class 1, by its log odds.
          Multiclass: mean over classes of one against the rest, by its log probability; a class
          without positives or without negatives is left out. NaN where none is left.
        - `macro_f1`: mean F1 over the classes that `labels` or the predictions hold.
        - `cross_entropy`: mean of -log p(label); infinite where a label's probability is 0.

        All are NaN where a log probability is NaN: a model that has diverged has no score.

    Raises:
        ValueError: the shapes do not fit, there are no rows, the labels are no integers or out
            of range, or probabilities were given instead of their logarithms.

    Example:
        >>> p = np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4]])
        >>> scores = classification_metrics([0, 1, 1], np.log(p))
        >>> round(scores["accuracy"], 3), scores["balanced_accuracy"], scores["auc"]
        (0.667, 0.75, 1.0)
    """
    y, log_p = _checked_labels(labels, log_probabilities)
    if np.isnan(log_p).any():
        return dict.fromkeys(METRICS["multiclass"], float("nan"))
    n, num_classes = log_p.shape
    pairs = np.bincount(y * num_classes + log_p.argmax(axis=1), minlength=num_classes**2)
    confusion = pairs.reshape(num_classes, num_classes)
    hits, support, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    present, seen = support > 0, support + predicted > 0
    return {
        "accuracy": int(hits.sum()) / n,
        "balanced_accuracy": float((hits[present] / support[present]).mean()),
        "auc": _auc(y, log_p),
        "macro_f1": float((2 * hits[seen] / (support + predicted)[seen]).mean()),
        # Subtracted, because the negative of 0.0 prints as -0.0.
        "cross_entropy": 0.0 - float(log_p[np.arange(n), y].mean(dtype=np.float64)),
    }


def regression_metrics(
    targets: np.ndarray | Sequence[float], predictions: np.ndarray | Sequence[float]
) -> dict[str, float]:
    """Scores of predicted numbers.

    Args:
        targets: `(n,)` or `(n, 1)`.
        predictions: `(n,)` or `(n, 1)`, in the targets' unit.

    Returns:
        `rmse` and `mae` (root mean squared and mean absolute error, in the targets' unit), `r2`
        (1 - squared error / squared deviation of the targets from their mean; NaN where the
        targets do not vary) and `mse` (the unit squared).

    Raises:
        ValueError: the shapes do not fit, or there are no rows.

    Example:
        >>> regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])["mse"]
        1.3333333333333333
    """
    y, predicted = _column(targets, "targets"), _column(predictions, "predictions")
    if y.shape != predicted.shape:
        raise ValueError(
            "targets and predictions must have as many rows. "
            f"Received: {len(y)} targets, {len(predicted)} predictions."
        )
    errors = predicted - y
    mse = float(np.square(errors).mean())
    varies = y.min() < y.max()
    return {
        "rmse": mse**0.5,
        "mae": float(np.abs(errors).mean()),
        "r2": 1 - mse / float(y.var()) if varies else float("nan"),
        "mse": mse,
    }


def _auc(labels: np.ndarray, log_p: np.ndarray) -> float:
    """Of class 1 where there are two, else the mean of one against the rest."""
    if log_p.shape[1] == 2:
        # Odds, because log p(1) of sure predictions rounds to 0 and makes ties.
        return _binary_auc(log_p[:, 1] - log_p[:, 0], labels == 1)
    areas = [_binary_auc(log_p[:, c], labels == c) for c in range(log_p.shape[1])]
    areas = [area for area in areas if not np.isnan(area)]
    return float(np.mean(areas)) if areas else float("nan")


def _binary_auc(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """The share of pairs of a positive and a negative in which the positive scores higher.

    Sorting the negatives and looking the positives up is several times faster than ranks.
    """
    positives, negatives = np.sort(scores[is_positive]), np.sort(scores[~is_positive])
    num_pairs = len(positives) * len(negatives)
    if num_pairs == 0:
        return float("nan")
    below = np.searchsorted(negatives, positives, "left").sum()
    not_above = np.searchsorted(negatives, positives, "right").sum()
    return int(below + not_above) / (2 * num_pairs)


def _checked_labels(labels: object, log_probabilities: object) -> tuple[np.ndarray, np.ndarray]:
    y, log_p = np.asarray(labels), np.asarray(log_probabilities)
    if log_p.ndim != 2 or log_p.shape[1] < 2 or y.shape != log_p.shape[:1] or len(y) == 0:
        raise ValueError(
            "labels must be (n,) and log_probabilities (n, num_classes), n at least 1, two "
            f"columns for a binary task. Received: shapes {y.shape} and {log_p.shape}."
        )
    if y.dtype.kind not in "iub" or y.min() < 0 or y.max() >= log_p.shape[1]:
        raise ValueError(
            f"labels must be integers from 0 to {log_p.shape[1] - 1}. "
            f"Received: {y.dtype} from {y.min()} to {y.max()}."
        )
    # Rounding can leave a logarithm slightly above 0, a probability of the likeliest class not.
    if log_p.max() > 1e-3:
        raise ValueError(
            f"log_probabilities must be at most 0. Received: {log_p.max()}. "
            "Did you pass probabilities or logits? Pass log(p)."
        )
    return y.astype(np.int64), log_p


def _column(values: object, name: str) -> np.ndarray:
    x = np.asarray(values, np.float64)
    if x.shape not in {(x.size,), (x.size, 1)} or x.size == 0:
        raise ValueError(f"{name} must be (n,) or (n, 1), n at least 1. Received: shape {x.shape}.")
    return x.reshape(-1)
