"""A ledger whose rows vouch for themselves: what is read from it is what was written, or refused.

Every row ends with a hash of its table's name and its other values, so that a row which was
changed, swapped with another or copied under another name is known. The hashes guard against
accident, not against who computes them anew. A reader refuses a damaged ledger; a writer keeps
the rows that are whole in a new one.

Ledgers of kmlp 0.1.0 have no hashes. Their rows are taken as they are: refusing them would cost
their owners the networks, and a hash of what is there now vouches at least for the time from now
on. The format number says which kind a ledger is, and so does its table of files: no row of a
ledger with hashes is taken without one.
"""

import contextlib
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kmlp.errors import RunFolderError

logger = logging.getLogger(__name__)
AGAIN = "Run the same command again: it keeps what is whole and does the rest anew."
_FORMAT = 1
_SQL = {str: "TEXT", int: "INTEGER", float: "REAL"}
# Of SQLite: an error in a statement (a table or column that is gone), "malformed", a format that
# it does not know, "not a database". All else is a full disk, a lock or a permission.
_DAMAGE = (1, 11, 24, 26)
# The versions that writers and readers need, at byte 18 of the file: both 1, or in WAL mode 2.
_VERSIONS = (b"\1\1", b"\2\2")
Row = tuple[Any, ...]
T = TypeVar("T")


