"""What the page must know of a model: what it takes, what it says, how good it was."""

from typing import Any

from kmlp.data.columns import Column, Schema
from kmlp.deploy.cards.columns import example_row
from kmlp.deploy.graph.raw_inputs import raw_inputs
from kmlp.deploy.serving import LoadedModel

_MOST_WORDS = 200
"""More categories than these are typed, not picked from a list."""


def described(model: LoadedModel) -> dict[str, Any]:
    """A loaded model in plain values.

    Returns:
        `input` is "image", "table" or "array"; `shape` of one example of the first two kinds of
        arrays; `coverage` of its sets or intervals, and the `threshold` of the second class, None
        where there is none; `ranges_of`, the raw columns that `out_of_range` tells apart;
        `classes`, empty of a regression; `num_networks`; of a table `target` and `columns`,
        each with its `name`, its `input` in the signature, `kind`, `low` and `high`, `words`,
        `may_be_missing`, and a made-up row as `example`.
    """
    manifest, schema = model.manifest, model.schema
    said = {
        "classes": list(model.class_names),
        "num_networks": len(manifest.get("members", ())),
        "variant": manifest.get("variant", {}).get("title", ""),
        "trained_on": manifest.get("dataset", {}).get("name", ""),
        "created": manifest.get("created", ""),
        "coverage": model.calibration.coverage if model.calibration else None,
        "threshold": model.calibration.threshold if model.calibration else None,
        "ranges_of": list(model.columns),
    }
    if schema is not None:
        of_table = {"columns": _columns(schema), "example": example_row(schema)}
        return {"input": "table", "target": schema.target.name, **said, **of_table}
    shape = model.input_shape
    is_image = model.input_dtype.name == "uint8" and (len(shape) == 2 or shape[2:] in ((1,), (3,)))
    return {
        "input": "image" if is_image else "array",
        "shape": list(shape),
        "dtype": model.input_dtype.name,
        **said,
    }


def _columns(schema: Schema) -> list[dict[str, Any]]:
    return [
        _column(name, each.kind, each.name, [c for c in schema.columns if c.source == name])
        for each in raw_inputs(schema.columns)
        for name in each.columns
    ]


def _column(name: str, kind: str, of_signature: str, parts: list[Column]) -> dict[str, Any]:
    """A raw column; a date's range is in days since 1970."""
    first = next((c for c in parts if c.low is not None), parts[0])
    words = () if kind in ("number", "date") or len(first.values) > _MOST_WORDS else first.values
    return {
        "name": name,
        "input": of_signature,
        "kind": kind,
        "low": first.low,
        "high": first.high,
        "words": list(words),
        "may_be_missing": any(c.has_missing for c in parts),
    }
