"""What the data are: a table's columns and what became of them, and what was told of the rows."""

from collections.abc import Sequence

from kmlp.data.arrays.cautions import without_advice_taken
from kmlp.data.columns import Schema, Shown
from kmlp.report.blocks import Block, Bullets, Cell, Row, Section, Table, Text
from kmlp.report.csv_tables import of_records
from kmlp.study.environment import Environment

_MOST = 60
_HEADS = ("Column", "Kind", "Missing", "Values", "Range", "Becomes")
_HOW = (
    "What each column was found to be in the training rows, and what the networks are given of it. "
    "Categories are named where they are few and short; nothing is shown of free text, identifiers "
    "and what else is left out."
)


_HIDDEN = (
    "What each column was found to be in the training rows, and what the networks are given of it. "
    "Categories and ranges are left out as asked; the run folder and the exported model hold them."
)


def data_section(
    environment: Environment,
    *,
    metric: str = "auto",
    class_weight: object = None,
    hide_values: bool = False,
) -> Section | None:
    """A table's columns, and what to look at in any data; None where there is neither.

    Args:
        environment: of the run folder.
        metric, class_weight: of the study, which may do already what is advised.
        hide_values: whether nothing is shown that stood in a cell but the target's classes.
    """
    told = [without_advice_taken(w, metric, class_weight) for w in environment.warnings]
    warnings: list[Block] = [Bullets(told)] if told else []
    if environment.columns is None:
        return Section("data", "To look at in the data", warnings) if warnings else None
    schema = Schema.from_dict(environment.columns)
    shown = schema.shown_without_values if hide_values else schema.shown_to_anybody
    blocks = [*warnings, Text(_HIDDEN if hide_values else _HOW), _columns(shown)]
    return Section(
        "columns", "The columns", blocks, {"columns": of_records(list(map(vars, shown)))}
    )


def _columns(shown: Sequence[Shown]) -> Table:
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
