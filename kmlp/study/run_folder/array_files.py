"""The members' array files: each is what its row in the ledger says, or is not read."""

import functools
import hashlib
import io
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from kmlp.study.run_folder.integrity import Ledger
from kmlp.study.run_folder.records import MEMBER


class ArrayFiles:
    """Those of one folder.

    Args:
        path: of the folder.
        ledger: its ledger.
    """

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._path, self._ledger = str(path), ledger
        # What was found whole, by member: no file is hashed twice; and what rows say of files.
        self._whole: dict[str, tuple[int, ...]] = {}
        self._hashes: dict[str, str] = {}

    def expect(self, hashes: Mapping[str, str]) -> None:
        """What rows that are whole say of the files, by member."""
        self._hashes = dict(hashes)

    def forget(self, id: str) -> None:
        """A member's file is written anew."""
        self._whole.pop(id, None)
        self._hashes.pop(id, None)

    def is_whole(self, id: str) -> bool:
        """Whether a member's file is there, as it was written."""
        try:
            if self._whole.get(id) == _state(os.stat(self._name(id))):
                return True
        except OSError:
            return False
        return self.content(id) is not None

    def content(self, id: str) -> bytes | None:
        """What the file holds, read once; None where it is missing or not what was written."""
        try:
            with open(self._name(id), "rb", buffering=0) as file:
                state, content = _state(os.fstat(file.fileno())), file.readall()
        except OSError:
            return None
        if self._whole.get(id) != state:
            if not self._is_written(id, hashlib.sha256(content).hexdigest()):
                return None
            self._whole[id] = state
        return content

    def _name(self, id: str) -> str:
        return f"{self._path}/arrays/{id}.npz"

    def _is_written(self, id: str, sha256: str) -> bool:
        # To ask the ledger for each of many members takes longer than to hash their files.
        if sha256 == self._hashes.get(id):
            return True
        row = self._ledger.row(MEMBER, id)
        return row is not None and sha256 == row[3]


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An array file's content."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_in(content: bytes) -> Mapping[str, np.ndarray]:
    """The arrays of a file by name, each read when it is asked for.

    Of many files one array each: NumPy's own reader takes several times as long to find it as to
    read it, and is asked where a file is not as `npz` writes it.

    Example:
        >>> arrays_in(npz({"a": np.zeros(2), "b": np.arange(3)}))["b"].tolist()
        [0, 1, 2]
    """
    places = _places(content)
    if places is None:
        return np.load(io.BytesIO(content), allow_pickle=False)
    return _Stored(content, places)


class _Stored(Mapping[str, np.ndarray]):
    """Arrays that lie in a file one after the other, not compressed.

    Args:
        content: of the file.
        places: where each array's part of it begins, and its size.
    """

    def __init__(self, content: bytes, places: Mapping[str, tuple[int, int]]) -> None:
        self._content, self._places = content, places

    def __getitem__(self, name: str) -> np.ndarray:
        offset, size = self._places[name]
        start = offset + _BEFORE.size + sum(_BEFORE.unpack_from(self._content, offset))
        _, version, length = _HEAD.unpack_from(self._content, start)
        body = start + _HEAD.size + length
        # Arrays of numbers are written in the first one.
        shape, order, dtype = _described(self._content[start:body] if version == 1 else b"")
        if dtype.hasobject:
            part = io.BytesIO(self._content[start : start + size])
            return np.lib.format.read_array(part, allow_pickle=False)
        flat = np.frombuffer(self._content, dtype, math.prod(shape), body)
        # Else the whole file would stay in memory with one of its arrays.
        return flat.reshape(shape, order=order).copy(order="K")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@functools.lru_cache(maxsize=256)
def _described(head: bytes) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype]:
    """Shape, order and type of an array, which few files of a folder differ in; of objects where
    nothing is known."""
    if not head:
        return (), "C", np.dtype(object)
    file = io.BytesIO(head)
    np.lib.format.read_magic(file)
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, "F" if is_fortran else "C", dtype


# Of a zip file: its end, what an entry of its directory says, what lies before each part; and what
# an array begins with, but for its description.
_END, _ENTRY = struct.Struct("<4s6xH4xL2x"), struct.Struct("<10xH8xLLHHH8xL")
_BEFORE, _HEAD = struct.Struct("<26xHH"), struct.Struct("<6sHH")
_LARGEST, _NPY = 2**31, b".npy"


def _places(content: bytes) -> dict[str, tuple[int, int]] | None:
    """Where each array of a file begins, and its size; None where the file is not as `npz` writes
    it.

    A file whose hash is known is what was written: damage is not looked for.
    """
    if not _END.size <= len(content) < _LARGEST:
        return None
    signature, number, at = _END.unpack_from(content, len(content) - _END.size)
    if signature != b"PK\5\6":
        return None
    found = {}
    for _ in range(number):
        method, written, size, name, extra, note, offset = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size
        named = content[at : at + name]
        at += name + extra + note
        if method or written != size or not named.endswith(_NPY):
            return None
        found[named[: -len(_NPY)].decode()] = (offset, size)
    return found
