"""What the code knows of each metric, and the final scores of a model: arrays in, numbers out.

A metric is a formula and a record in `RECORDS`; names, titles, units, directions, what can be
monitored and searched on follow from it everywhere.

What is reported is computed here in float64 from stored predictions, so that anyone can
compute it again: accuracies are whole numbers of rows over n, and ties stay ties. NumPy only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kmlp.stats.predicted import Labels, Numbers, PredictedClasses, PredictedNumbers

AUTO = "auto"
CLASSES, NUMBERS = ("binary", "multiclass"), ("regression",)
TASKS = (*CLASSES, *NUMBERS)
MetricUnit = Literal["percent", "nats", "target", "variance", "none"]
"""Of a metric's values. "target": its own or its square, of any size; "variance": of the training
targets, which is what a regression knows while it trains."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: in `results.json`, tables and configs.
        title: in words.
        short: in a table's heading, where the title is too long for one.
        tasks: those that are scored by it.
        score: its formula, from `PredictedClasses` or `PredictedNumbers`.
        higher_is_better: the direction.
        unit: of its values.
        least, most: what it can be: intervals end there.
        logged_in: its unit in the epoch logs; None where they lack it: it cannot be monitored.
        is_loss: whether it is what training minimizes, without penalty, weight or smoothing.
        on_card: whether the card beside an exported model tells it.
    """

    name: str
    title: str
    short: str = ""
    tasks: tuple[str, ...]
    score: Callable[[Any], float]
    higher_is_better: bool
    unit: MetricUnit = "none"
    least: float = 0.0
    most: float = 1.0
    logged_in: MetricUnit | None = None
    is_loss: bool = False
    on_card: bool = False


def classification_metrics(labels: Labels, log_probabilities: np.ndarray) -> dict[str, float]:
    """Scores of predicted class probabilities, binary or multiclass.

    The predicted class is the likeliest, the first of equals.

    Args:
        labels: `(n,)` integers from 0 to `num_classes - 1`.
        log_probabilities: `(n, num_classes)` natural logarithms; two columns for a binary task.

    Returns:
        By name, what `RECORDS` lists for the task; the formulas' docstrings say what they are.
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
    rows = PredictedClasses.checked(labels, log_probabilities)
    if np.isnan(rows.log_p).any():
        return dict.fromkeys(METRICS[rows.task], float("nan"))
    return {name: BY_NAME[name].score(rows) for name in METRICS[rows.task]}


def regression_metrics(targets: Numbers, predictions: Numbers) -> dict[str, float]:
    """Scores of predicted numbers.

    Args:
        targets: `(n,)` or `(n, 1)`.
        predictions: `(n,)` or `(n, 1)`, in the targets' unit.

    Returns:
        By name, what `RECORDS` lists for the task; the formulas' docstrings say what they are.

    Raises:
        ValueError: the shapes do not fit, or there are no rows.

    Example:
        >>> regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])["mse"]
        1.3333333333333333
    """
    rows = PredictedNumbers.checked(targets, predictions)
    return {name: BY_NAME[name].score(rows) for name in METRICS["regression"]}


def _accuracy(rows: PredictedClasses) -> float:
    """Correct rows / n."""
    hits, support, _ = rows.class_counts
    return int(hits.sum()) / int(support.sum())


def _balanced_accuracy(rows: PredictedClasses) -> float:
    """Mean recall over the classes that the labels hold."""
    hits, support, _ = rows.class_counts
    present = support > 0
    return float((hits[present] / support[present]).mean())


def _auc(rows: PredictedClasses) -> float:
    """Area under the ROC curve, ties counted half (Fawcett 2006,
    https://doi.org/10.1016/j.patrec.2005.10.010).

    Binary: of class 1, by its log odds. Multiclass: mean over classes of one against the rest, by
    its log probability; a class without positives or without negatives is left out. NaN where
    none is left.
    """
    labels, log_p = rows.labels, rows.log_p
    if rows.task == "binary":
        # Odds, because log p(1) of sure predictions rounds to 0 and makes ties.
        return _binary_auc(log_p[:, 1] - log_p[:, 0], labels == 1)
    areas = [_binary_auc(log_p[:, c], labels == c) for c in range(log_p.shape[1])]
    areas = [area for area in areas if not np.isnan(area)]
    return float(np.mean(areas)) if areas else float("nan")


