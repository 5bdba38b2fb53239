"""Features of a training and a test set: float32 that keeps their digits, columns by their names.

Pixels stay `uint8`. Two-dimensional arrays are tables, whatever their dtype.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kmlp.data.arrays.given import is_frame, to_array, to_numbers
from kmlp.data.arrays.ranges import in_trained_scale, range_of
from kmlp.data.columns import Column
from kmlp.errors import DataError

if TYPE_CHECKING:
    import polars as pl

logger = logging.getLogger(__name__)

_MODERATE = 2.0**40
_DIM_IMAGES = 64
_AS_TABLE = "kmlp.Dataset.from_table(frame, target=...)"


@dataclass(frozen=True, kw_only=True)
class Features:
    """The features of both sets.

    Attributes:
        train, test: `(n, ...)` `uint8` pixels or `float32`, NaN where missing.
        columns: of a table, how each is stored; none where float32 holds it as it is.
        names: the columns' names, where they have any.
    """

    train: np.ndarray
    test: np.ndarray
    columns: tuple[Column, ...] = ()
    names: tuple[str, ...] = ()


def read_features(x_train: Any, x_test: Any, x_validation: Any = None) -> Features:
    """Reads arrays, or frames whose columns are matched by their names.

    Validation rows are read as test rows are, and stand before them.

    Raises:
        DataError: what is wrong with which, and what to write instead.

    Example:
        >>> read_features([[1, 2], [3, 4]], [[5, 6]]).test.tolist()
        [[5.0, 6.0]]
    """
    names: tuple[str, ...] = ()
    if is_frame(x_train):
        x_train, names = _frame_numbers(x_train, "x_train")
    else:
        x_train = _array_numbers(x_train, "x_train")
    x_test = _like_training(x_test, names, "x_test")
    if x_validation is not None:
        own = _like_training(x_validation, names, "x_validation")
        _refuse_other_shapes(x_train, own, "x_validation")
        _refuse_other_shapes(x_train, x_test, "x_test")
        x_test = np.concatenate([own, x_test])
    return _stored(x_train, x_test, names)


def _like_training(x: Any, names: tuple[str, ...], what: str) -> np.ndarray:
    """Numbers of held-out rows, a frame's columns in the order of the training frame's."""
    if not is_frame(x):
        return _array_numbers(x, what)
    values, found = _frame_numbers(x, what)
    return values[:, places_by_name(names, found, what, "x_train")] if names else values


def places_by_name(wanted: Sequence[str], found: Sequence[str], what: str, like: str) -> list[int]:
    """Where each wanted column stands among those that are found.

    Raises:
        DataError: the columns that only one side has.
    """
    lacking = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    if lacking or extra:
        said = [f"lacks {_listed(lacking)}"] if lacking else []
        said += [f"has {_listed(extra)} besides"] if extra else []
        raise DataError(
            f"{what} {' and '.join(said)}; columns are matched by name with those of {like}. "
            "Rename, add or drop them."
        )
    place = {name: i for i, name in enumerate(found)}
    return [place[name] for name in wanted]


def frame_in_order(frame: Any, names: Sequence[str], what: str, like: str) -> np.ndarray:
    """A frame's numbers with their columns in this order.

    Raises:
        DataError: a column that is no number, or that only one side has.
    """
    values, found = _frame_numbers(frame, what)
    return values[:, places_by_name(names, found, what, like)]


def scale_with_digits(values: np.ndarray) -> tuple[float, int]:
    """The offset and exponent by which float32 keeps the digits of `(n,)` numbers.

    Both are 0 for what float32 holds as it is, and for a constant.
    """
    from kmlp.data.encoder import scale_of

    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known) or known.min() == known.max():
        return 0.0, 0
    is_moderate = np.abs(known).max() <= _MODERATE and np.ptp(known) >= 1 / _MODERATE
    if is_moderate and _is_exact(known):
        return 0.0, 0
    return scale_of(known)


def _is_exact(values: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        return np.array_equal(values.astype(np.float32), values, equal_nan=True)


def _array_numbers(values: Any, name: str) -> np.ndarray:
    array = to_array(values, name)
    if array.ndim < 2 or not array.size:
        raise DataError(
            f"{name} must be (n, ...) with n > 0. Received: "
            f"{_kind_of(values)}shape {array.shape}.{_shape_hint(array, name)}"
        )
    return to_numbers(array, name)


def _kind_of(values: Any) -> str:
    return "" if isinstance(values, np.ndarray | list | tuple) else f"{type(values).__name__} of "


def _shape_hint(array: np.ndarray, name: str) -> str:
    if array.ndim != 1 or not len(array):
        return ""
    return f" One feature is written {name}[:, None], one example {name}[None]."


def _frame_numbers(frame: Any, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """`(n, columns)` float64, NaN where missing, and the columns' names."""
    from kmlp.data.reading.frames import as_frame

    table = as_frame(frame)
    if not table.height or not table.width:
        raise DataError(
            f"{name} must be (n, ...) with n > 0. Received: shape {(table.height, table.width)}."
        )
    x = np.empty((table.height, table.width))
    for place, column in enumerate(table.get_columns()):
        x[:, place] = _column_numbers(column, name)
    return x, tuple(table.columns)


