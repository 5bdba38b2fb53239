"""Tables of numbers as CSV: unrounded, in the metrics' own units."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kmlp.text import csv_cell

Rows = Iterable[Sequence[Any]]
Values = Mapping[str, Any]
"""By the names of their columns."""


def to_csv(rows: Rows) -> str:
    """Rows as a CSV file's text, the first of them its heading; see `csv_cell` for names."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)
    return buffer.getvalue()


def of_records(records: Sequence[Values], *first: str) -> Rows:
    """A line of names, then the values; what a record lacks is left empty.

    Args:
        records: a row each; intervals become two columns, nested values one each.
        first: columns that are there even where there is no record.
    """
    flat = [_flat(record) for record in records]
    names = list(dict.fromkeys([*first, *(name for row in flat for name in row)]))
    return [names, *([row.get(name) for name in names] for row in flat)]


def _flat(values: Values, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}_")
        elif isinstance(value, list | tuple):
            ends = ("low", "high") if len(value) == 2 else range(len(value))
            found |= {f"{prefix}{name}_{e}": x for e, x in zip(ends, value, strict=True)}
        else:
            found[prefix + name] = value
    return found
