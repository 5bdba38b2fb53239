"""Where data is found: by content, in a stated order, from a server, at last in the package."""

import bz2
import dataclasses
import gzip
import http.server
import logging
import lzma
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from kmlp.data import Dataset, load_dataset
from kmlp.data.arrays.idx import idx_bytes, idx_sha256
from kmlp.data.sources import FILES, SOURCES, download, sample_folder
from kmlp.errors import DataError

COMPRESS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
RNG = np.random.default_rng(0)
SMALL = {
    "x_train": RNG.integers(0, 256, (30, 4, 4), dtype=np.uint8),
    "y_train": np.tile(np.arange(10, dtype=np.uint8), 3),
    "x_test": RNG.integers(0, 256, (20, 4, 4), dtype=np.uint8),
    "y_test": np.tile(np.arange(10, dtype=np.uint8), 2),
}
ALTERED = {**SMALL, "x_train": SMALL["x_train"] ^ 1}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """No test looks into the real home, the system's data or the network."""
    monkeypatch.setenv("KMLP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("KMLP_OFFLINE", "1")
    monkeypatch.delenv("KMLP_DATA", raising=False)
    for name, source in SOURCES.items():
        nowhere = dataclasses.replace(source, url="http://127.0.0.1:9/", system_folder=None)
        monkeypatch.setitem(SOURCES, name, nowhere)
    return tmp_path


@pytest.fixture
def published(home, monkeypatch) -> dict[str, np.ndarray]:
    """Small arrays that pass for the published content of both sets."""
    hashes = {key: idx_sha256(array) for key, array in SMALL.items()}
    for name, source in SOURCES.items():
        small = dataclasses.replace(
            source, sha256=hashes, system_folder=str(home / "system" / name)
        )
        monkeypatch.setitem(SOURCES, name, small)
    return SMALL


def write(folder: Path, arrays: dict[str, np.ndarray], suffix: str = ".gz") -> Path:
    """Writes the four IDX files of a set."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        (folder / (FILES[key] + suffix)).write_bytes(COMPRESS[suffix](idx_bytes(array)))
    return folder


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def assert_holds(data: Dataset, arrays: dict[str, np.ndarray]) -> None:
    for key, array in arrays.items():
        np.testing.assert_array_equal(getattr(data, key), array)


def one_line(caught) -> bool:
    return "\n" not in str(caught.value)


# A folder that the user names


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_folder_loads_whatever_the_compression(tmp_path, suffix):
    folder = write(tmp_path / "mine", SMALL, suffix)
    data = load_dataset(folder)
    assert_holds(data, SMALL)
    assert data.x_train.dtype == np.uint8
    assert data.y_train.dtype == np.int32
    assert (data.name, data.provenance.source) == ("mine", "folder")
    assert data.provenance.location == str(folder)
    assert data.spec.class_names == tuple("0123456789")


def test_the_hash_is_of_the_content_not_of_its_wrapping(tmp_path):
    hashes = [
        load_dataset(write(tmp_path / f"a{suffix}", SMALL, suffix)).provenance.sha256
        for suffix in COMPRESS
    ]
    assert len(set(hashes)) == 1
    assert load_dataset(write(tmp_path / "b", ALTERED)).provenance.sha256 != hashes[0]


def test_a_folder_that_holds_a_published_set_is_known_by_its_content(tmp_path, published):
    data = load_dataset(write(tmp_path / "mine", published))
    assert (data.name, data.provenance.source) == ("mnist", "full")


@pytest.mark.parametrize("which", ["train", "test"])
def test_images_and_labels_that_differ_in_number_are_named(tmp_path, which):
    arrays = {**SMALL, f"y_{which}": SMALL[f"y_{which}"][:-3]}
    folder = write(tmp_path / "mine", arrays)
    n = len(SMALL[f"x_{which}"])
    message = f"{FILES[f'x_{which}']} and {FILES[f'y_{which}']} differ in number: "
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        load_dataset(folder)
    assert str(caught.value) == f"{folder}: {message}{n} images, {n - 3} labels"


@pytest.mark.parametrize("key", FILES)
def test_a_missing_file_is_named_with_its_folder(tmp_path, key):
    folder = write(tmp_path / "mine", SMALL)
    (folder / f"{FILES[key]}.gz").unlink()
    with pytest.raises(DataError) as caught:
        load_dataset(folder)
    assert str(caught.value) == f"{folder}: holds no {FILES[key]} (plain, .gz, .xz, .bz2 or .zst)"


@pytest.mark.parametrize("key", FILES)
def test_a_malformed_file_is_named_in_one_line(tmp_path, key):
    folder = write(tmp_path / "mine", SMALL, "")
    path = folder / FILES[key]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(
        DataError, match=re.escape(f"{path}: cannot be read: it is too short: ")
    ) as caught:
        load_dataset(folder)
    assert one_line(caught)


@pytest.mark.parametrize("name", ["imagenet", "no/such/folder"])
def test_an_unknown_name_is_told_what_is_known(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        load_dataset(name)
    assert str(caught.value) == (
        f"no data set {name!r}: neither a known name (mnist, fashion_mnist, breast_cancer, wine, "
        "diabetes, digits), nor a table's file such as churn.csv, nor an .npz file, nor a folder."
    )


# A set by its name


def test_places_are_searched_in_the_stated_order(home, published, monkeypatch):
    monkeypatch.setenv("KMLP_DATA", str(home / "env"))
    places = [
        write(home / "argument" / "fashion_mnist", published),
        write(home / "env" / "fashion_mnist", published),
        write(home / "cache" / "fashion_mnist", published),
        write(home / "keras" / "datasets" / "fashion-mnist", published),
        write(home / "system" / "fashion_mnist", published),
    ]
    for place in places:
        data = load_dataset("fashion_mnist", folder=home / "argument")
        assert (data.provenance.source, data.provenance.location) == ("full", str(place))
        assert_holds(data, published)
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    assert load_dataset("fashion_mnist", folder=home / "argument").provenance.source == "sample"


@pytest.mark.parametrize("inside", ["", "mnist"])
@pytest.mark.parametrize("by", ["argument", "KMLP_DATA"])
def test_a_named_folder_may_hold_the_files_or_a_folder_of_the_sets_name(
    home, published, monkeypatch, inside, by
):
    place = write(home / "named" / inside, published, ".xz")
    if by == "KMLP_DATA":
        monkeypatch.setenv("KMLP_DATA", str(home / "named"))
    data = load_dataset("mnist", folder=home / "named" if by == "argument" else None)
    assert (data.name, data.provenance.source) == ("mnist", "full")
    assert data.provenance.location == str(place)


def test_kerass_npz_is_found(home, published):
    path = write_npz(home / "keras" / "datasets" / "mnist.npz", published)
    data = load_dataset("mnist")
    assert (data.provenance.source, data.provenance.location) == ("full", str(path))
    assert_holds(data, published)


def test_the_hash_is_the_same_from_an_npz_and_from_files(home, published):
    write_npz(home / "keras" / "datasets" / "mnist.npz", published)
    from_npz = load_dataset("mnist")
    from_files = load_dataset("mnist", folder=write(home / "mine", published))
    assert from_npz.provenance.sha256 == from_files.provenance.sha256


def npz_damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "empty":
        content = bytearray()
    elif how == "cut":
        del content[-30:]
    elif how == "deflate":
        content[100] ^= 0xFF
    elif how == "text":
        content = bytearray(b"<html>not found</html>")
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["empty", "cut", "deflate", "text"])
def test_a_damaged_npz_is_passed_over_with_a_warning(home, published, caplog, how):
    arrays = {**published, "x_train": np.tile(published["x_train"], (1, 20, 20))}
    path = write_npz(home / "keras" / "datasets" / "mnist.npz", arrays)
    npz_damage(path, how)
    assert load_dataset("mnist").provenance.source == "sample"
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith(f"{path} is passed over: {path}: cannot be read: ")


def test_an_npz_without_an_array_is_passed_over(home, published, caplog):
    three = {key: array for key, array in published.items() if key != "y_test"}
    write_npz(home / "keras" / "datasets" / "mnist.npz", three)
    assert load_dataset("mnist").provenance.source == "sample"
    assert "y_test" in caplog.messages[0]


@pytest.mark.parametrize("key", FILES)
def test_a_folder_whose_content_is_altered_is_passed_over_with_a_warning(
    home, published, monkeypatch, caplog, key
):
    order = np.roll(np.arange(len(published[key])), 1)
    folder = write(home / "env", {**published, key: published[key][order]})
    monkeypatch.setenv("KMLP_DATA", str(folder))
    data = load_dataset("mnist")
    assert data.provenance.source == "sample"
    assert caplog.record_tuples == [
        (
            "kmlp.data.sources",
            logging.WARNING,
            f"{folder} is passed over: {folder}: {FILES[key]} is not the published MNIST file",
        )
    ]


def test_after_a_place_that_is_passed_over_the_next_one_serves(home, published, monkeypatch):
    monkeypatch.setenv("KMLP_DATA", str(write(home / "env", ALTERED)))
    cache = write(home / "cache" / "mnist", published)
    assert load_dataset("mnist").provenance.location == str(cache)


def test_places_that_hold_nothing_are_passed_over_in_silence(home, published, monkeypatch, caplog):
    (home / "empty").mkdir()
    monkeypatch.setenv("KMLP_DATA", str(home / "empty"))
    assert load_dataset("mnist").provenance.source == "sample"
    assert not caplog.records


def test_a_named_folder_that_is_not_there_is_told(home, published, monkeypatch, caplog):
    monkeypatch.setenv("KMLP_DATA", str(home / "typo"))
    assert load_dataset("mnist", folder="~/none such").provenance.source == "sample"
    folder = Path("~/none such").expanduser()
    assert caplog.messages == [
        f"{said} names {path}, which is no folder, and is passed over. Correct it, or leave it out."
        for said, path in (("folder", folder), ("KMLP_DATA", home / "typo"))
    ]


# A download


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by path; those in `cut` break off half-way."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.server.cut else content)

    def log_message(self, *_) -> None:
        """Quiet."""


@pytest.fixture
def server(published, monkeypatch):
    """A server on this machine that holds both sets, where kmlp would download them."""
    monkeypatch.delenv("KMLP_OFFLINE")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with Server() as server:
        server.files = {
            f"{FILES[key]}.gz": gzip.compress(idx_bytes(array)) for key, array in published.items()
        }
        for name, source in SOURCES.items():
            monkeypatch.setitem(SOURCES, name, dataclasses.replace(source, url=server.url))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def cached(home: Path) -> set[str]:
    return {p.name for p in (home / "cache").rglob("*") if p.is_file()}


def test_a_set_is_downloaded_once_into_the_cache(home, server, published, caplog):
    first = load_dataset("mnist")
    assert (first.provenance.source, first.provenance.location) == (
        "full",
        str(home / "cache" / "mnist"),
    )
    assert_holds(first, published)
    assert cached(home) == set(server.files)
    assert load_dataset("mnist").provenance == first.provenance
    assert sorted(server.asked) == sorted(server.files)
    assert not caplog.records


def test_a_mirror_can_be_named(home, server, monkeypatch):
    nowhere = dataclasses.replace(SOURCES["mnist"], url="http://127.0.0.1:9/")
    monkeypatch.setitem(SOURCES, "mnist", nowhere)
    assert download("mnist", server.url) == home / "cache" / "mnist"
    assert cached(home) == set(server.files)


def test_a_mirror_may_compress_as_it_likes(home, server, published):
    server.files = {
        f"{FILES[key]}.gz": gzip.compress(idx_bytes(array), compresslevel=0)
        for key, array in published.items()
    }
    assert load_dataset("mnist").provenance.source == "full"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(idx_bytes(ALTERED["x_train"])), "is not the published MNIST file"),
        (b"<html>please log in</html>", "cannot be read: it is no .gz file"),
        (b"", "the file is empty"),
    ],
)
def test_wrong_content_is_refused_and_removed(home, server, content, problem):
    name = f"{FILES['x_train']}.gz"
    server.files[name] = content
    with pytest.raises(DataError, match=problem) as caught:
        download("mnist")
    assert str(home / "cache" / "mnist" / name) in str(caught.value)
    assert cached(home) == set()


def test_a_file_that_is_not_there_is_an_error_and_leaves_nothing(home, server):
    del server.files[f"{FILES['x_test']}.gz"]
    with pytest.raises(OSError, match=rf"404.*{FILES['x_test']}\.gz"):
        download("mnist")
    assert cached(home) == {f"{FILES[key]}.gz" for key in ("x_train", "y_train")}


def test_a_connection_cut_in_the_middle_is_an_error_and_leaves_nothing(home, server):
    server.cut = {f"{FILES['x_train']}.gz"}
    with pytest.raises(OSError, match="IncompleteRead"):
        download("mnist")
    assert cached(home) == set()


def test_an_interrupted_download_goes_on_where_it_stopped(home, server):
    server.cut = {f"{FILES['y_test']}.gz"}
    with pytest.raises(OSError, match="IncompleteRead"):
        download("mnist")
    server.cut.clear()
    server.asked.clear()
    assert load_dataset("mnist").provenance.source == "full"
    assert server.asked == [f"{FILES['y_test']}.gz"]


@pytest.mark.parametrize("damage", [b"", b"cut", gzip.compress(idx_bytes(ALTERED["x_train"]))])
def test_a_damaged_file_in_the_cache_is_downloaded_anew(home, server, damage):
    download("mnist")
    server.asked.clear()
    (home / "cache" / "mnist" / f"{FILES['x_train']}.gz").write_bytes(damage)
    assert load_dataset("mnist").provenance.source == "full"
    assert server.asked == [f"{FILES['x_train']}.gz"]


@pytest.mark.parametrize("trouble", ["404", "cut", "altered", "refused"])
def test_without_a_download_the_sample_serves_with_a_warning(
    home, server, monkeypatch, caplog, trouble
):
    name = f"{FILES['y_train']}.gz"
    if trouble == "404":
        del server.files[name]
    elif trouble == "cut":
        server.cut = {name}
    elif trouble == "altered":
        server.files[name] = gzip.compress(idx_bytes(SMALL["y_test"]))
    else:
        nowhere = dataclasses.replace(SOURCES["mnist"], url="http://127.0.0.1:9/")
        monkeypatch.setitem(SOURCES, "mnist", nowhere)
    assert load_dataset("mnist").provenance.source == "sample"
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the full MNIST cannot be downloaded; the bundled sample")
    assert "\n" not in caplog.messages[0]


def test_offline_nothing_is_asked_for(server, monkeypatch, caplog):
    monkeypatch.setenv("KMLP_OFFLINE", "1")
    assert load_dataset("mnist").provenance.source == "sample"
    assert server.asked == []
    assert not caplog.records


# The sample


@pytest.fixture(scope="module", params=["mnist", "fashion_mnist"])
def sample(request, tmp_path_factory) -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        nowhere = str(tmp_path_factory.mktemp("nowhere"))
        for name in ("KMLP_CACHE", "KERAS_HOME", "KMLP_OFFLINE"):
            patch.setenv(name, nowhere)
        patch.delenv("KMLP_DATA", raising=False)
        away = dataclasses.replace(SOURCES[request.param], system_folder=None)
        patch.setitem(SOURCES, request.param, away)
        return load_dataset(request.param)


def test_the_sample_has_its_sizes_and_says_what_it_is(sample):
    assert (sample.x_train.shape, sample.x_test.shape) == ((5000, 28, 28), (1000, 28, 28))
    assert (sample.y_train.shape, sample.y_test.shape) == ((5000,), (1000,))
    assert sample.x_train.dtype == sample.x_test.dtype == np.uint8
    assert sample.provenance.source == "sample"
    assert sample.provenance.location == str(sample_folder(sample.name))
    assert sample.spec.class_names == SOURCES[sample.name].class_names


def test_the_sample_is_stratified_exactly(sample):
    assert np.bincount(sample.y_train).tolist() == [500] * 10
    assert np.bincount(sample.y_test).tolist() == [100] * 10


@pytest.mark.long
def test_the_sample_is_in_no_order_and_repeats_no_image(sample):
    assert len(set(sample.y_train[:50].tolist())) == 10
    images = np.concatenate([sample.x_train, sample.x_test]).reshape(6000, -1)
    assert len(np.unique(images, axis=0)) == 6000


def test_the_samples_files_are_small():
    for name in SOURCES:
        files = list(sample_folder(name).iterdir())
        assert sorted(f.stem for f in files) == sorted(FILES.values())
        assert sum(f.stat().st_size for f in files) <= 4_000_000


# Arrays


X = np.arange(36, dtype=np.float32).reshape(9, 4)
Y = np.arange(9) % 3


def test_arrays_become_a_dataset():
    data = Dataset.from_arrays(X.astype(np.float64), Y, X[:3].tolist(), Y[:3].tolist(), name="a")
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert data.y_train.dtype == data.y_test.dtype == np.int32
    assert_holds(data, {"x_train": X, "y_train": Y, "x_test": X[:3], "y_test": Y[:3]})
    assert (data.spec.input_shape, data.spec.num_features, data.spec.num_classes) == ((4,), 4, 3)
    assert (data.name, data.spec.class_names) == ("a", ("0", "1", "2"))
    assert (data.provenance.source, data.provenance.location) == ("arrays", "memory")


@pytest.mark.parametrize("names", [["a", "b", "c"], ("a", "b", "c"), np.array(["a", "b", "c"])])
def test_classes_have_the_names_that_are_given(names):
    assert Dataset.from_arrays(X, Y, X, Y, class_names=names).spec.class_names == ("a", "b", "c")


def test_images_of_bytes_stay_bytes():
    images = np.zeros((9, 2, 3), np.uint8)
    data = Dataset.from_arrays(images, Y, images, Y)
    assert data.x_train.dtype == np.uint8
    assert data.spec.input_dtype == "uint8"
    assert (data.spec.input_shape, data.spec.num_features) == ((2, 3), 6)


def test_the_hash_changes_with_each_array_and_with_its_shape():
    images = np.zeros((9, 2, 3), np.uint8)
    more = np.concatenate([X, X[:1]])
    sets = [
        (X, Y, X, Y),
        (X + 1, Y, X, Y),
        (X, Y[::-1], X, Y),
        (X, Y, X + 1, Y),
        (X, Y, X, Y[::-1]),
        (more, np.append(Y, 0), X, Y),
        (images, Y, images, Y),
        (images.reshape(9, 3, 2), Y, images.reshape(9, 3, 2), Y),
    ]
    hashes = [Dataset.from_arrays(*arrays).provenance.sha256 for arrays in sets]
    assert len(set(hashes)) == len(sets)
    assert Dataset.from_arrays(*sets[0]).provenance.sha256 == hashes[0]


def with_value(array: np.ndarray, value) -> np.ndarray:
    array = array.copy()
    array.flat[5] = value
    return array


IMAGES = np.zeros((9, 2, 2), np.uint8)
BAD_ARRAYS = {
    "NaN": ({"x_train": with_value(X, np.nan)}, "x_train holds NaN or infinite values in 1 rows."),
    "infinite": ({"x_test": with_value(X, np.inf)}, "x_test holds NaN or infinite values in 1 r"),
    "text": ({"x_train": X.astype(str)}, "x_train must hold real numbers. Received: dtype <U"),
    "complex": ({"x_train": X + 1j}, "x_train must hold real numbers. Received: dtype complex"),
    "objects": (
        {"x_test": with_value(X.astype(object), "a")},
        "x_test must hold real numbers. Received: dtype object, with str 'a' at [1, 1].",
    ),
    "flat": ({"x_train": X[:, 0]}, "x_train must be (n, ...) with n > 0. Received: shape (9,)."),
    "no rows": ({"x_test": X[:0]}, "x_test must be (n, ...) with n > 0. Received: shape (0, 4)."),
    "float labels": (
        {"y_train": Y.astype(float)},
        "y_train holds 3 different whole numbers as float64: classes or quantities?",
    ),
    "text labels": ({"y_test": Y.astype(str)}, "y_test must hold whole numbers"),
    "negative": ({"y_train": Y - 1}, "y_train must start at 0. Received: a smallest label of -1."),
    "negative test": ({"y_test": Y - 1}, "y_test must start at 0."),
    "from one": ({"y_train": Y + 1}, "y_train holds no example of class 0."),
    "a gap": ({"y_train": Y * 2}, "y_train holds no example of class 1, 3."),
    "only in the test set": ({"y_test": Y + 1}, "y_train holds no example of class 3."),
    "missing in training": ({"y_train": Y % 2}, "y_train holds no example of class 2."),
    "an id": (
        {"y_train": with_value(Y, 2_000_000_000)},
        "no example of class 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and others.",
    ),
    "past 32 bits": (
        {"y_train": with_value(Y, 2**32 + 1)},
        "y_train must hold the classes 0, 1, 2, ... Received: a largest label of 4294967297.",
    ),
    "fewer labels": (
        {"y_train": Y[:-1]},
        "x_train and y_train differ in number: 9 examples, labels of shape (8,).",
    ),
    "one-hot labels": (
        {"y_test": np.eye(3, dtype=int)[Y]},
        "y_test must be (n,). Received: shape (9, 3). Write y_test.argmax(axis=1).",
    ),
    "other widths": (
        {"x_test": X[:, :3]},
        "one shape and dtype. Received: (4,) float32 and (3,) float32.",
    ),
    "other types": (
        {"x_train": IMAGES, "x_test": IMAGES.astype(float)},
        "one shape and dtype. Received: (2, 2) uint8 and (2, 2) float32.",
    ),
    "one class": (
        {"y_train": Y * 0, "y_test": Y * 0},
        "at least two classes are needed. Received: 1.",
    ),
    "too few names": ({"class_names": ["a"]}, "3 classes need as many names. Received: ('a',)."),
    "no names": ({"class_names": []}, "3 classes need as many names. Received: ()."),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_refused_with_what_is_wrong(case):
    values, message = BAD_ARRAYS[case]
    arguments = {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y, **values}
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        Dataset.from_arrays(**arguments)
    assert one_line(caught)
