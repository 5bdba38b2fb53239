"""Rows of predictions, as files and the terminal have them."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError
from kmlp.text import csv_cell

Row = dict[str, Any]
Outputs = Mapping[str, np.ndarray]
_CLASS, _NUMBER = ("input", "label", "class", "probability"), ("input", "prediction")
_SPREADS = ("stddev", "entropy")
_MORE = {"set": ("set",), "lower": ("lower", "upper"), "out_of_range": ("out_of_range",)}
"""By an output, the fields that say it."""


def _usual_fields() -> Iterator[tuple[str, ...]]:
    kinds = ((_CLASS, _SPREADS, _MORE["set"]), (_NUMBER, ("stddev",), _MORE["lower"]))
    for first, *others in kinds:
        for chosen in itertools.product((False, True), repeat=3):
            more = zip((*others, _MORE["out_of_range"]), chosen, strict=True)
            yield (*first, *(name for names, is_there in more if is_there for name in names))


USUAL_FIELDS = tuple(_usual_fields())
"""Of classes or numbers, of one network or of several, with all that may stand beside: by these a
file of predictions is known."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of the examples of a file.

    Attributes:
        fields: of every row, in their order.
        num_rows: in all.
        batches: the rows, some at a time; read once.
        told: what of a table should be looked at, a line each; whole after the last batch.
        num_names: how many of the fields, which come first, name a row.
    """

    fields: tuple[str, ...]
    num_rows: int
    batches: Iterator[list[Row]]
    told: Callable[[], list[str]] = list
    num_names: int = 1


def array_fields(model: LoadedModel) -> tuple[str, ...]:
    """The columns of predictions on arrays and images."""
    fields = _NUMBER if "prediction" in model.output_names else _CLASS
    return (*fields, *_beside(model))


def _beside(model: LoadedModel) -> list[str]:
    """Fields that not every model has."""
    spreads = [name for name in _SPREADS if name in model.output_names]
    more = [names for output, names in _MORE.items() if output in model.output_names]
    return spreads + [name for names in more for name in names]


def array_row(name: str, outputs: Outputs, i: int, model: LoadedModel) -> Row:
    """What is said of one of them, by what it is called."""
    beside = {**_spread(outputs, i), **_bounds(outputs, i, model)}
    if "prediction" in outputs:
        return {"input": name, "prediction": float(outputs["prediction"][i]), **beside}
    label = int(outputs["label"][i])
    return {
        "input": name,
        "label": label,
        "class": _class_names(model, outputs)[label],
        "probability": round(float(outputs["probabilities"][i, label]), 6),
        **beside,
    }


def _spread(outputs: Outputs, i: int) -> Row:
    """How much an ensemble's networks differ on a row; nothing of one network."""
    if "stddev" not in outputs:
        return {}
    if "prediction" in outputs:
        return {"stddev": float(outputs["stddev"][i])}
    stddev = outputs["stddev"][i, int(outputs["label"][i])]
    return {
        "stddev": round(float(stddev), 6),
        "entropy": round(float(outputs["entropy"][i]), 6),
    }


def _bounds(outputs: Outputs, i: int, model: LoadedModel) -> Row:
    """The row's set or interval, and what of it training did not see: raw columns, or whether any
    value of a row without columns."""
    found: Row = {}
    if "set" in outputs:
        names = _class_names(model, outputs)
        found["set"] = [names[place] for place in np.flatnonzero(outputs["set"][i])]
    if "lower" in outputs:
        found |= {name: float(outputs[name][i]) for name in ("lower", "upper")}
    if "out_of_range" in outputs:
        strange = outputs["out_of_range"][i]
        found["out_of_range"] = (
            [model.columns[place] for place in np.flatnonzero(strange)]
            if strange.ndim
            else bool(strange)
        )
    return found


def csv_row(row: Row, fields: Sequence[str]) -> list[Any]:
    """A row's cells as they stand in a CSV file: several names between bars.

    Example:
        >>> csv_row({"row": 3, "set": ["no", "yes"], "out_of_range": []}, ("row", "set"))
        [3, 'no|yes']
    """
    cells = (row[name] for name in fields)
    return [csv_cell("|".join(cell) if isinstance(cell, list) else cell) for cell in cells]


def table_fields(model: LoadedModel, keep: Sequence[str]) -> tuple[str, ...]:
    """The columns of predictions on a table.

    Raises:
        DataError: one that is kept has the name of another.
    """
    if "prediction" in model.output_names:
        own = ["prediction"]
    else:
        own = ["label", *(f"probability_{name}" for name in model.class_names)]
    own += _beside(model)
    fields = (*(keep or ("row",)), *own)
    if twice := next((name for name in fields if fields.count(name) > 1), None):
        raise DataError(
            f"--keep: {twice!r} would stand twice among the columns of the predictions; rename it "
            "in the table, or do not keep it."
        )
    return fields


def table_row(own: Row, outputs: Outputs, i: int, model: LoadedModel) -> Row:
    """What is said of a table's row, beside what names it."""
    beside = {**_spread(outputs, i), **_bounds(outputs, i, model)}
    if "prediction" in outputs:
        return {**own, "prediction": _plain(outputs["prediction"][i]), **beside}
    names, shares = _class_names(model, outputs), outputs["probabilities"][i]
    each = {f"probability_{n}": _plain(p) for n, p in zip(names, shares, strict=True)}
    return {**own, "label": names[int(outputs["label"][i])], **each, **beside}


def _plain(value: np.floating) -> float:
    """The shortest number that is this one in the precision that it was computed in."""
    return float(str(value))


def _class_names(model: LoadedModel, outputs: Outputs) -> tuple[str, ...]:
    """The classes as the model calls them; numbers where it has no names."""
    return model.class_names or tuple(map(str, range(outputs["probabilities"].shape[1])))
