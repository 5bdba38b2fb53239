"""Rows as they might come, to try a converted network on: drawn from what training saw."""

import numpy as np

from kmlp.data.columns import Column
from kmlp.data.dataset import DataSpec
from kmlp.data.encoder import scaled

_MISSING = 0.1
"""Share of cells without a value in columns that had some."""


def drawn_rows(spec: DataSpec, num_rows: int) -> np.ndarray:
    """Encoded rows, `(num_rows, *input_shape)`, in the network's type; the same every time.

    Example:
        >>> spec = DataSpec(task="binary", input_shape=(2, 2), input_dtype="uint8", num_classes=2,
        ...     class_names=("a", "b"))
        >>> drawn_rows(spec, 5).shape
        (5, 2, 2)
    """
    generator = np.random.default_rng(0)
    shape = (num_rows, *spec.input_shape)
    if spec.input_dtype == "uint8":
        return generator.integers(0, 256, shape, np.uint8)
    if spec.columns:
        cells = [_cells(column, num_rows, generator) for column in spec.columns]
        return np.stack(cells, axis=1).astype(np.float32)
    low, high = spec.value_range or (0.0, 1.0)
    return generator.uniform(low, high, shape).astype(np.float32)


def _cells(column: Column, num_rows: int, generator: np.random.Generator) -> np.ndarray:
    if column.kind == "category":
        cells = generator.integers(0, column.num_codes, num_rows).astype(np.float32)
    elif column.kind == "boolean":
        cells = generator.integers(0, 2, num_rows).astype(np.float32)
    else:
        low, high = column.low or 0.0, column.high or 0.0
        cells = scaled(generator.uniform(low, high, num_rows), column.offset, column.exponent)
    if column.has_missing:
        cells[generator.random(num_rows) < _MISSING] = np.nan
    return cells
