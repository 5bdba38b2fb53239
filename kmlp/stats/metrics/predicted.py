"""Predictions beside the truth, checked: what every metric is computed from. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class PredictedClasses:
    """Labels and what a model says of them, in float64 where anything is summed.

    How much a row counts has its place here: a metric takes its means by `mean` and its counts
    from `confusion`.

    Attributes:
        labels: `(n,)` `int64`.
        log_p: `(n, num_classes)` natural logarithms of the probabilities.
        weights: `(n,)` above 0; None where all rows count alike.
    """

    labels: np.ndarray
    log_p: np.ndarray
    weights: np.ndarray | None = None

    @classmethod
    def checked(
        cls, labels: object, log_probabilities: object, weights: object = None
    ) -> "PredictedClasses":
        """What `classification_metrics` takes, or its `ValueError`."""
        return cls(*_weighted(*_checked_labels(labels, log_probabilities), weights=weights))

    @property
    def task(self) -> str:
        """ "binary" of two classes, else "multiclass"."""
        return "binary" if self.log_p.shape[1] == 2 else "multiclass"

    def mean(self, per_row: np.ndarray) -> float:
        """Of one number a row, `(n,)`."""
        return _mean(per_row, self.weights)

    @cached_property
    def confusion(self) -> np.ndarray:
        """`(num_classes, num_classes)` rows: true classes by row, predicted classes by column."""
        num_classes = self.log_p.shape[1]
        pairs = self.labels * num_classes + self.log_p.argmax(axis=1)
        counts = np.bincount(pairs, self.weights, minlength=num_classes**2)
        return counts.reshape(num_classes, num_classes)

    @property
    def of_the_label(self) -> np.ndarray:
        """`(n,)` log-probabilities of the true classes."""
        return self.log_p[np.arange(len(self.labels)), self.labels]

    @cached_property
    def class_counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By class: rows that are right, of the class, and said to be of it; `(num_classes,)`."""
        counts = self.confusion
        return counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)


@dataclass(frozen=True, eq=False)
class PredictedNumbers:
    """Targets and predictions, `(n,)` in float64; see `PredictedClasses` on how rows count."""

    targets: np.ndarray
    predictions: np.ndarray
    weights: np.ndarray | None = None

    @classmethod
    def checked(
        cls, targets: object, predictions: object, weights: object = None
    ) -> "PredictedNumbers":
        """What `regression_metrics` takes, or its `ValueError`."""
        y, predicted = _column(targets, "targets"), _column(predictions, "predictions")
        if y.shape != predicted.shape:
            raise ValueError(
                "targets and predictions must have as many rows. "
                f"Received: {len(y)} targets, {len(predicted)} predictions."
            )
        return cls(*_weighted(y, predicted, weights=weights))

    def mean(self, per_row: np.ndarray) -> float:
        """Of one number a row, `(n,)`."""
        return _mean(per_row, self.weights)

    @cached_property
    def errors(self) -> np.ndarray:
        """`(n,)` predictions minus targets."""
        return self.predictions - self.targets


Labels = np.ndarray | Sequence[int]
Numbers = np.ndarray | Sequence[float]


def _checked_labels(labels: Any, log_probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
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


def _column(values: Any, name: str) -> np.ndarray:
    x = np.asarray(values, np.float64)
    if x.shape not in {(x.size,), (x.size, 1)} or x.size == 0:
        raise ValueError(f"{name} must be (n,) or (n, 1), n at least 1. Received: shape {x.shape}.")
    return x.reshape(-1)


def _mean(per_row: np.ndarray, weights: np.ndarray | None) -> float:
    if weights is None:
        return float(per_row.mean(dtype=np.float64))
    return float(np.average(per_row.astype(np.float64), weights=weights))


def _weighted(
    truth: np.ndarray, predicted: np.ndarray, *, weights: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The rows that count, and how much; rows of weight 0 are left out."""
    if weights is None:
        return truth, predicted, None
    w = np.asarray(weights, np.float64)
    if w.shape != truth.shape:
        raise ValueError(f"weights must be one a row, {truth.shape}. Received: shape {w.shape}.")
    if not np.isfinite(w).all() or w.min() < 0 or not w.any():
        raise ValueError(
            "weights must be finite, at least 0 and not all 0. "
            f"Received: values from {w.min()} to {w.max()}."
        )
    counts = w > 0
    return truth[counts], predicted[counts], w[counts]
