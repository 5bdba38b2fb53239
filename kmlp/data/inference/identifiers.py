"""Columns that say whose rows they are: of somebody with several rows, no part may hold a few."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection

from kmlp.data.tables import Table

_ANYWHERE = re.compile(r"(^|[^a-z])(id|ids|uuid|guid)($|[^a-z])")
_CAMEL = re.compile(r"[a-z]I[dD]$")
_BEING = re.compile(
    r"(^|[^a-z])(patient|subject|person|customer|client|user|participant|individual|respondent"
    r"|student|pupil|employee|donor|household|animal|nr)$"
)
# Fewer are kinds of something, as eight shops are; more rows each, too; once each is no group.
_FEWEST, _ROWS_EACH = 20, (1.5, 200)


def repeated_identifiers(table: Table, apart_from: Collection[str]) -> list[str]:
    """Columns whose name is an identifier's and whose values repeat, with the option to write.

    Rows of one patient resemble each other: where some train and others test, scores are too good,
    whether the column itself is an input or not.

    Args:
        table: the rows.
        apart_from: columns that are something else, as the target.

    Example:
        >>> import polars as pl
        >>> table = Table(pl.DataFrame({"patient": [*range(30)] * 3, "age": [4] * 90}), "visits")
        >>> repeated_identifiers(table, ())[0].partition(":")[0]
        "column 'patient' has 30 values in 90 rows"
    """
    names = [n for n in table.columns if _is_like_one(n) and n not in apart_from]
    return [_told(table, name, number) for name in names if (number := _num_groups(table, name))]


def _is_like_one(name: str) -> bool:
    lower = name.strip().lower()
    return bool(_ANYWHERE.search(lower) or _BEING.search(lower) or _CAMEL.search(name.strip()))


def _num_groups(table: Table, name: str) -> int:
    """How many there are; 0 where they are none: too few, measured numbers, or once each."""
    cells = table.column(name).drop_nulls()
    if cells.dtype.is_float() and not (cells == cells.round()).all():
        return 0
    number = cells.n_unique()
    least, most = _ROWS_EACH
    is_one = number >= _FEWEST and least <= len(cells) / number <= most
    return number if is_one else 0


def _told(table: Table, name: str, number: int) -> str:
    return (
        f"column {name!r} has {number:,} values in {table.height:,} rows: if each is one person or "
        "thing, its rows resemble each other, and scores are too good where some train and others "
        f"test. Then keep them together: group_on={name!r}, on the command line --group-on "
        f"{shlex.quote(name)}"
    )
