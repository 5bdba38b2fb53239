"""Inputs to predict on, from files, in batches, so that memory stays small."""

import contextlib
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from kmlp.data.idx import open_idx
from kmlp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

_IMAGES = (".png", ".jpg", ".jpeg")
_BATCH = 1024


@dataclass(frozen=True)
class Batch:
    """Some inputs: a name each (a file's, or its row) and the examples `(n, ...)`."""

    names: Sequence[str]
    x: np.ndarray


def count_inputs(path: Path) -> int:
    """How many examples `read_inputs` will give.

    Raises:
        DataError: nothing there, or of a kind that is not read.
    """
    if _holds_images(path):
        return len(_image_files(path))
    with _reading(path) as source:
        return source.num_rows


def read_inputs(
    path: Path, shape: tuple[int, ...], *, dark_on_light: bool = False
) -> Iterator[Batch]:
    """Reads `.npy`, `.npz` (its only array, or `x`), IDX, PNG or JPEG files, or a folder of images.

    Args:
        path: a file, or a folder whose images are read, sorted by name.
        shape: of one example; images are turned grey and resized to it.
        dark_on_light: whether images show dark strokes on light ground, the reverse of MNIST's;
            they are inverted then.

    Raises:
        DataError: which file cannot be read, and why.
    """
    if _holds_images(path):
        if len(shape) != 2:
            raise DataError(f"{path}: the model takes no images but examples of shape {shape}")
        files = _image_files(path)
        for start in range(0, len(files), _BATCH):
            part = files[start : start + _BATCH]
            x = np.stack([_read_image(file, shape, dark_on_light) for file in part])
            yield Batch([file.name for file in part], x)
        return
    with _reading(path) as source:
        if dark_on_light and source.dtype != np.uint8:
            raise DataError(
                f"{path}: --dark-on-light inverts uint8 pixels. Received: {source.dtype}."
            )
        for start in range(0, source.num_rows, _BATCH):
            x = source.read(min(_BATCH, source.num_rows - start))
            names = [str(start + i) for i in range(len(x))]
            yield Batch(names, 255 - x if dark_on_light else x)


class _Rows:
    """An array in a stream, in row-major order, read some rows at a time.

    Attributes:
        num_rows, dtype: of the whole array.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> None:
        if not shape:
            raise ValueError("holds a single number, not examples (n, ...)")
        self.num_rows, self._shape, self.dtype, self._file = shape[0], shape[1:], dtype, file

    def read(self, count: int) -> np.ndarray:
        """The next rows, `(count, ...)`."""
        wanted = count * math.prod(self._shape) * self.dtype.itemsize
        content = self._file.read(wanted)
        if len(content) < wanted:
            raise ValueError("it is too short: its header claims more examples")
        return np.frombuffer(content, self.dtype).reshape(count, *self._shape)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[_Rows]:
    """Opens a file of arrays; whatever is wrong with it, now or later, is a `DataError`."""
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder")
    try:
        with contextlib.ExitStack() as stack:
            if path.suffix == ".npy":
                yield _npy_rows(stack.enter_context(open(path, "rb")))
            elif path.suffix == ".npz":
                archive = stack.enter_context(zipfile.ZipFile(path))
                yield _npy_rows(stack.enter_context(archive.open(_array_name(archive))))
            else:
                yield _idx_rows(stack.enter_context(open_idx(path)))
    except DataError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _npy_rows(file: IO[bytes]) -> _Rows:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"its NumPy format {version} is not read; save it again with np.save")
    shape, by_column, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, not numbers")
    if by_column and len(shape) > 1:
        raise ValueError("it is stored by columns; save it again as np.ascontiguousarray(x)")
    return _Rows(file, shape, dtype)


def _array_name(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if "x.npy" in names:
        return "x.npy"
    if len(names) != 1:
        held = ", ".join(name.removesuffix(".npy") for name in names) or "nothing"
        raise ValueError(f"name the inputs x; it holds {held}")
    return names[0]


def _idx_rows(file: IO[bytes]) -> _Rows:
    start = file.read(4)
    if len(start) < 4 or start[:3] != b"\x00\x00\x08":
        raise ValueError(
            "neither .npy, .npz, .png nor .jpg by its name, nor IDX (unsigned bytes) by its content"
        )
    header = file.read(4 * start[3])
    if len(header) < 4 * start[3]:
        raise ValueError("it ends in its header")
    return _Rows(file, struct.unpack(f">{start[3]}I", header), np.dtype(np.uint8))


def _holds_images(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in _IMAGES


def _image_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder")
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in _IMAGES)
    if not files:
        raise DataError(f"{path}: holds no PNG or JPEG files")
    return files


def _read_image(file: Path, shape: tuple[int, ...], dark_on_light: bool) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            upright = ImageOps.exif_transpose(image)
            grey = _grey(upright, 255 if dark_on_light else 0).resize(
                (shape[1], shape[0]), Image.Resampling.LANCZOS
            )
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{file}: cannot be read as an image: {error}") from error
    pixels = np.asarray(grey, np.uint8)
    return 255 - pixels if dark_on_light else pixels


def _grey(image: "PILImage", ground: int) -> "PILImage":
    """In 8 bits of grey; what is transparent shows the ground."""
    from PIL import Image

    if image.mode.startswith("I"):
        # 16 bits a pixel, which `convert` would clip instead of scaling.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        backdrop = Image.new("RGBA", image.size, (ground, ground, ground, 255))
        image = Image.alpha_composite(backdrop, image)
    return image.convert("L")
