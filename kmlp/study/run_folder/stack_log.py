"""Stacks in training, as a run folder keeps them: who trains together, how often, how far.

A note lies with a stack's checkpoints; attempts and epochs are rows of the ledger.
"""

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from kmlp.files import (
    STACK_FILES,
    STACK_FOLDERS,
    files_in,
    folders_in,
    make_folder,
    remove_empty,
    remove_files,
    write_atomically,
)
from kmlp.study.run_folder.integrity import Ledger
from kmlp.study.run_folder.records import ATTEMPT, EPOCH

logger = logging.getLogger(__name__)
# A kill from outside looks like a member that ends its process. So a stack is tried twice as it is
# before its members must prove themselves alone; who ends the process there twice is given up.
ATTEMPTS_TOGETHER = ATTEMPTS_ALONE = 2
_MEMBERS = "members.json"
_NOTE = re.compile(re.escape(_MEMBERS))
# Counted up when a stack's snapshot changes its layout: what an older kmlp left is passed over.
_CHECKPOINT_FORMAT = 1


class StackLog:
    """What a run folder knows of its stacks in training.

    Args:
        path: of the run folder.
        ledger: its ledger.
    """

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self.path, self._ledger = path, ledger

    def note(self, ids: Sequence[str]) -> None:
        """Notes who trains together: after a kill they do so again, begun or not, for numbers of
        another stack would differ by rounding."""
        folder = self.checkpoint_folder(ids)
        make_folder(folder)
        write_atomically(folder / _MEMBERS, json.dumps(list(ids)).encode())

    def begin(self, ids: Sequence[str]) -> None:
        """Notes who trains together, and counts the attempt before it starts."""
        self.note(ids)
        with self._ledger.connect() as connection:
            connection.executemany(
                "INSERT INTO attempt VALUES (?, 1, 1, 0, '') ON CONFLICT (id) "
                "DO UPDATE SET begun = begun + 1, barren = barren + 1",
                [(id,) for id in ids],
            )
            connection.executemany(ATTEMPT.seal_again, [(id,) for id in ids])

    def withdraw(self, ids: Iterable[str]) -> None:
        """Takes back attempts of these members that ended by an error, not with their process."""
        own = [(id,) for id in ids]
        with self._ledger.connect() as connection:
            connection.executemany(
                "UPDATE attempt SET barren = max(barren - 1, 0) WHERE id = ?", own
            )
            connection.executemany(ATTEMPT.seal_again, own)

    def log_epoch(
        self, ids: Sequence[str], epoch: int, num_members: int, *, is_new: bool = True
    ) -> None:
        """Logs that the stack of these members finished an epoch (from 1).

        Args:
            ids: all members of the stack, those that have stopped included.
            epoch: which one.
            num_members: how many of them it trained.
            is_new: whether this stack came so far for the first time in this process; else only
                what is further than ever is progress.
        """
        with self._ledger.connect() as connection:
            # Not flushed to the disk: a kill loses nothing, a power cut the last few lines.
            connection.execute("PRAGMA synchronous = NORMAL")
            row = (self.name_of(ids), epoch, num_members)
            connection.execute(EPOCH.insert, row)
            most = ATTEMPTS_TOGETHER if is_new else -1
            connection.executemany(
                # Alone, only what is further than where it died is progress.
                "UPDATE attempt SET barren = CASE WHEN barren <= ? OR furthest < ? THEN 0 "
                "ELSE barren END, furthest = max(furthest, ?) WHERE id = ?",
                [(most, epoch, epoch, id) for id in ids],
            )
            connection.executemany(ATTEMPT.seal_again, [(id,) for id in ids])

    def attempts(self) -> dict[str, int]:
        """How often each member was begun."""
        return {id: begun for id, begun, *_ in self._ledger.rows(ATTEMPT)}

    def furthest_epoch(self, ids: Sequence[str]) -> int:
        """The last epoch that any of these members has finished in any attempt, 0 before."""
        furthest = {id: epoch for id, *_, epoch in self._ledger.rows(ATTEMPT)}
        return max(furthest.get(id, 0) for id in ids)

    def noted(self) -> list[list[str]]:
        """The ids of every stack that was noted and has not been recorded, lowest name first.

        A note that is damaged is passed over: its members are trained in a stack that is new.
        """
        folders = folders_in(self.path / "checkpoints", STACK_FOLDERS)
        notes = [note for folder in folders for note in files_in(folder, _NOTE)]
        return [ids for note in notes if (ids := self._noted(note)) is not None]

    def forget(self) -> None:
        """Removes what is left of stacks: every member is recorded or given up."""
        for folder in self.folders():
            with contextlib.suppress(OSError):
                remove_files(folder, STACK_FILES)
        for name in ("checkpoints", "paused"):
            remove_empty(self.path / name)

    def attempts_without_progress(self) -> dict[str, int]:
        """How often in a row a member was begun and its process ended before one more epoch."""
        rows = self._ledger.rows(ATTEMPT)
        return {id: barren for id, _, barren, _ in rows if barren > 0}

    def given_up(self) -> frozenset[str]:
        """Ids of members that ended their process too often and are not tried again."""
        attempts = self.attempts_without_progress().items()
        most = ATTEMPTS_TOGETHER + ATTEMPTS_ALONE
        return frozenset(id for id, count in attempts if count >= most)

    def num_epochs_logged(self) -> int:
        """Member-epochs trained in this folder so far, those that a kill lost included."""
        return sum(num_members for *_, num_members in self._ledger.rows(EPOCH))

    def checkpoint_folder(self, ids: Sequence[str]) -> Path:
        """Where the checkpoints of a stack of these members lie."""
        return self.path / "checkpoints" / self.name_of(ids)

    @staticmethod
    def name_of(ids: Sequence[str]) -> str:
        """What a stack of these members is called: after all of them, in their order, for another
        stack's weights would fit."""
        name = hashlib.sha256(" ".join([*ids, str(_CHECKPOINT_FORMAT)]).encode()).hexdigest()
        return name[:16]

    def paused_folder(self, ids: Sequence[str]) -> Path:
        """Where a stack that is trained in several rounds keeps what it goes on from."""
        return self.path / "paused" / self.name_of(ids)

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

    def folders(self) -> list[Path]:
        roots = [self.path / name for name in ("checkpoints", "paused")]
        return [folder for root in roots for folder in folders_in(root, STACK_FOLDERS)]
