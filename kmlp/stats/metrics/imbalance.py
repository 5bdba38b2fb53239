"""Classes of very unequal size: when an accuracy misleads, and what to compare by instead."""

from collections.abc import Sequence

DOMINANT = 0.9
"""The share of the rows from which on one class makes the accuracy a number that misleads."""


def is_dominated(sizes: Sequence[float]) -> bool:
    """Whether one class holds more than nine of ten rows.

    Args:
        sizes: `(num_classes,)` rows of each class, or their shares.

    Example:
        >>> is_dominated([0.95, 0.05]), is_dominated([600, 400]), is_dominated([])
        (True, False, False)
    """
    return bool(len(sizes)) and max(sizes) > DOMINANT * sum(sizes)


def fitting_metrics(sizes: Sequence[float]) -> tuple[str, ...]:
    """What tells more than the accuracy there.

    The average precision of two classes is that of class 1: it is named where that is the rare one.

    Example:
        >>> fitting_metrics([0.95, 0.05]), fitting_metrics([0.05, 0.95])
        (('balanced_accuracy', 'average_precision'), ('balanced_accuracy', 'auc'))
    """
    finds_the_rare = len(sizes) > 2 or sizes[1] < sizes[0]
    return ("balanced_accuracy", "average_precision" if finds_the_rare else "auc")
