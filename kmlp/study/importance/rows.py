"""The rows that a model is asked on: those that test, or those that were kept from it."""

from dataclasses import dataclass

import numpy as np

from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.study.importance.shuffling import scored_rows


@dataclass(frozen=True)
class ScoredRows:
    """Rows with what is known of them.

    Attributes:
        x: `(n, features)`.
        truth: `(n,)` labels, or targets in their own unit.
        weight: `(n,)` how much each counts; None where all count alike.
    """

    x: np.ndarray
    truth: np.ndarray
    weight: np.ndarray | None


def rows_that_test(data: Dataset, member: Member, num_columns: int) -> ScoredRows:
    """What a network, or a reference on its rows, has not seen: the test rows, or its fold.

    Args:
        data: of the study.
        member: the network.
        num_columns: how many are shuffled; of many rows a part is scored.
    """
    fold = member.fold(data.rows)
    if not len(fold):
        rows = scored_rows(len(data.y_test), num_columns)
        return _scored(data, data.x_test, data.y_test, data.test_weight, rows)
    rows = fold[scored_rows(len(fold), num_columns)]
    return _scored(data, data.x_train, data.y_train, data.rows.weight, rows)


def _scored(
    data: Dataset, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, rows: np.ndarray
) -> ScoredRows:
    return ScoredRows(
        x=x[rows].reshape(len(rows), -1),
        truth=data.spec.in_unit(y[rows]),
        weight=None if weight is None else weight[rows],
    )
