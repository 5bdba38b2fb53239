"""What columns say of rows, in words: how many groups there are, when the test rows begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kmlp.data.rows.holding_out import are_last
from kmlp.data.rows.options import RowOptions
from kmlp.data.rows.record import Rows, spread_of

if TYPE_CHECKING:
    # Slow to import, and what reads a run folder tells of no cells.
    import polars as pl

    from kmlp.data.rows.cells import RowCells

# Folds of twice as many rows as others may count as much as these.
_ALIKE = 2


def notes_on(options: RowOptions, of: Mapping[str, RowCells]) -> tuple[str, ...]:
    """A line for each option.

    Args:
        options: what was asked.
        of: "training", perhaps "validation", and "test" -> what is said of its rows.
    """
    found, training = [], of["training"]
    if options.group_on:
        found.append(_groups(options.group_on, of))
    if options.time_on:
        found.append(_time(options.time_on, of))
    if options.stratify_on:
        number = _words(training.strata).n_unique()
        found.append(f"strata by {options.stratify_on!r}: {number}; every part has its share")
    if options.fold_on:
        found.append(_folds(options.fold_on, _words(training.folds)))
    if options.weight_on:
        weight = training.weight
        assert weight is not None
        found.append(f"weights by {options.weight_on!r}: {spread_of(weight)}")
    return tuple(found)


def validation_note(rows: Rows, share: float, kept: np.ndarray | None = None) -> str:
    """Which rows validate, where that follows from no draw; empty where each seed draws its own.

    Args:
        rows: what is known of them.
        share: that validates.
        kept: indices of rows that are kept to calibrate.

    Example:
        >>> validation_note(Rows(strata=np.zeros(4, int), time=np.arange(4.0)), 0.25)
        'validation: the last training rows, 1 of 4, from 3 on; the same for every seed'
        >>> validation_note(Rows.of(np.zeros(4, int)), 0.25)
        ''
    """
    if rows.is_validation is not None:
        number = int(rows.is_validation.sum())
        return f"validation: {number:,} given rows; the same for every seed"
    if rows.time is None or not share:
        return ""
    time = rows.time if kept is None else np.delete(rows.time, kept)
    last = are_last(time, share)
    begin = f", from {when(time[last].min())} on" if last.any() else ""
    return (
        f"validation: the last training rows, {int(last.sum()):,} of {len(time):,}{begin}; the "
        "same for every seed"
    )


def calibration_note(rows: Rows, kept: np.ndarray) -> str:
    """Which rows are kept to calibrate; empty where none are.

    Example:
        >>> calibration_note(Rows(strata=np.zeros(4, int), time=np.arange(4.0)), np.array([2, 3]))
        'calibration: 2 training rows that no network sees, the last ones, from 2 on'
    """
    if not len(kept):
        return ""
    which = "" if rows.time is None else f", the last ones, from {when(rows.time[kept].min())} on"
    return f"calibration: {len(kept):,} training rows that no network sees{which}"


def when(moment: np.generic) -> str:
    """A moment for people; of a date without a time of day the day alone.

    Example:
        >>> when(np.datetime64("2024-03-01T00:00:00.000000")), when(np.float64(3))
        ('2024-03-01', '3')
    """
    if not isinstance(moment, np.datetime64):
        return f"{float(moment):.10g}"
    day = moment.astype("datetime64[D]")
    return str(day if day == moment else moment.astype("datetime64[s]"))


def _groups(column: str, cells: Mapping[str, RowCells]) -> str:
    numbers = [
        f"{said.groups.n_unique():,} in the {part} rows"
        for part, said in cells.items()
        if said.groups is not None
    ]
    return f"groups by {column!r}: {', '.join(numbers)}; none is parted"


def _time(column: str, cells: Mapping[str, RowCells]) -> str:
    begins = [
        f"{part} rows begin at {when(said.time.min())}"
        for part, said in cells.items()
        if said.time is not None
    ]
    return f"time by {column!r}: {', '.join(begins)}"


def _folds(column: str, words: pl.Series) -> str:
    """Their sizes; their names stand in cells, which pages that are passed on do not show."""
    _, counts = np.unique(words.to_numpy(), return_counts=True)
    sizes = f"folds by {column!r}: {len(counts)}, of {counts.min():,} to {counts.max():,} rows"
    if counts.max() <= _ALIKE * counts.min():
        return sizes
    return (
        f"{sizes}; every fold counts once, however many rows it has, so that a row of the smallest "
        f"weighs {counts.max() / counts.min():.3g} times one of the largest: join small folds"
    )


def _words(words: pl.Series | None) -> pl.Series:
    assert words is not None
    return words
