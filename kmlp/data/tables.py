"""A file or a frame in; a table of plain columns out, and how it was read in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.arrays.streams import reading
from kmlp.data.reading import files
from kmlp.data.reading.cells import NOTHING, Wanted
from kmlp.data.reading.dialects import Dialect
from kmlp.data.reading.frames import as_frame
from kmlp.data.reading.text import Text, read_text, text_parts
from kmlp.data.reading.unpacked import SUFFIXES, Content
from kmlp.errors import DataError

_TEXT = (".csv", ".tsv", ".tab", ".txt", ".data", ".psv")
_READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": files.read_parquet,
    ".pq": files.read_parquet,
    ".arrow": files.read_arrow,
    ".feather": files.read_arrow,
    ".ipc": files.read_arrow,
    ".jsonl": files.read_json_lines,
    ".ndjson": files.read_json_lines,
    ".arff": files.read_arff,
}
_ROWS = 8192
TABLE_SUFFIXES = (*_TEXT, *_READERS)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns as they came: strings, numbers, truth values, dates; nothing is encoded yet.

    Attributes:
        whole: the columns of all rows, words of a file as codes; null is missing.
        name: the file's name, or "frame".
        found: how it was read, a line each, to be shown to the user.
        dialect: of a text file; None else.
        lines: `(n,)`, the line of a text file on which each row begins; of other tables' parts
            the rows' indices in the whole; None else.
        sha256: of the file; empty for a frame.
        rows: which rows of the whole these are, so that a part is no copy; None for all.
        written: of a text file, how dates and numbers are written, by column, where that must be
            known to read other rows (see `Reading.written`).
    """

    whole: pl.DataFrame
    name: str = "frame"
    found: tuple[str, ...] = ()
    dialect: Dialect | None = None
    lines: np.ndarray | None = field(default=None, repr=False)
    sha256: str = ""
    rows: np.ndarray | None = field(default=None, repr=False)
    written: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def frame(self) -> pl.DataFrame:
        """The rows, words as strings; a copy of what is a part or was read from a file."""
        return pl.DataFrame([self.column(name) for name in self.columns])

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return self.whole.columns

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.whole.height if self.rows is None else len(self.rows)

    def column(self, name: str) -> pl.Series:
        """One column of these rows, words as strings."""
        column = self.whole[name]
        if self.rows is not None:
            column = column[self.rows]
        return column.cast(pl.String) if isinstance(column.dtype, pl.Categorical) else column

    def is_coded(self, name: str) -> bool:
        """Whether a column's words are kept as codes: they repeat, without spaces round them."""
        return isinstance(self.whole[name].dtype, pl.Categorical)

    def place(self, row: int) -> str:
        """Where a row (from 0) stands, for people: the line of a file, else the row's index."""
        unit = "line" if self.dialect else "row"
        return f"{unit} {row if self.lines is None else self.lines[row]}"

    def take(self, rows: np.ndarray) -> Table:
        """Some of the rows, by index or mask, which still know their places."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        lines = index if self.lines is None else self.lines[index]
        kept = index if self.rows is None else self.rows[index]
        return replace(self, lines=lines, rows=kept)

    def without(self, name: str) -> Table:
        """All columns but one."""
        return replace(self, whole=self.whole.drop(name))


def read_table(
    path: str | Path,
    *,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    wanted: Wanted = NOTHING,
) -> Table:
    """Reads a table from a file, and says how.

    CSV in any dialect (.csv, .tsv, .txt, .data), compressed (.gz, .zst, .xz, .bz2) or not;
    Parquet, Arrow IPC and Feather, JSON lines, ARFF.

    Args:
        path: the file.
        separator: between the fields of a text file; found where omitted.
        encoding: of a text file; found where omitted.
        header: whether the first record of a text file names the columns; found where omitted.
        wanted: of a text file, what is known of columns before.

    Raises:
        DataError: what is wrong, with the line or the column, and what to do.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix in _TEXT:
        table = _of_text(
            read_text(path, separator=separator, encoding=encoding, header=header, wanted=wanted),
            path.name,
        )
    else:
        with reading(path):
            frame = as_frame(_READERS[suffix](path))
        table = Table(frame, path.name, (f"{suffix[1:]} file",), sha256=_sha256(path))
    if not table.columns or not table.height:
        raise _empty(path, has_columns=bool(table.columns))
    return table


