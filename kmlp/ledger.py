"""What has been done, durable: a run folder with an SQLite ledger and one array file a member.

An array file is written under a temporary name, flushed, renamed and hashed before the row
that names it is committed, so a row never names what is not whole on disk.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.errors import RunFolderError

_MEMBERS = "members.json"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    arrays TEXT NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempt (
    id TEXT PRIMARY KEY,
    begun INTEGER NOT NULL,
    barren INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS epoch (
    stack TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    num_members INTEGER NOT NULL
);
"""


@dataclass(frozen=True, kw_only=True)
class MemberRecord:
    """A finished member: plain values; its arrays are read with `RunFolder.arrays`.

    Attributes:
        id: see `Member.id`.
        status: "done" or "diverged".
        best_epoch, stopped_epoch: counted from 1.
        metrics: `train`, `val`, `test` -> metric -> value.
        seconds: its share of its stack's wall time.
    """

    id: str
    status: str
    best_epoch: int
    stopped_epoch: int
    metrics: Mapping[str, Mapping[str, float]]
    seconds: float


class RunFolder:
    """One run folder; reading never creates it.

    Example layout:
        study.toml  environment.json  ledger.sqlite  arrays/ID.npz  results.json  report.html
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Creates the folder and holds its lock, which dies with its process.

        Raises:
            RunFolderError: another process works on it, or it cannot be written.
        """
        import filelock

        try:
            (self.path / "arrays").mkdir(parents=True, exist_ok=True)
            held = filelock.FileLock(self.path / ".lock", blocking=False).acquire()
        except filelock.Timeout:
            raise RunFolderError(
                f"{self.path}: another process is working on this run folder. "
                "Wait for it, or name another folder with --out."
            ) from None
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        with held:
            with self._connect() as connection:
                # Readers see the last commit while a run writes.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
            for leftover in self.path.rglob(".*.tmp"):
                leftover.unlink()
            yield

    def record(self, record: MemberRecord, arrays: Mapping[str, np.ndarray]) -> None:
        """Adds a finished member: its arrays first, then the row that names them."""
        name, content = f"arrays/{record.id}.npz", _npz(arrays)
        write_atomically(self.path / name, content)
        row = (record.id, json.dumps(vars(record)), name, hashlib.sha256(content).hexdigest())
        with self._connect() as connection:
            connection.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)", row)

    def records(self) -> dict[str, MemberRecord]:
        """All finished members by id."""
        if not (self.path / "ledger.sqlite").exists():
            return {}
        with self._connect() as connection:
            rows = connection.execute("SELECT id, record FROM member").fetchall()
        return {id: MemberRecord(**json.loads(record)) for id, record in rows}

    def begin_stack(self, ids: Sequence[str]) -> None:
        """Notes who trains together, and counts the attempt before it starts."""
        folder = self.checkpoint_folder(ids)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _MEMBERS, json.dumps(list(ids)).encode())
        with self._connect() as connection:
            connection.executemany(
                "INSERT INTO attempt VALUES (?, 1, 1) ON CONFLICT (id) "
                "DO UPDATE SET begun = begun + 1, barren = barren + 1",
                [(id,) for id in ids],
            )

    def log_epoch(self, ids: Sequence[str], epoch: int) -> None:
        """Logs that a stack finished an epoch (from 1) with these members running."""
        with self._connect() as connection:
            # Not flushed to the disk: a kill loses nothing, a power cut the last few lines.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("INSERT INTO epoch VALUES (?, ?, ?)", (ids[0], epoch, len(ids)))
            connection.executemany(
                "UPDATE attempt SET barren = 0 WHERE id = ?", [(i,) for i in ids]
            )

    def begun_stacks(self) -> list[list[str]]:
        """The ids of every stack that was begun and has not been recorded, oldest name first."""
        notes = sorted(self.path.glob(f"checkpoints/*/{_MEMBERS}"))
        return [json.loads(note.read_text(encoding="utf-8")) for note in notes]

    def forget_stacks(self) -> None:
        """Removes what is left of stacks: every member is recorded or given up."""
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)

    def barren_attempts(self) -> dict[str, int]:
        """How often in a row a member was begun and its process ended before one more epoch."""
        if not (self.path / "ledger.sqlite").exists():
            return {}
        with self._connect() as connection:
            query = "SELECT id, barren FROM attempt WHERE barren > 0"
            return dict(connection.execute(query).fetchall())

    def num_epochs_logged(self) -> int:
        """Member-epochs trained in this folder so far, those that a kill lost included."""
        with self._connect() as connection:
            return connection.execute("SELECT sum(num_members) FROM epoch").fetchone()[0] or 0

    def checkpoint_folder(self, ids: Sequence[str]) -> Path:
        """Where the checkpoints of a stack of these members lie."""
        return self.path / "checkpoints" / "-".join([ids[0], ids[-1], str(len(ids))])

    def damaged(self, ids: Sequence[str]) -> list[str]:
        """Which of these finished members have arrays that are missing or changed."""
        return [id for id in ids if not self._is_whole(id)]

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """A finished member's arrays.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        if not self._is_whole(id):
            raise RunFolderError(
                f"{self.path}/arrays/{id}.npz is missing or damaged. "
                "Run the study again: it trains what is missing."
            )
        with np.load(self.path / "arrays" / f"{id}.npz", allow_pickle=False) as file:
            return dict(file)

    def write_test_labels(self, labels: np.ndarray) -> None:
        """Keeps the test set's labels, `(n,)`, beside the predictions they belong to."""
        write_atomically(self.path / "arrays" / "test_labels.npz", _npz({"labels": labels}))

    def test_labels(self) -> np.ndarray:
        """The test set's labels, `(n,)`."""
        with np.load(self.path / "arrays" / "test_labels.npz", allow_pickle=False) as file:
            return file["labels"]

    def write_text(self, name: str, text: str) -> Path:
        """Writes a text file of the folder atomically."""
        write_atomically(self.path / name, text.encode("utf-8"))
        return self.path / name

    def write_json(self, name: str, value: Any) -> Path:
        """Writes a JSON file of the folder atomically."""
        return self.write_text(name, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """Reads a JSON file of the folder.

        Raises:
            RunFolderError: the folder or the file is not there, or it is no JSON.
        """
        path = self.path / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunFolderError(f"{self.path}: no {name}; is this a run folder?") from None
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path}: cannot be read: {error}") from error

    def _is_whole(self, id: str) -> bool:
        if not (self.path / "ledger.sqlite").exists():
            return False
        with self._connect() as connection:
            row = connection.execute(
                "SELECT arrays, sha256 FROM member WHERE id = ?", (id,)
            ).fetchone()
        if row is None or not (self.path / row[0]).is_file():
            return False
        return hashlib.sha256((self.path / row[0]).read_bytes()).hexdigest() == row[1]

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        ledger = self.path / "ledger.sqlite"
        try:
            with contextlib.closing(sqlite3.connect(ledger, timeout=30)) as connection, connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise RunFolderError(f"{ledger}: {error}") from error


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that it is either the old or the new one, whole, whatever happens."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
