"""How good a loaded model is on labelled data: metrics with intervals, the confusion matrix."""

from typing import Any

import numpy as np

from kmlp.data.dataset import Dataset
from kmlp.data.features import places_by_name
from kmlp.data.labels import class_indices, target_values
from kmlp.deploy.scoring import has_seen_all, scores_of, training_data
from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError


def evaluate(model: LoadedModel, data: Any, *, target: str | None = None) -> dict[str, Any]:
    """Scores on a test set or a table, by the model's own classes, of which rows may lack some.

    Args:
        model: as `kmlp.load_saved` gives it.
        data: a data set, whose test rows are scored; a pair of rows and their labels, which are
            the classes' names or numbers; or a table's file, or a frame of any library with the
            labels in it, of which all labelled rows are. Only the very file that was trained on
            is known again, and refused: scores of a frame of its rows are of what was learnt.
        target: of a table, the column of labels; the training table's where omitted.

    Returns:
        `task`, `num_rows`, and every metric of the task as `value`, `ci95` over test rows and
        `interval`, its kind: Wilson's for the accuracy, t for the cross-entropy (nats), else, and
        where rows have weights, a percentile bootstrap. What the rows cannot tell is None. Of
        classes also `confusion`, `(num_classes, num_classes)` counts, true classes by row, and
        `class_names`; of a table `told`, what of its rows should be looked at.

    Raises:
        DataError: the data's task, classes or shapes are not the model's; or no row of them can
            test it.
    """
    if isinstance(data, tuple):
        return _evaluate_pair(model, *_as_pair(data))
    if not isinstance(data, Dataset):
        from kmlp.deploy.table_evaluation import evaluate_table

        return evaluate_table(model, data, target)
    _check_task(model, data)
    _refuse_untestable(model, data)
    outputs = _test_outputs(model, data)
    if data.spec.task == "regression":
        return scores_of(model, outputs, data.spec.in_unit(data.y_test), data.test_weight)
    places = _places(model, data)
    return scores_of(model, outputs, places[data.y_test], data.test_weight)


def _refuse_untestable(model: LoadedModel, data: Dataset) -> None:
    """Refuses data of which no row can test the model: none is set aside, or it has seen all."""
    origin, trained_on = data.provenance, training_data(model)
    is_same = origin.location == trained_on.get("location") and data.name == trained_on.get("name")
    is_same = is_same and origin.location != "memory"
    if has_seen_all(model) and (is_same or origin.sha256 == trained_on.get("sha256")):
        raise DataError(
            f"the model has trained on all rows of {data.name}: none of them can test it. What to "
            "expect of it stands in its card and in its run folder. Score rows that it has not "
            "seen."
        )
    if not data.has_test_rows:
        raise DataError(
            f"{data.name} has no test rows to be scored. Say test=0.2 (--test 0.2) where the data "
            "are made, or give the rows themselves: kmlp.evaluate(model, (x, y))."
        )


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


def _in_order(model: LoadedModel, data: Dataset) -> np.ndarray:
    """The test rows with their columns as the model was trained on them, where both have names."""
    if not (model.feature_names and data.spec.feature_names):
        return data.raw_test
    places = places_by_name(
        model.feature_names, data.spec.feature_names, "the data", "the training table"
    )
    return data.raw_test[:, places]


def _as_pair(data: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(data) != 2:
        raise DataError(
            f"data must be a Dataset, or a pair (x, y). Received: a tuple of {len(data)}. Of "
            "(x_train, y_train, x_test, y_test) only the last two are scored: data[2:]."
        )
    return data


def _evaluate_pair(model: LoadedModel, x: Any, y: Any) -> dict[str, Any]:
    if not np.size(y):
        raise DataError("y holds no row, and nothing can be scored. Name rows with labels.")
    if "prediction" in model.output_names:
        labels = target_values(y, "y")
    else:
        labels = class_indices(y, model.class_names, "y")
    outputs = model.outputs(x)
    num_rows = len(next(iter(outputs.values())))
    if labels.shape != (num_rows,):
        raise DataError(f"y must be (n,) for {num_rows} rows. Received: shape {labels.shape}.")
    return scores_of(model, outputs, labels)


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
