"""Inputs to predict on, from files, in batches, so that memory stays small."""

import contextlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmlp.data.arrays.idx import WrongMagicError, open_idx
from kmlp.data.arrays.image_formats import IMAGES
from kmlp.data.arrays.images import image_files, is_image, read_image, tell_left_out
from kmlp.data.arrays.npy import array_names, listed, open_array, open_npy, open_npz
from kmlp.data.arrays.stored import StoredArray
from kmlp.data.arrays.streams import reading
from kmlp.data.loading import is_table_name
from kmlp.errors import DataError

_BATCH = 1024


@dataclass(frozen=True)
class Batch:
    """Some inputs: a name each (a file's, or its row) and the examples `(n, ...)`."""

    names: Sequence[str]
    x: np.ndarray


def check_input(path: Path) -> None:
    """Refuses what is not there, or of no kind that is read, before a model is loaded.

    Raises:
        DataError: what is wrong with it.
    """
    _check_there(path)
    if os.path.isdir(path) or not is_table_name(path):
        count_inputs(path)


def count_inputs(path: Path) -> int:
    """How many examples `read_inputs` will give.

    Raises:
        DataError: nothing there, or of a kind that is not read.
    """
    if os.path.isdir(path):  # where `path.is_dir()` raises for a name that no file can have
        return len(image_files(path)[0])
    if is_image(path):
        _check_there(path)
        return 1
    with _opened(path) as array:
        return array.shape[0]


def read_inputs(
    path: Path, shape: tuple[int, ...], *, dark_on_light: bool = False
) -> Iterator[Batch]:
    """Reads `.npy`, `.npz` (its only array, or `x`), IDX or image files, or a folder of images.

    Args:
        path: a file, or a folder whose images are read, sorted by name; what else it holds is
            left out, and told.
        shape: of one example; images are resized to it, and turned grey where it has no colours.
        dark_on_light: whether images show dark strokes on light ground, the reverse of MNIST's;
            they are inverted then.

    Raises:
        DataError: which file cannot be read, and why.
    """
    images = os.path.isdir(path) or is_image(path)
    yield from (_image_batches if images else _row_batches)(path, shape, dark_on_light)


def _image_batches(path: Path, shape: tuple[int, ...], dark_on_light: bool) -> Iterator[Batch]:
    if len(shape) != 2 and (len(shape), *shape[2:]) not in ((3, 1), (3, 3)):
        raise DataError(f"{path}: the model takes no images but examples of shape {shape}")
    files = [path]
    if os.path.isdir(path):
        files, others = image_files(path)
        tell_left_out(path, len(files), others)
    _check_there(files[0])
    for start in range(0, len(files), _BATCH):
        part = files[start : start + _BATCH]
        x = np.stack([read_image(file, shape, dark_on_light=dark_on_light) for file in part])
        yield Batch([file.name for file in part], x)


def _row_batches(path: Path, shape: tuple[int, ...], dark_on_light: bool) -> Iterator[Batch]:
    with _opened(path) as array:
        _check_fits(path, array, shape, dark_on_light)
        for start in range(0, array.shape[0], _BATCH):
            x = array.read_rows(min(_BATCH, array.shape[0] - start))
            names = [str(start + i) for i in range(len(x))]
            yield Batch(names, 255 - x if dark_on_light else x)


def _check_fits(
    path: Path, array: StoredArray, shape: tuple[int, ...], dark_on_light: bool
) -> None:
    """Before a row is read: how large a batch is in memory, the model says, not the file."""
    if array.shape[1:] != shape:
        hint = " Save x[None] for a single one." if array.shape == shape else ""
        raise DataError(
            f"{path}: holds examples of shape {array.shape[1:]}, the model takes {shape}.{hint}"
        )
    if dark_on_light and array.dtype != np.uint8:
        raise DataError(f"{path}: --dark-on-light inverts uint8 pixels. Received: {array.dtype}.")


def _check_there(path: Path) -> None:
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file or folder")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[StoredArray]:
    """Opens a file of arrays; whatever is wrong with it, now or later, is a `DataError`."""
    _check_there(path)
    with reading(path), contextlib.ExitStack() as stack:
        suffix = path.suffix.lower()
        if suffix == ".npy":
            yield stack.enter_context(open_npy(path))
        elif suffix == ".npz":
            archive = stack.enter_context(open_npz(path))
            yield stack.enter_context(open_array(archive, _input_name(archive)))
        else:
            yield stack.enter_context(_idx(path))


@contextlib.contextmanager
def _idx(path: Path) -> Iterator[StoredArray]:
    try:
        with open_idx(path) as array:
            yield array
    except WrongMagicError as error:
        raise ValueError(
            f"neither .npy nor .npz nor an image ({IMAGES}) by its name, nor IDX (unsigned bytes) "
            f"by its content: {error}"
        ) from error


def _input_name(archive: zipfile.ZipFile) -> str:
    names = array_names(archive)
    if "x" not in names and len(names) != 1:
        raise ValueError(f"name the inputs x; it holds {listed(names)}")
    return "x" if "x" in names else names[0]
