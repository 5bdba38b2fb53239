"""A folder that holds a folder of images a class, or that twice, as `train` and `test`."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kmlp.data.arrays.image_formats import IMAGES
from kmlp.data.arrays.images import image_files, image_size, is_image, read_pixels, tell_left_out
from kmlp.data.arrays.streams import reading
from kmlp.errors import DataError
from kmlp.machine import available_memory, in_words

logger = logging.getLogger(__name__)

_TRAIN, _TEST = ("train", "training"), ("test", "testing")
_VALIDATION = ("val", "valid", "validation", "dev")
_COPIES = 2  # one by one, and stacked
Classes = Mapping[str, Sequence[Path]]


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """What lies in such a folder; nothing is decoded yet.

    Attributes:
        path: the folder.
        train: the images of each class, by its folder's name.
        test: the same of the test images; None where they are not set apart.
    """

    path: Path
    train: Classes
    test: Classes | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Numbers in their order, others by letters; those of training images first."""
        return tuple(self.train) + tuple(c for c in self.test or () if c not in self.train)


def holds_image_classes(path: Path) -> bool:
    """Whether a folder's folders, or theirs, hold images."""
    inner = _folders(path)
    return any(map(_has_images, inner)) or any(_has_images(d) for f in inner for d in _folders(f))


def find_image_classes(path: Path) -> ImageFolder:
    """The images of each class.

    Raises:
        DataError: folders that are no classes, or a test set without a training set.
    """
    inner = _folders(path)
    parts = {f.name.lower(): f for f in inner if f.name.lower() in _PARTS and not _has_images(f)}
    if not parts:
        return ImageFolder(path=path, train=_classes(path, inner))
    train, test = (_part(parts, names) for names in (_TRAIN, _TEST))
    if train is None or test is None:
        held = ", ".join(f"{folder.name}/" for folder in inner)
        raise DataError(
            f"{path}: holds {held}: train/ and test/ are wanted, each with a folder a class; or a "
            "folder a class alone, of which a share tests."
        )
    tell_left_out(path, 2, [f for f in sorted(path.iterdir()) if f not in (train, test)])
    return ImageFolder(
        path=path,
        train=_classes(train, _folders(train)),
        test=_classes(test, _folders(test)),
    )


def read_classes(classes: Classes) -> tuple[np.ndarray, np.ndarray]:
    """The images and the names of their classes.

    Returns:
        `uint8` `(n, height, width)` where all are grey, else `(n, height, width, 3)`; `(n,)`
        strings.

    Raises:
        DataError: an image that cannot be read, or is of another size than the first.
    """
    files = [(path, name) for name, paths in classes.items() for path in paths]
    paths = [path for path, _ in files]
    _check_sizes(paths)
    return _stacked(paths), np.array([name for _, name in files])


def as_coloured(*sets: np.ndarray) -> Iterator[np.ndarray]:
    """Grey images among coloured ones get three equal channels."""
    is_coloured = any(images.ndim == 4 for images in sets)
    for images in sets:
        is_grey = is_coloured and images.ndim == 3
        yield np.repeat(images[..., None], 3, axis=3) if is_grey else images


_PARTS = (*_TRAIN, *_TEST, *_VALIDATION)


def _part(parts: Mapping[str, Path], names: Sequence[str]) -> Path | None:
    return next((parts[name] for name in names if name in parts), None)


def _folders(path: Path) -> list[Path]:
    with reading(path):
        return sorted(p for p in path.iterdir() if p.is_dir() and not _is_of_a_tool(p.name))


def _is_of_a_tool(name: str) -> bool:
    """Hidden folders, as .ipynb_checkpoints, and what archives of macOS leave."""
    return name.startswith((".", "__"))


def _has_images(path: Path) -> bool:
    with reading(path):
        return any(is_image(entry) for entry in path.iterdir())


def _classes(path: Path, folders: Sequence[Path]) -> Classes:
    """The images of each folder, the classes in order; what is no image is told."""
    found = {}
    for folder in sorted(folders, key=_place):
        if not _has_images(folder):
            raise DataError(
                f"{folder}: holds no {IMAGES} files. Each folder in {path} is a class: fill it, or "
                "take it away."
            )
        found[folder.name], others = image_files(folder)
        tell_left_out(folder, len(found[folder.name]), others)
    tell_left_out(path, len(folders), [p for p in sorted(path.iterdir()) if p not in folders])
    return found


def _place(folder: Path) -> tuple[int, int, str]:
    is_number = folder.name.isascii() and folder.name.isdecimal() and len(folder.name) <= 15
    return (0, int(folder.name), folder.name) if is_number else (1, 0, folder.name)


def _check_sizes(paths: Sequence[Path]) -> None:
    """Refuses images of several sizes, and more than fit into memory, before one is decoded."""
    height, width = image_size(paths[0])
    for path in paths[1:]:
        if (size := image_size(path)) != (height, width):
            raise _other_size(paths[0], (height, width), path, size)
    wanted, free = _COPIES * len(paths) * height * width, available_memory()
    if wanted > free:
        raise DataError(
            f"{paths[0].parent.parent}: {len(paths):,} images of {height} x {width} pixels take "
            f"{in_words(wanted)} or more, of memory {in_words(free)} are free. Shrink them first."
        )


def _stacked(paths: Sequence[Path]) -> np.ndarray:
    images = [read_pixels(path) for path in paths]
    first = images[0].shape[:2]
    for path, pixels in zip(paths, images, strict=True):
        if pixels.shape[:2] != first:  # turned by what stands behind the pixels
            raise _other_size(paths[0], first, path, pixels.shape[:2])
    if any(pixels.ndim == 3 for pixels in images):
        images = [p if p.ndim == 3 else np.repeat(p[..., None], 3, axis=2) for p in images]
    return np.stack(images)


def _other_size(
    first: Path, size: tuple[int, ...], other: Path, other_size: tuple[int, ...]
) -> DataError:
    return DataError(
        f"{other}: is {other_size[0]} x {other_size[1]} pixels high and wide, {first} is "
        f"{size[0]} x {size[1]}; all must be of one size. With Pillow: "
        f"Image.open(path).resize(({size[1]}, {size[0]})).save(path)"
    )
