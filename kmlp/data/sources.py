"""Where MNIST and Fashion-MNIST can lie, and how one of them is chosen.

The first place that holds a set whose content is the published one wins; the sample that
ships with the package is the last resort, and never a secret.
"""

import contextlib
import hashlib
import logging
import os
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from kmlp.data.arrays.idx import SUFFIXES, idx_sha256, read_idx
from kmlp.data.arrays.npy import open_array, open_npz
from kmlp.data.arrays.streams import reading
from kmlp.data.dataset import Dataset, Provenance
from kmlp.data.reading.shipped import SHIPPED
from kmlp.errors import DataError

logger = logging.getLogger(__name__)

FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A published set: its classes, where it is downloaded from, and the hashes of its content."""

    title: str
    class_names: tuple[str, ...]
    url: str
    sha256: dict[str, str]
    keras_cache: str
    system_folder: str | None = None


SOURCES = {
    "mnist": Source(
        title="MNIST",
        class_names=tuple("0123456789"),
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        sha256={
            "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        keras_cache="mnist.npz",
    ),
    "fashion_mnist": Source(
        title="Fashion-MNIST",
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        sha256={
            "x_train": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "y_train": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "x_test": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "y_test": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        keras_cache="fashion-mnist",
        system_folder="/usr/share/datasets/fashion-mnist",
    ),
}


def survey() -> Iterator[tuple[str, str, str, str]]:
    """Every place where a named set could lie: (set, place, path, state), without a download;
    and the sets that ship with scikit-learn."""
    for name in SOURCES:
        for place, path, read in _places(name, None):
            yield name, place, str(path), _state(name, path, read)
        yield name, "in the package", str(sample_folder(name)), "sample (5,000 + 1,000 images)"
    for name, about in SHIPPED.items():
        yield name, "in scikit-learn", "", f"full ({about.size})"


def cache_folder() -> Path:
    """kmlp's own cache: `KMLP_CACHE`, or the platform's place for caches."""
    import pooch

    return Path(os.environ.get("KMLP_CACHE") or pooch.os_cache("kmlp"))


def sample_folder(name: str) -> Path:
    """The folder in the package that holds a set's sample."""
    return Path(str(resources.files("kmlp.data") / "samples" / name))


