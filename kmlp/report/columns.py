"""What the data are: a table's columns and what became of them, and what was told of the rows."""

from collections.abc import Mapping
from typing import Any

from kmlp.data.columns import Schema, Shown
from kmlp.report.blocks import Block, Bullets, Cell, Row, Section, Table, Text
from kmlp.report.csv_tables import to_csv

_MOST = 60
_HEADS = ("Column", "Kind", "Missing", "Values", "Range", "Becomes")
_HOW = (
    "What each column was found to be in the training rows, and what the networks are given of it. "
    "Categories are named where they are few and short; nothing is shown of free text, identifiers "
    "and what else is left out."
)


def data_section(environment: Mapping[str, Any]) -> Section | None:
    """A table's columns, and what to look at in any data; None where there is neither.

    Args:
        environment: as in `environment.json`.
    """
    schema, warnings = _schema(environment), environment.get("warnings", [])
    blocks: list[Block] = [Bullets(warnings)] if warnings else []
    if schema is None:
        return Section("data", "To look at in the data", blocks) if blocks else None
    return Section("columns", "The columns", [*blocks, Text(_HOW), _columns(schema)])


def columns_csv(environment: Mapping[str, Any]) -> dict[str, str]:
    """All of a table's columns as a CSV file: its name and content; nothing of arrays."""
    schema = _schema(environment)
    if schema is None:
        return {}
    fields = ("name", "kind", "missing", "distinct", "range", "becomes")
    rows = ([getattr(shown, field) for field in fields] for shown in schema.shown_to_anybody)
    return {"columns.csv": to_csv([fields, *rows])}


def _schema(environment: Mapping[str, Any]) -> Schema | None:
    saved = environment.get("schema")
    return Schema.from_dict(saved) if saved else None


def _columns(schema: Schema) -> Table:
    shown = schema.shown_to_anybody
    rows = [Row(list(map(Cell, _cells(column)))) for column in shown[:_MOST]]
    more = f"{len(shown) - _MOST} columns more stand in tables/columns.csv."
    note = more if len(shown) > _MOST else ""
    return Table([Cell(head) for head in _HEADS], rows, note, is_prose=True)


def _cells(column: Shown) -> tuple[str, ...]:
    return (
        column.name,
        column.kind or "–",
        _share(column.missing),
        f"{column.distinct:,}",
        column.range or "–",
        column.becomes,
    )


def _share(missing: float) -> str:
    """A few gaps are not none."""
    if not missing:
        return "–"
    return f"{100 * missing:.1f} %" if missing >= 0.001 else "< 0.1 %"
