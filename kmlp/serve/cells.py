"""Values of JSON as a signature's tensors; what cannot be meant is refused."""

import base64
import binascii
import math
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from kmlp.errors import DataError
from kmlp.serve.servable import Tensor
from kmlp.text import shown

_TRUTH = {True: b"true", False: b"false"}


def array_of(tensor: Tensor, values: Any) -> np.ndarray:
    """An input's rows, `(n, *tensor.shape)`, in its type.

    Raises:
        DataError: no list of rows, another shape, or a value that is not of its kind.

    Example:
        >>> array_of(Tensor("age", "float64", kind="number"), [31, None])
        array([31., nan])
    """
    if not isinstance(values, list):
        raise DataError(f"{tensor.name} must be a list of rows. Received: {shown(values)}.")
    if tensor.dtype == "string":
        texts = np.empty(len(values), dtype=object)
        texts[:] = [_text(tensor, value, place) for place, value in enumerate(values)]
        return texts
    if not tensor.shape and tensor.dtype == "float64":
        return np.array([_number(tensor.name, v, i) for i, v in enumerate(values)], np.float64)
    return _numbers(tensor, values)


def _number(name: str, value: Any, place: int) -> float:
    if value is None:
        return math.nan
    if type(value) is float and not math.isinf(value):
        return value
    if type(value) is int and abs(value) < 2**1023:
        return float(value)
    wanted = "a number without quotes" if isinstance(value, str) else "a finite number"
    raise _refused(name, place, f"{wanted}, or null where it is missing", value)


def _text(tensor: Tensor, value: Any, place: int) -> bytes:
    if value is None or (type(value) is float and math.isnan(value)):
        return b""
    try:
        if type(value) is str:
            return value.encode()
        if isinstance(value, dict) and value.keys() == {"b64"}:
            text = base64.b64decode(value["b64"], validate=True)
            text.decode()
            return text
    except (ValueError, TypeError, binascii.Error):
        pass  # half a surrogate pair, no base64, or bytes that are no text
    if tensor.kind == "boolean" and isinstance(value, bool):
        return _TRUTH[value]
    wanted = "text in quotes" + (", true or false" if tensor.kind == "boolean" else "")
    raise _refused(tensor.name, place, f"{wanted}, or null where it is missing", value)


def _refused(name: str, place: int, wanted: str, value: Any) -> DataError:
    return DataError(f"{name}, row {place}, must be {wanted}. Received: {shown(value)}.")


def _numbers(tensor: Tensor, rows: list[Any]) -> np.ndarray:
    """Rows of numbers in their shape; gaps are NaN where the type has one."""
    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        raise DataError(f"{tensor.name}: {_wanted(tensor)}, all of one length.") from None
    if _holds_truth(rows, array.ndim):
        raise DataError(f"{tensor.name}: {_wanted(tensor)}. Received: a truth value.")
    dtype = np.dtype(tensor.dtype)
    if array.dtype.kind == "O" and dtype.kind == "f":
        array = _with_gaps(tensor, array)
    if array.shape[1:] != tensor.shape or array.dtype.kind not in "iuf":
        is_other = array.dtype.kind in "iuf"
        found = f" Received: rows of shape {array.shape[1:]}." if is_other else ""
        if array.dtype.kind == "U":
            found = " Received: text. A number is written without quotes."
        raise DataError(f"{tensor.name}: {_wanted(tensor)}.{found}")
    if dtype.kind in "iu":
        return _whole(tensor, array)
    with np.errstate(over="ignore"):
        array = array.astype(dtype)
    if np.isinf(array).any():
        raise DataError(f"{tensor.name}: {_wanted(tensor)}. Received: one beyond {dtype}.")
    return array


def _holds_truth(rows: Iterable[Any], depth: int) -> bool:
    """NumPy would take them for 0 and 1."""
    for _ in range(depth - 1):
        rows = chain.from_iterable(rows)
    return bool in map(type, rows)


def _wanted(tensor: Tensor) -> str:
    whole = "whole numbers" if np.dtype(tensor.dtype).kind in "iu" else "finite numbers"
    return f"rows must be {whole} of shape {tensor.shape}"


def _with_gaps(tensor: Tensor, array: np.ndarray) -> np.ndarray:
    cells = array.ravel().tolist()
    in_a_row = max(1, array[:1].size)
    numbers = [_number(tensor.name, cell, i // in_a_row) for i, cell in enumerate(cells)]
    return np.array(numbers).reshape(array.shape)


def _whole(tensor: Tensor, array: np.ndarray) -> np.ndarray:
    """JSON has one kind of number: 127.0 is whole."""
    ends = np.iinfo(tensor.dtype)
    is_whole = array.dtype.kind != "f" or bool(np.all(array == np.rint(array)))
    if not is_whole or array.min(initial=0) < ends.min or array.max(initial=0) > ends.max:
        raise DataError(
            f"{tensor.name}: {_wanted(tensor)}, from {ends.min} to {ends.max}. Received: "
            f"{array.min():g} to {array.max():g}{'' if is_whole else ', not all whole'}."
        )
    return array.astype(tensor.dtype)
