"""NumPy's `.npy` and `.npz` files, of which nothing is believed that the file does not hold.

`np.load` allocates what a header claims, unpickles what it is told to, and reads the rest of the
file only where the header says so.
"""

import contextlib
import io
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.stored import StoredArray
from kmlp.data.streams import Stream, num_bytes, open_regular

_MAGIC = b"\x93NUMPY"
_MOST_HEADER = 4096
_NUMBERS = "biuf"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_PARSERS: dict[bytes, tuple[str, Any]] = {
    b"\1\0": ("<H", np.lib.format.read_array_header_1_0),
    b"\2\0": ("<I", np.lib.format.read_array_header_2_0),
}


@contextlib.contextmanager
def open_npy(path: Path) -> Iterator[StoredArray]:
    """Opens an `.npy` file and reads its header.

    Raises:
        OSError, ValueError: what is wrong with it.
    """
    with open_regular(path) as file:
        yield _stored(file, num_bytes(file))


@contextlib.contextmanager
def open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens an `.npz` file, whose arrays `open_array` reads.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: what is wrong with it.
    """
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def array_names(archive: zipfile.ZipFile) -> list[str]:
    """The names of its arrays."""
    return [name.removesuffix(".npy") for name in archive.namelist()]


@contextlib.contextmanager
def open_array(archive: zipfile.ZipFile, name: str) -> Iterator[StoredArray]:
    """Opens one array of an `.npz` file and reads its header; its checksum is compared at its end.

    Raises:
        ValueError, zipfile.BadZipFile: what is wrong with it.
    """
    names = array_names(archive)
    if names.count(name) != 1:
        times = "more than one array" if name in names else "no array"
        raise ValueError(f"it holds {times} {name}; it holds {listed(names)}")
    member = archive.infolist()[names.index(name)]
    if problem := _not_read(member):
        raise ValueError(f"{name} is {problem}; save it again with np.savez or np.savez_compressed")
    with archive.open(member) as file:
        yield _stored(file, member.file_size)


def listed(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(name[:60] for name in names[:most]) or "nothing"
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _not_read(member: zipfile.ZipInfo) -> str:
    """Why a member is of a kind that NumPy does not write; empty for one that it does."""
    if member.flag_bits & _ENCRYPTED:
        return "encrypted"
    if member.compress_type not in _METHODS:
        return f"compressed by method {member.compress_type}, neither stored nor deflated"
    return ""


def _stored(stream: Stream, size: int) -> StoredArray:
    """The array in a stream of so many bytes."""
    shape, by_column, dtype, start = _read_header(stream)
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"it holds {_not_numbers(dtype)}")
    if by_column and len(shape) > 1:
        raise ValueError("it is stored by columns; save it again as np.ascontiguousarray(x)")
    return StoredArray(stream, shape, dtype, size - start)


def _not_numbers(dtype: np.dtype) -> str:
    """What an array holds instead of real numbers, and what to do."""
    again = "save it again as x.astype('float32')"
    if dtype.names:
        names = listed(list(dtype.names))
        return f"records of {names}, not numbers; save np.stack of its columns, axis=1"
    if dtype.hasobject:
        return f"Python objects, not numbers; {again}"
    return f"values of {dtype}, not real numbers; {again}"


def _read_header(stream: Stream) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, dtype, and the number of bytes up to the first value."""
    start = stream.read(len(_MAGIC) + 2)
    magic, version = start[: len(_MAGIC)], start[len(_MAGIC) :]
    if magic != _MAGIC:
        raise ValueError(f"it is no .npy file, whatever its name: it begins with 0x{magic.hex()}")
    if version not in _PARSERS:
        said = ".".join(map(str, version))
        raise ValueError(f"its NumPy format {said} is not read; save it again with np.save")
    form, parse = _PARSERS[version]
    field = _all_of(stream, struct.calcsize(form))
    (size,) = struct.unpack(form, field)
    if size > _MOST_HEADER:
        raise ValueError(f"its header claims {size} bytes, at most {_MOST_HEADER} are read")
    header = _all_of(stream, size)
    return *_parsed(parse, field + header), len(start + field + header)


def _all_of(stream: Stream, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ValueError("it ends in its header")
    return content


def _parsed(parse: Any, content: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    """What NumPy reads in a header, which is a Python literal and fails in all the ways of one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            return parse(io.BytesIO(content), max_header_size=_MOST_HEADER)
    except Exception as error:
        said = content[2:82].decode("ascii", "replace").strip()
        raise ValueError(f"its header is no NumPy header: {said!r}") from error
