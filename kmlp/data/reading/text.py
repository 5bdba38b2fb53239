"""A text file of records into columns, in two passes: how each column is written, then its values.

The first pass sees every cell before anything is decided, so that a word in the last line turns
a column of numbers into what it is; the second keeps values only, so that memory stays near
what the columns need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from kmlp.data.arrays.streams import reading
from kmlp.data.reading.cells import NOTHING, Facts, Reading, Wanted, tidy
from kmlp.data.reading.dialects import SAMPLE, Dialect, find_dialect, find_encoding
from kmlp.data.reading.records import Block, blocks, decoded
from kmlp.data.reading.unpacked import Content
from kmlp.machine import available_memory, in_words

_SHOWN = 20
_AS = "as a table of text"
_REPEATED = 4
_ENCODED, _LITTLE = 4, 2**24


@dataclass(frozen=True)
class Text:
    """What `read_text` read: see `kmlp.data.tables.Table`."""

    frame: pl.DataFrame
    found: tuple[str, ...]
    dialect: Dialect
    lines: np.ndarray
    sha256: str
    written: dict[str, str]


@dataclass(frozen=True)
class _Plan:
    """What is known before the first pass."""

    path: Path
    dialect: Dialect
    names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Scan:
    """What is known after it."""

    plan: _Plan
    readings: tuple[Reading, ...]
    num_rows: int
    num_blank: int
    sha256: str


def read_text(
    path: Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    wanted: Wanted = NOTHING,
) -> Text:
    """Reads a text file; see `kmlp.data.tables.read_table`."""
    with reading(path, _AS):
        return _whole(_scanned(path, encoding, separator, header, wanted))


@dataclass(frozen=True)
class TextParts:
    """A text file that was read through once, and whose rows are given some at a time.

    Attributes:
        names: of its columns.
        num_rows: in all.
        sha256: of the file.
    """

    names: tuple[str, ...]
    num_rows: int
    sha256: str
    _scan: _Scan

    def __iter__(self) -> Iterator[Text]:
        with reading(self._scan.plan.path, _AS):
            yield from _parts(self._scan)


def text_parts(path: Path, wanted: Wanted = NOTHING) -> TextParts:
    """How a text file is read, found from all of it; see `kmlp.data.tables.read_batches`."""
    with reading(path, _AS):
        scan = _scanned(path, None, None, None, wanted)
    return TextParts(scan.plan.names, scan.num_rows, scan.sha256, scan)


def _scanned(
    path: Path,
    encoding: str | None,
    separator: str | None,
    header: bool | None,
    wanted: Wanted,
) -> _Scan:
    try:
        return _scan(_plan(path, encoding, separator, header), wanted)
    except UnicodeDecodeError as error:
        if encoding:
            raise ValueError(
                f"it is not in {encoding} (byte {error.object[error.start]:#04x}); "
                "leave encoding out to have it found"
            ) from error
    # What is not UTF-8 is nearly always what Windows wrote; said in the first line shown.
    try:
        return _scan(_plan(path, "cp1252", separator, header), wanted)
    except UnicodeDecodeError as error:
        raise ValueError(
            "it is neither in UTF-8 nor in cp1252; say its encoding, such as latin-1"
        ) from error


def _plan(path: Path, encoding: str | None, separator: str | None, header: bool | None) -> _Plan:
    with Content(path) as content:
        sample, whole, encoding = _sample(content, encoding)
        compression = content.compression
    if not sample.strip():
        raise ValueError("it is empty; a table needs a header and rows")
    dialect, first = find_dialect(sample, whole=whole, separator=separator, header=header)
    dialect = replace(dialect, encoding=encoding, compression=compression)
    if not dialect.header:
        names = tuple(f"column_{i + 1}" for i in range(len(first)))
        listed = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        note = f"no header found: the columns are called {listed} (header=True if it has one)"
        return _Plan(path, dialect, names, (note,))
    return _Plan(path, dialect, *column_names(first))


def _sample(content: Content, encoding: str | None) -> tuple[str, bool, str]:
    start, pieces = b"", content.pieces()
    for piece in pieces:
        start += piece
        if len(start) > 4 * SAMPLE:
            break
    encoding = encoding or find_encoding(start)
    is_all = len(start) <= 4 * SAMPLE
    sample = "".join(decoded(iter([start]), Dialect(encoding=encoding), to_end=is_all))
    whole = is_all and len(sample) <= SAMPLE
    return sample[:SAMPLE], whole, encoding


def column_names(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of columns, and what was done about empty ones.

    Raises:
        ValueError: two columns have one name.

    Example:
        >>> column_names(["", "age"])
        (('column_1', 'age'), ('column 1 has no name: it is called column_1',))
    """
    names: list[str] = []
    notes: list[str] = []
    for i, given in enumerate(header):
        name = " ".join(given.replace("\ufeff", "").split())
        if not name:
            name = f"column_{i + 1}"
            notes.append(f"column {i + 1} has no name: it is called {name}")
        if name in names:
            raise ValueError(
                f"columns {names.index(name) + 1} and {i + 1} are both called {name!r}; "
                "rename one of them"
            )
        names.append(name)
    return tuple(names), tuple(notes)


