"""What the code knows of each metric, and the final scores of a model: arrays in, numbers out.

A metric is a formula and a record beside it (`classification.py`, `regression.py`); names, titles,
units, directions, what can be monitored and searched on follow from it everywhere.

What is reported is computed here in float64 from stored predictions, so that anyone can
compute it again: accuracies are whole numbers of rows over n, and ties stay ties. NumPy only.
"""

from collections.abc import Callable

import numpy as np

from kmlp.stats.metrics import classification, regression
from kmlp.stats.metrics.predicted import Labels, Numbers, PredictedClasses, PredictedNumbers
from kmlp.stats.metrics.record import TASKS as TASKS

AUTO = "auto"


def classification_metrics(
    labels: Labels, log_probabilities: np.ndarray, weights: Numbers | None = None
) -> dict[str, float]:
    """Scores of predicted class probabilities, binary or multiclass.

    The predicted class is the likeliest, the first of equals.

    Args:
        labels: `(n,)` integers from 0 to `num_classes - 1`.
        log_probabilities: `(n, num_classes)` natural logarithms; two columns for a binary task.
        weights: `(n,)`, how much each row counts: weight 2 is the row twice. Rows of weight 0 are
            as if they were not there.

    Returns:
        By name, what `RECORDS` lists for the task; the formulas' docstrings say what they are.
        All are NaN where a log probability is NaN: a model that has diverged has no score.

    Raises:
        ValueError: the shapes do not fit, there are no rows, the labels are no integers or out
            of range, probabilities were given instead of their logarithms, or the weights are
            negative, not finite, or all 0.

    Example:
        >>> p = np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4]])
        >>> scores = classification_metrics([0, 1, 1], np.log(p))
        >>> round(scores["accuracy"], 3), scores["balanced_accuracy"], scores["auc"]
        (0.667, 0.75, 1.0)
    """
    rows = PredictedClasses.checked(labels, log_probabilities, weights)
    if np.isnan(rows.log_p).any():
        return dict.fromkeys(METRICS[rows.task], float("nan"))
    return {name: BY_NAME[name].score(rows) for name in METRICS[rows.task]}


def regression_metrics(
    targets: Numbers, predictions: Numbers, weights: Numbers | None = None
) -> dict[str, float]:
    """Scores of predicted numbers.

    Args:
        targets: `(n,)` or `(n, 1)`.
        predictions: `(n,)` or `(n, 1)`, in the targets' unit.
        weights: `(n,)`, as of `classification_metrics`.

    Returns:
        By name, what `RECORDS` lists for the task; the formulas' docstrings say what they are.

    Raises:
        ValueError: the shapes do not fit, there are no rows, or the weights are negative, not
            finite, or all 0.

    Example:
        >>> regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])["mse"]
        1.3333333333333333
    """
    rows = PredictedNumbers.checked(targets, predictions, weights)
    return {name: BY_NAME[name].score(rows) for name in METRICS["regression"]}


def scorer_of(task: str) -> Callable[..., dict[str, float]]:
    """What scores outputs of a task: `regression_metrics` or `classification_metrics`.

    Example:
        >>> scorer_of("binary").__name__
        'classification_metrics'
    """
    return regression_metrics if task == "regression" else classification_metrics


RECORDS = (*classification.RECORDS, *regression.RECORDS)
"""Every metric; the first of a task is its primary one."""

BY_NAME = {metric.name: metric for metric in RECORDS}

METRICS = {task: tuple(m.name for m in RECORDS if task in m.tasks) for task in TASKS}
"""The metrics of each task; the first is the primary one."""

HIGHER_IS_BETTER = {metric.name: metric.higher_is_better for metric in RECORDS}


def within_range(metric: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """An interval of a metric without what it cannot be: an accuracy above 1, an error below 0; of
    one that kmlp does not have, as it is."""
    if metric not in BY_NAME:
        return bounds
    low, high = bounds
    return max(low, BY_NAME[metric].least), min(high, BY_NAME[metric].most)
