"""How good a loaded model is on labelled data: metrics with intervals, the confusion matrix."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.data.dataset import Dataset
from kmlp.data.features import places_by_name
from kmlp.data.labels import class_indices
from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import classification_metrics, regression_metrics, within_range

_SMALLEST = 1e-38


def evaluate(model: LoadedModel, data: Dataset | tuple[Any, Any]) -> dict[str, Any]:
    """Scores on the test set, by the model's own classes, of which the rows may lack some.

    Args:
        model: as `kmlp.load_saved` gives it.
        data: a data set, whose test rows are scored; or a pair of rows and their labels, which
            are the classes' names or numbers.

    Returns:
        `task`, `num_rows`, and every metric of the task as `value`, `ci95` over test rows and
        `interval`, its kind: Wilson's for the accuracy, t for the cross-entropy (nats), else a
        percentile bootstrap. What the rows cannot tell is None. Of classes also `confusion`,
        `(num_classes, num_classes)` counts, true classes by row, and `class_names`.

    Raises:
        DataError: the data's task, classes or shapes are not the model's.
    """
    if isinstance(data, tuple):
        return _evaluate_pair(model, *_as_pair(data))
    _check_task(model, data)
    outputs = _test_outputs(model, data)
    if data.spec.task == "regression":
        return scores_of(model, outputs, data.spec.in_unit(data.y_test))
    places = _places(model, data)
    return scores_of(model, outputs, places[data.y_test])


def _test_outputs(model: LoadedModel, data: Dataset) -> dict[str, np.ndarray]:
    if model.schema is None:
        return model.outputs(_in_order(model, data))
    if data.spec.columns != model.schema.columns:
        raise DataError(
            "the data's columns were not prepared as the model's were: they come from another "
            "table, other training rows or other kinds. Score a file or a frame by itself: "
            "kmlp.evaluate(model, (frame, labels)), kmlp evaluate MODEL FILE."
        )
    origin, trained_on = data.provenance, training_data(model)
    is_same_file = origin.file_sha256 and origin.file_sha256 == trained_on.get("file_sha256")
    if is_same_file and origin.sha256 != trained_on.get("sha256"):
        raise DataError(
            "the model was trained on some of these test rows: the file is the same, the rows that "
            "were held out are others. Say --test as in training."
        )
    return model.encoded_outputs(data.x_test)


def training_data(model: LoadedModel) -> dict[str, Any]:
    """The origin of the data that a model was trained on, as its manifest has it."""
    return model.manifest.get("environment", {}).get("data", {})


def _in_order(model: LoadedModel, data: Dataset) -> np.ndarray:
    """The test rows with their columns as the model was trained on them, where both have names."""
    if not (model.feature_names and data.spec.feature_names):
        return data.raw_test
    places = places_by_name(
        model.feature_names, data.spec.feature_names, "the data", "the training table"
    )
    return data.raw_test[:, places]


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


def _as_pair(data: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(data) != 2:
        raise DataError(
            f"data must be a Dataset, or a pair (x, y). Received: a tuple of {len(data)}. Of "
            "(x_train, y_train, x_test, y_test) only the last two are scored: data[2:]."
        )
    return data


def _evaluate_pair(model: LoadedModel, x: Any, y: Any) -> dict[str, Any]:
    if "prediction" in model.output_names:
        labels = np.asarray(y, np.float64)
    else:
        labels = class_indices(y, model.class_names, "y")
    if labels.shape != (len(x),):
        raise DataError(f"y must be (n,) for {len(x)} rows. Received: shape {labels.shape}.")
    return scores_of(model, model.outputs(x), labels)


def _places(model: LoadedModel, data: Dataset) -> np.ndarray:
    """Each of the data's classes' place among the model's."""
    names, known = data.spec.class_names, model.class_names
    if not known or _are_numbered(data):
        return np.arange(len(names))
    return np.array([known.index(name) for name in names])


def _are_numbered(data: Dataset) -> bool:
    """Data without names of their own, arrays or a folder of IDX files, number their classes."""
    names = data.spec.class_names
    return data.provenance.source in ("arrays", "folder") and names == tuple(
        map(str, range(len(names)))
    )


def _check_task(model: LoadedModel, data: Dataset) -> None:
    gives_numbers, wants_numbers = "prediction" in model.output_names, not data.spec.num_classes
    if gives_numbers != wants_numbers:
        kinds = ("classes", "numbers")
        raise DataError(
            f"the model predicts {kinds[gives_numbers]}; the data's labels are "
            f"{kinds[wants_numbers]}."
        )
    names, known = data.spec.class_names, model.class_names
    fits = len(names) <= len(known) if _are_numbered(data) else set(names) <= set(known)
    if known and not fits:
        raise DataError(
            f"the model knows the classes {', '.join(model.class_names)}; "
            f"the data have {', '.join(names)}."
        )


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
