"""Image files as pixels: opened only as what their names say, and bounded before decoding."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from kmlp.data.arrays.image_formats import (
    FORMATS,
    IMAGES,
    check_frames,
    check_values,
    checked_depth,
)
from kmlp.data.arrays.streams import one_line, open_regular, reading
from kmlp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

logger = logging.getLogger(__name__)

MOST_PIXELS = 64_000_000
_ORIENTATION, _FIRST_TURNED = 0x0112, 5


def is_image(path: Path) -> bool:
    """Whether it is an image by its name."""
    return path.suffix.lower() in FORMATS


def image_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The images in a folder, sorted by name, and whatever else lies there.

    Raises:
        DataError: the folder cannot be read, or holds no images.
    """
    with reading(folder):
        entries = sorted(folder.iterdir())
    images = [path for path in entries if is_image(path) and path.is_file()]
    others = [path for path in entries if not (is_image(path) and path.is_file())]
    if not images:
        found = f"; it holds {_listed(others)}" if others else ""
        raise DataError(f"{folder}: holds no {IMAGES} files{found}")
    return images, others


def tell_left_out(folder: Path, num_images: int, others: Sequence[Path]) -> None:
    """Logs in one line what of a folder is not read."""
    if others:
        logger.warning(
            "%s: %d of %d entries are no %s files and were left out: %s",
            folder,
            len(others),
            num_images + len(others),
            IMAGES,
            _listed(others),
        )


def read_image(path: Path, shape: tuple[int, ...], *, dark_on_light: bool = False) -> np.ndarray:
    """Reads an image as `uint8` pixels, resized to `shape`.

    Args:
        path: the file; its suffix says what it is, and it must be that.
        shape: height and width, of grey pixels; behind them 1 for grey, 3 for red, green, blue.
        dark_on_light: whether it shows dark strokes on light ground; it is inverted then.

    Raises:
        DataError: the file and what is wrong with it.
    """
    ground = 255 if dark_on_light else 0
    with _image(path) as (image, depth):
        upright = _upright(image, path, depth)
        made = _colours(upright, ground) if shape[2:] == (3,) else _grey(upright, ground)
        pixels = _resized(made, shape).reshape(shape)
    return 255 - pixels if dark_on_light else pixels


def read_pixels(path: Path) -> np.ndarray:
    """Reads an image in its own size: `uint8` `(height, width)` where all of it is grey, else
    `(height, width, 3)`; what is transparent is black.

    Raises:
        DataError: the file and what is wrong with it.
    """
    with _image(path) as (image, depth):
        upright = _upright(image, path, depth)
        if upright.mode.startswith("I") or upright.mode in ("1", "L"):
            return np.asarray(_grey(upright, 0), np.uint8)
        pixels = np.asarray(_colours(upright, 0), np.uint8)
    first = pixels[..., :1]
    return first[..., 0] if (pixels == first).all() else pixels


def image_size(path: Path) -> tuple[int, int]:
    """Height and width by the header alone, of a JPEG, TIFF or WebP as its camera was held.

    Raises:
        DataError: the file and what is wrong with it.
    """
    with _image(path) as (image, _):
        if FORMATS[path.suffix.lower()] == "PNG":  # whose notes may stand behind its pixels
            return image.size[::-1]
        is_turned = image.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
        return image.size if is_turned else image.size[::-1]


@contextlib.contextmanager
def _image(path: Path) -> Iterator[tuple["PILImage", int]]:
    """An image of which only the header was read, and its bits a value."""
    kind = FORMATS[path.suffix.lower()]
    with reading(path, "as an image"), open_regular(path) as file, _telling(path):
        depth = checked_depth(file, kind)
        with _opened(file, kind) as image:
            _check_size(image)
            check_frames(image, kind)
            check_values(image, kind)
            yield image, depth


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Logs what Pillow warns of with the name of the file."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for warning in told:
        logger.warning("%s: %s", path, warning.message)


def _listed(paths: Sequence[Path], most: int = 3) -> str:
    names = [f"{path.name}/" if path.is_dir() else path.name for path in paths[:most]]
    return one_line(", ".join(names)) + (
        f" and {len(paths) - most} more" if len(paths) > most else ""
    )


def _check_size(image: "PILImage") -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError(
            f"it has {width:,} x {height:,} pixels, at most {MOST_PIXELS:,} are read; "
            "shrink it first"
        )


def _upright(image: "PILImage", path: Path, depth: int) -> "PILImage":
    """Decoded, and turned as its camera was held."""
    from PIL import ImageOps

    if FORMATS[path.suffix.lower()] == "PNG":
        _scale_key(image, depth)
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _opened(file: IO[bytes], kind: str) -> "PILImage":
    from PIL import Image, UnidentifiedImageError

    file.seek(0)
    try:
        return Image.open(file, formats=[kind])
    except UnidentifiedImageError as error:
        raise ValueError(f"its header is no {kind} header; save it again") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"it has more than {MOST_PIXELS:,} pixels; shrink it first") from error
    except ValueError as error:
        raise ValueError(f"its header is not read: {error}; save it again") from error


def _resized(image: "PILImage", shape: tuple[int, ...]) -> np.ndarray:
    from PIL import Image

    small = image.resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)


def _grey(image: "PILImage", ground: int) -> "PILImage":
    """In 8 bits of grey; what is transparent shows the ground."""
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray(_of_16_bits(image, ground))
    if not image.has_transparency_data:
        return image.convert("L")
    coloured = image.convert("RGBA")
    backdrop = Image.new("L", image.size, ground)
    return Image.composite(coloured.convert("L"), backdrop, coloured.getchannel("A"))


def _colours(image: "PILImage", ground: int) -> "PILImage":
    """In 8 bits of red, green and blue; what is transparent shows the ground."""
    from PIL import Image

    if image.mode.startswith("I"):
        return _grey(image, ground).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    coloured = image.convert("RGBA")
    backdrop = Image.new("RGB", image.size, (ground, ground, ground))
    return Image.composite(coloured.convert("RGB"), backdrop, coloured.getchannel("A"))


def _of_16_bits(image: "PILImage", ground: int) -> np.ndarray:
    """Scaled by their own range, where `convert` would clip at 255."""
    values = np.asarray(image)
    pixels = (values >> 8).astype(np.uint8)
    pixels[values == image.info.get("transparency", -1)] = ground
    return pixels


def _scale_key(image: "PILImage", depth: int) -> None:
    """Brings a PNG's transparent colour from the file's bit depth to that of Pillow's pixels."""
    key = image.info.get("transparency")
    if image.mode == "L" and key is not None:
        image.info["transparency"] = key * 255 // (2**depth - 1)
    if image.mode == "RGB" and key is not None and depth == 16:
        raise ValueError("its transparent colour has 16 bits; save it with an alpha channel")
