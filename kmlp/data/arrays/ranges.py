"""Whether values are in the unit of those that a network was trained on, such as pixels / 255."""

import logging
import math

import numpy as np

from kmlp.errors import DataError

logger = logging.getLogger(__name__)

_FAR = 8
_MANY = 0.01
_LIKE_PIXELS = 64
_PIXEL = 255
Range = tuple[float, float]


def range_of(x: np.ndarray) -> Range:
    """The smallest and the largest known value.

    Example:
        >>> range_of(np.array([[0.5, np.nan], [2.0, 1.0]]))
        (0.5, 2.0)
    """
    return float(np.nanmin(x)), float(np.nanmax(x))


def in_trained_scale(
    x: np.ndarray, trained: Range | None, name: str, *, force: bool | None = None
) -> np.ndarray:
    """Values as they are, or pixels from 0 to 255 as the network knows them, which is told.

    What lies far outside of the training range, by eight times its width, is in another unit. Of
    images, and of tables of 64 columns or more, that is refused where it is more than a stray
    value; of other tables it is told, for there it may be an outlier.

    Args:
        x: `(n, ...)` numbers.
        trained: the range of the training rows; None where it is not known.
        name: what messages call them.
        force: whether what would be refused is told instead; None where nobody can ask for that.

    Raises:
        DataError: both ranges, and what to do.
    """
    if trained is None or not x.size:
        return x
    if _are_raw_pixels(x, trained):
        logger.warning(
            "%s are pixels from 0 to 255 and were divided by 255: the training rows lie between "
            "%g and %g",
            name,
            *trained,
        )
        return x / np.float32(_PIXEL)
    far = _far(x, trained)
    if not far.any():
        _tell_of_small(x, trained, name)
        return x
    told = f"{name} hold values from {_said(range_of(x))}; the training rows lie between "
    told += _said(trained, "and")
    is_like_pixels = x.ndim > 2 or x.shape[1] >= _LIKE_PIXELS
    if is_like_pixels and far.mean() > _MANY and not force:
        instead = "" if force is None else " Or say force=True (--force), if they are meant."
        raise DataError(f"{told}. Bring them to the same scale{_such_as(x, trained)}.{instead}")
    rows = int(far.reshape(len(x), -1).any(axis=1).sum())
    logger.warning("%s: %d of %d rows lie far outside; is the unit the same?", told, rows, len(x))
    return x


def _are_raw_pixels(x: np.ndarray, trained: Range) -> bool:
    """Bytes for a network of images that lie between 0 and 1."""
    in_unit = trained[0] >= 0 and trained[1] <= 1
    return x.ndim > 2 and x.dtype == np.uint8 and in_unit and bool(x.max() > 1)


def _far(x: np.ndarray, trained: Range) -> np.ndarray:
    low, high = trained
    width = (high - low) or max(abs(high), 1.0)
    # NaN, which is missing, is not far; a limit beyond float32 is infinite there, and right.
    with np.errstate(over="ignore"):
        return (x < low - _FAR * width) | (x > high + _FAR * width)


def _tell_of_small(x: np.ndarray, trained: Range, name: str) -> None:
    """Images between 0 and 1 for a network of pixels up to 255 lie within its range."""
    if x.ndim > 2 and trained[1] >= _PIXEL / 4 and 0 < x.max() <= 1:
        logger.warning(
            "%s hold values up to %g; the training rows reach %g: is the unit the same?",
            name,
            x.max(),
            trained[1],
        )


def _said(ends: Range, word: str = "to") -> str:
    return f"{ends[0]:g} {word} {ends[1]:g}"


def _such_as(x: np.ndarray, trained: Range) -> str:
    are_pixels = math.isclose(trained[1], 1, abs_tol=0.1) and x.min() >= 0 and x.max() <= _PIXEL
    return ", such as x / 255" if are_pixels else ""
