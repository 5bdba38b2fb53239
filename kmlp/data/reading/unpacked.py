"""The content of a file that may be compressed: in pieces, bounded and hashed."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kmlp.data.arrays.streams import Decompressed, compression_of, open_regular, reading

PIECE = 2**22
"""Bytes of content that are held at once."""

SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bzip2"}
_RAW = 2**18
_LONGEST_MAGIC = 6


class Content:
    """The bytes of a file, unpacked; a context manager, read once from start to end.

    Attributes:
        compression: "gzip", "zstd", "xz", "bzip2", or "" for none; found by what the file begins
            with, since names lie.
        sha256: of the file as it lies on the disk; whole once all pieces were read.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, contextlib.ExitStack()
        with reading(path):
            file = self._open.enter_context(open_regular(path))
            self._suffix = compression_of(file.read(_LONGEST_MAGIC))
            file.seek(0)
        self._raw = _Hashed(file)
        self.compression = SUFFIXES.get(self._suffix, "")

    def __enter__(self) -> "Content":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def sha256(self) -> str:
        """The hash of what was read so far, as hexadecimal digits."""
        return self._raw.hash.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """The content, about `PIECE` bytes at a time; ends only where all checksums hold.

        Raises:
            DataError: it is damaged, cut short, or followed by something else.
        """
        with reading(self._path):
            stream = Decompressed(self._raw, self._suffix) if self._suffix else self._raw
            while piece := stream.read(PIECE):
                yield piece

    def hash_all(self) -> str:
        """The hash of the whole file, as it lies."""
        while self._raw.read(_RAW):
            pass
        return self.sha256


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        content = self._file.read(size)
        self.hash.update(content)
        return content