@dataclass(frozen=True, eq=False)
class Batches:
    """The rows of a file, some at a time; how its cells are read was found from all of it.

    Attributes:
        name: the file's name.
        names: of its columns.
        num_rows: in all.
        sha256: of the file.
        tables: gives the rows, each time anew.
    """

    name: str
    names: tuple[str, ...]
    num_rows: int
    sha256: str
    tables: Callable[[], Iterator[Table]] = field(repr=False)


def _of_text(read: Text, name: str) -> Table:
    return Table(
        read.frame,
        name,
        read.found,
        read.dialect,
        read.lines,
        read.sha256,
        written=read.written,
    )


def read_batches(path: str | Path, *, wanted: Wanted = NOTHING, size: int = _ROWS) -> Batches:
    """Reads a table's rows in batches.

    Of text files, Parquet and Arrow files a batch is in memory at a time; JSON lines and ARFF are
    read at once, and given in batches.

    Args:
        path: as for `read_table`.
        wanted: as for `read_table`.
        size: rows a batch; of text files as many as their blocks hold.

    Raises:
        DataError: as `read_table`.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix in _TEXT:
        parts = text_parts(path, wanted)

        def tables() -> Iterator[Table]:
            for part in parts:
                yield _of_text(part, path.name)

        return Batches(path.name, parts.names, parts.num_rows, parts.sha256, tables)
    with reading(path):
        scanned = _lazily(path, suffix)
    rows = read_table(path).frame.lazy() if scanned is None else scanned
    with reading(path):
        names = tuple(rows.collect_schema().names())
        num_rows = rows.select(pl.len()).collect().item()
    if not num_rows or not names:
        raise _empty(path, has_columns=bool(names))
    slices = _slices(rows, path, num_rows, size)
    return Batches(path.name, names, num_rows, _sha256(path), slices)


def _lazily(path: Path, suffix: str) -> pl.LazyFrame | None:
    """The columns of a file that is read in any place; None of others."""
    if suffix in (".parquet", ".pq"):
        return files.scan_parquet(path)
    return files.scan_arrow(path) if suffix in (".arrow", ".feather", ".ipc") else None


def _slices(
    rows: pl.LazyFrame, path: Path, num_rows: int, size: int
) -> Callable[[], Iterator[Table]]:
    def tables() -> Iterator[Table]:
        for start in range(0, num_rows, size):
            with reading(path):
                frame = as_frame(rows.slice(start, size).collect())
            yield Table(frame, path.name, lines=np.arange(start, start + frame.height))

    return tables


def _empty(path: Path, *, has_columns: bool) -> DataError:
    return DataError(f"{path}: the table has no {'rows' if has_columns else 'columns'}.")


def as_table(data: Any) -> Table:
    """A `Table` as it is; a file's path is read, a frame of any library converted."""
    if isinstance(data, Table):
        return data
    return read_table(data) if isinstance(data, str | Path) else Table(as_frame(data))


def is_table_file(path: str | Path) -> bool:
    """Whether a name is that of a table, compressed or not."""
    name = Path(str(path).lower())
    return (name.with_suffix("") if name.suffix in SUFFIXES else name).suffix in TABLE_SUFFIXES


def _suffix(path: Path) -> str:
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")
    if not is_table_file(path):
        listed = ", ".join(TABLE_SUFFIXES)
        packed = ", ".join(SUFFIXES)
        raise DataError(
            f"{path}: no table by its suffix. Known: {listed}, text and JSON lines also with "
            f"{packed} behind; rename it to what it is."
        )
    name = Path(path.name.lower())
    return (name.with_suffix("") if name.suffix in SUFFIXES else name).suffix


def _sha256(path: Path) -> str:
    with Content(path) as content:
        return content.hash_all()
