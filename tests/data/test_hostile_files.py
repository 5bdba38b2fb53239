"""Files made to mislead: each is refused by name, before it costs memory or time."""

import bz2
import gzip
import io
import lzma
import os
import re
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from kmlp.data import load_dataset
from kmlp.data.idx import idx_bytes, read_idx
from kmlp.data.sources import _read_npz as read_npz
from kmlp.deploy.inputs import count_inputs, read_inputs
from kmlp.errors import DataError

SHAPE = (4, 6)
X = np.random.default_rng(0).integers(0, 256, (7, *SHAPE), dtype=np.uint8)
HUGE = 2**32 - 1


def npy(header: str, values: bytes = b"", *, version: bytes = b"\1\0") -> bytes:
    form = "<H" if version == b"\1\0" else "<I"
    return b"\x93NUMPY" + version + struct.pack(form, len(header)) + header.encode() + values


def npy_of(
    shape: str, values: bytes = b"", descr: str = "'|u1'", by_column: str = "False"
) -> bytes:
    return npy(f"{{'descr': {descr}, 'fortran_order': {by_column}, 'shape': {shape}}}\n", values)


def saved(x: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, x)
    return file.getvalue()


def npz(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def encrypted(content: bytes) -> bytes:
    """Says in the archive's directory that its member is encrypted."""
    at = content.rindex(b"PK\1\2") + 8
    return content[:at] + b"\1\0" + content[at + 2 :]


def method(content: bytes, number: int) -> bytes:
    at = content.rindex(b"PK\1\2") + 10
    return content[:at] + struct.pack("<H", number) + content[at + 2 :]


def greedy_xz(content: bytes) -> bytes:
    """An .xz file whose decoder is told to allocate 4 GiB, with the checksum of that header."""
    xz = bytearray(lzma.compress(content))
    xz[16] = 40  # the size of the dictionary, in the block header of 12 bytes that begins at 12
    xz[20:24] = struct.pack("<I", zlib.crc32(xz[12:20]))
    return bytes(xz)


IDX = idx_bytes(X)
BOMB = idx_bytes(X) + bytes(2**26)
TOO_LONG = (
    "it is too long: its header claims 7 x 4 x 6 uint8 = 168 bytes of values, "
    f"the file holds at least {168 + 2**20}"
)
SHORT = "it is too short: its header claims"
STRANGE = "its header claims the shape"
NO_HEADER = "its header is no NumPy header"
HOSTILE = {
    # Arrays with a header that claims what no array has, or what the file does not hold.
    "many.npy": (npy_of(f"({10**12}, 4, 6)"), f"{SHORT} {10**12} x 4 x 6 uint8 = {24 * 10**12} b"),
    "wraps.npy": (npy_of(f"({2**62}, 4, 6)"), f"{SHORT} {2**62} x 4 x 6"),
    "endless.npy": (npy_of("(" + "9" * 3000 + ", 4, 6)"), f"{STRANGE} (..., 4, 6); each dimens"),
    "negative.npy": (npy_of("(-7, 4, -6)", bytes(168)), f"{STRANGE} (-7, 4, -6); each dimension"),
    "width0.npy": (npy_of("(7, 0)"), f"{STRANGE} (7, 0); each dimension must be a number from 1"),
    "width0-many.npy": (npy_of(f"({10**15}, 0, 6)"), f"{STRANGE} ({10**15}, 0, 6)"),
    "none.npy": (npy_of("(0, 4, 6)"), f"{STRANGE} (0, 4, 6)"),
    "true.npy": (npy_of("(True, 4, 6)", bytes(24)), f"{STRANGE} (True, 4, 6)"),
    "deep.npy": (npy_of(str((1,) * 40), b"\0"), "its header claims 40 dimensions, at most 8"),
    "scalar.npy": (npy_of("()", b"\0"), "it holds a single number, not examples (n, ...)"),
    "long.npy": (saved(X) + b"\n", "it is too long: its header claims 7 x 4 x 6 uint8 = 168 bytes"),
    # Headers that are no header: NumPy reads them as Python, which fails in its own ways.
    "nested.npy": (npy("(" * 4000), NO_HEADER),
    "minus.npy": (npy("-" * 4000 + "1"), NO_HEADER),
    "unclosed.npy": (npy("{'descr': '''"), NO_HEADER),
    "no-dict.npy": (npy("[1]"), NO_HEADER),
    "no-shape.npy": (npy("{'descr': '|u1'}"), NO_HEADER),
    "latin.npy": (npy("{'descr': '|u1', é}"), NO_HEADER),
    "nul.npy": (npy("{'descr': '\0'}"), NO_HEADER),
    "no-dtype.npy": (npy_of("(7, 4, 6)", descr="'nonsense'"), NO_HEADER),
    "unhashable.npy": (npy("{[]: 1}"), NO_HEADER),
    "long-header.npy": (
        npy(" " * 60_000),
        "its header claims 60000 bytes, at most 4096 are read",
    ),
    "4gb-header.npy": (
        b"\x93NUMPY\2\0" + struct.pack("<I", HUGE),
        f"its header claims {HUGE} bytes, at most 4096 are read",
    ),
    "v3.npy": (npy("{}", version=b"\3\0"), "its NumPy format 3.0 is not read; save it again with"),
    "cut.npy": (saved(X)[:50], "it ends in its header"),
    # Values that are no real numbers.
    "objects.npy": (npy_of("(7,)", descr="'|O'"), "it holds Python objects, not numbers; save it"),
    "text.npy": (
        saved(np.array([["a"]])),
        "it holds values of <U1, not real numbers; save it again",
    ),
    "dates.npy": (saved(np.zeros((2, 2), "M8[s]")), "it holds values of datetime64[s], not real"),
    "complex.npy": (saved(np.zeros((2, 2), "c8")), "it holds values of complex64, not real"),
    "no-bytes.npy": (
        npy_of("(7, 4, 6)", descr="'|V0'"),
        "it holds values of |V0, not real numbers",
    ),
    "records.npy": (
        saved(np.zeros(3, "f4,f4")),
        "it holds records of f0, f1, not numbers; save np",
    ),
    "columns.npy": (saved(np.asfortranarray(X)), "it is stored by columns; save it again as np.as"),
    # IDX.
    "many-idx": (
        struct.pack(">4B3I", 0, 0, 8, 3, HUGE, 4, 6),
        f"{SHORT} {HUGE} x 4 x 6 uint8 = {24 * HUGE} bytes of values, the file holds 0",
    ),
    "deep-idx": (bytes([0, 0, 8, 255]) + bytes(4 * 255), "its header claims 255 dimensions, at mo"),
    "no-dimensions-idx": (bytes([0, 0, 8, 0, 1]), "it holds a single number, not examples"),
    # Compressed streams.
    "empty.gz": (b"", "the file is empty"),
    "plain.gz": (IDX, "it is no .gz file, whatever its name: it begins with 0x00000803"),
    "bz2.gz": (
        bz2.compress(IDX),
        "it is no .gz file, whatever its name: it begins with 0x425a6839",
    ),
    "lzma1.xz": (lzma.compress(IDX, lzma.FORMAT_ALONE), "it is no .xz file, whatever its name"),
    "checksum.gz": (
        gzip.compress(IDX)[:-8] + b"\0\0\0\0" + gzip.compress(IDX)[-4:],
        "its .gz stream is damaged (Error -3 while decompressing data: incorrect data check)",
    ),
    "length.gz": (
        gzip.compress(IDX)[:-1] + b"\1",
        "incorrect length check); copy or save it again",
    ),
    "no-trailer.gz": (
        gzip.compress(IDX)[:-8],
        "its .gz stream is cut short; copy or save it again",
    ),
    "no-trailer.xz": (
        lzma.compress(IDX)[:-12],
        "its .xz stream is cut short; copy or save it again",
    ),
    "more.gz": (gzip.compress(IDX) + b"more", "something else follows its .gz stream (0x6d6f7265)"),
    "more.xz": (lzma.compress(IDX) + b"more", "something else follows its .xz stream (0x6d6f7265)"),
    "more.bz2": (
        bz2.compress(IDX) + b"more",
        "something else follows its .bz2 stream (0x6d6f7265)",
    ),
    "twice.gz": (gzip.compress(IDX) * 2, "it is too long: its header claims 7 x 4 x 6 uint8 = 168"),
    "half.bz2": (bz2.compress(IDX) + bz2.compress(IDX)[:9], "its .bz2 stream is cut short; copy"),
    "bomb.gz": (gzip.compress(BOMB, 1), TOO_LONG),
    "bomb.bz2": (bz2.compress(BOMB), TOO_LONG),
    "bomb.xz": (lzma.compress(BOMB, preset=0), TOO_LONG),
    "greedy.xz": (greedy_xz(IDX), "its .xz stream is damaged (Memory usage limit exceeded); copy"),
    # Archives.
    "text.npz": (b"no archive", "File is not a zip file; copy or save it again"),
    "nothing.npz": (npz(), "name the inputs x; it holds nothing"),
    "unnamed.npz": (
        npz(*((f"{i}.npy", saved(X)) for i in range(9))),
        "name the inputs x; it holds 0, 1, 2, 3, 4 and 4 more",
    ),
    "bzip.npz": (
        npz(("x.npy", saved(X)), method=zipfile.ZIP_BZIP2),
        "x is compressed by method 12, neither stored nor deflated; save it again with np.savez",
    ),
    "method.npz": (method(npz(("x.npy", saved(X))), 98), "x is compressed by method 98, neither"),
    "encrypted.npz": (encrypted(npz(("x.npy", saved(X)))), "x is encrypted; save it again with np"),
    "no-array.npz": (npz(("x.npy", b"text")), "it is no .npy file, whatever its name: it begins"),
    "claims.npz": (npz(("x.npy", npy_of(f"({10**12}, 4, 6)"))), f"{SHORT} {10**12} x 4 x 6 uint8"),
    "bomb.npz": (
        npz(("x.npy", saved(X) + bytes(2**26))),
        "it is too long: its header claims 7 x 4 x 6 uint8 = 168 bytes of values, the file holds "
        f"{168 + 2**26}",
    ),
    "escape.npz": (npz(("a\x1b[2J\n.npy", b""), ("b", b"")), "it holds a?[2J , b"),
    # What fits no model, told before a batch is read.
    "wide.npy": (saved(X.reshape(7, 24)), "holds examples of shape (24,), the model takes (4, 6)."),
    "one.npy": (saved(X[0]), "the model takes (4, 6). Save x[None] for a single one."),
}


def predicted(path: Path) -> list[np.ndarray]:
    count_inputs(path)
    return [batch.x for batch in read_inputs(path, SHAPE)]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_named_with_what_was_found(tmp_path, name):
    """With less than 12 MB: bz2 takes 4 of them by itself."""
    content, message = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=re.escape(message)) as caught:
            predicted(path)
        assert tracemalloc.get_traced_memory()[1] < 12e6
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < len(str(path)) + 600
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name.endswith((".gz", ".xz", ".bz2"))]
)
def test_a_data_set_refuses_what_prediction_refuses(tmp_path, name):
    content, message = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{path}: cannot be read: ")) as caught:
        read_idx(path, 3)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".npy", "x" * 5000 + ".png", "a\0b"])
