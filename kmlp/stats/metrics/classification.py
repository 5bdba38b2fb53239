"""Metrics of predicted class probabilities: each a formula and its record."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kmlp.stats.metrics.predicted import PredictedClasses
from kmlp.stats.metrics.record import CLASSES, MetricRecord


def _accuracy(rows: PredictedClasses) -> float:
    """Correct rows / n."""
    hits, support, _ = rows.class_counts
    return float(hits.sum() / support.sum())


def _hits(rows: PredictedClasses) -> np.ndarray:
    """1 of a row that is right, else 0."""
    return (rows.log_p.argmax(axis=1) == rows.labels).astype(np.float64)


def _balanced_accuracy(rows: PredictedClasses) -> float:
    """Mean recall over the classes that the labels hold."""
    hits, support, _ = rows.class_counts
    present = support > 0
    return float((hits[present] / support[present]).mean())


def _balanced_hits(rows: PredictedClasses) -> np.ndarray:
    """The same, each row counting more the fewer rows its class has."""
    _, support, _ = rows.class_counts
    return _hits(rows) * len(rows.labels) / (np.count_nonzero(support) * support[rows.labels])


def _auc(rows: PredictedClasses) -> float:
    """Area under the ROC curve, ties counted half (Fawcett 2006,
    https://doi.org/10.1016/j.patrec.2005.10.010).

    Binary: of class 1, by its log odds. Multiclass: mean over classes of one against the rest, by
    its log probability; a class without positives or without negatives is left out. NaN where
    none is left.
    """
    return _one_against_the_rest(rows, _binary_auc)


def _average_precision(rows: PredictedClasses) -> float:
    """Area under the steps of precision over recall: where positives are rare, it tells what AUC
    hides (Davis and Goadrich 2006, https://doi.org/10.1145/1143844.1143874).

    Classes as for the AUC. Rows of equal scores come at once.
    """
    return _one_against_the_rest(rows, _binary_average_precision)


def _macro_f1(rows: PredictedClasses) -> float:
    """Mean F1 over the classes that the labels or the predictions hold."""
    hits, support, predicted = rows.class_counts
    seen = support + predicted > 0
    return float((2 * hits[seen] / (support + predicted)[seen]).mean())


def _cross_entropy(rows: PredictedClasses) -> float:
    """Mean of -log p(label), in nats; infinite where a label's probability is 0."""
    return rows.mean(_surprises(rows))


def _surprises(rows: PredictedClasses) -> np.ndarray:
    # Subtracted, because the negative of 0.0 prints as -0.0.
    return 0.0 - rows.of_the_label.astype(np.float64)


def _brier_score(rows: PredictedClasses) -> float:
    """Mean over rows of the sum over classes of (p - y)^2, y being 1 for the label's class and 0
    for the others (Brier 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).

    From 0, all sure and right, to 2, all sure and wrong. Of two classes it is twice what is
    computed from the probability of class 1 alone.
    """
    return rows.mean(_squared_distances(rows))


def _squared_distances(rows: PredictedClasses) -> np.ndarray:
    off = np.exp(rows.log_p, dtype=np.float64)
    off[np.arange(len(off)), rows.labels] -= 1
    return np.square(off).sum(axis=1)


@dataclass(frozen=True)
class _Scores:
    """Scores in order, and what all before each place count together.

    Plain sorting and looking up is several times faster than ranks.
    """

    values: np.ndarray
    weights: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, rows: PredictedClasses, scores: np.ndarray, chosen: np.ndarray) -> "_Scores":
        if rows.weights is None:
            values = np.sort(scores[chosen])
            return cls(values, np.ones(len(values)), np.arange(len(values) + 1.0))
        order = np.argsort(scores[chosen])
        weights = rows.weights[chosen][order]
        return cls(scores[chosen][order], weights, np.concatenate([[0.0], np.cumsum(weights)]))

    @property
    def total(self) -> float:
        return float(self.counts[-1])

    def below(self, scores: np.ndarray) -> np.ndarray:
        return self.counts[np.searchsorted(self.values, scores, "left")]

    def not_above(self, scores: np.ndarray) -> np.ndarray:
        return self.counts[np.searchsorted(self.values, scores, "right")]


def _binary_auc(positives: _Scores, negatives: _Scores) -> float:
    """The share of pairs of a positive and a negative in which the positive scores higher."""
    lower = negatives.below(positives.values) + negatives.not_above(positives.values)
    return float(positives.weights @ lower / (2 * positives.total * negatives.total))


def _binary_average_precision(positives: _Scores, negatives: _Scores) -> float:
    """The mean over positives of the precision among the rows that score no lower."""
    hits = positives.total - positives.below(positives.values)
    false_alarms = negatives.total - negatives.below(positives.values)
    return float(positives.weights @ (hits / (hits + false_alarms)) / positives.total)


def _one_against_the_rest(
    rows: PredictedClasses, formula: Callable[[_Scores, _Scores], float]
) -> float:
    """A formula of the scores of positives and of negatives: of class 1, or the mean over classes
    that have both."""
    labels, log_p = rows.labels, rows.log_p
    # Odds, because log p(1) of sure predictions rounds to 0 and makes ties.
    columns = {1: log_p[:, 1] - log_p[:, 0]} if rows.task == "binary" else dict(enumerate(log_p.T))
    found = [
        formula(_Scores.of(rows, scores, labels == c), _Scores.of(rows, scores, labels != c))
        for c, scores in columns.items()
        if 0 < np.count_nonzero(labels == c) < len(labels)
    ]
    return float(np.mean(found)) if found else float("nan")


BY_CLASS = ("accuracy", "balanced_accuracy", "macro_f1")
"""Metrics that follow from the predicted class alone, whatever its probability."""

RECORDS = (
    MetricRecord(
        name="accuracy",
        title="accuracy",
        short="acc.",
        tasks=CLASSES,
        score=_accuracy,
        by_row=_hits,
        higher_is_better=True,
        unit="percent",
        logged_in="percent",
        on_card=True,
    ),
    MetricRecord(
        name="balanced_accuracy",
        title="balanced accuracy",
        short="bal. acc.",
        tasks=CLASSES,
        score=_balanced_accuracy,
        by_row=_balanced_hits,
        higher_is_better=True,
        unit="percent",
    ),
    MetricRecord(name="auc", title="AUC", tasks=CLASSES, score=_auc, higher_is_better=True),
    MetricRecord(
        name="average_precision",
        title="average precision",
        short="avg. prec.",
        tasks=CLASSES,
        score=_average_precision,
        higher_is_better=True,
    ),
    MetricRecord(
        name="macro_f1", title="macro F1", tasks=CLASSES, score=_macro_f1, higher_is_better=True
    ),
    MetricRecord(
        name="cross_entropy",
        title="cross-entropy",
        tasks=CLASSES,
        score=_cross_entropy,
        by_row=_surprises,
        higher_is_better=False,
        unit="nats",
        most=float("inf"),
        logged_in="nats",
        is_loss=True,
        on_card=True,
    ),
    MetricRecord(
        name="brier_score",
        title="Brier score",
        tasks=CLASSES,
        score=_brier_score,
        by_row=_squared_distances,
        is_square=True,
        higher_is_better=False,
        most=2.0,
    ),
)
