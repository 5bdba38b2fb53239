"""What the floors share: the products of one step, and nothing else.

A step is, for each layer, the product forward, that for the kernel's gradient, and that for the
inputs' gradient but for the first layer. No activation, no optimizer, no data: each step reads
other rows of one small array, so that no compiler can take a product out of the loop.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from kmlp.data import Dataset
from race.setting import VALIDATION_FRACTION, Setting

NUM_BATCHES = 8


def num_steps(setting: Setting, data: Dataset) -> tuple[int, int]:
    """Whole batches of an epoch, and the rows of the last, smaller one."""
    rows = len(data.y_train) - round(VALIDATION_FRACTION * len(data.y_train))
    return divmod(rows, setting.batch_size)


def inputs_and_kernels(
    setting: Setting, data: Dataset, num_members: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows of `NUM_BATCHES` batches in [0, 1], and each member's kernels, `float32`.

    Returns:
        `(k, NUM_BATCHES * batch, features)`, and kernels `(k, in, units)` scaled so that what
        they make neither grows nor vanishes: denormal numbers would be slow.
    """
    rng, widths = np.random.default_rng(0), setting.widths(data)
    shape = (num_members, NUM_BATCHES * setting.batch_size, widths[0])
    kernels = [
        rng.standard_normal((num_members, a, b), np.float32) / np.float32(np.sqrt(a))
        for a, b in pairwise(widths)
    ]
    return rng.random(shape, np.float32), kernels


def products(matmul: Callable, transpose: Callable, x: Any, kernels: Sequence[Any]) -> list[Any]:
    """The kernels' gradients of one step, first layer last."""
    outputs = [x]
    for kernel in kernels:
        outputs.append(matmul(outputs[-1], kernel))
    gradient, found = outputs[-1], []
    for i in reversed(range(len(kernels))):
        found.append(matmul(transpose(outputs[i]), gradient))
        if i:
            gradient = matmul(gradient, transpose(kernels[i]))
    return found
