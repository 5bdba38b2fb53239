"""Final scores of a model on some rows of a data set, by what these weigh."""

import numpy as np

from kmlp.data.dataset import Dataset
from kmlp.stats.metrics import scorer_of


def score_rows(
    data: Dataset, outputs: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, float]:
    """Every metric of the task.

    Args:
        data: the data set.
        outputs: of these rows: `(n, num_classes)` log-probabilities, or `(n,)` predictions in the
            target's own unit.
        rows: indices of training rows; the test rows where omitted.
    """
    if rows is None:
        truth, weights = data.y_test, data.test_weight
    else:
        given = data.rows.weight
        truth, weights = data.y_train[rows], None if given is None else given[rows]
    return scorer_of(data.spec.task)(data.spec.in_unit(truth), outputs, weights)
