"""Raw columns as arrays of one kind, whatever they came as; what does not fit is named."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from kmlp.data.columns import MONTHS, WEEKDAYS
from kmlp.data.reading.cells import MISSING_ALWAYS, MISSING_AMONG_NUMBERS, among, read_cells, tidy
from kmlp.data.reading.formats import commonest_date
from kmlp.data.tables import Table
from kmlp.errors import DataError

BOOLEAN_WORDS = (
    ("false", "true"),
    ("no", "yes"),
    ("n", "y"),
    ("f", "t"),
    ("off", "on"),
    ("nein", "ja"),
    ("non", "oui"),
)
"""Pairs of words that mean no and yes, in lower case."""

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class Raw:
    """A raw column and the table that it stands in, which knows its rows' places.

    Attributes:
        table, name: the column.
        read: its cells once strings were read as numbers or dates; None as long as they are not.
        written: how other rows of the column are written, where that is known: `Reading.written`.
    """

    table: Table
    name: str
    read: pl.Series | None = None
    written: str = ""

    @functools.cached_property
    def series(self) -> pl.Series:
        """The column as it came, or as it was read."""
        return self.table.column(self.name) if self.read is None else self.read

    def refuse(self, row: int, wanted: str, remedy: str) -> DataError:
        """The error that names the column, the cell and the remedy."""
        cell = str(self.series[row])
        shown = repr(cell if len(cell) <= 40 else cell[:40] + " ...")
        place = self.table.place(row)
        return DataError(f"column {self.name!r}, {place}: {shown} is no {wanted}; {remedy}.")


def numbers(raw: Raw) -> np.ndarray:
    """A column as float64 with NaN for missing.

    Raises:
        DataError: a cell is no number, or infinite.
    """
    series = raw.series
    if series.dtype in (pl.String, pl.Enum):
        series = _parsed(raw, "number")
    elif series.dtype in (pl.Date, pl.Datetime):
        raise raw.refuse(_first(series.is_not_null()), "number", "it is read as a date")
    values = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise raw.refuse(row, "finite number", "clear the cell if it is missing, or mend it")
    return values


def truths(raw: Raw, words: tuple[str, str]) -> np.ndarray:
    """A column as 0.0 and 1.0 with NaN for missing.

    Args:
        raw: truth values, or words for them in any case.
        words: those for false and true.

    Raises:
        DataError: another word.
    """
    series = raw.series
    if series.dtype == pl.Boolean:
        return series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    given = categories(raw).str.to_lowercase()
    found = _looked_up(given, truth_of_words(words), math.inf)
    if np.isinf(found).any():
        row = int(np.argmax(np.isinf(found)))
        raise raw.refuse(row, f"{words[0]!r} or {words[1]!r}", "mend it or clear it")
    return found


def truth_of_words(words: tuple[str, str]) -> dict[str, float]:
    """What each word of a boolean column becomes, in lower case; NaN of those that mean missing.

    Beside the column's own words "true" and "false" say what truth values say.

    Example:
        >>> truths = truth_of_words(("no", "yes"))
        >>> truths["no"], truths["yes"], truths["true"], truths["unknown"]
        (0.0, 1.0, 1.0, nan)
    """
    own = dict.fromkeys(word.lower() for word in MISSING_AMONG_NUMBERS)
    known = {"false": 0.0, "true": 1.0, words[0].lower(): 0.0, words[1].lower(): 1.0}
    return {**dict.fromkeys(own, math.nan), **known}


def categories(raw: Raw) -> pl.Series:
    """A column as strings without spaces round them; whole numbers are written without a point."""
    series = raw.series
    if series.dtype.is_float():
        text = series.cast(pl.Float64)
        whole = (text == text.round()) & (text.abs() < 2**53)
        written = text.cast(pl.String)
        return written.zip_with(
            ~whole.fill_null(False), text.cast(pl.Int64, strict=False).cast(pl.String)
        )
    is_tidy = raw.read is None and raw.table.is_coded(raw.name)
    return series if is_tidy else tidy(series.cast(pl.String))


def codes(raw: Raw, values: tuple[str, ...]) -> np.ndarray:
    """A column as float64 codes: the place in `values`, `len(values)` for others, NaN if missing.

    A word such as "?" that always means missing does so unless it is one of the values.
    """
    return _looked_up(categories(raw), code_of_words(values), float(len(values)))


def code_of_words(values: tuple[str, ...]) -> dict[str, float]:
    """What each word of a category becomes: its place in `values`; NaN of those that mean missing.

    Example:
        >>> code_of_words(("a", "NA"))["NA"], code_of_words(("a",))["NA"]
        (1.0, nan)
    """
    places = {word: float(place) for place, word in enumerate(values)}
    return {**dict.fromkeys(MISSING_ALWAYS, math.nan), **places}


def _looked_up(words: pl.Series, numbers: dict[str, float], default: float) -> np.ndarray:
    """The number of each word, another's default; NaN of a missing one."""
    keys = pl.Series(list(numbers), dtype=pl.String)
    each = pl.Series(list(numbers.values()), dtype=pl.Float64)
    found = words.replace_strict(keys, each, default=default).to_numpy(writable=True)
    found[words.is_null().to_numpy()] = math.nan
    return found


