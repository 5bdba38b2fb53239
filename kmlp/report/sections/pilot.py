"""How the strengths were chosen."""

from collections.abc import Mapping
from typing import Any

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.stats.formatting import unit_in


def pilot(results: Mapping[str, Any]) -> Table | None:
    """How the strengths were chosen; None where they were given."""
    found = results.get("pilot")
    if not found or not found["strengths"]:
        return None
    unit, chosen = unit_in(results), {v["strength"] for v in results["variants"]}
    part = "validation" if found["strengths"][0]["part"] == "val" else "training"
    columns = [Cell("Strength"), Cell(f"Mean {part} {unit.axis}", "standard error"), Cell("Chosen")]
    rows = [
        Row(
            [
                Cell(tried["strength"]),
                Cell(unit.value(tried["mean"]), unit.value(tried["se"]) if tried["se"] else ""),
                Cell("chosen") if tried["strength"] in chosen else NONE,
            ]
        )
        for tried in found["strengths"]
    ]
    note = (
        f"Over {found['num_seeds']} pilot seeds from {found['first_seed']:,} on, which the study "
        "does not use. The best mean is chosen, of equals the weaker. The test set had no say."
    )
    return Table(columns, rows, note)
