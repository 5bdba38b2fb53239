"""How good a loaded model is on labelled data: metrics with intervals, the confusion matrix."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.data.dataset import Dataset
from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import classification_metrics, regression_metrics, within_range

_SMALLEST = 1e-38


def evaluate(model: LoadedModel, data: Dataset) -> dict[str, Any]:
    """Scores on the test set.

    Returns:
        `task`, `num_rows`, and every metric of the task as `value`, `ci95` over test rows and
        `interval`, its kind: Wilson's for the accuracy, t for the cross-entropy (nats), else a
        percentile bootstrap. What the rows cannot tell is None. Of classes also `confusion`,
        `(num_classes, num_classes)` counts, true classes by row, and `class_names`.

    Raises:
        DataError: the data's task, classes or shapes are not the model's.
    """
    _check_task(model, data)
    outputs = model.outputs(data.x_test)
    if data.spec.task == "regression":
        scores = _regression_scores(data.y_test, outputs["prediction"])
    else:
        scores = _classification_scores(data, outputs["probabilities"].astype(np.float64))
        scores["class_names"] = list(model.class_names) or scores["class_names"]
    return {"task": data.spec.task, "num_rows": len(data.y_test), **scores}


def _check_task(model: LoadedModel, data: Dataset) -> None:
    gives_numbers, wants_numbers = "prediction" in model.output_names, not data.spec.num_classes
    if gives_numbers != wants_numbers:
        kinds = ("classes", "numbers")
        raise DataError(
            f"the model predicts {kinds[gives_numbers]}; the data's labels are "
            f"{kinds[wants_numbers]}."
        )
    names, known = data.spec.class_names, model.class_names
    # Data without names of their own, arrays or a folder of IDX files, number their classes.
    unnamed = data.provenance.source in ("arrays", "folder") and names == tuple(
        map(str, range(len(known)))
    )
    if known and names != known and not unnamed:
        raise DataError(
            f"the model knows the classes {', '.join(model.class_names)}; "
            f"the data have {', '.join(names)}."
        )


def _classification_scores(data: Dataset, probabilities: np.ndarray) -> dict[str, Any]:
    labels, num_classes = data.y_test, data.spec.num_classes
    if probabilities.shape[1] != num_classes:
        raise DataError(
            f"the model knows {probabilities.shape[1]} classes; the data have {num_classes}."
        )
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
    return {**scores, "confusion": confusion.tolist(), "class_names": list(data.spec.class_names)}


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
