"""Members beside the ordinary ones as `results.json` lists them: found, and laid out as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Results = Mapping[str, Any]


def members_of(results: Results, group: str, variant: str) -> list[Mapping[str, Any]]:
    extra = results.get("extra_members", ())
    return [m for m in extra if m["group"] == group and m["variant"] == variant]


def axis_values(members: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    return sorted({m[name] for m in members})


def table_of(
    members: Sequence[Mapping[str, Any]], rows: str, columns: str, part: str, metric: str
) -> np.ndarray:
    row, column = axis_values(members, rows), axis_values(members, columns)
    table = np.full((len(row), len(column)), np.nan)
    for m in members:
        value = m.get(part, {}).get(metric) if m["status"] == "done" else None
        if value is not None:
            table[row.index(m[rows]), column.index(m[columns])] = value
    return table


Entry = Mapping[str, Any]


def named(entry: Entry) -> dict[str, str]:
    return {"name": entry["variant"], "strength": entry["strength"]}
