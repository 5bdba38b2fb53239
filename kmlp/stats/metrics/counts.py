"""Metrics of two classes at several thresholds at once, from how many rows are called what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Rows by what they are and are called, at each of several thresholds: `(m,)` each."""

    tp: np.ndarray
    fp: np.ndarray
    tn: np.ndarray
    fn: np.ndarray


def _f1(c: Counts) -> np.ndarray:
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def _macro_f1(c: Counts) -> np.ndarray:
    return (_f1(c) + _ratio(2 * c.tn, 2 * c.tn + c.fp + c.fn)) / 2


def _accuracy(c: Counts) -> np.ndarray:
    return (c.tp + c.tn) / (c.tp + c.fp + c.tn + c.fn)


def _balanced_accuracy(c: Counts) -> np.ndarray:
    return (c.tp / (c.tp + c.fn) + c.tn / (c.tn + c.fp)) / 2


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


METRICS_OF_COUNTS: Mapping[str, Callable[[Counts], np.ndarray]] = {
    "f1": _f1,
    "macro_f1": _macro_f1,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
}
"""What a threshold can be chosen for, larger being better; "f1" is of the positive class."""
