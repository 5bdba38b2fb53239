"""Rows that test: a fixed share of each class, those that a column marks, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.reading.cells import among
from kmlp.data.sampling import FOLDS, checked_share, chosen_test, is_folds
from kmlp.data.tables import Table, as_table
from kmlp.data.values import Raw
from kmlp.errors import DataError

_TEST_WORDS = ("test", "true", "1", "yes", "y", "t", "holdout")
_TRAIN_WORDS = ("train", "training", "false", "0", "no", "n", "f")


def split_test(
    data: Any, target: str, test: float | str | Path | Any = None, *, seed: int = 0
) -> tuple[Table, Table]:
    """A training and a test table.

    Args:
        data: a `Table`, a frame of any library, or a file.
        target: the column whose classes both shall hold in like shares.
        test: the share of rows that test, the name of a column that marks them ("test" and
            "train", or true and false), a file or frame of their own, or "cv": no row is set
            aside, and each is held out once a repeat. Where omitted "cv" of fewer than 2,000 rows,
            else a fifth.
        seed: draws the rows; the same ones for the same table.

    Raises:
        DataError: no such column, marks that are not understood, or a part that stays empty.
    """
    table = as_table(data)
    if is_folds(test):
        _refuse_ambiguous(table)
    test = chosen_test(test, table.height)
    if is_folds(test):
        return table, table.take(np.zeros(table.height, bool))
    if isinstance(test, int | float):
        share = checked_share(test)
        mask = draw_test_rows(strata_of(Raw(table, target)), share, seed=seed)
    elif isinstance(test, str) and test in table.columns:
        mask = marked_rows(Raw(table, test))
        table = table.without(test)
    elif isinstance(test, str) and not Path(test).exists():
        listed = ", ".join(table.columns[:20])
        raise DataError(
            f"test={test!r} is neither a share, nor a file, nor a column. Columns: {listed}."
        )
    else:
        return table, _own_table(test, target)
    return table.take(~mask), table.take(mask)


def _refuse_ambiguous(table: Table) -> None:
    """Folds, and a column or a file of that name: never the one where the other is meant."""
    if FOLDS in table.columns:
        raise DataError(
            f"test={FOLDS!r} means cross-validation, and {table.name} has a column {FOLDS!r} as "
            "well. Rename the column, or say another share, column or file."
        )
    if Path(FOLDS).is_file():
        raise DataError(
            f"test={FOLDS!r} means cross-validation, and there is a file of that name. Say "
            f"test='./{FOLDS}' for the file, or rename it."
        )


def draw_test_rows(strata: np.ndarray, share: float, *, seed: int = 0) -> np.ndarray:
    """Which rows test, `(n,)` truth values: the share of each stratum, to the nearest row.

    Args:
        strata: `(n,)` whole numbers, the classes; all 0 where there are none.
        share: between 0 and 1.
        seed: draws the rows.

    Example:
        >>> draw_test_rows(np.array([0, 0, 0, 0, 1, 1, 1, 1]), 0.25).tolist().count(True)
        2
    """
    # Strata laid end to end, shuffled within, and cut at even steps: each holds its share, and
    # the total is right to one row, however many strata there are.
    shuffled = np.random.default_rng(seed).permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    steps = np.floor(np.arange(len(strata) + 1) * share + 0.5)
    mask = np.zeros(len(strata), bool)
    mask[order] = np.diff(steps) > 0
    if mask.all() or not mask.any():
        raise DataError(
            f"{len(strata)} rows cannot be parted with test={share:g}; give another share."
        )
    return mask


def marked_rows(raw: Raw) -> np.ndarray:
    """Which rows a column marks as test rows.

    Raises:
        DataError: another mark than test and train, or only one of them.
    """
    words = values.categories(raw).str.to_lowercase()
    is_test = among(words, _TEST_WORDS).to_numpy()
    strange = ~is_test & ~among(words, _TRAIN_WORDS).to_numpy()
    if strange.any():
        row = int(np.argmax(strange))
        raise raw.refuse(row, "mark of test or training rows", 'write "test" and "train"')
    if is_test.all() or not is_test.any():
        which = "every row" if is_test.all() else "no row"
        raise DataError(f"column {raw.name!r} marks {which} as a test row; some must be.")
    return is_test


def strata_of(raw: Raw) -> np.ndarray:
    """`(n,)` whole numbers by which rows are stratified: few values each by itself, else none."""
    words = values.categories(raw).fill_null("")
    if words.n_unique() > max(2, len(words) // 4) or (
        raw.series.dtype.is_float() and words.n_unique() > 100
    ):
        return np.zeros(len(words), np.int64)
    kinds = pl.Enum(words.unique().sort())
    return words.cast(kinds).to_physical().to_numpy().astype(np.int64)


def _own_table(test: Any, target: str) -> Table:
    table = as_table(test)
    if target not in table.columns:
        raise DataError(
            f"the test table {table.name} has no column {target!r}; a file without it serves "
            "kmlp predict."
        )
    return table
