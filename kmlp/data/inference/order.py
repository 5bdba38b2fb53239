"""Columns of dates in whose order the rows came: shuffled, the later ones tell of the earlier."""

from __future__ import annotations

import shlex
from bisect import bisect_right
from collections.abc import Collection

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.inference.kinds import read
from kmlp.data.reading.cells import MISSING_AMONG_NUMBERS, among, tidy
from kmlp.data.reading.formats import dates_like
from kmlp.data.tables import Table
from kmlp.data.values import Raw

_FEWEST, _KNOWN = 20, 0.9
# A row that came late is no other order.
_OUT_OF_ORDER = 0.01
# Rows that fall on the same moment by chance, on average: where 7 are expected there are none in
# less than one table of a thousand.
_PAIRS = 7
_TRIED, _LOOKED_AT = 10, 200


def rows_in_time(table: Table, apart_from: Collection[str]) -> list[str]:
    """The first column of dates that rows are a series by, with the option to write.

    Rows are one where they, but for one in a hundred, are sorted by 20 dates or more, or where no
    date comes twice though so many, drawn at random, would repeat some: a row a day, in any order.

    Args:
        table: the rows, in the order in which they came.
        apart_from: columns that are something else, as the target.

    Example:
        >>> days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 3, 1), eager=True)
        >>> table = Table(pl.DataFrame({"day": days, "sold": range(61)}), "shop.csv")
        >>> rows_in_time(table, ())[0].partition(":")[0]
        "rows stand in the order of 'day'"
    """
    first = table.take(np.arange(min(_LOOKED_AT, table.height)))
    for name in table.columns:
        if name in apart_from or not _holds_dates(first, name):
            continue
        ticks = _ticks(table, name)
        if _are_sorted(ticks):
            return [_told(f"rows stand in the order of {name!r}", name)]
        if _are_apart(ticks):
            return [_told(f"each row has a {name!r} of its own", name)]
    return []


def _holds_dates(first: Table, name: str) -> bool:
    """By the first rows, of words by the first few cells: most columns hold no dates at all."""
    series = first.column(name)
    if series.dtype == pl.String:
        cells = tidy(series).drop_nulls()
        known = cells.filter(~among(cells, MISSING_AMONG_NUMBERS))
        if not dates_like(known.head(_TRIED)):
            return False
    return read(Raw(first, name))[0].series.dtype in (pl.Date, pl.Datetime)


def _ticks(table: Table, name: str) -> np.ndarray:
    """Moments as whole numbers, without the gaps; none where there are many of these."""
    raw = read(Raw(table, name))[0]
    if raw.series.dtype not in (pl.Date, pl.Datetime):
        return np.zeros(0, np.int64)
    ticks = values.moments(raw).drop_nulls().cast(pl.Int64).to_numpy()
    return ticks if len(ticks) >= max(_FEWEST, _KNOWN * table.height) else ticks[:0]


def _are_sorted(ticks: np.ndarray) -> bool:
    """Whether hardly any row must go for the others to be sorted, up or down."""
    if len(np.unique(ticks)) < _FEWEST:
        return False
    most = _OUT_OF_ORDER * len(ticks)
    steps = np.diff(ticks)
    is_up = np.sum(steps < 0) <= most and _num_out_of_order(ticks) <= most
    is_down = np.sum(steps > 0) <= most and _num_out_of_order(ticks[::-1]) <= most
    return bool(is_up or is_down)


def _num_out_of_order(ticks: np.ndarray) -> int:
    """How many are not of the longest sorted part, its last members kept by their lengths."""
    if not np.any(ticks[1:] < ticks[:-1]):
        return 0  # as most are, of which a million take seconds
    last: list[int] = []
    for tick in ticks.tolist():
        place = bisect_right(last, tick)
        last[place : place + 1] = [tick]
    return len(ticks) - len(last)


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
        f", on the command line --time-on {shlex.quote(name)}. It is no input then; "
        f"--columns {shlex.quote(f'{name}=date')} makes it one all the same, if there is a trend"
    )