def test_a_name_that_no_file_can_have_is_no_file(name):
    with pytest.raises(DataError, match="no such file or folder"):
        predicted(Path(name))
    with pytest.raises(DataError, match=r"no data set .*: neither a known name"):
        load_dataset(name)


def test_streams_one_behind_the_other_are_one_stream(tmp_path):
    """As `cat a.gz b.gz` makes them, which every decompressor reads."""
    for suffix, compress in {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}.items():
        path = tmp_path / f"x.{suffix}"
        path.write_bytes(compress(IDX[:50]) + compress(IDX[50:100]) + compress(IDX[100:]))
        np.testing.assert_array_equal(np.concatenate(predicted(path)), X)
        np.testing.assert_array_equal(read_idx(path, 3), X)


def test_a_stream_is_checked_before_its_last_batch_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr("kmlp.deploy.inputs._BATCH", 5)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(IDX)[:-1] + b"\1")
    batches = read_inputs(path, SHAPE)
    np.testing.assert_array_equal(next(batches).x, X[:5])
    with pytest.raises(DataError, match="incorrect length check"):
        next(batches)


def test_values_of_another_byte_order_are_given_in_this_machines(tmp_path):
    for name, dtype in {"big.npy": ">f4", "little.npy": "<f4"}.items():
        np.save(tmp_path / name, X.astype(dtype))
        (x,) = predicted(tmp_path / name)
        np.testing.assert_array_equal(x, X.astype(np.float32), strict=True)


