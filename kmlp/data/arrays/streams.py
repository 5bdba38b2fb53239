"""Files as streams of bytes: regular files only, decompressed in pieces, held to their checksums.

Python's own `gzip`, `lzma` and `bz2` files check nothing that the reader does not reach, and the
latter two end in silence where something else follows. Here the end of a stream is only ever
said once its checksums hold and nothing is left in the file.
"""

import bz2
import contextlib
import errno
import lzma
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from kmlp.errors import DataError

CHUNK = 2**20
"""Bytes of content that are held at once, beyond those that were asked for."""

_LZMA_MEMORY = 2**28
"""What an .xz file may make its decoder allocate: four times what `xz -9` asks for."""

_RAW = 2**16
_LINE = 400
_AGAIN = "copy or save it again"
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


class Stream(Protocol):
    """What has the bytes of a file: fewer than `size` come only at its end."""

    def read(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def reading(path: Path, kind: str = "") -> Iterator[None]:
    """Whatever goes wrong inside with the file is one `DataError` of one line that names it.

    Args:
        path: the file that is read.
        kind: what it is read as, such as "as an image".

    Example:
        >>> with reading(Path("x.npy")):
        ...     raise KeyError("descr")
        Traceback (most recent call last):
        ...
        kmlp.errors.DataError: x.npy: cannot be read: KeyError: 'descr'; copy or save it again
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


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[IO[bytes]]:
    """Opens a regular file; a pipe or a device, which may never end, is refused.

    Raises:
        OSError: it is not there, or may not be read.
        ValueError: it is no regular file.
    """
    # Without O_NONBLOCK the opening of a pipe waits for its writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is a pipe or a device; write its content into a file first")
        yield file


def num_bytes(file: IO[bytes]) -> int:
    """The size of an open file."""
    return os.fstat(file.fileno()).st_size


class Gzip:
    """zlib's decoder of gzip, which compares checksum and length, with the others' attributes."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    def decompress(self, raw: bytes, most: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + raw, most)


class Zstd:
    """zstandard's decoder of one frame, with the others' attributes; it is fed little at a time,
    since it knows no limit."""

    _FEED = 2**10  # a block unpacks to 128 KiB at most, whatever its compressed size

    def __init__(self) -> None:
        import zstandard

        self._decoder = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._waiting, self._made = memoryview(b""), memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._decoder.eof and not self._made

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data + bytes(self._waiting)

    @property
    def needs_input(self) -> bool:
        return not (self._waiting or self._made)

    def decompress(self, raw: bytes, most: int) -> bytes:
        if raw:
            self._waiting = memoryview(bytes(self._waiting) + raw)
        if not self._made:
            fed, self._waiting = self._waiting[: self._FEED], self._waiting[self._FEED :]
            self._made = memoryview(self._decoder.decompress(fed))
        piece, self._made = self._made[:most], self._made[most:]
        return bytes(piece)


_DECODERS: dict[str, tuple[bytes, Callable[[], Any]]] = {
    ".gz": (b"\x1f\x8b", Gzip),
    ".xz": (b"\xfd7zXZ\0", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY)),
    ".bz2": (b"BZh", bz2.BZ2Decompressor),
    ".zst": (b"\x28\xb5\x2f\xfd", Zstd),
}
COMPRESSED = tuple(_DECODERS)


def compression_of(start: bytes) -> str:
    """The suffix of the compression that a file's first bytes are of; empty for none."""
    return next((s for s, (magic, _) in _DECODERS.items() if start.startswith(magic)), "")


class Decompressed:
    """The content of a compressed file.

    `read` gives fewer bytes than asked for only where the file ends, and there every checksum has
    held. What is wrong is a `ValueError`.

    Args:
        file: the compressed bytes.
        suffix: the kind of compression, one of `COMPRESSED`.
    """

    def __init__(self, file: Stream, suffix: str) -> None:
        self._file, self._suffix = file, suffix
        self._magic, self._start = _DECODERS[suffix]
        self._raw = file.read(_RAW)
        if not self._raw:
            raise ValueError("the file is empty")
        if not self._raw.startswith(self._magic):
            begins = self._raw[:4].hex()
            raise ValueError(
                f"it is no {suffix} file, whatever its name: it begins with 0x{begins}"
            )
        self._decoder = self._start()

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        content = bytearray()
        while len(content) < size and (piece := self._piece(min(size - len(content), CHUNK))):
            content += piece
        return bytes(content)

    def _piece(self, most: int) -> bytes:
        """At most so many bytes; none at the end."""
        while True:
            if self._decoder.eof:
                if not self._another():
                    return b""
            elif piece := self._decode(most):
                return piece

    def _decode(self, most: int) -> bytes:
        if self._decoder.needs_input and not self._raw:
            self._raw = self._file.read(_RAW)
            if not self._raw:
                raise ValueError(f"its {self._suffix} stream is cut short; {_AGAIN}")
        raw, self._raw = self._raw, b""
        try:
            return self._decoder.decompress(raw, most)
        except Exception as error:  # each library has errors of its own
            raise ValueError(f"its {self._suffix} stream is damaged ({error}); {_AGAIN}") from error

    def _another(self) -> bool:
        """Whether one more stream follows, as compressors allow; anything else is refused."""
        self._raw = self._decoder.unused_data or self._raw or self._file.read(_RAW)
        if not self._raw:
            return False
        if not self._raw.startswith(self._magic[: len(self._raw)]):
            follows = self._raw[:4].hex()
            raise ValueError(
                f"something else follows its {self._suffix} stream (0x{follows}); {_AGAIN}"
            )
        self._decoder = self._start()
        return True


def one_line(text: str) -> str:
    """A text that may come from a file, fit to be shown: no control characters, not endless.

    Example:
        >>> one_line("a\\n\x1b[2J" + 500 * "x")[:8]
        'a ?[2Jxx'
    """
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown if len(shown) <= _LINE else shown[:_LINE] + " ..."


def _reason(error: BaseException) -> str:
    """What an error says; of a library's, which knows no remedy, with one."""
    said = str(error)
    if isinstance(error, LookupError) or not said:
        said = f"{type(error).__name__}: {said}".removesuffix(": ")
    told_what_to_do = isinstance(error, ValueError)
    told_by_system = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
    return one_line(said) + ("" if told_what_to_do or told_by_system else f"; {_AGAIN}")
