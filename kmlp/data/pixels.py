"""Tables whose columns are the pixels of small images, as Kaggle lays out MNIST."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.tables import as_table
from kmlp.errors import DataError

SIDE = 28
_LABELS = ("label", "class", "target", "y")
_PIXEL = re.compile(r"pixel_?(\d+)")
_PLACE = re.compile(r"(\d+)x(\d+)")


def is_pixel_table(data: Any) -> bool:
    """Whether a table is a set of 28 x 28 images: 784 pixel columns, and at most a label.

    The pixels are called `pixel0` to `pixel783`, or `1x1` to `28x28`, and are whole numbers from
    0 to 255.

    Example:
        >>> is_pixel_table({"label": [1], "pixel0": [0]})
        False
    """
    frame = as_table(data).frame
    names = _pixel_names(frame.columns)
    if names is None or set(frame.columns) - set(names) - set(_LABELS):
        return False
    pixels = frame.select(names)
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
    frame = as_table(data).frame
    if not is_pixel_table(frame):
        raise DataError(
            "the table is no set of images: 784 columns pixel0 to pixel783 (or 1x1 to 28x28) of "
            "whole numbers from 0 to 255, and at most a label."
        )
    names = _pixel_names(frame.columns)
    assert names is not None
    images = np.empty((frame.height, len(names)), np.uint8)
    for place, name in enumerate(names):
        images[:, place] = frame[name].to_numpy()
    label = next((name for name in _LABELS if name in frame.columns), None)
    return images.reshape(-1, SIDE, SIDE), frame[label] if label else None


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