def download(name: str, base_url: str | None = None) -> Path:
    """Downloads a set into kmlp's cache, with a progress bar; each file's content is checked.

    The hashes are of the uncompressed content, so a mirror may compress as it likes. A file
    arrives under a temporary name and is renamed when whole; one that fails its check is
    removed.

    Returns:
        The folder with its four files.

    Raises:
        OSError: no network or no space.
        DataError: content that is not the published one.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    source, target = SOURCES[name], cache_folder() / name
    for key, file in FILES.items():
        if (target / f"{file}.gz").is_file():
            with contextlib.suppress(DataError):  # a damaged one is removed, then fetched anew
                _check_download(target / f"{file}.gz", name, key)
        pooch.retrieve(
            urllib.parse.urljoin(base_url or source.url, file + ".gz"),
            known_hash=None,
            fname=file + ".gz",
            path=target,
            downloader=pooch.HTTPDownloader(progressbar=True, timeout=10),
            processor=lambda path, action, pup, key=key: _check_download(Path(path), name, key),
        )
    return target


def _check_download(path: Path, name: str, key: str) -> None:
    try:
        _check_published(path, name, key, read_idx(path, 3 if key[0] == "x" else 1))
    except DataError:
        path.unlink()
        raise


def _check_published(path: Path, name: str, key: str, array: np.ndarray) -> None:
    if idx_sha256(array) != SOURCES[name].sha256[key]:
        raise DataError(f"{path}: {FILES[key]} is not the published {SOURCES[name].title} file")


def load_named(name: str, folder: str | Path | None = None, *, download_it: bool = True) -> Dataset:
    """One of `SOURCES`, from the first place that holds it; see `kmlp.load_dataset`."""
    _tell_of_missing(folder)
    for _, path, read in _places(name, folder):
        if not _holds_files(path):
            continue
        try:
            return _dataset(name, read(path), "full", path)
        except DataError as error:
            logger.warning("%s is passed over: %s", path, error)
    if download_it and not os.environ.get("KMLP_OFFLINE"):
        try:
            path = download(name)
            return _dataset(name, _read_folder(path), "full", path)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            logger.warning(
                "the full %s cannot be downloaded; the bundled sample serves. Name a folder that "
                "holds it with KMLP_DATA, or set KMLP_OFFLINE=1 to not even try. Reason: %s",
                SOURCES[name].title,
                reason[:120],
            )
    path = sample_folder(name)
    return _dataset(name, _read_folder(path), "sample", path)


def _tell_of_missing(folder: str | Path | None) -> None:
    """Where a set lies was said, and is not so: what serves instead should surprise nobody."""
    for said, root in _named_folders(folder):
        if not root.is_dir():
            logger.warning(
                "%s names %s, which is no folder, and is passed over. Correct it, or leave it out.",
                said,
                root,
            )


def load_folder(path: Path) -> Dataset:
    """A folder of four IDX files; one that holds a published set is called by its name."""
    arrays = _read_folder(path)
    for name, source in SOURCES.items():
        if all(idx_sha256(arrays[key]) == source.sha256[key] for key in FILES):
            return _dataset(name, arrays, "full", path)
    provenance = Provenance(source="folder", location=str(path), sha256=_content_sha256(arrays))
    return Dataset.from_arrays(
        *(arrays[key] for key in FILES), name=path.resolve().name, provenance=provenance
    )


def _dataset(name: str, arrays: Arrays, kind: str, path: Path) -> Dataset:
    source = SOURCES[name]
    if kind == "full":
        for key, array in arrays.items():
            _check_published(path, name, key, array)
    provenance = Provenance(source=kind, location=str(path), sha256=_content_sha256(arrays))
    return Dataset.from_arrays(
        *(arrays[key] for key in FILES),
        name=name,
        class_names=source.class_names,
        provenance=provenance,
    )


def _places(
    name: str, folder: str | Path | None
) -> Iterator[tuple[str, Path, Callable[[Path], Arrays]]]:
    source = SOURCES[name]
    for place, root in _named_folders(folder):
        inside = root / name
        yield place, inside if inside.exists() else root, _read_folder
    yield "kmlp's cache", cache_folder() / name, _read_folder
    keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    cached = keras_home / "datasets" / source.keras_cache
    yield "Keras's cache", cached, _read_npz if cached.suffix == ".npz" else _read_folder
    if source.system_folder:
        yield "system", Path(source.system_folder), _read_folder


def _named_folders(folder: str | Path | None) -> Iterator[tuple[str, Path]]:
    """The folders that the user names, and how."""
    for place, root in (("folder", folder), ("KMLP_DATA", os.environ.get("KMLP_DATA"))):
        if root:
            yield place, Path(root).expanduser()


def _state(name: str, path: Path, read: Callable[[Path], Arrays]) -> str:
    if not _holds_files(path):
        return "not there"
    try:
        _dataset(name, read(path), "full", path)
    except DataError as error:
        return f"not usable: {error}"
    return "full (60,000 + 10,000 images)"


def _holds_files(path: Path) -> bool:
    """Whether there is anything of a set: an .npz file, or a folder with one of its files."""
    return path.is_file() or any(path.glob("*-ubyte*"))


def _read_folder(path: Path) -> Arrays:
    arrays = {
        key: read_idx(_find(path, file), 3 if key[0] == "x" else 1) for key, file in FILES.items()
    }
    for which in ("train", "test"):
        images, labels = len(arrays[f"x_{which}"]), len(arrays[f"y_{which}"])
        if images != labels:
            raise DataError(
                f"{path}: {FILES[f'x_{which}']} and {FILES[f'y_{which}']} differ in number: "
                f"{images} images, {labels} labels"
            )
    return arrays


def _find(folder: Path, file: str) -> Path:
    for suffix in SUFFIXES:
        if (folder / (file + suffix)).is_file():
            return folder / (file + suffix)
    raise DataError(f"{folder}: holds no {file} (plain, .gz, .xz, .bz2 or .zst)")


def _read_npz(path: Path) -> Arrays:
    with reading(path), open_npz(path) as archive:
        return {key: _read_pixels(archive, key) for key in FILES}


def _read_pixels(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    with open_array(archive, key) as array:
        if array.dtype != np.uint8:
            raise ValueError(f"{key} holds {array.dtype}, not unsigned bytes")
        return array.read()


def _content_sha256(arrays: Arrays) -> str:
    hashes = "".join(idx_sha256(arrays[key]) for key in FILES)
    return hashlib.sha256(hashes.encode()).hexdigest()