def _scan(plan: _Plan, wanted: Wanted) -> _Scan:
    """The first pass."""
    facts = [
        Facts(text_wanted=name in wanted.text, known=wanted.written.get(name, ""))
        for name in plan.names
    ]
    hashes: list[str] = []
    num_rows = num_blank = 0
    for block, columns in _columns(plan, hashes):
        for fact, cells in zip(facts, columns, strict=True):
            fact.see(tidy(cells))
        num_rows += len(block.lines)
        num_blank += block.num_blank
    if not num_rows:
        raise ValueError("it has a header and no rows below it")
    readings = _decide(facts, plan.dialect.separator)
    return _Scan(plan, tuple(readings), num_rows, num_blank, hashes[0])


def _second_pass(scan: _Scan) -> Iterator[tuple[np.ndarray, list[pl.Series]]]:
    """The lines of some rows at a time, and their cells as `tidy` gives them."""
    hashes: list[str] = []
    for block, columns in _columns(scan.plan, hashes):
        yield block.lines, list(map(tidy, columns))
    if hashes[0] != scan.sha256:
        raise ValueError("it changed while it was read; try again when it is whole")


def _whole(scan: _Scan) -> Text:
    """All rows at once."""
    _check_memory(scan.readings, scan.num_rows)
    parts, lines = [_Values(how) for how in scan.readings], list[np.ndarray]()
    for rows, columns in _second_pass(scan):
        lines.append(rows)
        for part, cells in zip(parts, columns, strict=True):
            part.add(cells)
    named = zip(parts, scan.plan.names, strict=True)
    frame = pl.DataFrame([part.whole(name) for part, name in named])
    found, dialect = _found(scan), scan.plan.dialect
    return Text(frame, found, dialect, np.concatenate(lines), scan.sha256, _written(scan))


def _parts(scan: _Scan) -> Iterator[Text]:
    """Some rows at a time."""
    found = _found(scan)
    for rows, columns in _second_pass(scan):
        each = zip(scan.readings, columns, scan.plan.names, strict=True)
        frame = pl.DataFrame([how.apply(cells).alias(name) for how, cells, name in each])
        yield Text(frame, found, scan.plan.dialect, rows, scan.sha256, _written(scan))


def _written(scan: _Scan) -> dict[str, str]:
    named = zip(scan.plan.names, scan.readings, strict=True)
    return {name: how.written for name, how in named if how.written}


