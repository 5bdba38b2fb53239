"""How good a loaded model is on labelled data: metrics with intervals, the confusion matrix."""

from typing import Any

import numpy as np

from kmlp import stats
from kmlp.data.dataset import Dataset
from kmlp.errors import DataError
from kmlp.serving import LoadedModel


def evaluate(model: LoadedModel, data: Dataset) -> dict[str, Any]:
    """Scores on the test set.

    Returns:
        `num_rows`; `accuracy` with its Wilson interval and `cross_entropy` (nats) with its t
        interval, both over test rows; `confusion`, `(num_classes, num_classes)` counts, true
        classes by row; `class_names`.

    Raises:
        DataError: the data's classes or shapes are not the model's.
    """
    names = list(data.spec.class_names)
    if names == [str(i) for i in range(len(model.class_names))]:
        # Data without names of their own, such as a folder of IDX files.
        names = list(model.class_names)
    if model.class_names and list(model.class_names) != names:
        raise DataError(
            f"the model knows the classes {', '.join(model.class_names)}; "
            f"the data have {', '.join(names)}."
        )
    probabilities = model.predict(data.x_test).astype(np.float64)
    labels, predicted = data.y_test, probabilities.argmax(axis=1)
    hits = int((predicted == labels).sum())
    losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-38))
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (labels, predicted), 1)
    return {
        "num_rows": len(labels),
        "accuracy": {
            "value": hits / len(labels),
            "ci95": stats.wilson_interval(hits, len(labels)),
        },
        "cross_entropy": {"value": float(losses.mean()), "ci95": stats.t_interval(losses)},
        "confusion": confusion.tolist(),
        "class_names": names,
    }
