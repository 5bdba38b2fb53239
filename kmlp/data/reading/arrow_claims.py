"""What an Arrow file claims, held to what it holds: polars allocates it first, and where that
fails the whole process ends without a word.

Messages are flatbuffers, https://arrow.apache.org/docs/format/Columnar.html; here only sizes are
read. Whatever else is wrong with them, polars says.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from kmlp.data.arrays.streams import open_regular
from kmlp.machine import available_memory, in_words

MAGIC = b"ARROW1"
_GOES_ON = b"\xff\xff\xff\xff"
_DICTIONARY, _ROWS = 2, 3  # kinds of messages
_BLOCK, _NODE, _BUFFER = 24, 16, 16  # bytes of the structs
_LITTLE = 2**24
_MOST_TIMES = 2**15
"""A block of zstd unpacks to 2^17 bytes at most, and has 4 at least; LZ4's can do far less."""

_AGAIN = "copy or save it again"


def check_claims(path: Path) -> None:
    """Refuses an Arrow IPC file or stream that claims what it does not hold.

    Raises:
        ValueError, struct.error: what it claims.
    """
    with (
        open_regular(path) as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        places = _in_footer(content) if content[:6] == MAGIC else _in_stream(content)
        claimed = sum(_checked(content, start, body) for start, body in places)
    if claimed > _LITTLE and claimed > (free := available_memory()):
        raise ValueError(f"it claims {in_words(claimed)}, of memory {in_words(free)} are free")


class _Record:
    """A flatbuffer's table at a place."""

    def __init__(self, content: mmap.mmap, place: int) -> None:
        self.content, self._place = content, place
        self._fields = place - _int(content, place, "<i")

    def number(self, field: int, form: str) -> int:
        """The number in a field; 0 where it is left out."""
        place = self._at(field)
        return _int(self.content, place, form) if place else 0

    def record(self, field: int) -> "_Record | None":
        place = self._at(field)
        return _Record(self.content, place + _int(self.content, place, "<I")) if place else None

    def structs(self, field: int, size: int) -> Iterator[int]:
        """Where each struct of a list begins."""
        if place := self._at(field):
            start = place + _int(self.content, place, "<I")
            count = _int(self.content, start, "<I")
            if count * size > len(self.content):
                raise ValueError(f"it claims a list of {count:,} entries; {_AGAIN}")
            yield from (start + 4 + size * i for i in range(count))

    def _at(self, field: int) -> int:
        entry = 4 + 2 * field
        is_there = entry < _int(self.content, self._fields, "<H")
        offset = _int(self.content, self._fields + entry, "<H") if is_there else 0
        return self._place + offset if offset else 0


def _int(content: mmap.mmap, place: int, form: str) -> int:
    if place < 0:  # which `struct` would count from the end
        raise ValueError(f"it points before its beginning; {_AGAIN}")
    return struct.unpack_from(form, content, place)[0]


def _in_footer(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where each message of a file begins, and where its body does."""
    end = len(content) - len(MAGIC) - 4
    footer = end - _int(content, end, "<i")
    table = _Record(content, footer + _int(content, footer, "<I"))
    for kind in (2, 3):  # dictionaries and rows
        for block in table.structs(kind, _BLOCK):
            start = _int(content, block, "<q")
            yield start, start + _int(content, block + 8, "<i")


def _in_stream(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    start = 0
    while start + 8 <= len(content):
        metadata = _metadata(content, start)
        if not (size := _int(content, metadata - 4, "<i")):
            return
        yield start, metadata + size
        start = metadata + size + _message(content, start).number(3, "<q")


def _metadata(content: mmap.mmap, start: int) -> int:
    """Behind the size, which since 2019 stands behind a sign."""
    return start + (8 if content[start : start + 4] == _GOES_ON else 4)


def _message(content: mmap.mmap, start: int) -> _Record:
    metadata = _metadata(content, start)
    return _Record(content, metadata + _int(content, metadata, "<I"))


def _checked(content: mmap.mmap, start: int, body: int) -> int:
    """The bytes that a message's values claim, once they are in the file or said to be packed."""
    message = _message(content, start)
    kind, header = message.number(1, "<B"), message.record(2)
    if kind == _DICTIONARY and header:
        header = header.record(1)
    elif kind != _ROWS:
        return 0
    if header is None:
        return 0
    if not start < body <= len(content):
        raise ValueError(f"it claims that values begin at {body:,}; {_AGAIN}")
    is_packed = header.record(3) is not None
    sizes = [_size(content, body, at, is_packed) for at in header.structs(2, _BUFFER)]
    # Of a column of nothing there is only a count.
    most = 8 * sum(sizes) + _LITTLE
    counts = [_int(content, node, "<q") for node in header.structs(1, _NODE)]
    for count in (header.number(0, "<q"), *counts):
        if not 0 <= count <= most:
            raise ValueError(f"it claims {count:,} rows, and holds {sum(sizes):,} bytes; {_AGAIN}")
    return sum(sizes)


def _size(content: mmap.mmap, body: int, buffer: int, is_packed: bool) -> int:
    """Bytes of a buffer, unpacked."""
    start, size = body + _int(content, buffer, "<q"), _int(content, buffer + 8, "<q")
    if start < 0 or size < 0 or start + size > len(content):
        raise ValueError(
            f"it claims {size:,} bytes at {start:,}, and has {len(content):,}; {_AGAIN}"
        )
    if not (is_packed and size >= 8):
        return size
    claimed = _int(content, start, "<q")
    if not -1 <= claimed <= _MOST_TIMES * size:
        raise ValueError(f"it claims {claimed:,} bytes, packed into {size:,}; {_AGAIN}")
    return size if claimed == -1 else claimed
