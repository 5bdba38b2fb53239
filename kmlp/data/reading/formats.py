"""The ways in which people write numbers and dates, each as one record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_EXPONENT = r"([eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class NumberFormat:
    """A way to write numbers.

    Attributes:
        name: its key.
        decimal: the sign before the fraction.
        thousands: the signs that group digits.
        title: what people are told; empty for the plain one.
    """

    name: str
    decimal: str
    thousands: str
    title: str

    @property
    def pattern(self) -> str:
        """A regular expression of such a number, whole or not."""
        point = re.escape(self.decimal)
        if not self.thousands:
            return rf"^[+-]?([0-9]+({point}[0-9]*)?|{point}[0-9]+){_EXPONENT}$"
        group = f"[{self.thousands}]"
        return rf"^[+-]?([1-9][0-9]{{0,2}}({group}[0-9]{{3}})+|[0-9]{{1,3}})({point}[0-9]*)?$"

    def fits(self, cells: pl.Series) -> bool:
        """Whether each cell is such a number."""
        import polars as pl

        if self.name == "plain":  # "inf" is one: it is refused where columns are used, by its row
            return cells.cast(pl.Float64, strict=False).null_count() == cells.null_count()
        return bool(cells.str.contains(self.pattern).all())

    def has_fraction(self, cells: pl.Series) -> bool:
        """Whether any cell is written with a fraction or an exponent."""
        if self.name == "plain":
            return bool(len(cells))  # those without were set apart
        return bool(cells.str.contains(f"[{re.escape(self.decimal)}eE]").any())

    def parse(self, cells: pl.Series, whole: str = "") -> pl.Series:
        """The numbers, of an integer type where one is named; what is none is null."""
        import polars as pl

        if self.thousands:
            cells = cells.str.replace_all(f"[{self.thousands}]", "")
        if self.decimal != ".":
            cells = cells.str.replace(self.decimal, ".", literal=True)
        if not whole:
            return cells.cast(pl.Float64, strict=False)
        # Not at once: "-0" is no UInt8.
        return cells.cast(pl.Int64, strict=False).cast(getattr(pl, whole))


NUMBERS = {
    number.name: number
    for number in (
        NumberFormat("plain", ".", "", ""),
        NumberFormat("thousands comma", ".", ",", "thousands comma"),
        NumberFormat("comma", ",", "", "decimal comma"),
        NumberFormat("thousands point", ",", ".", "decimal comma, thousands point"),
        NumberFormat("thousands space", ".", " \u00a0\u202f", "thousands space"),
        NumberFormat("spaced comma", ",", " \u00a0\u202f", "decimal comma, thousands space"),
        NumberFormat("apostrophe", ".", "'\u2019", "thousands apostrophe"),
    )
}


@dataclass(frozen=True)
class DateFormat:
    """A way to write dates.

    Attributes:
        title: what people are told, such as "day/month/year".
        pattern: a regular expression of such a date.
        strptime: the same for polars.
        time: whether there is a time of day.
    """

    title: str
    pattern: str
    strptime: str
    time: bool = False

    def parse(self, cells: pl.Series) -> pl.Series:
        """The dates, or the moments without a time zone (in UTC where one is written)."""

        if not self.time:
            return cells.str.to_date(self.strptime, strict=False)
        if self.strptime.endswith("%:z"):
            cells = cells.str.replace("[Zz]$", "+00:00").str.replace(r"([+-]\d\d)(\d\d)$", "$1:$2")
            moments = cells.str.to_datetime(self.strptime, strict=False, time_unit="us")
            return moments.dt.replace_time_zone(None)
        return cells.str.to_datetime(self.strptime, strict=False, time_unit="us")

    def fits(self, cells: pl.Series) -> bool:
        """Whether each cell is such a date."""
        if not cells.str.contains(self.pattern).all():
            return False
        return self.parse(cells).null_count() == cells.null_count()


_DAYS = (
    ("year-month-day", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", "%Y-%m-%d"),
    ("year/month/day", r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", "%Y/%m/%d"),
    ("day.month.year", r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}", "%d.%m.%Y"),
    ("month/day/year", r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "%m/%d/%Y"),
    ("day/month/year", r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "%d/%m/%Y"),
    ("month/day/year", r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}", "%m/%d/%y"),
    ("day/month/year", r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}", "%d/%m/%y"),
    ("day-month-year", r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", "%d-%m-%Y"),
    ("month-day-year", r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", "%m-%d-%Y"),
    ("day month year", r"[0-9]{1,2} [A-Za-z]{3} [0-9]{4}", "%d %b %Y"),
    ("day-month-year", r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}", "%d-%b-%Y"),
    ("month day, year", r"[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}", "%B %d, %Y"),
)
_TIMES = (
    ("", "", ""),
    (" hour:minute", " [0-9]{1,2}:[0-9]{2}", " %H:%M"),
    (" hour:minute:second", r" [0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?", " %H:%M:%S%.f"),
)
_CLOCK = r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
_ZONE = r"([Zz]|[+-][0-9]{2}:?[0-9]{2})"
_ISO_DAY = _DAYS[0][1]
DATES = (
    *(
        DateFormat(day + title, f"^{pattern}{clock}$", strptime + time, bool(time))
        for day, pattern, strptime in _DAYS
        for title, clock, time in _TIMES
    ),
    DateFormat("ISO 8601", f"^{_ISO_DAY}{_CLOCK}$", "%Y-%m-%dT%H:%M:%S%.f", True),
    DateFormat("ISO 8601", f"^{_ISO_DAY}T[0-9]{{2}}:[0-9]{{2}}$", "%Y-%m-%dT%H:%M", True),
    DateFormat("ISO 8601, in UTC", f"^{_ISO_DAY}{_CLOCK}{_ZONE}$", "%Y-%m-%dT%H:%M:%S%.f%:z", True),
    DateFormat(
        "a date and time with its zone, in UTC",
        f"^{_ISO_DAY} {_CLOCK[1:]} ?{_ZONE}$".replace(" ?", ""),
        "%Y-%m-%d %H:%M:%S%.f%:z",
        True,
    ),
)

_WRITINGS = {(date.pattern, date.title) for date in DATES}
_PATTERNS = [pattern for pattern, _ in _WRITINGS]
AMBIGUOUS = {title for pattern, title in _WRITINGS if _PATTERNS.count(pattern) > 1}
"""Titles of dates that may be read as others, such as 03/04/2020."""


def dates_like(cells: pl.Series) -> list[DateFormat]:
    """The ways that the first few cells leave possible: most columns hold no dates at all."""
    first = cells.head(50).drop_nulls().to_list()
    return [date for date in DATES if any(re.match(date.pattern, cell, re.ASCII) for cell in first)]


def commonest_date(cells: pl.Series) -> DateFormat | None:
    """The way in which most cells, which are not all of one, write dates; None without dates."""

    def number_of(date: DateFormat) -> int:
        return date.parse(cells.filter(cells.str.contains(date.pattern))).drop_nulls().len()

    found = {date: number_of(date) for date in dates_like(cells)}
    return max(found, key=lambda date: found[date]) if any(found.values()) else None
