"""The IDX format of MNIST: a magic number, the dimensions, then the values.

Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian
uint32, then the values in row-major order (http://yann.lecun.com/exdb/mnist/).
"""

import contextlib
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kmlp.data.arrays.stored import StoredArray
from kmlp.data.arrays.streams import (
    COMPRESSED,
    Decompressed,
    Stream,
    num_bytes,
    open_regular,
    reading,
)

_UINT8 = 0x08
SUFFIXES = ("", *COMPRESSED)


class WrongMagicError(ValueError):
    """The file does not begin as an IDX file of unsigned bytes does."""


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """Reads an IDX file of unsigned bytes, compressed (.gz, .zst, .xz, .bz2) or not.

    Args:
        path: the file.
        ndim: the number of dimensions wanted: 3 for images, 1 for labels.

    Returns:
        A `uint8` array of that many dimensions.

    Raises:
        DataError: in one line, the file and what is wrong with it.
    """
    with reading(path), open_idx(path, ndim) as array:
        return array.read()


@contextlib.contextmanager
def open_idx(path: Path, ndim: int | None = None) -> Iterator[StoredArray]:
    """Opens an IDX file, compressed or not, and reads its header.

    Args:
        path: the file.
        ndim: the number of dimensions wanted; any where omitted.

    Raises:
        OSError, ValueError: what is wrong with it.
    """
    with open_regular(path) as file:
        suffix = path.suffix.lower()
        compressed = suffix in COMPRESSED
        stream = Decompressed(file, suffix) if compressed else file
        shape = _read_shape(stream, ndim)
        held = None if compressed else num_bytes(file) - file.tell()
        yield StoredArray(stream, shape, np.dtype(np.uint8), held)


def idx_bytes(array: np.ndarray) -> bytes:
    """The uncompressed IDX file that holds a `uint8` array."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UINT8, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array, dtype=np.uint8).tobytes()


def idx_sha256(array: np.ndarray) -> str:
    """sha256 of the uncompressed IDX file: the same wherever the array came from."""
    return hashlib.sha256(idx_bytes(array)).hexdigest()


def _read_shape(stream: Stream, ndim: int | None) -> tuple[int, ...]:
    magic = stream.read(4)
    if not magic:
        raise ValueError("the file is empty")
    wanted = bytes([0, 0, _UINT8]) + (b"" if ndim is None else bytes([ndim]))
    if len(magic) < 4 or not magic.startswith(wanted):
        dimensions = "" if ndim is None else f", {ndim} dimensions"
        raise WrongMagicError(
            f"wrong magic number 0x{magic.hex()}, expected 0x{wanted.hex()} "
            f"(unsigned bytes{dimensions})"
        )
    size = 4 * magic[3]
    header = stream.read(size)
    if len(header) < size:
        raise ValueError(
            f"the file ends in its header, after {4 + len(header)} of {4 + size} bytes"
        )
    return struct.unpack(f">{magic[3]}I", header)
