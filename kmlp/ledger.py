"""What has been done, durable: a run folder with an SQLite ledger and one array file a member.

An array file is written under a temporary name, flushed, renamed and hashed before the row
that names it is committed, so a row never names what is not whole on disk. What is read back is
what was written, or is refused: see `kmlp.integrity`.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.errors import KmlpError, RunFolderError
from kmlp.integrity import FILE, Ledger, Rows, Table, schema
from kmlp.kept_files import KeptFiles
from kmlp.records import ATTEMPT, EPOCH, MEMBER, MemberRecord

logger = logging.getLogger(__name__)
# A kill from outside looks like a member that ends its process. So a stack is tried twice as it is
# before its members must prove themselves alone; who ends the process there twice is given up.
ATTEMPTS_TOGETHER = ATTEMPTS_ALONE = 2
_MEMBERS = "members.json"
# Counted up when a stack's snapshot changes its layout: what an older kmlp left is passed over.
_CHECKPOINT_FORMAT = 1
_LEDGER, _LABELS = "ledger.sqlite", "arrays/test_labels.npz"


class RunFolder:
    """One run folder; reading never creates it.

    Example layout:
        study.toml  environment.json  ledger.sqlite  arrays/ID.npz  results.json  report.html
    """

    _TABLES: tuple[Table, ...] = (FILE, MEMBER, ATTEMPT, EPOCH)
    _READ_BACK: tuple[str, ...] = ("study.toml", "environment.json", _LABELS)

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._ledger = Ledger(self.path / _LEDGER, self._TABLES)
        self._files = KeptFiles(self.path, self._ledger, self._READ_BACK)
        # What was found whole, by member: no file is hashed twice.
        self._whole: dict[str, tuple[int, ...]] = {}

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
            self._mend()
            with self._connect() as connection:
                # Readers see the last commit while a run writes.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(schema(self._TABLES))
            for leftover in self.path.rglob(".*.tmp"):
                leftover.unlink()
            yield
            # One plain file again, which can be read from a place that cannot be written.
            with contextlib.suppress(RunFolderError), self._connect() as connection:
                connection.execute("PRAGMA journal_mode = DELETE")

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
            self._whole.pop(record.id, None)
        with self._connect() as connection:
            connection.executemany(MEMBER.insert, rows)

    def records(self) -> dict[str, MemberRecord]:
        """All finished members by id.

        Raises:
            RunFolderError: one of them is not what was written.
        """
        rows = self._ledger.rows(MEMBER)
        return {id: MemberRecord.read(record) for id, record, *_ in rows}

    def begin_stack(self, ids: Sequence[str]) -> None:
        """Notes who trains together, and counts the attempt before it starts."""
        folder = self.checkpoint_folder(ids)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _MEMBERS, json.dumps(list(ids)).encode())
        with self._connect() as connection:
            connection.executemany(
                "INSERT INTO attempt VALUES (?, 1, 1, 0, '') ON CONFLICT (id) "
                "DO UPDATE SET begun = begun + 1, barren = barren + 1",
                [(id,) for id in ids],
            )
            connection.executemany(ATTEMPT.seal_again, [(id,) for id in ids])

    def withdraw_attempts(self, ids: Iterable[str]) -> None:
        """Takes back attempts of these members that ended by an error, not with their process."""
        own = [(id,) for id in ids]
        with self._connect() as connection:
            connection.executemany(
                "UPDATE attempt SET barren = max(barren - 1, 0) WHERE id = ?", own
            )
            connection.executemany(ATTEMPT.seal_again, own)

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
            connection.execute(EPOCH.insert, row)
            connection.executemany(
                # Alone, only what is further than where it died is progress.
                "UPDATE attempt SET barren = CASE WHEN barren <= ? OR furthest < ? THEN 0 "
                "ELSE barren END, furthest = max(furthest, ?) WHERE id = ?",
                [(ATTEMPTS_TOGETHER, epoch, epoch, id) for id in ids],
            )
            connection.executemany(ATTEMPT.seal_again, [(id,) for id in ids])

    def attempts(self) -> dict[str, int]:
        """How often each member was begun."""
        return {id: begun for id, begun, *_ in self._ledger.rows(ATTEMPT)}

    def furthest_epoch(self, ids: Sequence[str]) -> int:
        """The last epoch that any of these members has finished in any attempt, 0 before."""
        furthest = {id: epoch for id, *_, epoch in self._ledger.rows(ATTEMPT)}
        return max(furthest.get(id, 0) for id in ids)

    def begun_stacks(self) -> list[list[str]]:
        """The ids of every stack that was begun and has not been recorded, oldest name first.

        A note that is damaged is passed over: its members are trained in a stack that is new.
        """
        notes = sorted(self.path.glob(f"checkpoints/*/{_MEMBERS}"))
        return [ids for note in notes if (ids := self._noted(note)) is not None]

    def forget_stacks(self) -> None:
        """Removes what is left of stacks: every member is recorded or given up."""
        for name in ("checkpoints", "paused"):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def barren_attempts(self) -> dict[str, int]:
        """How often in a row a member was begun and its process ended before one more epoch."""
        rows = self._ledger.rows(ATTEMPT)
        return {id: barren for id, _, barren, _ in rows if barren > 0}

    def num_epochs_logged(self) -> int:
        """Member-epochs trained in this folder so far, those that a kill lost included."""
        return sum(num_members for *_, num_members in self._ledger.rows(EPOCH))

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
        self._write(_LABELS, _npz({"labels": labels}))

    def test_labels(self) -> np.ndarray:
        """The test set's labels, `(n,)`.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        path = self.path / _LABELS
        content = path.read_bytes() if path.is_file() else b""
        try:
            if not self._files.is_changed(_LABELS, content):
                with np.load(io.BytesIO(content), allow_pickle=False) as file:
                    return file["labels"]
        except KmlpError:
            raise
        # A folder of kmlp 0.1.0 has no hash of them: NumPy meets whatever damage there is.
        except Exception:
            logger.debug("%s cannot be read", path, exc_info=True)
        raise RunFolderError(
            f"{path} is missing or damaged. Run the study again: it writes them anew."
        )

    def write_text(self, name: str, text: str) -> Path:
        """Writes a text file of the folder atomically."""
        return self._write(name, text.encode("utf-8"))

    def _write(self, name: str, content: bytes) -> Path:
        """Writes a file; of one that is read back the ledger knows what it holds."""
        if name in self._READ_BACK:
            self._files.announce(name, content)
        write_atomically(self.path / name, content)
        if name in self._READ_BACK:
            self._files.settle(name)
        return self.path / name

    def read_text(self, name: str) -> str:
        """A text file of the folder; of one that is read back what the ledger keeps of it.

        Raises:
            RunFolderError: the folder or the file is not there, or cannot be read.
        """
        path = self.path / name
        if name in self._READ_BACK and (kept := self._files.text(name)) is not None:
            return kept
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise RunFolderError(f"{self.path}: no {name}; is this a run folder?") from None
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path}: cannot be read: {error}") from error

    def refuse_changed(self, *names: str) -> None:
        """Refuses files that are missing or were changed since kmlp wrote them.

        Raises:
            RunFolderError: with what differs, and what to do.
        """
        for name in names:
            self._files.check(name)

    @property
    def has_hashes(self) -> bool:
        """Whether what is read is known to be what was written; not in folders of kmlp 0.1.0."""
        return self._ledger.has_hashes()

    def write_json(self, name: str, value: Any) -> Path:
        """Writes a JSON file of the folder atomically."""
        return self.write_text(name, json.dumps(value, indent=1, allow_nan=False) + "\n")

    def read_json(self, name: str) -> Any:
        """Reads a JSON file of the folder, as `read_text`.

        Raises:
            RunFolderError: the folder or the file is not there, or it is no JSON.
        """
        text = self.read_text(name)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RunFolderError(f"{self.path / name}: cannot be read: {error}") from error

    def _noted(self, note: Path) -> list[str] | None:
        """Who trains together by a note, which lies in the folder of just these members."""
        try:
            ids = json.loads(note.read_text(encoding="utf-8"))
            if isinstance(ids, list) and self.checkpoint_folder(ids) == note.parent:
                return ids
        except (OSError, ValueError, TypeError, RecursionError):
            pass
        logger.warning("%s is not what was written; its stack is trained anew", note)
        return None

    def _is_whole(self, id: str) -> bool:
        row = self._ledger.row(MEMBER, id)
        path = self.path / "arrays" / f"{id}.npz"
        if row is None or not path.is_file():
            return False
        found = path.stat()
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._whole.get(id) != state:
            if hashlib.sha256(path.read_bytes()).hexdigest() != row[3]:
                return False
            self._whole[id] = state
        return True

    def _after_loss(self, rows: Rows) -> Rows:
        """What is left to keep of a ledger's rows where some were lost: here each stands alone."""
        return rows

    def _mend(self) -> None:
        """Puts a ledger with the rows that are whole in the place of one that is damaged or has no
        hashes yet; a damaged one is kept beside it."""
        path = self._ledger.path
        content = self._ledger.mended(self._files.as_they_are(), self._after_loss)
        if content is None:
            return
        if self._ledger.has_lost:
            write_atomically(path.with_suffix(".damaged"), path.read_bytes())
        for left in path.parent.glob(f"{_LEDGER}-*"):
            # Of the old ledger: SQLite would apply it to the new one.
            left.unlink()
        write_atomically(path, content)

    def _connect(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._ledger.connect()


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def write_atomically(path: Path, *parts: bytes | memoryview) -> None:
    """Writes a file of these parts so that it is either the old or the new one, whole, whatever
    happens.

    Raises:
        OSError: it cannot be written; the error names it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def flush_folder(folder: Path) -> None:
    """Flushes a folder's names to the disk: a rename outlives a power cut only after this."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