def _column_numbers(column: pl.Series, name: str) -> np.ndarray:
    import polars as pl

    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        known = column.drop_nulls()
        example = f", such as {str(known[0])[:40]!r}" if len(known) else ""
        kind = {pl.String: "text", pl.Enum: "categories"}.get(column.dtype.base_type(), "dates")
        raise DataError(
            f"{name}: column {column.name!r} holds {kind}{example}, no numbers. Columns of any "
            f"kind are read by {_AS_TABLE}; or drop it."
        )
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if np.isinf(values).any():
        rows = int(np.isinf(values).sum())
        raise DataError(
            f"{name}: column {column.name!r} holds infinite values in {rows} rows. Fill or drop "
            "them."
        )
    return values


def _stored(train: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> Features:
    """As they are trained on."""
    _refuse_other_shapes(train, test, "x_test")
    if train.dtype != np.uint8 or train.ndim == 2:
        in_trained_scale(test, range_of(train), "the rows of x_test")
    if train.dtype == np.uint8 and train.ndim > 2:
        _tell_of_dim_images(train)
        return Features(train=train, test=test)
    if train.ndim > 2:
        return Features(train=_plain(train, "x_train"), test=_plain(test, "x_test"))
    columns = _columns(train, test, names)
    if not columns:
        return Features(train=within_float32(train), test=within_float32(test), names=names)
    return Features(
        train=_scaled(train, columns), test=_scaled(test, columns), columns=columns, names=names
    )


def _refuse_other_shapes(train: np.ndarray, test: np.ndarray, what: str) -> None:
    one_is_image = train.ndim > 2 and (train.dtype == np.uint8) != (test.dtype == np.uint8)
    if train.shape[1:] != test.shape[1:] or one_is_image:
        kinds = ["uint8" if x.dtype == np.uint8 else "float32" for x in (train, test)]
        raise DataError(
            f"x_train and {what} must hold examples of one shape and dtype. Received: "
            f"{train.shape[1:]} {kinds[0]} and {test.shape[1:]} {kinds[1]}."
        )


def _tell_of_dim_images(images: np.ndarray) -> None:
    if 0 < images.max() < _DIM_IMAGES:
        logger.warning(
            "x_train holds uint8 images of values up to %d, which are divided by 255 as pixels "
            "are; if they are another quantity, write x.astype('float32')",
            images.max(),
        )


def _plain(x: np.ndarray, name: str) -> np.ndarray:
    """Arrays of more dimensions have one scale for all that they hold, which is their owner's."""
    if np.isnan(x).any():
        raise DataError(
            f"{name} has missing values, which only tables (n, columns) may. Fill them, such as "
            f"{name}.filled(0)."
        )
    low, high = float(x.min()), float(x.max())
    spread, widest = high - low, max(abs(low), abs(high))
    if widest > _MODERATE or (spread and not _is_exact(x) and widest > 2**12 * spread):
        raise DataError(
            f"{name} holds values from {low:g} to {high:g}, of which float32 keeps too few digits. "
            f"Write them from 0 on and in another unit: ({name} - {low:g}) / {spread or 1:g}."
        )
    return x.astype(np.float32)


def _columns(train: np.ndarray, test: np.ndarray, names: tuple[str, ...]) -> tuple[Column, ...]:
    """One record a column; none where all of them are stored as they are."""
    missing = np.isnan(train).any(axis=0) | np.isnan(test).any(axis=0)
    if (gone := np.isnan(train).all(axis=0)).any():
        at = int(np.argmax(gone))
        what = repr(names[at]) if names else str(at)
        raise DataError(f"x_train: column {what} has no values at all. Drop it.")
    if not missing.any() and _needs_no_scale(train):
        return ()
    scales = [scale_with_digits(column) for column in train.T]
    if not missing.any() and not any(offset or exponent for offset, exponent in scales):
        return ()
    called = names or tuple(f"x{i}" for i in range(train.shape[1]))
    return tuple(
        Column(
            name=name,
            kind="number",
            source=name,
            offset=offset,
            exponent=exponent,
            has_missing=bool(gaps),
            low=float(np.nanmin(column)),
            high=float(np.nanmax(column)),
        )
        for name, (offset, exponent), gaps, column in zip(
            called, scales, missing, train.T, strict=True
        )
    )


def _needs_no_scale(x: np.ndarray) -> bool:
    """Whether it is seen at a glance, of all columns at once."""
    ranges = np.ptp(x, axis=0)
    varies = ranges > 0
    return bool(
        _is_exact(x) and np.abs(x).max() <= _MODERATE and (ranges[varies] >= 1 / _MODERATE).all()
    )


def within_float32(x: np.ndarray) -> np.ndarray:
    """As float32; what is beyond its range becomes its largest number."""
    largest = float(np.finfo(np.float32).max)
    return (np.clip(x, -largest, largest) if x.dtype == np.float64 else x).astype(np.float32)


def _scaled(x: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
    from kmlp.data.encoder import scaled

    out = np.empty(x.shape, np.float32)
    for place, column in enumerate(columns):
        out[:, place] = scaled(x[:, place].astype(np.float64), column.offset, column.exponent)
    return out


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(map(repr, names[:10])) + more
