"""What a Parquet file claims, held to what it holds: polars allocates it first, and where that
fails the whole process ends without a word.

Its notes are Thrift's compact structs, https://parquet.apache.org/docs/file-format/metadata/; here
only counts and sizes are read. Whatever else is wrong with them, polars says.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kmlp.data.arrays.streams import open_regular
from kmlp.machine import available_memory, in_words

_MAGIC = b"PAR1"
_DEEPEST = 20
_REPEATED = 2  # how often a column of the schema stands in a row
_LITTLE = 2**24
_MOST_TIMES, _PAGE = 2**15, 2**20  # what zstd packs at most; as large a page may pack even better
_A_VALUE = 16  # bytes of a value in memory, at most
_AGAIN = "copy or save it again"
Struct = dict[int, Any]
"""The numbers, lists and structs of a struct, by the numbers of their fields."""


def check_claims(path: Path) -> None:
    """Refuses a Parquet file that claims what it does not hold.

    Raises:
        ValueError, IndexError, struct.error: what it claims.
    """
    with (
        open_regular(path) as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content[-4:] != _MAGIC:
            raise ValueError(f"it does not end as Parquet does; {_AGAIN}")
        (size,) = struct.unpack("<I", content[-8:-4])
        if size > len(content) - 12:
            raise ValueError(f"its notes claim {size:,} bytes; {_AGAIN}")
        notes = _Notes(content, len(content) - 8 - size).struct()
        are_flat = _are_flat(notes.get(2, ()))
        rows = sum(_checked_rows(content, group, are_flat) for group in notes.get(4, ()))
        # Who reads a part of it goes by the one number, who reads all by the other.
        _check_same(notes.get(3, 0), rows, "rows")


class _Notes:
    """Thrift's compact protocol, read from a place on."""

    def __init__(self, content: mmap.mmap, place: int) -> None:
        self.content, self.place = content, place

    def struct(self, depth: int = 0) -> Struct:
        if depth > _DEEPEST:
            raise ValueError(f"its notes are nested too deep; {_AGAIN}")
        found: Struct = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._number()
            found[field] = self._value(head & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2:
                return kind == 1
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._number()
            case 7:
                self.place += 8
            case 8:
                size = self._unsigned()
                self.place += size
            case 9 | 10:
                return self._list(depth)
            case 12:
                return self.struct(depth + 1)
            case _:
                raise ValueError(f"its notes hold what Parquet's do not; {_AGAIN}")
        return None

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = self._unsigned() if head >> 4 == 15 else head >> 4
        if count > len(self.content):
            raise ValueError(f"its notes claim a list of {count:,} entries; {_AGAIN}")
        if head & 15 in (1, 2):
            return [self._byte() for _ in range(count)]
        return [self._value(head & 15, depth) for _ in range(count)]

    def _byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def _unsigned(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return found
            if shift > 63:
                raise ValueError(f"its notes hold a number of too many digits; {_AGAIN}")

    def _number(self) -> int:
        zigzag = self._unsigned()
        return (zigzag >> 1) ^ -(zigzag & 1)


def _are_flat(schema: Sequence[Struct]) -> list[bool]:
    """Of each column whether a row has one value of it; of lists it has as many as it likes.

    Args:
        schema: its elements, each before its children.
    """
    found: list[bool] = []
    within: list[list[Any]] = []  # of each parent: how many children follow, whether it is repeated
    for element in schema:
        while within and not within[-1][0]:
            within.pop()
        is_repeated = element.get(3) == _REPEATED
        if within:
            within[-1][0] -= 1
            is_repeated |= within[-1][1]
        if children := element.get(5):
            within.append([children, is_repeated])
        else:
            found.append(not is_repeated)
    return found


def _checked_rows(content: mmap.mmap, group: Struct, are_flat: Sequence[bool]) -> int:
    """The rows of a row group, whose columns hold what they claim."""
    columns = [column[3] for column in group.get(1, ()) if 3 in column]
    values = [_checked_values(content, column) for column in columns]
    rows = group.get(3, 0)
    _check_between(rows, max(values, default=0), "rows")
    for found, is_flat in zip(values, are_flat, strict=False):
        if is_flat:
            _check_same(rows, found, "rows")
    return rows


def _checked_values(content: mmap.mmap, column: Struct) -> int:
    """How many values a column has in a row group; its pages have as many."""
    found = sum(_pages(content, column))
    _check_between(column.get(5, 0), found, "values")
    return found


def _pages(content: mmap.mmap, column: Struct) -> Iterator[int]:
    """The values of each page of data."""
    # The dictionary, if there is one, stands before the data; what is not there stands at 0.
    start = min(filter(None, (column.get(9), column.get(11))), default=0)
    end = start + column.get(7, 0)
    if not 0 <= start <= end <= len(content):
        raise ValueError(f"a column claims the bytes {start:,} to {end:,}; {_AGAIN}")
    notes = _Notes(content, start)
    while notes.place < end:
        page = notes.struct()
        packed, unpacked = page.get(3, 0), page.get(2, 0)
        _check_between(packed, end - notes.place, "bytes")
        _check_between(unpacked, _MOST_TIMES * packed + _PAGE, "bytes")
        notes.place += packed
        if 7 in page:
            _check_between(page[7].get(1, 0), unpacked, "words")
        for kind in (5, 8):
            if kind in page:
                yield _fitting(page[kind].get(1, 0))


def _fitting(count: int) -> int:
    """The values of a page, which fit into memory."""
    _check_between(count, 2**31, "values")
    if count > _LITTLE and count * _A_VALUE > (free := available_memory()):
        raise ValueError(f"a page claims {count:,} values, of memory {in_words(free)} are free")
    return count


def _check_same(claimed: int, found: int, what: str) -> None:
    if claimed != found:
        raise ValueError(f"it claims {claimed:,} {what}, and has {found:,}; {_AGAIN}")


def _check_between(claimed: int, most: int, what: str) -> None:
    if not 0 <= claimed <= most:
        raise ValueError(f"it claims {claimed:,} {what}, and has {most:,} at most; {_AGAIN}")
