"""What a model card says of a table's columns: what goes in by which name, and how to feed it."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

from kmlp.data.columns import Column, Schema
from kmlp.deploy.graph.raw_inputs import RawInput, raw_inputs
from kmlp.text import code_span

_MOST = 60
_START = datetime.datetime(1970, 1, 1)
_HEAD = (
    "| column | input of the signature | how it is fed | range in training |\n|---|---|---|---|\n"
)
_RULES = (
    'Empty text, and words such as NA, mean missing. An unseen category is taken for "other". A '
    "cell that is not of its column's kind is refused."
)
_WRITTEN = {
    "number": "a number; NaN where missing",
    "category": "text, as in training",
    "boolean": "text: {} or {}, true or false",
    "date": "text: 2024-01-31, also with a time of day",
}


def columns_section(schema: Schema, *, hide_values: bool = False) -> str:
    """The section as Markdown: a line a column, and a row as it is fed.

    Args:
        schema: of the training table.
        hide_values: whether what stood in cells, categories and ranges, is left out.
    """
    inputs = raw_inputs(schema.columns)
    shown = () if hide_values else schema.shown_to_anybody
    ranges = {column.name: column.range for column in shown}
    lines = [_line(each, name, schema, ranges) for each in inputs for name in each.columns]
    more = len(lines) - _MOST
    told = [f"- {more} columns more stand in `manifest.json`.\n"] if more > 0 else []
    if schema.left_out:
        left_out = (f"{code_span(name)} ({why})" for name, why in schema.left_out.items())
        told.append(f"- Not used, and not needed: {', '.join(left_out)}.\n")
    if hide_values:
        told.append(
            "- Categories and ranges are left out of this card. The graph and `manifest.json` hold "
            "the categories and the ranges all the same: without them no cell could be encoded.\n"
        )
    return (
        f"Predicts {code_span(schema.target.name)} from these columns, by name, in any order:\n\n"
        f"{_HEAD}{''.join(lines[:_MOST])}\n{_RULES}\n\n{''.join(told)}\n"
        + (_example(inputs, schema, ranges) if more <= 0 else "")
    )


def _line(each: RawInput, name: str, schema: Schema, ranges: dict[str, str]) -> str:
    columns = [c for c in schema.columns if c.source == name]
    cells = (
        code_span(name),
        code_span(each.name)
        + (f"[:, {each.columns.index(name)}]" if len(each.columns) > 1 else ""),
        _WRITTEN[each.kind].format(*map(code_span, columns[0].values[:2])),
        _range(columns[0], ranges.get(name, "")),
    )
    # Also inside of code a bar would end the cell.
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _range(column: Column, shown: str) -> str:
    """As it is shown to people, of numbers with all digits that tell a unit."""
    if not shown:
        return "–"
    if column.kind != "number" or column.part:
        return code_span(shown)
    return f"{code_span(f'{column.low:.10g}')} to {code_span(f'{column.high:.10g}')}"


def example_row(schema: Schema) -> dict[str, Any]:
    """A row made up from the ranges, by the table's columns; of many numbers, which the signature
    takes as one, by that input."""
    ranges = {column.name: column.range for column in schema.shown_to_anybody}
    return {
        each.columns[0] if len(each.columns) == 1 else each.name: _fed(each, schema, ranges)
        for each in raw_inputs(schema.columns)
    }


def _example(inputs: Sequence[RawInput], schema: Schema, ranges: dict[str, str]) -> str:
    """A made-up row for TensorFlow alone, and for TensorFlow Serving."""
    row = {each.name: _fed(each, schema, ranges) for each in inputs}
    fed = "".join(
        f"    {each.name}=tf.constant([{_literal(row[each.name])}], tf.{each.dtype}),\n"
        for each in inputs
    )
    instance = json.dumps({"instances": [row]}, ensure_ascii=False)
    return (
        "A row, made up from the ranges, with TensorFlow alone:\n\n"
        "```python\nimport tensorflow as tf\n\n"
        'model = tf.saved_model.load(folder).signatures["serving_default"]\n'
        f"outputs = model(\n{fed})\n```\n\n"
        "The same for TensorFlow Serving, whose JSON writes a missing number as NaN:\n\n"
        f"```\n{instance}\n```\n\n"
    )


def _literal(value: Any) -> str:
    return value if (value := json.dumps(value, ensure_ascii=False)) != "NaN" else 'float("nan")'


def _fed(each: RawInput, schema: Schema, ranges: dict[str, str]) -> Any:
    cells = []
    for name in each.columns:
        columns = [c for c in schema.columns if c.source == name]
        cells.append(_cell(columns, each.kind, is_shown=bool(ranges.get(name))))
    return cells if len(cells) > 1 else cells[0]


def _cell(columns: Sequence[Column], kind: str, *, is_shown: bool) -> Any:
    """A cell that may stand in the column; a missing one where values are not shown."""
    first = columns[0]
    if kind == "number":
        return _middle(first) if is_shown else float("nan")
    if kind == "boolean":
        return first.values[1]
    if not is_shown:
        return ""
    if kind == "category":
        return first.values[0]
    if first.part != "elapsed":
        return ""
    return str((_START + datetime.timedelta(days=_middle(first))).date())


def _middle(column: Column) -> float:
    assert column.low is not None
    assert column.high is not None
    return float(f"{column.low / 2 + column.high / 2:.4g}")
