"""What is known of data and their columns: records that networks, reports and exports share."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

KINDS = ("number", "category", "boolean", "date")
DATE_PARTS = ("elapsed", "month", "weekday", "day", "hour")
MONTHS = tuple(str(month) for month in range(1, 13))
_FEW_WORDS, _SHORT = 8, 20
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the encoded matrix, with all that is needed to make it from the raw one.

    A date comes apart into several: the days elapsed and the day of the month are numbers, so is
    the hour; month and weekday are categories.

    Attributes:
        name: what reports call it; a date's parts are called "when (month)".
        kind: "number", "category" or "boolean"; as raw columns, dates are "date".
        source: the raw column's name.
        part: of a date: "elapsed", "month", "weekday", "day" or "hour"; else empty.
        values: of a category, the vocabulary: the code of each is its place, the code of whatever
            else comes is `len(values)`. Of a boolean, the words for false and true.
        offset, exponent: a number v is stored as float32((v - offset) / 2 ** exponent).
        has_missing: whether the training table has gaps here.
        low, high: the range of a number in the training table; None for others.
        written: how training rows write the date or the number, where others might be read
            otherwise (`kmlp.data.reading.cells.Reading.written`); else empty.

    Example:
        >>> Column(name="age", kind="number", source="age").num_codes
        0
    """

    name: str
    kind: str
    source: str
    part: str = ""
    values: tuple[str, ...] = ()
    offset: float = 0.0
    exponent: int = 0
    has_missing: bool = False
    low: float | None = None
    high: float | None = None
    written: str = field(default="", compare=False)

    @property
    def num_codes(self) -> int:
        """How many codes a category has, the one of unseen values included; 0 of no category."""
        return len(self.values) + 1 if self.kind == "category" else 0

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """A record as `dataclasses.asdict` wrote it, also through JSON."""
        return cls(**saved | {"values": tuple(saved.get("values", ()))})


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A raw column as people are shown it before anything trains.

    Attributes:
        name: as it stands in the table.
        kind: one of `KINDS`; "text" or "" where it is left out as such.
        missing: share of the rows that have no value, from 0 to 1.
        distinct: number of different values.
        range: the smallest and largest value, or the first categories.
        becomes: what becomes of it, or why it is left out.
    """

    name: str
    kind: str
    missing: float
    distinct: int
    range: str
    becomes: str


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A table's columns and target, as found or said; plain values, the same after JSON.

    Attributes:
        task: "binary", "multiclass" or "regression".
        target: the column to predict; its `values` are the classes.
        columns: those of the encoded matrix, in its order.
        left_out: raw columns that are not used, and why.
        shown: every raw column, the target first.
        notes: what was decided and can be overridden.
        warnings: what a user should look at before anything trains.
        num_unlabelled: rows without a target, which nothing can be learned from.
        weight_on: the raw column that says how much a row counts; empty where all count alike.
    """

    task: str
    target: Column
    columns: tuple[Column, ...]
    left_out: dict[str, str]
    shown: tuple[Shown, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    num_unlabelled: int = 0
    weight_on: str = ""

    @property
    def inputs(self) -> dict[str, str]:
        """The raw columns that are used and their kinds, dates as "date", in order."""
        return {c.source: "date" if c.part else c.kind for c in self.columns}

    @property
    def written(self) -> dict[str, str]:
        """How raw columns write dates and numbers, where that must be known to read other rows."""
        return {c.source: c.written for c in self.columns if c.written}

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name a class; none for regression."""
        return self.target.values if self.task != "regression" else ()

    @property
    def shown_to_anybody(self) -> tuple[Shown, ...]:
        """`shown` without cells that may tell of a person: for pages that are passed on.

        Ranges of numbers, dates and truth values stay, and so do the target's classes. Categories
        stay where they are few and short; of free text, identifiers and whatever else is left out
        nothing is shown.
        """
        values = {c.source: c.values for c in self.columns if c.kind == "category" and not c.part}
        values.pop(self.target.source, None)
        return tuple(
            dataclasses.replace(shown, range="")
            if shown.name in self.left_out or not _are_few(values.get(shown.name, ()))
            else shown
            for shown in self.shown
        )

    @property
    def shown_without_values(self) -> tuple[Shown, ...]:
        """`shown` without anything that stood in a cell but the target's classes."""
        classes = self.target.source if self.class_names else None
        words = {c.source for c in self.columns if c.kind == "boolean" or c.offset}
        return tuple(
            shown
            if shown.name == classes
            else dataclasses.replace(
                shown, range="", becomes=shown.kind if shown.name in words else shown.becomes
            )
            for shown in self.shown
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        Example:
            >>> column = Column(name="age", kind="number", source="age", low=0.0, high=9.0)
            >>> target = Column(name="y", kind="category", source="y", values=("a", "b"))
            >>> schema = Schema(task="binary", target=target, columns=(column,), left_out={})
            >>> Schema.from_dict(schema.to_dict()) == schema
            True
        """
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """What `to_dict` gave, also after JSON."""
        return cls(
            **saved
            | {
                "target": Column.from_dict(saved["target"]),
                "columns": tuple(map(Column.from_dict, saved["columns"])),
                "shown": tuple(Shown(**shown) for shown in saved["shown"]),
                "notes": tuple(saved["notes"]),
                "warnings": tuple(saved["warnings"]),
            }
        )


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """What a network must know of its data; plain values, no arrays.

    Attributes:
        task: "binary", "multiclass" or "regression".
        input_shape: shape of one example, such as (28, 28).
        input_dtype: "uint8" for raw images, "float32" for features.
        num_classes: number of classes; 0 for regression.
        class_names: one name a class; empty for regression.
        columns: of a table, how each column of the matrix is made; NaN is missing there. Empty
            where float32 holds the numbers as they are.
        target: of a regression, how its numbers are stored; None where they are as they are.
        feature_names: what the columns of the arrays are called, if anything.
        value_range: of `float32` arrays, the smallest and largest training value; None of others.
        is_weighted: whether rows count differently.
    """

    task: str
    input_shape: tuple[int, ...]
    input_dtype: str
    num_classes: int
    class_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    target: Column | None = None
    feature_names: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None
    is_weighted: bool = False

    @property
    def num_features(self) -> int:
        """Number of values in one example."""
        return int(np.prod(self.input_shape))

    @property
    def num_outputs(self) -> int:
        """Number of values that a network gives for one example, before softmax or sigmoid."""
        return self.num_classes if self.task == "multiclass" else 1

    @property
    def raw_dtype(self) -> str:
        """Of examples as they come, which an exported model takes: "float64" where an offset or a
        power of two is taken off, else `input_dtype`."""
        return "float64" if self.is_scaled else self.input_dtype

    @property
    def is_scaled(self) -> bool:
        """Whether an offset or a power of two is taken off any column."""
        return any(column.offset or column.exponent for column in self.columns)

    @property
    def has_ranges(self) -> bool:
        """Whether it is known what training saw, and an input can be outside: bytes cannot."""
        return bool(self.columns) or self.value_range is not None

    def in_unit(self, targets: np.ndarray) -> np.ndarray:
        """A regression's targets or predictions in the target's own unit; else as they are.

        Example:
            >>> target = Column(name="y", kind="number", source="y", offset=1e9)
            >>> spec = DataSpec(task="regression", input_shape=(4,), input_dtype="float32",
            ...     num_classes=0, class_names=(), target=target)
            >>> spec.in_unit(np.array([0.5], "float32")).tolist()
            [1000000000.5]
        """
        if self.target is None:
            return targets
        return decode_target(targets, self.target)

    def to_dict(self) -> dict[str, Any]:
        """As results hold it; what is empty, as before there were tables, is left out."""
        values: dict[str, Any] = {
            "task": self.task,
            "input_shape": list(self.input_shape),
            "input_dtype": self.input_dtype,
            "class_names": list(self.class_names),
        }
        if self.columns:
            values["columns"] = [_plain_record(column) for column in self.columns]
        if self.target:
            values["target"] = _plain_record(self.target)
        if self.feature_names:
            values["feature_names"] = list(self.feature_names)
        if self.value_range:
            values["value_range"] = list(self.value_range)
        if self.is_weighted:
            values["is_weighted"] = True
        return values

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_dict` gave, also after JSON and among other keys."""
        target = saved.get("target")
        return cls(
            task=saved["task"],
            input_shape=tuple(saved["input_shape"]),
            input_dtype=saved["input_dtype"],
            num_classes=len(saved["class_names"]),
            class_names=tuple(saved["class_names"]),
            columns=tuple(map(Column.from_dict, saved.get("columns", ()))),
            target=Column.from_dict(target) if target else None,
            feature_names=tuple(saved.get("feature_names", ())),
            value_range=tuple(saved["value_range"]) if "value_range" in saved else None,
            is_weighted=saved.get("is_weighted", False),
        )

    def class_index(self, key: str) -> int | None:
        """The index of a class that is given by its name or its number; None for no class."""
        if key in self.class_names:
            return self.class_names.index(key)
        is_number = key.isdecimal() and len(key) <= 10
        return int(key) if is_number and int(key) < self.num_classes else None


def decode_target(encoded: np.ndarray, target: Column) -> np.ndarray:
    """Numbers as the target's column writes them, in float64, from scaled ones.

    Example:
        >>> target = Column(name="y", kind="number", source="y", offset=1e9, exponent=-3)
        >>> decode_target(np.array([4.0], np.float32), target).tolist()
        [1000000000.5]
    """
    return np.ldexp(np.asarray(encoded, np.float64), target.exponent) + target.offset


def _plain_record(column: Column) -> dict[str, Any]:
    """Without how files write the column: the numbers are the same, and the hash of the data set,
    which run folders hold, is made of this."""
    values = dataclasses.asdict(column) | {"values": list(column.values)}
    return {name: value for name, value in values.items() if name != "written"}


def _are_few(words: tuple[str, ...]) -> bool:
    """Whether categories are so few and short that they name kinds, hardly persons."""
    return len(words) <= _FEW_WORDS and all(len(w) <= _SHORT and "@" not in w for w in words)
