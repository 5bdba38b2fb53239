"""What has been done, durable: a run folder with an SQLite ledger and one array file a member.

An array file is written under a temporary name, flushed, renamed and hashed before the row
that names it is committed, so a row never names what is not whole on disk. What is read back is
what was written, or is refused: see `kmlp.study.run_folder.integrity`.
"""

import contextlib
import hashlib
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.errors import KmlpError, RunFolderError
from kmlp.files import (
    ARRAY_FILES,
    RUN_FILES,
    STACK_FILES,
    make_folder,
    remove_files,
    sweep,
    write_atomically,
)
from kmlp.ownership import Kind, own_folder, refuse_foreign_folder
from kmlp.study.run_folder.array_files import ArrayFiles, arrays_in, npz
from kmlp.study.run_folder.integrity import FILE, Ledger, Rows, Table, schema
from kmlp.study.run_folder.kept_files import KeptFiles
from kmlp.study.run_folder.records import (
    ATTEMPT,
    EPOCH,
    MEMBER,
    MemberRecord,
    member_of,
    outputs_in,
)
from kmlp.study.run_folder.stack_log import StackLog

logger = logging.getLogger(__name__)
_LEDGER, _LABELS = "ledger.sqlite", "arrays/test_labels.npz"
_TRAIN_LABELS, IMPORTANCE = "arrays/train_labels.npz", "arrays/importance.npz"
METRIC, READINGS = "metric.json", "readings.json"


