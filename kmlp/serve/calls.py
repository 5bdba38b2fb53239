"""TensorFlow Serving's JSON: a request's body into arrays, arrays into an answer's body."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.errors import DataError
from kmlp.serve.cells import array_of
from kmlp.serve.servable import DEFAULT, Arrays, Servable, Signature, Tensor
from kmlp.text import did_you_mean, shown

_KEYS = ("signature_name", "instances", "inputs")
_LISTED = 20


@dataclass(frozen=True, eq=False)
class Call:
    """What a request asks.

    Attributes:
        signature: its name.
        inputs: by name; the first axis is rows.
        num_rows: how many.
        is_by_row: whether it came as `instances`, and is answered row by row.
    """

    signature: str
    inputs: Arrays
    num_rows: int
    is_by_row: bool


def read_call(body: bytes, servable: Servable) -> Call:
    """Reads a `:predict` request.

    Args:
        body: JSON; a number that is missing is `NaN` or `null`, a missing text `null` or empty.
        servable: whom it is for.

    Raises:
        DataError: what is wrong with it, and what to send instead.
    """
    said = _parsed(body)
    name = said.get("signature_name", "")
    if name == "":
        name = DEFAULT
    if not isinstance(name, str) or name not in servable.signatures:
        known = ", ".join(servable.signatures)
        raise DataError(f"signature_name must be one of {known}. Received: {shown(name)}.")
    is_by_row = "instances" in said
    if is_by_row == ("inputs" in said):
        raise DataError("a request holds either instances, a list of rows, or inputs, by name.")
    inputs = _inputs(said, servable.signatures[name], is_by_row)
    counts = {name: len(array) for name, array in inputs.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{n}: {count}" for n, count in list(counts.items())[:_LISTED])
        raise DataError(f"inputs must have equally many rows. Received: {listed}.")
    if not (num_rows := next(iter(counts.values()))):
        raise DataError("inputs must hold one row or more. Received: none.")
    return Call(name, servable.checked(name, inputs), num_rows, is_by_row)


def answer_body(call: Call, outputs: Arrays) -> bytes:
    """The JSON of an answer: `predictions` by row, or `outputs` by name; a single output stands
    without its name. A row that made the network's numbers overflow has null for each: of what
    has no meaning a label would be told all the same, and JSON has no word for it.

    Example:
        >>> call = Call("serving_default", {}, 1, is_by_row=True)
        >>> answer_body(call, {"label": np.array([3]), "entropy": np.array([0.5])})
        b'{"predictions": [{"label": 3, "entropy": 0.5}]}'
    """
    lost = _overflown(outputs)
    values = {name: _plain(array, lost) for name, array in outputs.items()}
    if len(values) == 1:
        (only,) = values.values()
        return _encoded({"predictions" if call.is_by_row else "outputs": only})
    if not call.is_by_row:
        return _encoded({"outputs": values})
    rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return _encoded({"predictions": rows})


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except RecursionError:
        raise DataError("the body is JSON of lists in lists without end.") from None
    except ValueError as error:  # also of bytes that are no text
        raise DataError(f"the body must be JSON: {error}.") from None
    if not isinstance(said, dict):
        raise DataError(
            f"the body must be an object with instances or inputs. Received: {shown(said)}."
        )
    if strange := [key for key in said if key not in _KEYS]:
        raise DataError(
            "a request holds instances or inputs, and signature_name. Received: "
            f"{shown(strange[0])}.{did_you_mean(strange[0], _KEYS)}"
        )
    return said


def _inputs(said: Mapping[str, Any], signature: Signature, is_by_row: bool) -> Arrays:
    """Each input's rows as an array."""
    given = said["instances" if is_by_row else "inputs"]
    values = _from_rows(given, signature) if is_by_row else _from_columns(given, signature)
    _refuse_unknown(values, signature)
    values = {name: rows for name, rows in values.items() if name not in signature.not_used}
    found, used = {}, []
    for tensor in signature.inputs:
        names = _names_of(tensor, values)
        used += names
        cells = [values[name] for name in names]
        rows = cells[0] if len(cells) == 1 else _side_by_side(names, cells)
        found[tensor.name] = array_of(tensor, rows)
    if sorted(used) != sorted(values):
        raise DataError(
            "some names are both a column's and another column's input: say all inputs as the "
            f"signature calls them, {_listed(signature)}."
        )
    return found


