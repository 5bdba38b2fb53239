"""Loops of compiled programs: over the batches of rows, and over some members at a time."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Of an epoch's rows, how many more may be computed to compile the step once.
_LARGEST_PADDING = 0.25


def worth_padding(num_rows: int, batch_size: int) -> bool:
    """Whether rows that do not count fill up the last batch.

    It then costs what a whole one does; a smaller one would be the step compiled a second time.
    """
    return -num_rows % batch_size <= _LARGEST_PADDING * num_rows


def for_batches(rows: Any, batch_size: int, step: Callable, carry: Any, *, pad: bool) -> Any:
    """`carry = step(batch, valid, carry)` over `rows` `(k, n)`; the last, smaller batch included.

    Shapes stay static: the whole batches in one compiled loop; the rest after it, or, padded, in
    it, where `valid` `(1, batch)` says which rows count. None says that all do.
    """
    k, num_rows = rows.shape
    batch_size = min(batch_size, num_rows)
    rest = num_rows % batch_size
    pad = pad and rest > 0
    if pad:
        rows = ops.pad(rows, ((0, 0), (0, batch_size - rest)))
    full = rows.shape[1] // batch_size

    def body(i: Any, carry: Any) -> Any:
        places = i * batch_size + ops.arange(batch_size, dtype="int32")
        valid = ops.expand_dims(places < num_rows, 0) if pad else None
        return step(ops.slice(rows, (0, i * batch_size), (k, batch_size)), valid, carry)

    carry = ops.fori_loop(0, full, body, carry) if full > 1 else body(0, carry)
    return step(rows[:, full * batch_size :], None, carry) if rest and not pad else carry


def only(valid: Any, values: Any) -> Any:
    """`(k, batch)` values of the rows that count, 0 for the others."""
    return values if valid is None else ops.where(valid, values, ops.zeros_like(values))


def count(valid: Any, values: Any) -> Any:
    """How many rows count."""
    return values.shape[1] if valid is None else ops.sum(ops.cast(valid, values.dtype))


def part(whole: Any, start: Any, size: int) -> Any:
    """`size` members from `start` on, of all tensors in a nest."""

    def taken(tensor: Any) -> Any:
        return ops.slice(tensor, _from(start, tensor), (size, *tensor.shape[1:]))

    return keras.tree.map_structure(taken, whole)


def replaced(whole: Any, parts: Any, start: Any) -> Any:
    """The nest with what `part` took replaced."""

    def replace(tensor: Any, values: Any) -> Any:
        return ops.slice_update(tensor, _from(start, tensor), values)

    return keras.tree.map_structure(replace, whole, parts)


def _from(start: Any, tensor: Any) -> tuple:
    """Where a slice of members begins; JAX wants all of one dtype."""
    return (start, *(start * 0,) * (len(tensor.shape) - 1))
