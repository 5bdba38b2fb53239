"""Scores of what a model said of labelled rows: metrics with intervals, the confusion matrix."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import classification_metrics, regression_metrics, within_range
from kmlp.stats.metrics.classification import BY_CLASS

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
        if "lower" in outputs:
            held = (outputs["lower"] <= labels) & (labels <= outputs["upper"])
            scores["coverage"] = _coverage(held, outputs["upper"] - outputs["lower"], weights)
        task = "regression"
    else:
        probabilities = outputs["probabilities"].astype(np.float64)
        num_classes = probabilities.shape[1]
        names = list(model.class_names) or [str(i) for i in range(num_classes)]
        said = outputs.get("label", probabilities.argmax(axis=1))
        scored = _classification_scores(labels, probabilities, said, weights)
        scores = {**scored, "class_names": names}
        if "set" in outputs:
            held = outputs["set"][np.arange(len(labels)), labels]
            scores["coverage"] = _coverage(held, outputs["set"].sum(axis=1), weights)
        task = "binary" if num_classes == 2 else "multiclass"
    return {"task": task, "num_rows": len(labels), **scores}


def training_data(model: LoadedModel) -> dict[str, Any]:
    """The origin of the data that a model was trained on, as its manifest has it."""
    return model.manifest.get("environment", {}).get("data", {})


def _coverage(
    held: np.ndarray, sizes: np.ndarray, weights: np.ndarray | None
) -> dict[str, Any] | None:
    """The share of rows whose set or interval holds the truth, and how large these are on average;
    of rows that count differently none, for the promise is not of them."""
    if weights is not None:
        return None
    bounds = summaries.wilson_interval(int(held.sum()), len(held))
    found = {"value": float(held.mean()), "ci95": bounds, "interval": "Wilson"}
    return {**found, "mean_size": float(sizes.mean())}


def has_seen_all(model: LoadedModel) -> bool:
    """Whether a model has trained on every row of its data: where folds test, or trained anew."""
    return model.manifest.get("basis") == "folds" or "refit" in model.manifest


def _classification_scores(
    labels: np.ndarray, probabilities: np.ndarray, said: np.ndarray, weights: np.ndarray | None
) -> dict[str, Any]:
    """Scores of probabilities; those of classes are of what is `said`, by whatever threshold."""
    num_classes = probabilities.shape[1]
    if labels.max() >= num_classes:
        raise DataError(f"the model knows {num_classes} classes; the data have {labels.max() + 1}.")
    logs = np.log(np.maximum(probabilities, _SMALLEST))
    predicted = said.astype(np.int64)
    score: Callable[..., dict[str, float]] = classification_metrics
    if not np.array_equal(predicted, probabilities.argmax(axis=1)):
        logs, score = np.column_stack([logs, predicted]), _scores_of_said
    scores = _bootstrapped(score, labels, logs, weights)
    logs = logs[:, :num_classes]
    if weights is None:
        _put_exact_intervals(scores, predicted == labels, -logs[np.arange(len(labels)), labels])
    confusion = np.zeros((num_classes, num_classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {**scores, "confusion": confusion.tolist()}


def _scores_of_said(
    labels: np.ndarray, logs_and_said: np.ndarray, weights: np.ndarray | None
) -> dict[str, float]:
    """Metrics of probabilities, but of the classes that were said where a metric counts these."""
    logs, said = logs_and_said[:, :-1], logs_and_said[:, -1].astype(np.int64)
    sure = np.log(np.maximum(np.eye(logs.shape[1])[said], _SMALLEST))
    of_classes = classification_metrics(labels, sure, weights)
    return classification_metrics(labels, logs, weights) | {
        name: of_classes[name] for name in BY_CLASS
    }


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
