"""All rows of a data set as training rows."""

import dataclasses

import numpy as np

from kmlp.data import Dataset
from kmlp.data.dataset import content_sha256
from kmlp.data.rows.record import Rows, of_mean_one


def with_all_rows(data: Dataset) -> Dataset:
    """The same data with every row to train on, test rows last: none validates, none tests.

    Columns and the target stay as the training table's schema has them: what of a test row that
    does not know is missing or "other", as it will be of new rows.

    Example:
        >>> x = np.zeros((6, 4), "float32")
        >>> data = Dataset.from_arrays(x, np.arange(6) % 3, x[:3], np.arange(3))
        >>> with_all_rows(data).sizes
        '9 rows without test rows (folds test)'
    """
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    rows = dataclasses.replace(Rows.of(y), weight=_weights(data))
    known = None if rows.weight is None else rows
    spec = dataclasses.replace(data.spec, is_weighted=False)
    arrays = (x, y, data.x_test[:0], data.y_test[:0])
    origin = dataclasses.replace(data.provenance, sha256=content_sha256(spec, *arrays, rows=known))
    return Dataset(data.name, *arrays, spec, origin, data.schema, known)


def _weights(data: Dataset) -> np.ndarray | None:
    """How much each row counts; None where all count alike."""
    if data.rows.weight is None and data.test_weight is None:
        return None
    parts = [(data.rows.weight, data.y_train), (data.test_weight, data.y_test)]
    return of_mean_one(np.concatenate([np.ones(len(y)) if w is None else w for w, y in parts]))
