"""What has been done, durable: a run folder with an SQLite ledger and one array file a member.

An array file is written under a temporary name, flushed, renamed and hashed before the row
that names it is committed, so a row never names what is not whole on disk.
"""

import contextlib
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.errors import RunFolderError
from kmlp.files import (
    ARRAY_FILES,
    RUN_FILES,
    STACK_FILES,
    STACK_FOLDERS,
    folders_in,
    make_folder,
    remove_empty,
    remove_files,
    sweep,
    write_atomically,
)
from kmlp.ownership import Kind, own_folder, refuse_foreign_folder

# A kill from outside looks like a member that ends its process. So a stack is tried twice as it is
# before its members must prove themselves alone; who ends the process there twice is given up.
ATTEMPTS_TOGETHER = ATTEMPTS_ALONE = 2
_MEMBERS = "members.json"
# Counted up when a stack's snapshot changes its layout: what an older kmlp left is passed over.
_CHECKPOINT_FORMAT = 1
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
    barren INTEGER NOT NULL,
    furthest INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS epoch (
    stack TEXT NOT NULL, -- its checkpoints' folder
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
        metrics: `train`, `val`, and `test` or, in cross-validation, `fold` -> metric -> value.
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

    kind: Kind = "study"

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Creates the folder and holds its lock, which dies with its process.

        Raises:
            ForeignFolderError: it is someone else's; nothing there was touched.
            RunFolderError: another process works on it, or it cannot be written.
        """
        self.refuse_foreign()
        with self._lock():
            with self._connect() as connection:
                # Readers see the last commit while a run writes.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
            self._sweep()
            yield
            # One plain file again, which can be read from a place that cannot be written.
            with contextlib.suppress(RunFolderError), self._connect() as connection:
                connection.execute("PRAGMA journal_mode = DELETE")

    def refuse_foreign(self) -> None:
        """Refuses a folder that is not this kind's to write; touches nothing.

        Raises:
            ForeignFolderError: with what it holds.
        """
        refuse_foreign_folder(self.path, self.kind)

    def own(self) -> None:
        """Makes the folder where it is missing, and marks it."""
        own_folder(self.path, self.kind)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        import filelock

        try:
            make_folder(self.path)
            held = filelock.FileLock(self.path / ".lock", blocking=False).acquire()
        except filelock.Timeout:
            raise RunFolderError(
                f"{self.path}: another process is working on this run folder. "
                "Wait for it, or name another folder with --out."
            ) from None
        except OSError as error:
            raise RunFolderError(f"{self.path}: cannot be written: {error.strerror}") from error
        with held:
            # Only now nobody else can mark it as something else.
            self.own()
            make_folder(self.path / "arrays")
            yield

    def _sweep(self) -> None:
        """Removes the temporary files that a killed process left: only where it makes them, and
        not of run folders inside this one, which may be at work."""
        sweep(self.path, RUN_FILES)
        sweep(self.path / "arrays", ARRAY_FILES)
        for folder in self._stack_folders():
            sweep(folder, STACK_FILES)

    def _stack_folders(self) -> list[Path]:
        roots = [self.path / name for name in ("checkpoints", "paused")]
        return [folder for root in roots for folder in folders_in(root, STACK_FOLDERS)]

    def record(self, record: MemberRecord, arrays: Mapping[str, np.ndarray]) -> None:
        """Adds a finished member: its arrays first, then the row that names them."""
        self.record_all([(record, arrays)])

    def record_all(self, finished: Sequence[tuple[MemberRecord, Mapping[str, np.ndarray]]]) -> None:
        """Adds the members of a finished stack, all or none: a stack is never half recorded."""
        rows = []
        for record, arrays in finished:
            name, content = f"arrays/{record.id}.npz", _npz(arrays)
            write_atomically(self.path / name, content)
            sha256 = hashlib.sha256(content).hexdigest()
            rows.append((record.id, json.dumps(vars(record)), name, sha256))
        with self._connect() as connection:
            connection.executemany("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?)", rows)

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
        make_folder(folder)
        write_atomically(folder / _MEMBERS, json.dumps(list(ids)).encode())
        with self._connect() as connection:
            connection.executemany(
                "INSERT INTO attempt VALUES (?, 1, 1, 0) ON CONFLICT (id) "
                "DO UPDATE SET begun = begun + 1, barren = barren + 1",
                [(id,) for id in ids],
            )

    def withdraw_attempts(self, ids: Iterable[str]) -> None:
        """Takes back attempts of these members that ended by an error, not with their process."""
        with self._connect() as connection:
            connection.executemany(
                "UPDATE attempt SET barren = max(barren - 1, 0) WHERE id = ?", [(i,) for i in ids]
            )

    def log_epoch(self, ids: Sequence[str], epoch: int, num_members: int) -> None:
        """Logs that the stack of these members finished an epoch (from 1).

        Args:
            ids: all members of the stack, those that have stopped included.
            epoch: which one.
            num_members: how many of them it trained.
        """
        with self._connect() as connection:
            # Not flushed to the disk: a kill loses nothing, a power cut the last few lines.
            connection.execute("PRAGMA synchronous = NORMAL")
            row = (self.checkpoint_folder(ids).name, epoch, num_members)
            connection.execute("INSERT INTO epoch VALUES (?, ?, ?)", row)
            connection.executemany(
                # Alone, only what is further than where it died is progress.
                "UPDATE attempt SET barren = CASE WHEN barren <= ? OR furthest < ? THEN 0 "
                "ELSE barren END, furthest = max(furthest, ?) WHERE id = ?",
                [(ATTEMPTS_TOGETHER, epoch, epoch, id) for id in ids],
            )

    def attempts(self) -> dict[str, int]:
        """How often each member was begun."""
        with self._connect() as connection:
            return dict(connection.execute("SELECT id, begun FROM attempt").fetchall())

    def furthest_epoch(self, ids: Sequence[str]) -> int:
        """The last epoch that any of these members has finished in any attempt, 0 before."""
        with self._connect() as connection:
            query = "SELECT id, furthest FROM attempt"
            furthest = dict(connection.execute(query).fetchall())
        return max(furthest.get(id, 0) for id in ids)

    def begun_stacks(self) -> list[list[str]]:
        """The ids of every stack that was begun and has not been recorded, oldest name first."""
        notes = sorted(self.path.glob(f"checkpoints/*/{_MEMBERS}"))
        return [json.loads(note.read_text(encoding="utf-8")) for note in notes]

    def forget_stacks(self) -> None:
        """Removes what is left of stacks: every member is recorded or given up."""
        for folder in self._stack_folders():
            with contextlib.suppress(OSError):
                remove_files(folder, STACK_FILES)
        for name in ("checkpoints", "paused"):
            remove_empty(self.path / name)

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
        """Where the checkpoints of a stack of these members lie: named by all of them, in their
        order, for another stack's weights would fit."""
        name = hashlib.sha256(" ".join([*ids, str(_CHECKPOINT_FORMAT)]).encode()).hexdigest()
        return self.path / "checkpoints" / name[:16]

    def paused_folder(self, ids: Sequence[str]) -> Path:
        """Where a stack that is trained in several rounds keeps what it goes on from."""
        return self.path / "paused" / self.checkpoint_folder(ids).name

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
