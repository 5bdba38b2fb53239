"""Columns of one type as one matrix: TensorFlow takes 20 µs for each argument of a call."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Arrays = Mapping[str, np.ndarray]
_FEWEST = 4
"""Of so many inputs on it saves time."""


def packed(signature: Any) -> Callable[[Arrays], dict[str, np.ndarray]]:
    """A signature of a loaded SavedModel, from arrays by name to arrays by name, with as few
    arguments as its inputs have types.

    Args:
        signature: takes tensors by name, and gives some.
    """
    inputs: dict[str, tf.TensorSpec] = signature.structured_input_signature[1]
    by_type: dict[tf.DType, list[str]] = {}
    for name, spec in inputs.items():
        if spec.shape.rank == 1:
            by_type.setdefault(spec.dtype, []).append(name)
    columns = [names for names in by_type.values() if len(names) >= _FEWEST]
    others = [name for name in inputs if not any(name in names for names in columns)]
    matrices = [tf.TensorSpec((None, len(names)), inputs[names[0]].dtype) for names in columns]

    @tf.function(input_signature=[*matrices, *(inputs[name] for name in others)], autograph=False)
    def apart(*given: Any) -> Any:
        cells = dict(zip(others, given[len(columns) :], strict=True))
        for names, matrix in zip(columns, given, strict=False):
            cells |= zip(names, tf.unstack(matrix, axis=1), strict=True)
        return signature(**cells)

    function = apart.get_concrete_function() if columns else None

    def call(given: Arrays) -> dict[str, np.ndarray]:
        if function is None:
            outputs = signature(**{name: tf.constant(given[name]) for name in inputs})
        else:
            together = [np.stack([given[n] for n in names], axis=1) for names in columns]
            outputs = function(*map(tf.constant, [*together, *(given[n] for n in others)]))
        return {name: value.numpy() for name, value in outputs.items()}

    return call
