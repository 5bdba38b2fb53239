"""Inputs to predict on, from files, in batches, so that memory stays small."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmlp.data.idx import read_idx
from kmlp.errors import DataError

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
    if path.is_dir() or path.suffix.lower() in _IMAGES:
        return len(_image_files(path))
    return len(_open_array(path))


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
    if path.is_dir() or path.suffix.lower() in _IMAGES:
        if len(shape) != 2:
            raise DataError(f"{path}: the model takes no images but examples of shape {shape}")
        files = _image_files(path)
        for start in range(0, len(files), _BATCH):
            part = files[start : start + _BATCH]
            x = np.stack([_read_image(file, shape, dark_on_light) for file in part])
            yield Batch([file.name for file in part], x)
        return
    array = _open_array(path)
    for start in range(0, len(array), _BATCH):
        x = np.asarray(array[start : start + _BATCH])
        yield Batch([str(start + i) for i in range(len(x))], 255 - x if dark_on_light else x)


def _image_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in _IMAGES)
    if not files:
        raise DataError(f"{path}: holds no PNG or JPEG files")
    return files


def _read_image(file: Path, shape: tuple[int, ...], dark_on_light: bool) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(file) as image:
            grey = image.convert("L").resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{file}: cannot be read as an image: {error}") from error
    pixels = np.asarray(grey, np.uint8)
    return 255 - pixels if dark_on_light else pixels


def _open_array(path: Path) -> np.ndarray:
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder")
    if path.suffix not in (".npy", ".npz"):
        return read_idx(path, 3)
    import zipfile

    try:
        # An .npy file is mapped, not read: rows come from the disk as they are needed.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            names = loaded.files
            if len(names) != 1 and "x" not in names:
                raise DataError(f"{path}: name the inputs x; it holds {', '.join(names)}")
            return loaded["x" if "x" in names else names[0]]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: cannot be read: {error}") from error