def test_an_array_named_twice_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.warns(UserWarning, match="Duplicate name"):
        path.write_bytes(npz(("x.npy", saved(X)), ("x.npy", saved(X + 1))))
    with pytest.raises(DataError, match="it holds more than one array x; it holds x, x"):
        predicted(path)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.gz", "x-idx3-ubyte"])
def test_a_pipe_or_a_device_is_refused_instead_of_waited_for(tmp_path, name):
    device = tmp_path / name
    device.symlink_to(os.devnull)
    with pytest.raises(DataError, match="it is a pipe or a device; write its content into a file"):
        predicted(device)
    pipe = tmp_path / f"pipe-{name}"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="it is a pipe or a device; write its content into a file"):
        predicted(pipe)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X, "y_train": X}, "it holds no array x_test; it holds x_train, y_train"),
        ({"x_train": X.astype(np.int64) + 256}, "x_train holds int64, not unsigned bytes"),
        ({"x_train": np.array([{}])}, "it holds Python objects, not numbers"),
    ],
)
def test_an_archive_that_is_no_data_set_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(DataError, match=rf"mnist\.npz: cannot be read: {message}"):
        read_npz(tmp_path / "mnist.npz")


def test_more_than_the_memory_is_refused_before_it_is_taken(tmp_path, monkeypatch):
    """A compressed file tells its size only at its end: the claim is held to what is free."""
    monkeypatch.setattr("kmlp.data.stored.available_memory", lambda: 2**24)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(struct.pack(">4B3I", 0, 0, 8, 3, 2**14, 32, 33) + bytes(9)))
    claim = "its header claims 16384 x 32 x 33 uint8 = 17301504 bytes of values, of memory 16 MiB"
    with pytest.raises(DataError, match=claim):
        read_idx(path, 3)
