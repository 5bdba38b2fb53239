"""What is known of a table's columns: records that networks, reports and exports share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

KINDS = ("number", "category", "boolean", "date")
DATE_PARTS = ("elapsed", "month", "weekday", "day", "hour")
MONTHS = tuple(str(month) for month in range(1, 13))
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
    """

    task: str
    target: Column
    columns: tuple[Column, ...]
    left_out: dict[str, str]
    shown: tuple[Shown, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    num_unlabelled: int = 0

    @property
    def inputs(self) -> dict[str, str]:
        """The raw columns that are used and their kinds, dates as "date", in order."""
        return {c.source: "date" if c.part else c.kind for c in self.columns}

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name a class; none for regression."""
        return self.target.values if self.task != "regression" else ()

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