def _names_of(tensor: Tensor, values: Mapping[str, Any]) -> list[str]:
    """By which of the names that are given an input goes: its own, else those of its columns."""
    if tensor.name in values:
        return [tensor.name]
    missing = [name for name in tensor.columns if name not in values]
    if missing or not tensor.columns:
        lacking = missing[0] if len(tensor.columns) > 1 else tensor.name
        raise DataError(f"the input {shown(lacking)} is lacking. A missing value is null.")
    return list(tensor.columns)


def _from_rows(rows: Any, signature: Signature) -> Mapping[str, Any]:
    """Values by name from rows, which are objects, or bare values of a single input."""
    if not isinstance(rows, list) or not rows:
        raise DataError("instances must be a list of one row or more.")
    if len(signature.inputs) == 1 and not _has_names(rows[0]):
        return {signature.inputs[0].name: rows}
    for place, row in enumerate(rows):
        if not _has_names(row):
            raise _no_object(f"row {place}", row, signature)
    names = rows[0].keys()
    for place, row in enumerate(rows):
        if row.keys() != names:
            for each in (rows[0], row):
                _refuse_unknown(each, signature)
            other = min(row.keys() ^ names)
            raise DataError(
                f"row {place} and row 0 differ in {shown(other)}: rows hold the same names. A "
                "missing value is null."
            )
    return {name: [row[name] for row in rows] for name in names}


def _has_names(row: Any) -> bool:
    """Whether a row is an object of inputs, and not one text in base64."""
    return isinstance(row, dict) and row.keys() != {"b64"}


def _from_columns(columns: Any, signature: Signature) -> Mapping[str, Any]:
    if isinstance(columns, dict):
        return columns
    if len(signature.inputs) > 1:
        raise _no_object("inputs", columns, signature)
    return {signature.inputs[0].name: columns}


def _no_object(place: str, value: Any, signature: Signature) -> DataError:
    return DataError(
        f"{place} must be an object of {_listed(signature)}. Received: {shown(value)}."
    )


def _listed(signature: Signature) -> str:
    names = [tensor.name for tensor in signature.inputs]
    return ", ".join(names[:_LISTED]) + (" ..." if len(names) > _LISTED else "")


def _refuse_unknown(values: Mapping[str, Any], signature: Signature) -> None:
    known = {name for t in signature.inputs for name in (t.name, *t.columns)}
    passed_over = {*known, *signature.not_used}
    if strange := [name for name in values if name not in passed_over]:
        raise DataError(
            f"the model has no input {shown(strange[0])}.{did_you_mean(strange[0], known)}"
        )


def _side_by_side(names: Sequence[str], columns: Sequence[Any]) -> list[Any]:
    for name, column in zip(names, columns, strict=True):
        if not isinstance(column, list) or len(column) != len(columns[0]):
            raise DataError(f"{shown(name)} must be a list, as long as the others.")
    return list(map(list, zip(*columns, strict=True)))


def _overflown(outputs: Arrays) -> list[int]:
    """The rows that have an output that is no finite number."""
    lost: set[int] = set()
    for array in outputs.values():
        if array.dtype.kind == "f" and not (is_finite := np.isfinite(array)).all():
            of_row = is_finite.reshape(len(array), -1).all(axis=1)
            lost.update(np.flatnonzero(~of_row).tolist())
    return sorted(lost)


def _plain(array: np.ndarray, lost: Sequence[int]) -> list[Any]:
    """An output's rows; null those of its numbers that are lost."""
    if array.dtype.kind == "O":
        return [cell.decode(errors="replace") for cell in array.tolist()]
    rows = array.tolist()
    if array.dtype.kind in "fiu":
        for row in lost:
            rows[row] = None
    return rows


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
