"""The content of a file that may be compressed: in pieces, bounded, held to its checksums.

Python's own `gzip`, `lzma` and `bz2` files check nothing that the reader does not reach. Here a
stream only ever ends once its checksums hold and nothing is left in the file.
"""

import bz2
import contextlib
import hashlib
import lzma
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kmlp.data.arrays.streams import Gzip
from kmlp.errors import DataError

PIECE = 2**22
"""Bytes of content that are held at once."""

_LZMA_MEMORY = 2**28
_RAW = 2**18
_AGAIN = "copy or save it again"


@contextlib.contextmanager
def reading(path: Path, kind: str = "") -> Iterator[None]:
    """Whatever goes wrong inside with the file is one `DataError` of one line that names it.

    Example:
        >>> with reading(Path("x.npz")):
        ...     raise KeyError("x")
        Traceback (most recent call last):
        ...
        kmlp.errors.DataError: x.npz: cannot be read: KeyError: 'x'; copy or save it again
    """
    try:
        yield
    except DataError:
        raise
    # Parsers of foreign bytes trip over them in any way: struct.error, OverflowError, MemoryError.
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # polars's own way to trip is no Exception; Ctrl-C is none either
        doing = f"cannot be read {kind}".rstrip()
        raise DataError(f"{path}: {doing}: {_reason(error)}") from error


class Content:
    """The bytes of a file, unpacked; a context manager, read once from start to end.

    Attributes:
        compression: "gzip", "zstd", "xz", "bzip2", or "" for none; found by what the file begins
            with, since names lie.
        sha256: of the file as it lies on the disk; whole once all pieces were read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        flags = getattr(os, "O_NONBLOCK", 0)  # without it the opening of a pipe waits for a writer
        with reading(path):
            self._file = open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags))  # noqa: SIM115
        self._raw, self.compression = b"", ""
        try:
            with reading(path):
                self._refuse_endless()
                self._raw = self._more()
                self.compression = next((k for k, (m, _) in _KINDS.items() if self._begins(m)), "")
        except DataError:
            self._file.close()
            raise

    def __enter__(self) -> "Content":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        """The hash of what was read so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """The content, at most `PIECE` bytes at a time; ends only where all checksums hold.

        Raises:
            DataError: it is damaged, cut short, or followed by something else.
        """
        with reading(self._path):
            if not self.compression:
                yield from self._plain()
                return
            while self._raw:
                yield from self._stream(*_KINDS[self.compression])

    def hash_all(self) -> str:
        """The hash of the whole file, as it lies."""
        while self._raw:
            self._raw = self._more()
        return self.sha256

    def _refuse_endless(self) -> None:
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            raise ValueError("it is no file but a folder, pipe or device; write it into a file")

    def _begins(self, magic: bytes) -> bool:
        return self._raw.startswith(magic)

    def _more(self) -> bytes:
        raw = self._file.read(_RAW)
        self._hash.update(raw)
        return raw

    def _plain(self) -> Iterator[bytes]:
        while self._raw:
            yield self._raw
            self._raw = self._more()

    def _stream(self, magic: bytes, start: Callable[[], Any]) -> Iterator[bytes]:
        """One compressed stream; what follows is kept, and must begin another."""
        if not self._begins(magic):
            raise ValueError(f"something else follows its {self.compression} stream; {_AGAIN}")
        decoder = start()
        while not decoder.eof:
            if not self._raw and decoder.needs_input:
                self._raw = self._more()
                if not self._raw:
                    raise ValueError(f"its {self.compression} stream is cut short; {_AGAIN}")
            raw, self._raw = self._raw, b""
            if piece := _decoded(decoder, raw, self.compression):
                yield piece
        self._raw = decoder.unused_data or self._more()


def _decoded(decoder: Any, raw: bytes, compression: str) -> bytes:
    try:
        return decoder.decompress(raw, PIECE)
    except Exception as error:
        raise ValueError(f"its {compression} stream is damaged ({error}); {_AGAIN}") from error


class _Zstd:
    """zstandard's decoder of one frame; it is fed little at a time, since it knows no limit."""

    _FEED = 2**10  # a block unpacks to 128 KiB at most, whatever its compressed size

    def __init__(self) -> None:
        import zstandard

        self._decoder = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._waiting = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data + bytes(self._waiting)

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    def decompress(self, raw: bytes, _: int) -> bytes:
        raw_view = memoryview(raw) if raw else self._waiting
        fed, self._waiting = raw_view[: self._FEED], raw_view[self._FEED :]
        return self._decoder.decompress(fed)


_KINDS: dict[str, tuple[bytes, Callable[[], Any]]] = {
    "gzip": (b"\x1f\x8b", Gzip),
    "zstd": (b"\x28\xb5\x2f\xfd", _Zstd),
    "xz": (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY)),
    "bzip2": (b"BZh", bz2.BZ2Decompressor),
}
SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bzip2"}


def _reason(error: BaseException) -> str:
    said = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, LookupError) or not said:
        said = f"{type(error).__name__}: {said}".removesuffix(": ")
    shown = "".join(c if c.isprintable() else "?" for c in said)[:300]
    return shown if isinstance(error, ValueError) else f"{shown}; {_AGAIN}"