def moments(raw: Raw) -> pl.Series:
    """A column of dates as moments in microseconds.

    Raises:
        DataError: a cell is no date.
    """
    series = raw.series
    if series.dtype in (pl.Date, pl.Datetime):
        return series.cast(pl.Datetime("us"))
    if series.dtype.is_integer():  # 20240131
        read = series.cast(pl.String).str.to_date("%Y%m%d", strict=False)
        if read.null_count() > series.null_count():
            row = _first(read.is_null() & series.is_not_null())
            raise raw.refuse(row, "date", "write it as year-month-day, or call the column a number")
        return read.cast(pl.Datetime("us"))
    return _parsed(raw, "date").cast(pl.Datetime("us"))


def date_part(moment: pl.Series, part: str) -> np.ndarray:
    """A part of dates as float64, NaN for missing.

    Args:
        moment: as `moments` gives them.
        part: "elapsed" (days since 1970), "month" and "weekday" (codes), "day", "hour".
    """
    missing = moment.is_null().to_numpy()
    ticks = moment.cast(pl.Int64).fill_null(0).to_numpy()
    if part == "elapsed":
        values = ticks / _DAY
    elif part == "hour":
        values = (ticks % _DAY) / (_DAY / 24)
    elif part == "weekday":
        values = ((ticks // _DAY + 3) % len(WEEKDAYS)).astype(
            np.float64
        )  # 1970 began on a Thursday
    elif part == "month":
        values = moment.dt.month().cast(pl.Float64).fill_null(1).to_numpy() - float(MONTHS[0])
    else:
        values = moment.dt.day().cast(pl.Float64).fill_null(1).to_numpy()
    return np.where(missing, np.nan, values)


def _parsed(raw: Raw, kind: str) -> pl.Series:
    """Strings read as numbers or dates."""
    cells = tidy(raw.series.cast(pl.String))
    read, reading = read_cells(cells, known=raw.written)
    if reading.kind == kind or not len(read.drop_nulls()):
        return read if reading.kind == kind else pl.Series([None] * len(read), dtype=_EMPTY[kind])
    fits, wanted = _fits(cells, kind)
    raise raw.refuse(_first(~fits), wanted, "mend the cell, or clear it if the value is missing")


_EMPTY = {"number": pl.Float64(), "date": pl.Datetime("us")}


def _fits(cells: pl.Series, kind: str) -> tuple[pl.Series, str]:
    """Which cells are missing, or like most others of this kind; and what they are."""
    missing = cells.is_null() | among(cells, MISSING_AMONG_NUMBERS)
    if kind == "number":
        return missing | cells.cast(pl.Float64, strict=False).is_not_null(), kind
    date = commonest_date(cells.filter(~missing))
    if date is None:
        return missing, kind
    return missing | date.parse(cells).is_not_null(), f"date written as {date.title}, as others are"


def _first(mask: pl.Series) -> int:
    return int(np.argmax(mask.fill_null(False).to_numpy()))
