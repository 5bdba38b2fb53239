"""What a table's columns say of its rows: groups, folds and strata as words, time, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.inference.kinds import find_kind
from kmlp.data.reading.cells import MISSING_ALWAYS, among
from kmlp.data.rows.options import RowOptions
from kmlp.data.tables import Table
from kmlp.data.values import Raw
from kmlp.errors import DataError

_MOST_STRATA, _BINS = 100, 10


@dataclass(frozen=True, eq=False, kw_only=True)
class RowCells:
    """What is said of the rows of a table or of several, `(n,)`; None where nothing was asked.

    Attributes:
        groups, folds, strata: words.
        time: numbers or `datetime64`.
        weight: `float64`, 0 or more.
    """

    groups: pl.Series | None = None
    folds: pl.Series | None = None
    strata: pl.Series | None = None
    time: np.ndarray | None = None
    weight: np.ndarray | None = None

    @classmethod
    def read(cls, table: Table, options: RowOptions, kind_of_time: str = "") -> Self:
        """Of one table.

        Args:
            table: a column that it lacks says nothing, nor does a table without rows.
            options: which columns say what.
            kind_of_time: "date" or "number"; found out where it is empty.

        Raises:
            DataError: the column, the cell and what to do.
        """
        if not table.height:  # where folds test
            return cls()
        named = {o: Raw(table, c) for o, c in options.columns.items() if c in table.columns}
        time, weight = named.get("time_on"), named.get("weight_on")
        group, fold, stratum = (named.get(f"{what}_on") for what in ("group", "fold", "stratify"))
        return cls(
            groups=_words(group) if group else None,
            folds=_words(fold) if fold else None,
            strata=_strata(stratum) if stratum else None,
            time=_moments(time, kind_of_time) if time else None,
            weight=_weights(weight) if weight else None,
        )

    @classmethod
    def together(cls, cells: Sequence[Self]) -> Self:
        """Of several tables' rows, one after the other; what one lacks, all lack."""
        joined: dict[str, Any] = {
            name: _joined([getattr(said, name) for said in cells]) for name in vars(cells[0])
        }
        return cls(**joined)


def coded(words: pl.Series) -> np.ndarray:
    """Words as `(n,)` whole numbers, the places in their order.

    Example:
        >>> coded(pl.Series(["b", "a", "b"])).tolist()
        [1, 0, 1]
    """
    return words.cast(pl.Enum(words.unique().sort())).to_physical().to_numpy().astype(np.int64)


def kind_of(time: np.ndarray) -> str:
    """What a column of time was read as, "date" or "number"."""
    return "date" if time.dtype.kind == "M" else "number"


def _joined(parts: list) -> pl.Series | np.ndarray | None:
    if any(part is None for part in parts):
        return None
    return pl.concat(parts) if isinstance(parts[0], pl.Series) else np.concatenate(parts)


def _words(raw: Raw) -> pl.Series:
    """A column of which every cell must say something."""
    words = values.categories(raw)
    missing = (words.is_null() | among(words, MISSING_ALWAYS)).to_numpy()
    _refuse_missing(raw, missing, "say which")
    return words


def _refuse_missing(raw: Raw, missing: np.ndarray, remedy: str) -> None:
    if missing.any():
        raise DataError(
            f"column {raw.name!r}, {raw.table.place(int(np.argmax(missing)))}: the cell is empty "
            f"({int(missing.sum()):,} rows); {remedy}, or take such rows out."
        )


def _strata(raw: Raw) -> pl.Series:
    """Few values each by itself, a gap as one of them; of many numbers tenths by size."""
    words = values.categories(raw).fill_null("")
    number = words.n_unique()
    if number <= min(_MOST_STRATA, max(2, len(words) // 4)):
        return words
    if find_kind(raw).kind != "number":
        raise DataError(
            f"stratify_on={raw.name!r} has {number:,} values in {len(words):,} rows, too many for "
            "parts to hold each in its share. Name a column of fewer."
        )
    numbers = values.numbers(raw)
    edges = np.nanquantile(numbers, np.arange(1, _BINS) / _BINS)
    return pl.Series(np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers)).astype(str))


def _moments(raw: Raw, kind: str) -> np.ndarray:
    kind = kind or find_kind(raw).kind
    if kind == "date":
        moments = values.moments(raw)
        missing, time = moments.is_null().to_numpy(), moments.to_numpy()
    elif kind == "number" or raw.series.dtype.is_numeric():
        time = values.numbers(raw)
        missing = np.isnan(time)
    else:
        raise DataError(
            f"time_on={raw.name!r} holds neither dates nor numbers, by which rows have an order. "
            "Name another column."
        )
    _refuse_missing(raw, missing, "say when")
    return time


def _weights(raw: Raw) -> np.ndarray:
    weight = values.numbers(raw)
    _refuse_missing(raw, np.isnan(weight), "say how much the row counts")
    if (weight < 0).any():
        raise raw.refuse(int(np.argmax(weight < 0)), "weight", "a weight is 0 or more")
    if len(weight) and not weight.any():
        raise DataError(f"weight_on={raw.name!r} is 0 in every row of {raw.table.name}.")
    return weight
