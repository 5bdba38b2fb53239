"""Loops of compiled programs: over the batches of rows, and over some members at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

NOBODY = -1
"""In the place of a row, where a member has fewer than its program takes."""
# Of an epoch's rows, how many more may be computed to compile the step once.
_LARGEST_PADDING = 0.25


def worth_padding(num_rows: int, batch_size: int) -> bool:
    """Whether rows that do not count fill up the last batch.

    It then costs what a whole one does; a smaller one would be the step compiled a second time.
    """
    return -num_rows % batch_size <= _LARGEST_PADDING * num_rows


def padded_length(num_rows: int, batch_size: int | None = None) -> int:
    """How long the rows of a member are made by `NOBODY`, that others of about as many share its
    program: at most a quarter longer, and no step more.

    It follows from its own rows, so that a member is computed alike in any company.

    Args:
        num_rows: of the member.
        batch_size: of a step; None where all rows are one.

    Example:
        >>> [padded_length(n, 128) for n in (0, 65, 80, 81, 127, 129, 250)]
        [0, 80, 80, 96, 128, 160, 256]
    """
    if not num_rows:
        return 0
    grain = 2 ** max(0, num_rows.bit_length() - 3)
    length = -(-num_rows // grain) * grain
    return min(length, -(-num_rows // batch_size) * batch_size) if batch_size else length


def padded(rows: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Members' rows as one `(k, length)` array, filled up by `NOBODY`."""
    filled = np.full((len(rows), length), NOBODY, np.int32)
    for own, whole in zip(rows, filled, strict=True):
        whole[: len(own)] = own
    return filled


def for_batches(
    rows: Any,
    batch_size: int,
    step: Callable,
    carry: Any,
    *,
    pad: bool,
    has_nobody: bool = False,
) -> Any:
    """`carry = step(batch, valid, carry)` over `rows` `(k, n)`; the last, smaller batch included.

    Shapes stay static: the whole batches in one compiled loop; the rest after it, or, padded, in
    it, where `valid` `(1, batch)` says which rows count. None says that all do. Where some rows
    are `NOBODY`, `valid` is `(k, batch)`.
    """
    k, num_rows = rows.shape
    batch_size = min(batch_size, num_rows)
    rest = num_rows % batch_size
    pad = pad and rest > 0
    if pad:
        filling = NOBODY if has_nobody else 0
        rows = ops.pad(rows, ((0, 0), (0, batch_size - rest)), constant_values=filling)
    full = rows.shape[1] // batch_size

    def body(i: Any, carry: Any) -> Any:
        batch = ops.slice(rows, (0, i * batch_size), (k, batch_size))
        if has_nobody:
            return step(ops.maximum(batch, 0), batch >= 0, carry)
        places = i * batch_size + ops.arange(batch_size, dtype="int32")
        valid = ops.expand_dims(places < num_rows, 0) if pad else None
        return step(batch, valid, carry)

    carry = ops.fori_loop(0, full, body, carry) if full > 1 else body(0, carry)
    if not rest or pad:
        return carry
    batch = rows[:, full * batch_size :]
    valid = batch >= 0 if has_nobody else None
    return step(ops.maximum(batch, 0) if has_nobody else batch, valid, carry)


def only(valid: Any, values: Any) -> Any:
    """`(k, batch)` values of the rows that count, 0 for the others."""
    return values if valid is None else ops.where(valid, values, ops.zeros_like(values))


def count(valid: Any, values: Any) -> Any:
    """How many rows count, of all members or `(k,)`."""
    return values.shape[1] if valid is None else ops.sum(ops.cast(valid, values.dtype), axis=1)


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