class RunFolder:
    """One run folder; reading never creates it.

    Example layout:
        study.toml  environment.json  ledger.sqlite  arrays/ID.npz  results.json  report.html
    """

    kind: Kind = "study"
    _TABLES: tuple[Table, ...] = (FILE, MEMBER, ATTEMPT, EPOCH)
    _READ_BACK: tuple[str, ...] = (
        *("study.toml", "environment.json", METRIC),
        *(_LABELS, _TRAIN_LABELS, IMPORTANCE, READINGS),
    )

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._ledger = Ledger(self.path / _LEDGER, self._TABLES)
        self._files = KeptFiles(self.path, self._ledger, self._READ_BACK)
        self.stacks = StackLog(self.path, self._ledger)
        self._arrays = ArrayFiles(self.path, self._ledger)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Creates the folder and holds its lock, which dies with its process.

        Raises:
            ForeignFolderError: it is someone else's; nothing there was touched.
            RunFolderError: another process works on it, or it cannot be written.
        """
        self.refuse_foreign()
        with self._lock():
            self._mend()
            with self._ledger.connect() as connection:
                # Readers see the last commit while a run writes.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(schema(self._TABLES))
            self._sweep()
            with self._ledger.kept_open():
                yield
            # One plain file again, which can be read from a place that cannot be written.
            with contextlib.suppress(RunFolderError), self._ledger.connect() as connection:
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
        for folder in self.stacks.folders():
            sweep(folder, STACK_FILES)

    def record(self, record: MemberRecord, arrays: Mapping[str, np.ndarray]) -> None:
        """Adds a finished member: its arrays first, then the row that names them."""
        self.record_all([(record, arrays)])

    def record_all(self, finished: Sequence[tuple[MemberRecord, Mapping[str, np.ndarray]]]) -> None:
        """Adds the members of a finished stack, all or none: a stack is never half recorded."""
        rows = []
        for record, arrays in finished:
            name, content = f"arrays/{record.id}.npz", npz(arrays)
            write_atomically(self.path / name, content)
            sha256 = hashlib.sha256(content).hexdigest()
            rows.append((record.id, record.to_json(), name, sha256))
            self._arrays.forget(record.id)
        with self._ledger.connect() as connection:
            connection.executemany(MEMBER.insert, rows)

    def records(self) -> dict[str, MemberRecord]:
        """All finished members by id.

        Raises:
            RunFolderError: one of them is not what was written.
        """
        found = self._ledger.parsed(MEMBER, member_of)
        self._arrays.expect({record.id: sha256 for record, sha256 in found})
        return {record.id: record for record, _ in found}

    def damaged(self, ids: Sequence[str]) -> list[str]:
        """Which of these finished members have arrays that are missing or changed."""
        return [id for id in ids if not self._arrays.is_whole(id)]

    def arrays(self, id: str) -> dict[str, np.ndarray]:
        """A finished member's arrays.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        return dict(self._read(id))

    def _read(self, id: str) -> Mapping[str, np.ndarray]:
        content = self._arrays.content(id)
        if content is None:
            raise RunFolderError(
                f"{self.path}/arrays/{id}.npz is missing or damaged. "
                "Run the study again: it trains what is missing."
            )
        return arrays_in(content)

    def test_outputs(self, id: str) -> np.ndarray:
        """A finished member's outputs on the test set, without its weights: `(n, num_classes)`
        log-probabilities, or `(n,)` numbers of a regression.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        return outputs_in(self._read(id))

    def write_test_labels(self, labels: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Keeps the test set's labels, `(n,)`, and weights beside the predictions of its rows."""
        more = {} if weight is None else {"weight": weight}
        self.write_arrays(_LABELS, {"labels": labels, **more})

    def test_labels(self) -> np.ndarray:
        """The test set's labels, `(n,)`.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        return self.read_arrays(_LABELS)["labels"]

    def row_weights(self, part: str = "test") -> np.ndarray | None:
        """How much each row of "test" or "train" counts, `(n,)`; None where all count alike."""
        return self.read_arrays(_LABELS if part == "test" else _TRAIN_LABELS).get("weight")

    def write_train_labels(self, labels: np.ndarray, weight: np.ndarray | None = None) -> None:
        """Keeps those of the training set, `(n,)`: folds and validation rows are some of it."""
        more = {} if weight is None else {"weight": weight}
        self.write_arrays(_TRAIN_LABELS, {"labels": labels, **more})

    @property
    def has_train_labels(self) -> bool:
        """Not in folders of earlier releases."""
        return (self.path / _TRAIN_LABELS).is_file()

    def train_labels(self) -> np.ndarray:
        """What `write_train_labels` wrote; raises as `test_labels`."""
        return self.read_arrays(_TRAIN_LABELS)["labels"]

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keeps arrays of the whole study in a file that is read back."""
        self._write(name, npz(arrays))

    def read_arrays(self, name: str) -> dict[str, np.ndarray]:
        """What `write_arrays` wrote.

        Raises:
            RunFolderError: they are missing or not what was written.
        """
        path = self.path / name
        content = path.read_bytes() if path.is_file() else b""
        try:
            if not self._files.is_changed(name, content):
                with np.load(io.BytesIO(content), allow_pickle=False) as file:
                    return dict(file)
        except KmlpError:
            raise
        # A folder of kmlp 0.1.0 has no hash of them: NumPy meets whatever damage there is.
        except Exception:
            logger.debug("%s cannot be read", path, exc_info=True)
        raise RunFolderError(
            f"{path} is missing or damaged. Run the study again: it writes them anew."
        )

    def forget_damaged(self, name: str) -> None:
        """Removes such a file if it is not what was written: it is made anew."""
        try:
            self.read_arrays(name)
        except RunFolderError:
            self.forget(name)

    def forget(self, name: str) -> None:
        """Removes what is found out anew once it is wanted."""
        place = self.path / name
        remove_files(place.parent, re.compile(re.escape(place.name)))

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

    def kept_text(self, name: str) -> str | None:
        """As `read_text`, of a file that is read back; None where it was never written."""
        if self._files.text(name) is None and not (self.path / name).exists():
            return None
        return self.read_text(name)

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
        for ending in ("-wal", "-shm", "-journal"):
            # Of the old ledger: SQLite would apply it to the new one.
            path.with_name(_LEDGER + ending).unlink(missing_ok=True)
        write_atomically(path, content)
