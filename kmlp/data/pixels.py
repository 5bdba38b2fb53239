"""Tables whose columns are the pixels of small images, as Kaggle lays out MNIST."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.tables import Table, as_table
from kmlp.errors import DataError

SIDE = 28
_LABELS = ("label", "class", "target", "y")
_MOST_CLASSES = 100
_PIXEL = re.compile(r"pixel_?(\d+)")
_PLACE = re.compile(r"(\d+)x(\d+)")


def is_pixel_table(data: Any) -> bool:
    """Whether a table is a set of 28 x 28 images: 784 pixel columns, and at most a label.

    The pixels are called `pixel0` to `pixel783`, or `1x1` to `28x28`, and are whole numbers from
    0 to 255. Of a file without a header, whose columns are only numbered, they are the 784 beside
    a column of classes, which is the first or the last.

    Example:
        >>> is_pixel_table({"label": [1], "pixel0": [0]})
        False
    """
    table = as_table(data)
    names, label = _layout(table)
    if not names or set(table.columns) - {*names, label}:
        return False
    pixels = table.whole.select(names)
    if not all(kind.is_integer() for kind in pixels.dtypes):
        return False
    low, high = pixels.min().row(0), pixels.max().row(0)
    whole = None not in low and not sum(pixels.null_count().row(0))
    return whole and min(low) >= 0 and max(high) <= 255


def pixel_images(data: Any) -> tuple[np.ndarray, pl.Series | None]:
    """The images of such a table, `uint8 (n, 28, 28)`, and the labels, if it has any.

    Raises:
        DataError: it is no such table.
    """
    table = as_table(data)
    if not is_pixel_table(table):
        raise DataError(
            "the table is no set of images: 784 columns pixel0 to pixel783 (or 1x1 to 28x28) of "
            "whole numbers from 0 to 255, and at most a label."
        )
    names, label = _layout(table)
    images = np.empty((table.height, len(names)), np.uint8)
    for place, name in enumerate(names):
        images[:, place] = table.column(name).to_numpy()
    return images.reshape(-1, SIDE, SIDE), table.column(label) if label else None


def _layout(table: Table) -> tuple[list[str], str | None]:
    """The pixel columns in the image's order, and the label's if there is one."""
    names = _pixel_names(table.columns)
    if names is not None:
        return names, next((name for name in _LABELS if name in table.columns), None)
    if table.columns != [f"column_{i + 1}" for i in range(SIDE * SIDE + 1)]:
        return [], None
    ends = (table.columns[0], table.columns[-1])
    labels = [name for name in ends if _are_classes(table.column(name))]
    if len(labels) != 1:
        return [], None
    return [name for name in table.columns if name != labels[0]], labels[0]


def _are_classes(column: pl.Series) -> bool:
    """Whether a numbered column holds 0, 1, 2, ..., none of them in more than half of the rows; a
    pixel in a corner is nearly always black."""
    if not column.dtype.is_integer() or column.null_count():
        return False
    counts = column.value_counts()
    values = set(counts[column.name].to_list())
    most = counts["count"].max()
    assert isinstance(most, int)
    few = 2 <= len(values) <= _MOST_CLASSES and values == set(range(len(values)))
    return few and most <= len(column) / 2


def _pixel_names(names: list[str]) -> list[str] | None:
    """The pixel columns in the order of the image's rows; None if they are not all there."""
    places: dict[int, str] = {}
    for name in names:
        if match := _PIXEL.fullmatch(name):
            places[int(match[1])] = name
        elif match := _PLACE.fullmatch(name):
            places[(int(match[1]) - 1) * SIDE + int(match[2]) - 1] = name
    wanted = range(SIDE * SIDE)
    if len(places) == SIDE * SIDE + 1 or set(places) == set(range(1, SIDE * SIDE + 1)):
        wanted = range(1, SIDE * SIDE + 1)  # pixel1 to pixel784, as some write it
    return [places[i] for i in wanted] if set(places) == set(wanted) else None