def _check_memory(readings: Sequence[Reading], num_rows: int) -> None:
    """Refuses what will not fit beside the matrix of float32 that is made of it."""
    wanted = num_rows * sum(_bytes(how) + _ENCODED for how in readings)
    # The machine is asked for what it has only where that can matter: it takes milliseconds.
    if wanted > _LITTLE and wanted > (free := available_memory()):
        raise ValueError(
            f"its {num_rows:,} rows and {len(readings)} columns take {in_words(wanted)} or more, "
            f"of memory {in_words(free)} are free; take a sample of the rows, or fewer columns"
        )


def _bytes(how: Reading) -> int:
    """Of a value in memory: of words those of a code."""
    if how.whole:
        return np.dtype(how.whole.lower()).itemsize
    return 4 if how.kind == "text" else 8


class _Values:
    """The values of a column, block by block; words that repeat are kept as codes."""

    def __init__(self, how: Reading) -> None:
        self._how, self._blocks = how, list[pl.Series]()
        self._codes: pl.Categorical | None = None

    def add(self, cells: pl.Series) -> None:
        """Takes in a block of cells as `tidy` gives them."""
        values = self._how.apply(cells)
        if not self._blocks and values.dtype == pl.String and _repeat(values):
            self._codes = pl.Categorical(pl.Categories.random())
        self._blocks.append(values.cast(self._codes) if self._codes else values)

    def whole(self, name: str) -> pl.Series:
        """The column; its blocks are used up."""
        blocks, self._blocks = self._blocks, []
        return pl.concat(blocks).alias(name)


def _repeat(words: pl.Series) -> bool:
    return words.n_unique() <= max(2, len(words) // _REPEATED)


@dataclass(frozen=True)
class _Kept:
    """The lines of the rows that are kept, and how many blank ones stood between them."""

    lines: np.ndarray
    num_blank: int


def _columns(plan: _Plan, hashes: list[str]) -> Iterator[tuple[_Kept, list[pl.Series]]]:
    """The file's columns of strings, some rows at a time; at the end the file's hash."""
    header_waits = plan.dialect.header
    with Content(plan.path) as content:
        texts = decoded(content.pieces(), plan.dialect)
        for block in blocks(texts, plan.dialect, len(plan.names)):
            keep = ~block.blank
            if header_waits and keep.any():
                keep[np.argmax(keep)], header_waits = False, False
            kept = _Kept(block.lines[keep].astype(np.uint32), int(block.blank.sum()))
            yield kept, _parse(block, plan).filter(pl.Series(keep)).get_columns()
        hashes.append(content.sha256)


def _parse(block: Block, plan: _Plan) -> pl.DataFrame:
    frame = pl.read_csv(
        block.text,
        has_header=False,
        infer_schema=False,
        separator=plan.dialect.separator,
        quote_char=block.quote,
        new_columns=list(plan.names),
    )
    if frame.shape != (len(block.lines), len(plan.names)):  # never met; polars would be wrong
        raise ValueError(f"its quotes are unclear near line {block.lines[0]}; write it anew")
    return frame


def _decide(facts: Sequence[Facts], separator: str) -> list[Reading]:
    """Columns that leave the decimal sign open follow those that do not."""
    certain = {next(iter(d)) for d in (fact.decimals() for fact in facts) if len(d) == 1}
    return [fact.decide(separator, certain) for fact in facts]


def _found(scan: _Scan) -> tuple[str, ...]:
    plan, blank = scan.plan, scan.num_blank
    said = [plan.dialect.describe(), *plan.notes]
    if plan.dialect.encoding == "cp1252":
        said.append("the encoding is a guess: it is not UTF-8; look at letters with accents")
    if blank:
        said.append(f"{blank} blank line{'s' * (blank != 1)} passed over")
    told = [
        f"{name}: {'; '.join(how.describe())}"
        for name, how in zip(plan.names, scan.readings, strict=True)
        if how.describe()
    ]
    more = [f"and {len(told) - _SHOWN} columns more"] if len(told) > _SHOWN else []
    return (*said, *told[:_SHOWN], *more)
