"""Scores of what a model said of labelled rows: metrics with intervals, the confusion matrix."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import classification_metrics, regression_metrics, within_range

_SMALLEST = 1e-38


def scores_of(
    model: LoadedModel, outputs: Mapping[str, np.ndarray], labels: np.ndarray
) -> dict[str, Any]:
    """What `evaluate` gives, of a model's outputs for some rows.

    Args:
        model: that gave them.
        outputs: as `LoadedModel.outputs` gives them.
        labels: `(n,)` targets in their own unit, or places among the model's classes.
    """
    if "prediction" in outputs:
        scores, task = _regression_scores(labels, outputs["prediction"]), "regression"
    else:
        probabilities = outputs["probabilities"].astype(np.float64)
        num_classes = probabilities.shape[1]
        names = list(model.class_names) or [str(i) for i in range(num_classes)]
        scores = {**_classification_scores(labels, probabilities), "class_names": names}
        task = "binary" if num_classes == 2 else "multiclass"
    return {"task": task, "num_rows": len(labels), **scores}


def training_data(model: LoadedModel) -> dict[str, Any]:
    """The origin of the data that a model was trained on, as its manifest has it."""
    return model.manifest.get("environment", {}).get("data", {})


def _classification_scores(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    num_classes = probabilities.shape[1]
    if labels.max() >= num_classes:
        raise DataError(f"the model knows {num_classes} classes; the data have {labels.max() + 1}.")
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    values = classification_metrics(labels, logs)
    intervals = resampling.bootstrap_intervals(
        lambda rows: classification_metrics(labels[rows], logs[rows]), len(labels)
    )
    scores = _with_intervals(values, intervals)
    predicted = probabilities.argmax(axis=1)
    hits = int((predicted == labels).sum())
    scores["accuracy"] |= {
        "ci95": summaries.wilson_interval(hits, len(labels)),
        "interval": "Wilson",
    }
    losses = -logs[np.arange(len(labels)), labels]
    scores["cross_entropy"] |= {
        "ci95": within_range("cross_entropy", summaries.t_interval(losses))
        if len(losses) > 1
        else None,
        "interval": "t",
    }
    confusion = np.zeros((num_classes, num_classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {**scores, "confusion": confusion.tolist()}


def _regression_scores(targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
    intervals = resampling.bootstrap_intervals(
        lambda rows: regression_metrics(targets[rows], predictions[rows]), len(targets)
    )
    return _with_intervals(regression_metrics(targets, predictions), intervals)


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
