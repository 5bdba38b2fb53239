"""Columns of dates in whose order the rows came: shuffled, the later ones tell of the earlier."""

from __future__ import annotations

import shlex
from collections.abc import Collection

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.inference.kinds import read
from kmlp.data.tables import Table
from kmlp.data.values import Raw

_FEWEST, _KNOWN, _DISTINCT = 20, 0.9, 0.5
# Rows that fall on the same moment by chance, on average: where 7 are expected there are none in
# less than one table of a thousand.
_PAIRS = 7
_LOOKED_AT = 200


def rows_in_time(table: Table, apart_from: Collection[str]) -> list[str]:
    """The first column of dates that rows are a series by, with the option to write.

    Rows are one where they are sorted by dates most of which are distinct, or where no date comes
    twice though so many, drawn at random, would repeat some: a row a day, in any order.

    Args:
        table: the rows, in the order in which they came.
        apart_from: columns that are something else, as the target.

    Example:
        >>> days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 1), eager=True)
        >>> table = Table(pl.DataFrame({"day": days, "sold": range(61)}), "shop.csv")
        >>> rows_in_time(table, ())[0].partition(":")[0]
        "rows stand in the order of 'day'"
    """
    for name in table.columns:
        if name in apart_from or not _holds_dates(table, name):
            continue
        ticks = _ticks(table, name)
        if _are_sorted(ticks):
            return [_told(f"rows stand in the order of {name!r}", name)]
        if _are_apart(ticks):
            return [_told(f"each row has a {name!r} of its own", name)]
    return []


def _holds_dates(table: Table, name: str) -> bool:
    """By its first rows, so that no long column of words is read for it."""
    first = table.take(np.arange(min(_LOOKED_AT, table.height)))
    return read(Raw(first, name))[0].series.dtype in (pl.Date, pl.Datetime)


def _ticks(table: Table, name: str) -> np.ndarray:
    """Moments as whole numbers, without the gaps; none where there are many of these."""
    raw = read(Raw(table, name))[0]
    if raw.series.dtype not in (pl.Date, pl.Datetime):
        return np.zeros(0, np.int64)
    ticks = values.moments(raw).drop_nulls().cast(pl.Int64).to_numpy()
    return ticks if len(ticks) >= max(_FEWEST, _KNOWN * table.height) else ticks[:0]


def _are_sorted(ticks: np.ndarray) -> bool:
    if len(np.unique(ticks)) < max(1, _DISTINCT * len(ticks)):
        return False
    steps = np.diff(ticks)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _are_apart(ticks: np.ndarray) -> bool:
    """Whether none comes twice, and chance is no reason for it: moments are as fine as the nearest
    two are apart."""
    distinct = np.unique(ticks)
    if not len(ticks) or len(distinct) < len(ticks):
        return False
    num_moments = (distinct[-1] - distinct[0]) / np.diff(distinct).min() + 1
    return bool(len(ticks) * (len(ticks) - 1) / 2 >= _PAIRS * num_moments)


def _told(what: str, name: str) -> str:
    return (
        f"{what}: if later rows are to be predicted from earlier ones, scores are too good where "
        f"those that test lie among those that train. Then let the last rows test: time_on={name!r}"
        f", on the command line --time-on {shlex.quote(name)}"
    )
