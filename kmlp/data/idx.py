"""The IDX format of MNIST: a magic number, the dimensions, then the values.

Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian
uint32, then the values in row-major order (http://yann.lecun.com/exdb/mnist/).
"""

import bz2
import gzip
import hashlib
import lzma
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from kmlp.errors import DataError

_UINT8 = 0x08
_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".xz": lzma.open,
    ".bz2": bz2.open,
}
SUFFIXES = ("", *_OPENERS)


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """Reads an IDX file of unsigned bytes, compressed (.gz, .xz, .bz2) or not.

    Args:
        path: the file.
        ndim: the number of dimensions wanted: 3 for images, 1 for labels.

    Returns:
        A `uint8` array of that many dimensions.

    Raises:
        DataError: in one line, the file and what is wrong with it.
    """
    try:
        with open_idx(path) as file:
            return _parse(file.read(), ndim)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def open_idx(path: Path) -> IO[bytes]:
    """Opens an IDX file to read its uncompressed bytes."""
    return _OPENERS.get(path.suffix, open)(path, "rb")


def idx_bytes(array: np.ndarray) -> bytes:
    """The uncompressed IDX file that holds a `uint8` array."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UINT8, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array, dtype=np.uint8).tobytes()


def idx_sha256(array: np.ndarray) -> str:
    """sha256 of the uncompressed IDX file: the same wherever the array came from."""
    return hashlib.sha256(idx_bytes(array)).hexdigest()


def _parse(content: bytes, ndim: int) -> np.ndarray:
    if not content:
        raise ValueError("the file is empty")
    wanted = struct.pack(">HBB", 0, _UINT8, ndim)
    if content[:4] != wanted:
        raise ValueError(
            f"wrong magic number 0x{content[:4].hex()}, expected 0x{wanted.hex()} "
            f"(unsigned bytes, {ndim} dimensions)"
        )
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(f"the file ends in its header, after {len(content)} of {start} bytes")
    shape = struct.unpack(f">{ndim}I", content[4:start])
    expected = int(np.prod(shape, dtype=object))
    found = len(content) - start
    if found != expected:
        extent = " x ".join(map(str, shape))
        problem = "too short" if found < expected else "too long"
        raise ValueError(
            f"{problem}: the header claims {extent} = {expected} bytes of values, "
            f"the file holds {found}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
