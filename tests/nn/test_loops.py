"""Rows that stand in for nobody: how many there are, and that they come in no batch's sums."""

import numpy as np
import pytest
from keras import ops

from kmlp.nn.loops import NOBODY, count, for_batches, only, padded, padded_length


@pytest.mark.parametrize("batch_size", [None, 7, 32, 100, 128])
def test_rows_are_filled_up_by_a_quarter_at_most_and_never_by_a_step(batch_size):
    """A step more would be an update of nothing, and an epoch's schedule another one."""
    for number in range(1, 1500):
        length = padded_length(number, batch_size)
        assert number <= length <= 1.25 * number
        if batch_size:
            assert -(-length // batch_size) == -(-number // batch_size)
    assert padded_length(0, batch_size) == 0


def test_few_lengths_are_left():
    assert len({padded_length(n) for n in range(65, 129)}) == 4
    assert len({padded_length(n, 128) for n in range(257, 385)}) == 2


@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("batch_size", [4, 5, 9, 20])
def test_every_row_comes_once_and_nobody_never(pad, batch_size):
    rows = padded([np.arange(1, 10), np.arange(1, 8)], 9)
    assert (rows[1, 7:] == NOBODY).all()

    def step(batch, valid, carry):
        total, number = carry
        values = ops.cast(batch, "float32")
        return total + ops.sum(only(valid, values), axis=1), number + count(valid, values)

    carry = (ops.zeros(2), ops.zeros(2))
    total, number = for_batches(
        ops.convert_to_tensor(rows), batch_size, step, carry, pad=pad, has_nobody=True
    )
    assert ops.convert_to_numpy(total).tolist() == [45.0, 28.0]
    assert ops.convert_to_numpy(number).tolist() == [9.0, 7.0]
