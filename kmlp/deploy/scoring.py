"""Scores of what a model said of labelled rows: metrics with intervals, the confusion matrix."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import classification_metrics, regression_metrics, within_range

_SMALLEST = 1e-38


def scores_of(
    model: LoadedModel,
    outputs: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """What `evaluate` gives, of a model's outputs for some rows.

    Args:
        model: that gave them.
        outputs: as `LoadedModel.outputs` gives them.
        labels: `(n,)` targets in their own unit, or places among the model's classes.
        weights: `(n,)`, how much each row counts; all alike where omitted.
    """
    if "prediction" in outputs:
        scores: dict[str, Any] = _bootstrapped(
            regression_metrics, labels, outputs["prediction"], weights
        )
        task = "regression"
    else:
        probabilities = outputs["probabilities"].astype(np.float64)
        num_classes = probabilities.shape[1]
        names = list(model.class_names) or [str(i) for i in range(num_classes)]
        scores = {**_classification_scores(labels, probabilities, weights), "class_names": names}
        task = "binary" if num_classes == 2 else "multiclass"
    return {"task": task, "num_rows": len(labels), **scores}


def training_data(model: LoadedModel) -> dict[str, Any]:
    """The origin of the data that a model was trained on, as its manifest has it."""
    return model.manifest.get("environment", {}).get("data", {})


def has_seen_all(model: LoadedModel) -> bool:
    """Whether a model has trained on every row of its data: where folds test, or trained anew."""
    return model.manifest.get("basis") == "folds" or "refit" in model.manifest


def _classification_scores(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None
) -> dict[str, Any]:
    num_classes = probabilities.shape[1]
    if labels.max() >= num_classes:
        raise DataError(f"the model knows {num_classes} classes; the data have {labels.max() + 1}.")
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    scores = _bootstrapped(classification_metrics, labels, logs, weights)
    predicted = probabilities.argmax(axis=1)
    if weights is None:
        _put_exact_intervals(scores, predicted == labels, -logs[np.arange(len(labels)), labels])
    confusion = np.zeros((num_classes, num_classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {**scores, "confusion": confusion.tolist()}


def _put_exact_intervals(
    scores: dict[str, dict[str, Any]], hits: np.ndarray, losses: np.ndarray
) -> None:
    """Those of means over rows that count alike."""
    scores["accuracy"] |= {
        "ci95": summaries.wilson_interval(int(hits.sum()), len(hits)),
        "interval": "Wilson",
    }
    scores["cross_entropy"] |= {
        "ci95": within_range("cross_entropy", summaries.t_interval(losses))
        if len(losses) > 1
        else None,
        "interval": "t",
    }


def _bootstrapped(
    score: Callable[..., dict[str, float]],
    truth: np.ndarray,
    outputs: np.ndarray,
    weights: np.ndarray | None,
) -> dict[str, dict[str, Any]]:
    """Every metric, with the interval over other draws of the rows, weights and all."""

    def of_rows(rows: np.ndarray) -> dict[str, float]:
        return score(truth[rows], outputs[rows], None if weights is None else weights[rows])

    intervals = resampling.bootstrap_intervals(of_rows, len(truth))
    return _with_intervals(score(truth, outputs, weights), intervals)


def _with_intervals(
    values: Mapping[str, float], intervals: Mapping[str, tuple[float, float] | None]
) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "value": value if np.isfinite(value) else None,
            "ci95": intervals[name] if np.isfinite(value) else None,
            "interval": "bootstrap",
        }
        for name, value in values.items()
    }
