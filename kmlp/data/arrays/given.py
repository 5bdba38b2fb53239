"""What people hand over as an array: the array that it is, or a refusal with the conversion."""

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from kmlp.errors import DataError

_AS_TABLE = "kmlp.Dataset.from_table(frame, target=...)"
_FLATTEN = "np.stack([x for x, _ in data.unbatch().as_numpy_iterator()])"


def to_array(values: Any, name: str) -> np.ndarray:
    """An array of numbers, truth values, strings or objects; a masked one stays masked.

    Args:
        values: an array or a tensor of any library, or nested sequences.
        name: what messages call it.

    Raises:
        DataError: it is none; its type, and what to write.

    Example:
        >>> to_array([[1, 2], [3]], "x_train")
        Traceback (most recent call last):
        ...
        kmlp.errors.DataError: x_train is ragged: row 0 holds 2 values, row 1 holds 1. Pad or cut \
the rows to one length.
    """
    if remedy := _conversion(values, name):
        kind = f"{type(values).__module__.partition('.')[0]}.{type(values).__name__}"
        kind = kind.removeprefix("builtins.")
        raise DataError(f"{name} must be an array. Received: {kind}. {remedy}")
    if isinstance(values, np.ma.MaskedArray):
        return values
    try:
        array = np.asarray(values)
    except Exception as error:  # whatever NumPy and the libraries' tensors raise
        raise _not_converted(values, name, error) from error
    if array.dtype.kind == "O" and array.ndim == 1 and (ragged := _ragged(array, name)):
        raise ragged
    return array


def is_frame(data: Any) -> bool:
    """Whether its columns have names: a pandas, polars or pyarrow frame, or a structured array."""
    if isinstance(data, np.ndarray):
        return data.dtype.names is not None
    return hasattr(data, "columns") and (
        hasattr(data, "iloc") or hasattr(data, "__arrow_c_stream__")
    )


def to_numbers(array: np.ndarray, name: str) -> np.ndarray:
    """Features as they are stored or as `float64`, NaN where masked; `uint8`, `float16` and
    `float32` stay what they are.

    Raises:
        DataError: what they hold instead of finite real numbers, and what to do.
    """
    kind = array.dtype.kind
    if kind == "O":
        array = _from_objects(array, name)
    elif kind not in "biuf":
        raise _no_numbers(array, name)
    mask = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    plain = np.ma.getdata(array)
    if plain.dtype.kind in "iu" and plain.dtype.itemsize == 8:
        _refuse_lost_digits(plain, mask, name)
    if mask is None or not mask.any():
        return _checked(_as_floats(plain), name)
    filled = np.where(mask, 0, plain)
    return np.where(mask, np.nan, _checked(_as_floats(filled), name))


def _as_floats(plain: np.ndarray) -> np.ndarray:
    if plain.dtype in (np.uint8, np.float32):
        return plain
    with np.errstate(over="ignore"):
        return plain.astype(np.float32 if plain.dtype == np.float16 else np.float64)


def _checked(x: np.ndarray, name: str) -> np.ndarray:
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        rows = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        hint = (
            f" If NaN is a missing value, say so: np.ma.masked_invalid({name})."
            if np.isnan(x).any()
            else ""
        )
        raise DataError(
            f"{name} holds NaN or infinite values in {rows} rows. Fill or drop them.{hint}"
        )
    return x


def _conversion(values: Any, name: str) -> str:
    """What to write for something that NumPy would take for one object; empty for what it reads."""
    if hasattr(values, "toarray") and hasattr(values, "nnz"):
        return f"It is sparse: write {name}.toarray()."
    if hasattr(values, "element_spec") and hasattr(values, "unbatch"):
        return f"Take the arrays out of it: {name} = {_FLATTEN}."
    if isinstance(values, str | bytes):
        return "A file is loaded by kmlp.load_dataset(path, target=...)."
    if hasattr(values, "__next__"):
        return f"It gives its rows only once: write np.stack(list({name}))."
    if isinstance(values, dict | set | frozenset) or values is None:
        return f"Columns with names are a table: {_AS_TABLE}."
    known = ("__array__", "__len__", "__array_interface__", "__cuda_array_interface__", "__float__")
    if not any(hasattr(values, attribute) for attribute in known):
        return f"Write np.asarray of its rows, or {_AS_TABLE}."
    return ""


def _not_converted(values: Any, name: str, error: Exception) -> DataError:
    if isinstance(values, Sequence) and (ragged := _ragged(values, name)):
        return ragged
    said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return DataError(
        f"{name} is no array that NumPy can read. Received: {type(values).__name__} ({said}). "
        "Of a tensor on a device, write .cpu().numpy() or np.asarray of a copy."
    )


def _ragged(rows: Any, name: str) -> DataError | None:
    """The refusal of rows of unequal length; None of anything else."""
    sized = [(i, len(row)) for i, row in enumerate(rows) if isinstance(row, list | tuple)]
    sized += [(i, len(row)) for i, row in enumerate(rows) if isinstance(row, np.ndarray)]
    other = next(((i, n) for i, n in sized if n != sized[0][1]), None)
    if other is None:
        return None
    return DataError(
        f"{name} is ragged: row {sized[0][0]} holds {sized[0][1]} values, row {other[0]} holds "
        f"{other[1]}. Pad or cut the rows to one length."
    )


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    """Python's numbers as `float64`, None and its like masked."""
    flat = array.ravel().tolist()
    missing = [is_missing(value) for value in flat]
    for place, value in enumerate(flat):
        if not missing[place] and not isinstance(value, numbers.Real | np.bool_):
            where = ", ".join(map(str, np.unravel_index(place, array.shape)))
            raise DataError(
                f"{name} must hold real numbers. Received: dtype object, with "
                f"{type(value).__name__} {str(value)[:40]!r} at [{where}]. Columns of words, dates "
                f"or gaps are a table's: {_AS_TABLE}."
            )
    read = np.array([0.0 if m else float(v) for v, m in zip(flat, missing, strict=True)])
    read = read.reshape(array.shape)
    if not any(missing):
        return read
    return np.ma.masked_array(read, np.reshape(missing, array.shape))


def is_missing(value: Any) -> bool:
    """Whether an object says that there is no value; of numbers NaN is another matter."""
    return value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType")


def _no_numbers(array: np.ndarray, name: str) -> DataError:
    dtype = array.dtype
    if dtype.kind in "US":
        remedy = f"If it is all numbers, write {name}.astype(float); else {_AS_TABLE}."
    elif dtype.kind in "mM":
        remedy = f"Make numbers of it, such as days, or keep the dates: {_AS_TABLE}."
    elif dtype.kind == "c":
        remedy = f"Write np.concatenate([{name}.real, {name}.imag], axis=-1)."
    else:
        remedy = f"Make columns of it: {_AS_TABLE}."
    return DataError(f"{name} must hold real numbers. Received: dtype {dtype}. {remedy}")


def _refuse_lost_digits(plain: np.ndarray, mask: np.ndarray | None, name: str) -> None:
    """Whole numbers beyond 2^53 may become equal as float64, in which everything is computed."""
    known = plain if mask is None else plain[~mask]
    if not known.size or max(abs(int(known.min())), abs(int(known.max()))) <= 2**53:
        return
    if len(np.unique(known)) > len(np.unique(known.astype(np.float64))):
        raise DataError(
            f"{name} holds whole numbers up to {known.max()}, some of which cannot be told apart "
            f"as float64. Take a constant off, such as {name} - {name}.min()."
        )
