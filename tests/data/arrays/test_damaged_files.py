"""One bit flipped, an end cut off, something added: the right numbers or one clear refusal.

Each kind of file is damaged 2,000 times from a fixed seed (where it has so many bits), and
shortened and lengthened. A compressed file, a PNG and an archive have checksums: whatever is read
of them must be what was written. A flip in the values of a bare `.idx` or `.npy` nobody can see;
there only what stands before the values is flipped.
"""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zstandard
from PIL import Image

from kmlp.data.arrays.idx import idx_bytes, read_idx
from kmlp.data.sources import FILES
from kmlp.data.sources import _read_npz as read_npz
from kmlp.deploy.inputs import count_inputs, read_inputs
from kmlp.errors import DataError

NUM_FLIPS = 2000
SHAPE = (4, 6)
X = np.random.default_rng(0).integers(0, 256, (7, *SHAPE), dtype=np.uint8)
PUBLISHED = {"x_train": X, "y_train": X[:, 0, 0], "x_test": X[:3], "y_test": X[:3, 1, 1]}


def saved(save: Callable, *arrays: np.ndarray, **named: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def image(kind: str) -> bytes:
    return saved(lambda file, x: Image.fromarray(x).save(file, kind), X[0])


VALID = {
    "x.idx": idx_bytes(X),
    "x.idx.gz": gzip.compress(idx_bytes(X)),
    "x.idx.xz": lzma.compress(idx_bytes(X)),
    "x.idx.zst": zstandard.ZstdCompressor(write_checksum=True).compress(idx_bytes(X)),
    "x.idx.bz2": bz2.compress(idx_bytes(X)),
    "x.npy": saved(np.save, X),
    "x.npz": saved(np.savez_compressed, x=X),
    "two.npz": saved(np.savez, x=X, y=X + 1),
    "x.png": image("PNG"),
    "x.jpg": image("JPEG"),
}
NO_CHECKSUM = {"x.idx": len(idx_bytes(X)) - X.size, "x.npy": len(saved(np.save, X)) - X.size}


def flips(content: bytes, num_bytes: int) -> Iterator[bytes]:
    """Copies with one bit flipped among the first bytes: all of them, or 2,000."""
    order = np.random.default_rng(1).permutation(8 * num_bytes)
    for bit in order[:NUM_FLIPS]:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def cuts(content: bytes) -> Iterator[bytes]:
    for size in range(0, len(content), 5):
        yield content[:size]


def additions(content: bytes) -> Iterator[bytes]:
    for more in (b"\0", bytes(7), b"\n", content, content[:-3], b"\xff" * 40):
        yield content + more


def predicted(path: Path) -> np.ndarray:
    batches = list(read_inputs(path, SHAPE))
    assert count_inputs(path) == sum(len(batch.names) for batch in batches)
    return np.concatenate([batch.x for batch in batches])


def outcomes(path: Path, read: Callable[[Path], np.ndarray], damaged: Iterator[bytes]) -> list:
    """What is read of each damaged copy, or the refusal; no other exception is let through."""
    found = []
    # One file, written over in place: making 20,000 files would take longer than reading them.
    with open(path, "w+b", buffering=0) as file:
        for content in damaged:
            os.pwrite(file.fileno(), content, 0)
            os.ftruncate(file.fileno(), len(content))
            try:
                found.append(read(path))
            except DataError as error:
                found.append(str(error))  # the error itself would keep its decoder alive
    refusals = [x for x in found if isinstance(x, str)]
    assert all(said.startswith(f"{path}: ") and "\n" not in said for said in refusals)
    return found


def num_refused(found: list, truth: np.ndarray) -> int:
    """How many were refused, when all others are right."""
    read = [x for x in found if not isinstance(x, str)]
    for x in read:
        np.testing.assert_array_equal(x, truth, strict=True)
    return len(found) - len(read)


READERS = [(name, predicted) for name in VALID] + [
    (name, lambda path: read_idx(path, 3)) for name in VALID if name.startswith("x.idx")
]


@pytest.mark.long
@pytest.mark.parametrize(("name", "read"), [r for r in READERS if r[0] != "x.jpg"])
def test_a_flipped_bit_never_gives_other_numbers(tmp_path, name, read):
    content = VALID[name]
    truth = X[:1] if name == "x.png" else X
    found = outcomes(tmp_path / name, read, flips(content, NO_CHECKSUM.get(name, len(content))))
    assert num_refused(found, truth) > len(found) / 3


@pytest.mark.parametrize(("name", "read"), READERS)
def test_a_file_cut_short_is_refused(tmp_path, name, read):
    found = outcomes(tmp_path / name, read, cuts(VALID[name]))
    assert all(isinstance(x, str) for x in found)


@pytest.mark.parametrize(("name", "read"), READERS)
def test_what_follows_the_end_is_refused_or_no_part_of_it(tmp_path, name, read):
    """Pictures and archives say where they end; many carry something behind it."""
    found = outcomes(tmp_path / name, read, additions(VALID[name]))
    if name.endswith((".png", ".jpg", ".npz")):
        truth = predicted_of(tmp_path / f"whole-{name}", VALID[name])
        assert num_refused(found, truth) <= 2
    else:
        assert num_refused(found, X) == len(found)


def predicted_of(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return predicted(path)


@pytest.mark.long
def test_a_jpeg_has_no_checksum_but_stays_a_picture(tmp_path):
    found = outcomes(tmp_path / "x.jpg", predicted, flips(VALID["x.jpg"], len(VALID["x.jpg"])))
    read = [x for x in found if not isinstance(x, str)]
    assert {(x.shape, x.dtype.name) for x in read} == {((1, *SHAPE), "uint8")}
    assert len(read) < len(found) - 100


@pytest.mark.long
def test_an_archive_of_a_data_set_gives_what_was_written_or_nothing(tmp_path):
    content = saved(np.savez_compressed, **PUBLISHED)
    found = outcomes(tmp_path / "mnist.npz", read_npz, flips(content, len(content)))
    read = [x for x in found if not isinstance(x, str)]
    for arrays in read:
        assert all(np.array_equal(arrays[key], PUBLISHED[key]) for key in FILES)
    assert len(read) < len(found) / 2
