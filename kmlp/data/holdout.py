"""Rows that test: a fixed share of each class, those that a column marks, or a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.reading.cells import among
from kmlp.data.rows.cells import RowCells
from kmlp.data.rows.options import NO_OPTIONS, RowOptions
from kmlp.data.rows.parting import check_sides, coded, draw_by_columns
from kmlp.data.sampling import FOLDS, TEST_SHARE, checked_share, chosen_test, is_folds
from kmlp.data.tables import Table, as_table
from kmlp.data.values import Raw
from kmlp.errors import DataError

_TEST_WORDS = ("test", "true", "1", "yes", "y", "t", "holdout")
_VALIDATION_WORDS = ("validation", "valid", "val", "dev", "tuning")
_TRAIN_WORDS = ("train", "training", "false", "0", "no", "n", "f")


def split_test(
    data: Any,
    target: str,
    test: float | str | Path | Any = None,
    *,
    seed: int = 0,
    options: RowOptions = NO_OPTIONS,
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
        options: groups that stay whole, or the time by which the last rows test.

    Raises:
        DataError: no such column, marks that are not understood, or a part that stays empty.
    """
    table = as_table(data)
    if is_folds(test):
        _refuse_ambiguous(table)
        _refuse_parted(options)
    if test is None and _parts_by_itself(options):
        test = TEST_SHARE
    test = chosen_test(test, table.height)
    if is_folds(test):
        return table, table.take(np.zeros(table.height, bool))
    if isinstance(test, int | float):
        mask = _drawn(table, target, checked_share(test), options, seed)
    elif isinstance(test, str) and test in table.columns:
        mask = marked_rows(Raw(table, test))
        table = table.without(test)
    elif isinstance(test, str) and not Path(test).exists():
        listed = ", ".join(table.columns[:20])
        raise DataError(
            f"test={test!r} is neither a share, nor a file, nor a column. Columns: {listed}."
        )
    else:
        own = _own_table(test, target)
        _check_test(options, table, own)
        return table, own
    _check_test(options, table.take(~mask), table.take(mask))
    return table.take(~mask), table.take(mask)


def _parts_by_itself(options: RowOptions) -> str:
    """The option that no fold can be cut with; empty if there is none."""
    if options.time_on is not None:
        return "time_on"
    return "validation" if options.validation is not None else ""


def _refuse_parted(options: RowOptions) -> None:
    if option := _parts_by_itself(options):
        why = {
            "time_on": "folds would train on what is later than what they are scored on",
            "validation": "rows that only validate would be in no fold",
        }
        raise DataError(
            f"{option} cannot hold with test={FOLDS!r}: {why[option]}. Say test=0.2, or leave "
            f"{option} out."
        )


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


def split_validation(
    table: Table, target: str, test: Any, options: RowOptions
) -> tuple[Table, Table | None]:
    """The rows that do not validate, and those that do; None where each seed draws its own.

    Args:
        table: of training, validation and perhaps test rows.
        target: the column to predict.
        test: as for `split_test`; a column that marks both has words for the three parts.
        options: say which rows validate.

    Raises:
        DataError: as for `split_test`; or a row that would validate and test.
    """
    given = options.validation
    if given is None:
        return table, None
    if not isinstance(given, str) or given not in table.columns:
        if isinstance(given, str) and not Path(given).exists():
            listed = ", ".join(table.columns[:20])
            raise DataError(
                f"validation={given!r} is neither a file nor a column. Columns: {listed}."
            )
        return table, _own_table(given, target, "validation")
    mask = _validation_rows(Raw(table, given), with_test=given == test)
    validation = table.take(mask)
    if isinstance(test, str) and test in table.columns and test != given:
        both = among(values.categories(Raw(validation, test)).str.to_lowercase(), _TEST_WORDS)
        if both.any():
            row = int(np.argmax(both.to_numpy()))
            raise DataError(
                f"{validation.place(row)} is marked to validate by {given!r} and to test by "
                f"{test!r}. A row that chose a network must not test it: mend one of both."
            )
    kept = [table.take(~mask), validation]
    rest, validation = kept if given == test else [part.without(given) for part in kept]
    return rest, validation


def _validation_rows(raw: Raw, *, with_test: bool) -> np.ndarray:
    """Which rows a column marks as validation rows; one that marks test rows too, by name only."""
    words = values.categories(raw).str.to_lowercase()
    marks = _VALIDATION_WORDS if with_test else (*_VALIDATION_WORDS, *_TEST_WORDS[1:-1])
    others = (*_TRAIN_WORDS, *(_TEST_WORDS if with_test else ()))
    is_held = among(words, marks).to_numpy()
    strange = ~is_held & ~among(words, others).to_numpy()
    if strange.any():
        remedy = 'write "validation" and "train"'
        raise raw.refuse(int(np.argmax(strange)), "mark of validation or training rows", remedy)
    if is_held.all() or not is_held.any():
        which = "every row" if is_held.all() else "no row"
        raise DataError(f"column {raw.name!r} marks {which} as a validation row; some must be.")
    return is_held


def _drawn(table: Table, target: str, share: float, options: RowOptions, seed: int) -> np.ndarray:
    """Which rows test: whole groups, the last ones, or of each stratum its share."""
    cells = RowCells.read(table, options)
    strata = strata_of(Raw(table, target)) if cells.strata is None else coded(cells.strata)
    if cells.time is None and cells.groups is None:
        return draw_test_rows(strata, share, seed=seed)
    return draw_by_columns(cells, strata, share, seed)


def _check_test(options: RowOptions, train: Table, test: Table) -> None:
    if options.group_on is None and options.time_on is None:
        return
    sides = (RowCells.read(train, options), RowCells.read(test, options))
    check_sides(options, *sides, ("training", "test"))


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


def _own_table(rows: Any, target: str, what: str = "test") -> Table:
    table = as_table(rows)
    if target not in table.columns:
        raise DataError(
            f"the {what} table {table.name} has no column {target!r}; a file without it serves "
            "kmlp predict."
        )
    return table