class DamagedLedgerError(RunFolderError):
    """A ledger is not what was written; `what` says in which way."""

    def __init__(self, path: Path, what: str) -> None:
        # SQLite repeats what it did not understand, lines and all.
        self.what = " ".join(what.split())
        super().__init__(f"{path}: {self.what}. {AGAIN}")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a ledger, but for the column of hashes that it ends with.

    Attributes:
        name: also what a row of it is called in a message.
        columns: their types by name; the first one names a row.
        key: the column that no two rows share, if any.
        is_sound: whether values are such as kmlp writes: of a row without a hash nothing else is
            known.
    """

    name: str
    columns: Mapping[str, type]
    key: str = ""
    is_sound: Callable[..., bool] = lambda *values: True

    @property
    def create(self) -> str:
        """The statement that makes it."""
        columns = [
            f"{name} {_SQL[kind]}{' PRIMARY KEY' * (name == self.key)} NOT NULL"
            for name, kind in self.columns.items()
        ]
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({', '.join(columns)}, seal TEXT NOT NULL);"

    @property
    def insert(self) -> str:
        """The statement that adds a row of given values with its hash."""
        names, given = ", ".join(self.columns), ", ".join(f"? AS {name}" for name in self.columns)
        # A numbered placeholder could be named twice, but takes no tuple from Python 3.14 on.
        row = f"SELECT {names}, seal('{self.name}', {names}) FROM (SELECT {given})"
        return f"INSERT OR REPLACE INTO {self.name} {row}"

    @property
    def seal_again(self) -> str:
        """The statement that hashes the row of a key again, after an update."""
        seal = f"seal('{self.name}', {', '.join(self.columns)})"
        return f"UPDATE {self.name} SET seal = {seal} WHERE {self.key} = ?"

    def select(self, has_hashes: bool, which: str = "ORDER BY rowid") -> str:
        """The statement that reads rows, their number in the table first."""
        columns = ", ".join([*self.columns, *(["seal"] if has_hashes else [])])
        return f"SELECT rowid, {columns} FROM {self.name} {which}"

    def is_whole(self, row: Row, has_hashes: bool) -> bool:
        """Whether a row, as `select` gives it but for its number, is what was written."""
        try:
            return self.is_sound(*self.sealed(row, has_hashes))
        except ValueError:
            return False

    def sealed(self, row: Row, has_hashes: bool) -> Row:
        """Its values; a ValueError where they are not those that were hashed."""
        values, found = row[: len(self.columns)], row[len(self.columns) :]
        is_typed = [type(v) for v in values] == list(self.columns.values())
        if not is_typed or found != (seal(self.name, *values),) * has_hashes:
            raise ValueError(f"not a {self.name}")
        return values

    def checked(self, *values: Any) -> Row:
        """The same values; a ValueError where kmlp would not write them."""
        if not self.is_sound(*values):
            raise ValueError(f"not a sound {self.name}")
        return values


Rows = Mapping[Table, Sequence[Row]]
FILE = Table("file", {"name": str, "sha256": str, "text": str})
"""The files that kmlp reads back; the text of those that are text."""


def seal(*values: Any) -> str:
    """The hash of a row.

    Example:
        >>> seal("trial", 0, "{}") == seal("trial", 0, "{ }")
        False
    """
    return hashlib.sha256(json.dumps(values, default=repr).encode()).hexdigest()


def schema(tables: Sequence[Table]) -> str:
    """Makes what is missing of these tables, all or none."""
    statements = [table.create for table in tables]
    return "\n".join(["BEGIN;", *statements, f"PRAGMA user_version = {_FORMAT};", "COMMIT;"])


class Ledger:
    """An SQLite file of such tables.

    Args:
        path: of the file, which may be missing.
        tables: what it holds.

    Attributes:
        has_lost: whether rows were lost when this object mended it.
    """

    def __init__(self, path: Path, tables: Sequence[Table]) -> None:
        self.path, self.tables = path, tuple(tables)
        self.has_lost = self._is_checked = False

    @contextlib.contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A connection; what was written is committed at the end.

        Raises:
            DamagedLedgerError: SQLite cannot make sense of the file.
            RunFolderError: SQLite refuses for another reason, such as a full disk.
        """
        try:
            with (
                contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection,
                connection,
            ):
                # What is no text any more fails its hash; it must not hide the rows beside it.
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
                connection.create_function("seal", -1, seal, deterministic=True)
                yield connection
        except UnicodeDecodeError as error:
            # Of the message that SQLite would have given, with a name that is no text any more.
            raise DamagedLedgerError(self.path, "damaged, not readable") from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
                raise DamagedLedgerError(self.path, str(error)) from error
            raise RunFolderError(f"{self.path}: {error}") from error

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[None]:
        """Meanwhile no connection is the last one, at whose close SQLite merges its log into the
        file: that takes longer than what is logged."""
        with contextlib.closing(sqlite3.connect(self.path, check_same_thread=False)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
            yield

    def rows(self, table: Table) -> list[Row]:
        """All rows of a table, without their hashes.

        Raises:
            DamagedLedgerError: one of them, or the file, is not what was written.
        """
        return self.parsed(table, table.checked)

    def parsed(self, table: Table, parse: Callable[..., T]) -> list[T]:
        """What is made of all rows, each read once; raises as `rows`. A ValueError of `parse`, of a
        row's values, stands for what the table's `is_sound` refuses."""
        if not self.path.exists():
            return []
        with self.connect() as connection:
            has_hashes = _has_hashes(connection)
            if not self._is_checked:
                self._check(connection, "quick_check", has_hashes)
            self._is_checked = True
            if not has_hashes and table.name not in _tables(connection):
                return []
            found = [row[1:] for row in connection.execute(table.select(has_hashes))]
        made, damaged = [], []
        for row in found:
            try:
                made.append(parse(*table.sealed(row, has_hashes)))
            except ValueError:
                damaged.append(row)
        if damaged:
            raise DamagedLedgerError(self.path, f"{_named(table, damaged)} is not what was written")
        return made

    def has_hashes(self) -> bool:
        """Whether its rows have hashes: not in a folder that kmlp 0.1.0 began."""
        if not self.path.exists():
            return False
        with self.connect() as connection:
            return _has_hashes(connection)

    def row(self, table: Table, key: str) -> Row | None:
        """The row of a key; None where there is none that is what was written."""
        if not self.path.exists():
            return None
        with self.connect() as connection:
            has_hashes = _has_hashes(connection)
            query = table.select(has_hashes, f"WHERE {table.key} = ?")
            for _, *found in connection.execute(query, (key,)):
                if found[0] == key and table.is_whole(tuple(found), has_hashes):
                    return tuple(found[: len(table.columns)])
        return None

    def mended(
        self, files: Mapping[str, bytes], after_loss: Callable[[Rows], Rows]
    ) -> bytes | None:
        """The content of a ledger to take this one's place; None where it needs none.

        That is of a damaged one with the rows that are whole, which is said; and of one that kmlp
        0.1.0 began with hashes for its rows.

        Args:
            files: the folder's files that kmlp reads back, by name; where no row vouches for
                one, it is taken as it is.
            after_loss: what is left to keep of the rows that are whole where others were lost.
        """
        if not self.path.exists() or not self.path.stat().st_size:
            return None
        has_hashes, is_old, reason = self._state()
        if reason and not has_hashes:
            # Without hashes none of its rows is known to be whole.
            raise RunFolderError(f"{self.path}: {reason}. Restore it from a copy.")
        found = {table: self._reachable(table, has_hashes) for table in self.tables}
        damaged = {t: rows for t, (_, rows) in found.items() if rows}
        if not reason and not damaged and not is_old:
            self._is_checked = True
            return None
        self.has_lost = bool(reason or damaged)
        self._tell(reason, damaged)
        rows: Rows = {table: whole for table, (whole, _) in found.items()}
        return self._fresh(after_loss(rows) if self.has_lost else rows, files)

    def _state(self) -> tuple[bool, bool, str]:
        """Whether rows have hashes, whether the format is old, and what is wrong with the file."""
        has_hashes, is_old = True, False
        with open(self.path, "rb") as file:
            versions = file.read(20)[18:]
        if versions not in _VERSIONS:
            return has_hashes, is_old, "not a ledger that can be written"
        try:
            with self.connect() as connection:
                has_hashes = _has_hashes(connection)
                is_old = _version(connection) < _FORMAT
                # More than readers ask for: a writer relies on the indexes too.
                self._check(connection, "integrity_check", has_hashes)
        except DamagedLedgerError as error:
            return has_hashes, is_old, error.what
        return has_hashes, is_old, ""

    def _reachable(self, table: Table, has_hashes: bool) -> tuple[list[Row], list[Row]]:
        """The rows of a table that are whole and those that are not, from either end of it as far
        as SQLite reads."""
        found: dict[int, Row] = {}
        for order in ("ASC", "DESC"):
            query = table.select(has_hashes, f"ORDER BY rowid {order}")
            with contextlib.suppress(DamagedLedgerError), self.connect() as connection:
                for number, *row in connection.execute(query):
                    found[number] = tuple(row)
        ordered = [found[number] for number in sorted(found)]
        whole = [r[: len(table.columns)] for r in ordered if table.is_whole(r, has_hashes)]
        return whole, [row for row in ordered if not table.is_whole(row, has_hashes)]

    def _tell(self, reason: str, damaged: Mapping[Table, Sequence[Row]]) -> None:
        if reason:
            logger.warning("%s: %s; going on with the rows that are whole", self.path, reason)
        for table, rows in damaged.items():
            logger.warning(
                "%s: %s is not what was written; it is left out, and done anew where it is needed",
                self.path,
                _named(table, rows),
            )

    def _fresh(self, rows: Rows, files: Mapping[str, bytes]) -> bytes:
        known = {name for name, *_ in rows[FILE]}
        adopted = [file_row(name, files[name]) for name in files if name not in known]
        with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
            fresh.create_function("seal", -1, seal, deterministic=True)
            fresh.executescript(schema(self.tables))
            for table, whole in {**rows, FILE: [*rows[FILE], *adopted]}.items():
                fresh.executemany(table.insert, whole)
            fresh.commit()
            return fresh.serialize()

    def _check(self, connection: sqlite3.Connection, how: str, has_hashes: bool) -> None:
        """The file's pages: a damaged one may hide rows, of which no hash would tell."""
        # A number as the pragma's argument would be a table's name to other versions of SQLite,
        # of which TensorFlow brings one along.
        for (found,) in connection.execute(f"SELECT * FROM pragma_{how} LIMIT 1"):
            if found != "ok":
                raise DamagedLedgerError(self.path, found)
        for table in self.tables if has_hashes else ():
            # That it is there, with its columns.
            connection.execute(table.select(has_hashes, "LIMIT 0"))


def file_row(name: str, content: bytes) -> Row:
    """The row of a file; its text is kept with it."""
    text = content.decode("utf-8", "replace") if not name.endswith(".npz") else ""
    return name, hashlib.sha256(content).hexdigest(), text


def _has_hashes(connection: sqlite3.Connection) -> bool:
    return _version(connection) != 0 or FILE.name in _tables(connection)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT * FROM pragma_user_version").fetchone()[0]


def _tables(connection: sqlite3.Connection) -> set[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return {name for (name,) in connection.execute(query)}


def _named(table: Table, rows: Sequence[Row]) -> str:
    """Rows in words, in one line whatever they hold."""
    names = [str(row[0])[:40].encode("unicode_escape").decode() for row in rows]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{table.name} {', '.join(names[:3])}{more}"