def _macro_f1(rows: PredictedClasses) -> float:
    """Mean F1 over the classes that the labels or the predictions hold."""
    hits, support, predicted = rows.class_counts
    seen = support + predicted > 0
    return float((2 * hits[seen] / (support + predicted)[seen]).mean())


def _cross_entropy(rows: PredictedClasses) -> float:
    """Mean of -log p(label), in nats; infinite where a label's probability is 0."""
    # Subtracted, because the negative of 0.0 prints as -0.0.
    return 0.0 - rows.mean(rows.of_the_label)


def _rmse(rows: PredictedNumbers) -> float:
    """Root of the mean squared error, in the targets' unit."""
    return _mse(rows) ** 0.5


def _mae(rows: PredictedNumbers) -> float:
    """Mean absolute error, in the targets' unit."""
    return rows.mean(np.abs(rows.errors))


def _r2(rows: PredictedNumbers) -> float:
    """1 - squared error / squared deviation of the targets from their mean; NaN where the targets
    do not vary."""
    varies = rows.targets.min() < rows.targets.max()
    return 1 - _mse(rows) / float(rows.targets.var()) if varies else float("nan")


def _mse(rows: PredictedNumbers) -> float:
    """Mean squared error, in the targets' unit squared."""
    return rows.mean(np.square(rows.errors))


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


RECORDS = (
    Metric(
        name="accuracy",
        title="accuracy",
        short="acc.",
        tasks=CLASSES,
        score=_accuracy,
        higher_is_better=True,
        unit="percent",
        logged_in="percent",
        on_card=True,
    ),
    Metric(
        name="balanced_accuracy",
        title="balanced accuracy",
        short="bal. acc.",
        tasks=CLASSES,
        score=_balanced_accuracy,
        higher_is_better=True,
        unit="percent",
    ),
    Metric(name="auc", title="AUC", tasks=CLASSES, score=_auc, higher_is_better=True),
    Metric(
        name="macro_f1", title="macro F1", tasks=CLASSES, score=_macro_f1, higher_is_better=True
    ),
    Metric(
        name="cross_entropy",
        title="cross-entropy",
        tasks=CLASSES,
        score=_cross_entropy,
        higher_is_better=False,
        unit="nats",
        most=float("inf"),
        logged_in="nats",
        is_loss=True,
        on_card=True,
    ),
    Metric(
        name="rmse",
        title="RMSE",
        tasks=NUMBERS,
        score=_rmse,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
        on_card=True,
    ),
    Metric(
        name="mae",
        title="MAE",
        tasks=NUMBERS,
        score=_mae,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
    ),
    Metric(
        name="r2",
        title="R²",
        tasks=NUMBERS,
        score=_r2,
        higher_is_better=True,
        least=float("-inf"),
        on_card=True,
    ),
    Metric(
        name="mse",
        title="MSE",
        tasks=NUMBERS,
        score=_mse,
        higher_is_better=False,
        unit="target",
        most=float("inf"),
        logged_in="variance",
        is_loss=True,
    ),
)
"""Every metric; the first of a task is its primary one."""

BY_NAME = {metric.name: metric for metric in RECORDS}

METRICS = {task: tuple(m.name for m in RECORDS if task in m.tasks) for task in TASKS}
"""The metrics of each task; the first is the primary one."""

HIGHER_IS_BETTER = {metric.name: metric.higher_is_better for metric in RECORDS}


def within_range(metric: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """An interval of a metric without what it cannot be: an accuracy above 1, an error below 0."""
    low, high = bounds
    return max(low, BY_NAME[metric].least), min(high, BY_NAME[metric].most)
