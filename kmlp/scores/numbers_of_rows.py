"""Columns beside folds' scores that say how many rows there were."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from kmlp.data.tables import Table
from kmlp.errors import DataError
from kmlp.scores.metric import one_word
from kmlp.stats.formatting import listed

ROWS = ("num_train", "num_held_out")
"""What such columns are called: how many rows a method was trained and scored on."""


def row_columns(table: Table, paired_by: Sequence[str]) -> tuple[str, ...]:
    """The columns that say how many rows there were, where both do and folds have a use of it."""
    by_word = {one_word(name): name for name in table.columns}
    has_both = "fold" in paired_by and by_word.keys() >= set(ROWS)
    return tuple(by_word[word] for word in ROWS) if has_both else ()


def mean_rows(
    table: Table, keys: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """The mean numbers of rows by data set and method; a method without any says nothing.

    Args:
        table: of scores.
        keys: role -> what each row has of it.
        columns: as `row_columns` gives them.

    Raises:
        DataError: a number that no number of rows can be.
    """
    if not columns:
        return {}
    datasets = keys.get("dataset", [""] * table.height)
    frame = pl.DataFrame(
        {
            "dataset": list(datasets),
            "method": list(keys["method"]),
            **{word: _positive(table, name) for word, name in zip(ROWS, columns, strict=True)},
        }
    )
    means = frame.drop_nulls().group_by("dataset", "method").mean()
    return {(row[0], row[1]): (row[2], row[3]) for row in means.iter_rows()}


def _positive(table: Table, column: str) -> pl.Series:
    """Numbers above 0; empty cells stay so."""
    cells = table.column(column)
    numbers = cells.cast(pl.Float64, strict=False)
    is_bad = (~numbers.is_finite() | (numbers <= 0)).fill_null(value=True) & cells.is_not_null()
    if not is_bad.any():
        return numbers
    row = int(np.argmax(is_bad.to_numpy()))
    raise DataError(
        f"{table.name}, {table.place(row)}, column {column!r}: a number of rows is above 0. "
        f"Received: {cells[row]!r}. Mend it, or leave out the columns {listed(ROWS)}."
    )
