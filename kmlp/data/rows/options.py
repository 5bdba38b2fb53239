"""Which columns say how rows are parted and what they weigh, by AutoGluon's names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from kmlp.errors import DataError
from kmlp.text import did_you_mean

_CLASHES = {
    ("time_on", "group_on"): "the last rows test, and groups would be parted between them and the "
    "rows before",
    ("time_on", "fold_on"): "folds train on what is later than what they are scored on",
    ("time_on", "stratify_on"): "which rows are the last leaves nothing to stratify",
}
_REASONS = {
    "group_on": "says which rows belong together",
    "time_on": "says which rows come last",
    "stratify_on": "says what parts hold in like shares",
    "fold_on": "says which fold a row is in",
    "weight_on": "says how much a row counts",
}
OPTIONS = tuple(_REASONS)
"""Those that name a column; `validation` may."""


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """How rows are parted, and what they weigh; each of the first five a column's name.

    Attributes:
        group_on: rows of one value of it are never on both sides of a split.
        time_on: the last rows test, those before them validate.
        stratify_on: every part holds each value of it in its share; the target's classes where
            omitted.
        fold_on: which fold each row is in, for cross-validation.
        weight_on: how much each row counts.
        validation: rows that validate whatever the seed: a column that marks them, a file or a
            frame.

    Raises:
        DataError: two of them that cannot both hold.

    Example:
        >>> RowOptions(group_on="patient", weight_on="w").columns
        {'group_on': 'patient', 'weight_on': 'w'}
    """

    group_on: str | None = None
    time_on: str | None = None
    stratify_on: str | None = None
    fold_on: str | None = None
    weight_on: str | None = None
    validation: Any = None

    def __post_init__(self) -> None:
        said = self.columns
        for (one, other), why in _CLASHES.items():
            if one in said and other in said:
                raise DataError(
                    f"{one} and {other} cannot both hold: {why}. Received: {one}={said[one]!r}, "
                    f"{other}={said[other]!r}. Leave one out."
                )

    def __bool__(self) -> bool:
        return bool(self.columns) or self.validation is not None

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are named, by option."""
        said = {name: getattr(self, name) for name in OPTIONS}
        return {name: column for name, column in said.items() if column is not None}

    def left_out(self, target: str, wanted: Collection[str]) -> dict[str, str]:
        """The columns that are no inputs for it, and why; who says a column's kind wants it."""
        return {
            column: f"{option}: {_REASONS[option]}"
            for option, column in self.columns.items()
            if column != target and column not in wanted
        }

    def check(self, columns: Collection[str], target: str, table: str) -> None:
        """Refuses what the table does not have, and the target where it would give itself away.

        Raises:
            DataError: which option, and what to write.
        """
        for option, column in self.columns.items():
            if column not in columns:
                listed = ", ".join(list(columns)[:20])
                raise DataError(
                    f"{option}={column!r}: {table} has no such column."
                    f"{did_you_mean(column, columns)} Columns: {listed}."
                )
            if column == target and option != "stratify_on":
                raise DataError(
                    f"{option}={column!r} is the target, which is to be predicted. Name another "
                    "column, or leave it out."
                )


NO_OPTIONS = RowOptions()
"""Rows of which nothing is said."""
