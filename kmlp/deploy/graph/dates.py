"""Dates as text into moments, in the graph: ISO 8601, as `kmlp.data.reading` reads it."""

from typing import Any

import tensorflow as tf

from kmlp.data.columns import MONTHS, WEEKDAYS

DATE_FORM = "YYYY-MM-DD, or YYYY-MM-DD HH:MM[:SS] with or without T and zone"
_DAY = 86_400_000_000  # microseconds
_PATTERN = (
    r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?$"
)
_START = "1970-01-01"
# Of a calendar that begins in March, so that the day that some years have more comes last.
_DAYS_IN_ERA, _YEARS_IN_ERA, _DAYS_TO_1970 = 146_097, 400, 719_468


def moments(cells: Any) -> tuple[Any, Any]:
    """Microseconds since 1970 in UTC, `int64`, and which cells are dates; of others 0.

    Args:
        cells: `(batch,)` strings without spaces round them.
    """
    looks = tf.strings.regex_full_match(cells, _PATTERN)
    cells = tf.where(looks, cells, _START)
    year, month, day, hour, minute, second = (_number(cells, group) for group in range(1, 7))
    days = _days(year, month, day)
    there = (
        (month >= 1)
        & (month <= len(MONTHS))
        & tf.equal(tf.stack([year, month, day]), tf.stack(civil(days)))
        & (hour < 24)
        & (minute < 60)
        & (second < 60)
    )
    seconds = hour * 3600 + minute * 60 + second - _zone(cells)
    ticks = days * _DAY + seconds * 1_000_000 + _microseconds(cells)
    is_date = looks & tf.reduce_all(there, axis=0)
    return tf.where(is_date, ticks, 0), is_date


def part_of(ticks: Any, part: str) -> Any:
    """A part of moments as float64, as `kmlp.data.values.date_part` gives it."""
    if part == "elapsed":
        return tf.cast(ticks, tf.float64) / _DAY
    if part == "hour":
        return tf.cast(ticks % _DAY, tf.float64) / (_DAY / 24)
    days = ticks // _DAY
    if part == "weekday":  # 1970 began on a Thursday
        return tf.cast((days + 3) % len(WEEKDAYS), tf.float64)
    _, month, day = civil(days)
    return tf.cast(month - int(MONTHS[0]) if part == "month" else day, tf.float64)


def civil(days: Any) -> tuple[Any, Any, Any]:
    """Year, month and day of days since 1970, all `int64`."""
    days = days + _DAYS_TO_1970
    era = days // _DAYS_IN_ERA
    of_era = days % _DAYS_IN_ERA
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * of_year + 2) // 153
    month = tf.where(from_march < 10, from_march + 3, from_march - 9)
    year = year + era * _YEARS_IN_ERA + tf.cast(month <= 2, tf.int64)
    return year, month, of_year - (153 * from_march + 2) // 5 + 1


def _days(year: Any, month: Any, day: Any) -> Any:
    """Days since 1970 of a date."""
    year = year - tf.cast(month <= 2, tf.int64)
    of_era = year % _YEARS_IN_ERA
    of_year = (153 * ((month + 9) % len(MONTHS)) + 2) // 5 + day - 1
    days = of_era * 365 + of_era // 4 - of_era // 100 + of_year
    return year // _YEARS_IN_ERA * _DAYS_IN_ERA + days - _DAYS_TO_1970


def _zone(cells: Any) -> Any:
    """Seconds that a zone is ahead of UTC."""
    zone = _group(cells, 8)
    digits = _whole("0" + tf.strings.regex_replace(zone, "[^0-9]", ""))
    ahead = digits // 100 * 3600 + digits % 100 * 60
    return tf.where(tf.strings.regex_full_match(zone, "-.*"), -ahead, ahead)


def _microseconds(cells: Any) -> Any:
    """Six digits after the point; what is finer is cut off."""
    digits = _group(cells, 7) + "000000"
    return _whole(tf.strings.substr(digits, 0, 6))


def _group(cells: Any, group: int) -> Any:
    """One of the nine groups that rewriting knows; empty where it matched nothing."""
    return tf.strings.regex_replace(cells, _PATTERN, rf"\{group}")


def _number(cells: Any, group: int) -> Any:
    return _whole("0" + _group(cells, group))


def _whole(digits: Any) -> Any:
    return tf.strings.to_number(digits, tf.int64)
