"""Raw columns become one float32 matrix, and back: the one encoder, which exports are held to."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.columns import Column
from kmlp.data.tables import Table, as_table
from kmlp.data.values import Raw
from kmlp.errors import DataError
from kmlp.text import nearest

_LARGEST = float(np.finfo(np.float32).max)
_ENOUGH = 2.0**8  # 16 of float32's 24 bits are left for what differs among the rows
_ENOUGH_IF_EXACT = 2.0**12
_MODERATE = 2.0**40
_REACH = 60
_MOST = 1000


@dataclass
class Told:
    """What was met while encoding and should be told; batches add up.

    Attributes:
        known: columns that are rightly not used, such as the target and those left out.
        extra: columns that are not used, and that nothing is known of.
        unseen: by column, how many cells hold a category that the training table lacks.
        outside: by column, how many numbers lie further outside the training range than that is
            wide.
        gaps: by raw column, how many cells are empty though none was in the training table.
        num_rows: how many rows were encoded.
    """

    known: Collection[str] = ()
    extra: list[str] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    num_rows: int = 0

    def lines(self) -> list[str]:
        """One line a finding, for people."""
        rows = f"of {self.num_rows:,} rows"
        said = [f"not used: {', '.join(map(repr, self.extra))}"] if self.extra else []
        said += [
            f"column {name!r}: {count:,} {rows} hold a category that was not in training; it is "
            "known as unseen"
            for name, count in self.unseen.items()
        ]
        said += [
            f"column {name!r}: {count:,} {rows} lie far outside the range seen in training; is "
            "the unit the same?"
            for name, count in self.outside.items()
        ]
        said += [
            f"column {name!r}: {count:,} {rows} have no value, and no training row lacked one; "
            "what a gap means here was not learned"
            for name, count in self.gaps.items()
        ]
        return said


def encode(data: Any, columns: Sequence[Column], told: Told | None = None) -> np.ndarray:
    """The float32 matrix `(n, len(columns))` of raw columns, found by their names.

    Numbers are stored as `float32((v - offset) / 2 ** exponent)`, truth values as 0 and 1,
    categories as codes (`len(values)` for unseen ones), dates as their parts; NaN is missing.

    Args:
        data: a `Table`, a frame of any library, or a file.
        columns: those of a `Schema`.
        told: takes what should be told: extra columns, unseen categories, values far outside, new
            gaps.

    Raises:
        DataError: a column is missing, or a cell is not of its column's kind.

    Example:
        >>> age = Column(name="age", kind="number", source="age", offset=20.0, exponent=1)
        >>> sex = Column(name="sex", kind="category", source="sex", values=("f", "m"))
        >>> encode({"sex": ["m", "x", None], "age": [22, None, 20]}, (age, sex)).tolist()
        [[1.0, 1.0], [nan, 2.0], [0.0, nan]]
    """
    table, found = as_table(data), told if told is not None else Told()
    _match(table, columns, found)
    encoding = Encoding((table,), (found,))
    for source, parts in itertools.groupby(columns, key=lambda column: column.source):
        encoding.add(source, list(parts))
    return encoding.matrices()[0]


class Encoding:
    """Matrices of several tables, as `encode` gives them, that grow by a raw column at a time.

    Args:
        tables: of the same columns.
        told: takes what should be told, one a table.
        use_up: whether each raw column is dropped from the tables once it is encoded, so that
            they are never held beside all that is made of them.
    """

    def __init__(
        self, tables: Sequence[Table], told: Sequence[Told], *, use_up: bool = False
    ) -> None:
        self._tables, self._told, self._use_up = tables, told, use_up
        self._parts: list[list[np.ndarray]] = [[] for _ in tables]
        self._known = frozenset(tables[0].columns)
        for table, found in zip(tables, told, strict=True):
            found.num_rows += table.height

    def add(self, source: str, columns: Sequence[Column]) -> None:
        """Encodes a raw column; one of which nothing is made is used up all the same.

        Raises:
            DataError: it is missing, or a cell is not of its kind.
        """
        for table, found, parts in zip(self._tables, self._told, self._parts, strict=True):
            if columns:
                _refuse_lacking(table, [source], self._known)
                raw = Raw(table, source, written=columns[0].written)
                parts += _encoded_parts(raw, columns, found)
        for table in self._tables if self._use_up else ():
            if source in table.columns:  # parts of one table lose it at once
                table.whole.drop_in_place(source)

    def matrices(self) -> list[np.ndarray]:
        """One a table, `(n, columns)`; asked for once."""
        return [_side_by_side(parts) for parts in self._parts]


def encode_column(raw: Raw, column: Column) -> np.ndarray:
    """One raw column as float64, NaN where missing."""
    known = replace(raw, written=column.written)
    return _encoded_parts(known, [column], Told())[0].astype(np.float64)


def _encoded_parts(raw: Raw, columns: Sequence[Column], told: Told) -> list[np.ndarray]:
    """The encoded columns of a raw one."""
    moments = values.moments(raw) if columns[0].part else None
    encoded = [_encoded(raw, column, moments, told).astype(np.float32) for column in columns]
    if not any(column.has_missing for column in columns):
        _count(told.gaps, raw.name, np.isnan(encoded[0]))  # of a date, all parts lack together
    return encoded


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    """Columns as a matrix; the parts are used up."""
    matrix = np.empty((len(parts[0]), len(parts)), np.float32)
    while parts:
        last = parts.pop()
        matrix[:, len(parts)] = last
    return matrix


def encode_target(data: Any, target: Column) -> np.ndarray:
    """The target: `int32` classes `(n,)`, or float32 numbers scaled as their column says.

    Raises:
        DataError: a row has no target, or a class that is not among the target's values.
    """
    table = as_table(data)
    _refuse_lacking(table, [target.source])
    raw = Raw(table, target.source)
    found = target_numbers(raw, target)
    if np.isnan(found).any():
        row = int(np.argmax(np.isnan(found)))
        raise DataError(
            f"column {target.source!r}, {table.place(row)}: the target is missing "
            f"({int(np.isnan(found).sum())} rows); take out such rows."
        )
    if target.kind == "number":
        return scaled(found, target.offset, target.exponent)
    if (found >= len(target.values)).any():
        row = int(np.argmax(found >= len(target.values)))
        raise raw.refuse(row, f"class of {', '.join(target.values[:20])}", "mend or take it out")
    return found.astype(np.int32)


def target_numbers(raw: Raw, target: Column) -> np.ndarray:
    """The target as float64 numbers or codes; NaN where it is missing."""
    if target.kind == "number":
        return values.numbers(raw)
    if target.kind == "boolean":
        return values.truths(raw, (target.values[0], target.values[1]))
    return values.codes(raw, target.values)


def scaled(numbers: np.ndarray, offset: float, exponent: int) -> np.ndarray:
    """float32((v - offset) / 2 ** exponent), computed in float64; finite stays finite."""
    # Divided first: the difference of two huge numbers may overflow, powers of two are exact.
    with np.errstate(over="ignore", under="ignore"):
        small = np.ldexp(numbers, -exponent) - np.ldexp(offset, -exponent)
        return np.clip(small, -_LARGEST, _LARGEST).astype(np.float32)


def scale_of(numbers: np.ndarray) -> tuple[float, int]:
    """The offset and exponent with which float32 keeps a column's digits; 0 where it does as is.

    Args:
        numbers: float64, NaN where missing.

    Example:
        >>> scale_of(np.linspace(0, 1, 5)), scale_of(1e9 + np.linspace(0, 1, 5))
        ((0.0, 0), (1000000000.5, 0))
    """
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return 0.0, 0
    with np.errstate(over="ignore"):
        low, first, middle, third, high = np.quantile(known, (0, 0.25, 0.5, 0.75, 1))
        spread = min((third - first) or (high - low), _LARGEST**7)
        is_exact = np.array_equal(known.astype(np.float32), known)
    if is_exact and not spread:
        return 0.0, 0
    enough = _ENOUGH_IF_EXACT if is_exact else _ENOUGH
    offset = float(middle) if abs(middle) > enough * spread else 0.0
    reach = max(abs(low / 2 - offset / 2), abs(high / 2 - offset / 2)) * 2
    if not spread or (reach <= _MODERATE and spread >= 1 / _MODERATE):
        return offset, 0
    widest = np.frexp(min(reach, np.finfo(np.float64).max))[1]
    return offset, int(np.clip(max(np.frexp(spread)[1], widest - _REACH), -_MOST, _MOST))


def _encoded(raw: Raw, column: Column, moments: pl.Series | None, told: Told) -> np.ndarray:
    if column.kind == "boolean":
        return values.truths(raw, (column.values[0], column.values[1]))
    if column.kind == "category":
        if moments is not None:
            return values.date_part(moments, column.part)
        codes = values.codes(raw, column.values)
        _count(told.unseen, column.name, codes == len(column.values))
        return codes
    numbers = values.numbers(raw) if moments is None else values.date_part(moments, column.part)
    if column.low is not None and column.high is not None:
        width = column.high - column.low
        far = (numbers < column.low - width) | (numbers > column.high + width)
        _count(told.outside, column.name, far)
    return scaled(numbers, column.offset, column.exponent)


def _count(counter: Counter[str], name: str, found: np.ndarray) -> None:
    count = int(found.sum())
    if count:
        counter[name] += count


def _match(table: Table, columns: Sequence[Column], told: Told) -> None:
    wanted = dict.fromkeys(column.source for column in columns)
    _refuse_lacking(table, list(wanted), {*wanted, *told.known})
    passed_over = {*wanted, *told.known, *told.extra}
    told.extra += [name for name in table.columns if name not in passed_over]


def _refuse_lacking(table: Table, wanted: Sequence[str], known: Collection[str] = ()) -> None:
    """Refuses a table without a column; what training knows by another name is not meant by it."""
    if missing := [name for name in wanted if name not in table.columns]:
        raise _missing_columns(missing, table, known)


def _missing_columns(missing: Sequence[str], table: Table, known: Collection[str]) -> DataError:
    held = table.columns
    unknown = [name for name in held if name not in known]
    hints = []
    for name in missing[:10]:
        near = nearest(name, unknown)
        hints.append(f"{name!r}" + (f" (is it {near!r}?)" if near else ""))
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    listed = ", ".join(map(repr, held[:20])) + (" ..." if len(held) > 20 else "")
    return DataError(
        f"{table.name} lacks the column{'s' * (len(missing) > 1)} {', '.join(hints)}{more}. "
        f"It holds: {listed}. Columns are matched by name; rename them as in training."
    )
