"""IDX files read back equal, and a malformed one says in one line what is wrong with it."""

import bz2
import gzip
import hashlib
import lzma
import math
import re
import struct

import numpy as np
import pytest
import zstandard

from kmlp.data.arrays.idx import SUFFIXES, idx_bytes, idx_sha256, read_idx
from kmlp.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
LABELS = np.arange(5, dtype=np.uint8)
COMPRESS = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def header(*shape: int, magic: bytes | None = None) -> bytes:
    return (magic or bytes([0, 0, 8, len(shape)])) + struct.pack(f">{len(shape)}I", *shape)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("array", [IMAGES, LABELS])
def test_an_array_reads_back_equal_whatever_the_compression(tmp_path, suffix, array):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(COMPRESS[suffix](idx_bytes(array)))
    found = read_idx(path, array.ndim)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array)


def test_every_suffix_that_is_read_is_tested():
    assert set(SUFFIXES) == set(COMPRESS)


def test_the_bytes_are_those_of_the_format():
    content = idx_bytes(np.array([[1, 2, 3], [4, 5, 255]], np.uint8))
    assert content == bytes.fromhex("00000802 00000002 00000003 010203 0405ff")


def test_the_bytes_are_in_row_major_order_whatever_the_arrays_order():
    assert idx_bytes(np.asfortranarray(IMAGES)) == idx_bytes(IMAGES)
    assert idx_bytes(IMAGES[::2]) == idx_bytes(IMAGES[::2].copy())


def test_the_hash_is_the_uncompressed_files(tmp_path):
    (tmp_path / "file.gz").write_bytes(gzip.compress(idx_bytes(IMAGES)))
    digest = hashlib.sha256(gzip.decompress((tmp_path / "file.gz").read_bytes())).hexdigest()
    assert idx_sha256(IMAGES) == idx_sha256(read_idx(tmp_path / "file.gz", 3)) == digest


HUGE = 2**32 - 1
CLAIM = "its header claims 5 x 4 x 3 uint8 = 60 bytes of values, the file holds"
MALFORMED = {
    "empty": (b"", "the file is empty"),
    "two bytes": (b"\0\0", "wrong magic number 0x0000, expected 0x00000803"),
    "text": (b"<html>", "wrong magic number 0x3c68746d, expected 0x00000803 (unsigned bytes, 3 d"),
    "labels": (idx_bytes(LABELS), "wrong magic number 0x00000801, expected 0x00000803"),
    "floats": (header(1, 1, 1, magic=b"\0\0\x0d\3") + bytes(4), "wrong magic number 0x00000d03"),
    "swapped": (b"\3\x08\0\0" + bytes(20), "wrong magic number 0x03080000"),
    "magic only": (header(5, 4, 3)[:4], "the file ends in its header, after 4 of 16 bytes"),
    "half a header": (header(5, 4, 3)[:11], "the file ends in its header, after 11 of 16 bytes"),
    "no values": (
        header(5, 4, 3),
        f"it is too short: {CLAIM} 0",
    ),
    "one byte short": (
        idx_bytes(IMAGES)[:-1],
        f"it is too short: {CLAIM} 59",
    ),
    "one byte long": (
        idx_bytes(IMAGES) + b"\0",
        f"it is too long: {CLAIM} 61",
    ),
    "zero examples": (
        header(0, 4, 3) + b"\0",
        "its header claims the shape (0, 4, 3); each dimension must be a number from 1 on",
    ),
}


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_named_in_one_line_with_what_is_wrong(tmp_path, case, suffix):
    content, problem = MALFORMED[case]
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(COMPRESS[suffix](content))
    with pytest.raises(DataError, match=re.escape(f"{path}: cannot be read: {problem}")) as caught:
        read_idx(path, 3)
    assert "\n" not in str(caught.value)


# 2^64 wraps to 0 in 64 bits, which is what the file holds.
@pytest.mark.parametrize("shape", [(HUGE, HUGE, HUGE), (2**31, 2**31, 4)])
@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_absurd_claim_is_refused_before_memory_is_taken(tmp_path, suffix, shape):
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(COMPRESS[suffix](header(*shape)))
    claim = f"its header claims {' x '.join(map(str, shape))} uint8 = {math.prod(shape)} bytes"
    found = "the file holds 0" if suffix == "" else r"of memory [0-9.]+ [GM]iB are free"
    with pytest.raises(DataError, match=rf"{claim} of values, {found}$"):
        read_idx(path, 3)


def test_images_are_no_labels(tmp_path):
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(idx_bytes(IMAGES))
    with pytest.raises(DataError, match=r"0x00000803, expected 0x00000801 .*, 1 dimensions\)"):
        read_idx(path, 1)


@pytest.mark.parametrize("suffix", sorted(set(COMPRESS) - {""}))
@pytest.mark.parametrize("damage", ["cut", "start", "middle", "plain"])
def test_a_damaged_compressed_file_is_named_in_one_line(tmp_path, suffix, damage):
    content = bytearray(COMPRESS[suffix](idx_bytes(IMAGES)))
    if damage == "cut":
        del content[-20:]
    elif damage == "plain":
        content = bytearray(idx_bytes(IMAGES))
    else:
        position = 0 if damage == "start" else len(content) // 2
        content[position : position + 8] = bytes(b ^ 0xFF for b in content[position : position + 8])
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{path}: cannot be read: ")) as caught:
        read_idx(path, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_missing_file_is_named(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    message = f"{path}: cannot be read: [Errno 2] No such file or directory"
    with pytest.raises(DataError, match=re.escape(message)):
        read_idx(path, 3)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read: .*Is a directory"):
        read_idx(tmp_path, 3)
