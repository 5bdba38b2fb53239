"""Checkpoints of one stack in training: whole or not there, the last two kept.

A file is the sha256 of its content, then the content (NumPy's .npz, without pickle); it is
written under a temporary name, flushed and renamed.
"""

import hashlib
import io
import logging
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kmlp.files import (
    CHECKPOINTS,
    STACK_FILES,
    files_in,
    make_folder,
    remove_files,
    write_atomically,
)

logger = logging.getLogger(__name__)
_DIGEST_BYTES = 32
_KEEP = 2
_LONGEST_SECONDS = 60.0
EVERY_SECONDS, LARGEST_SHARE = 30.0, 0.03


class Checkpoints:
    """The checkpoints of one stack, in a folder of its own.

    Args:
        folder: made at the first save.
        every_seconds: least time between two saves; longer where saving would take a larger
            share of the time, but never so long that a minute passes without one, if epochs are
            shorter.
        every_epoch_until: up to this epoch each one is saved.
        largest_share: of the time that saving may take.
    """

    def __init__(
        self,
        folder: Path,
        every_seconds: float = EVERY_SECONDS,
        every_epoch_until: int = 0,
        largest_share: float = LARGEST_SHARE,
    ) -> None:
        self.folder, self.largest_share = folder, largest_share
        self.every_seconds, self.every_epoch_until = every_seconds, every_epoch_until
        self._pause = every_seconds
        self._saved = self._asked = time.monotonic()

    def due(self, epoch: int) -> bool:
        """Whether to save now, at the end of this epoch."""
        now = time.monotonic()
        lasted, self._asked = now - self._asked, now
        too_late_next_time = now - self._saved + lasted > _LONGEST_SECONDS
        is_time = now - self._saved >= self._pause
        return epoch <= self.every_epoch_until or is_time or too_late_next_time

    def save(self, epoch: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes a checkpoint and drops all but the last two."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        make_folder(self.folder)
        # Not joined, and no `getvalue`: each would be one more copy of all weights.
        with buffer.getbuffer() as content:
            digest = hashlib.sha256(content).digest()
            write_atomically(self.folder / f"{epoch:06d}.checkpoint", digest, content)
        for path in self.paths()[:-_KEEP]:
            path.unlink(missing_ok=True)
        self.note_saved()

    def note_saved(self) -> None:
        """What saving took decides when it is done next."""
        self._saved = time.monotonic()
        # Since `due` was asked: the copy from the device included.
        spent = self._saved - self._asked
        self._pause = max(self.every_seconds, spent / self.largest_share)

    def load(self, until: int | None = None) -> dict[str, np.ndarray] | None:
        """The newest checkpoint that is whole; a damaged one is passed over with a notice.

        Args:
            until: pass over those of a later epoch.
        """
        for path in reversed(self.paths()):
            if until is not None and int(path.stem) > until:
                continue
            with open(path, "rb") as file:
                digest = file.read(_DIGEST_BYTES)
                if hashlib.file_digest(file, "sha256").digest() == digest:
                    file.seek(_DIGEST_BYTES)
                    with np.load(file, allow_pickle=False) as arrays:
                        return dict(arrays)
            logger.warning("%s is damaged; going on from the one before", path)
        return None

    def remove(self) -> None:
        """Removes all of them, and the note of who trains: the stack's results are recorded."""
        remove_files(self.folder, STACK_FILES)

    def paths(self) -> list[Path]:
        """Their files, the oldest first."""
        return sorted(files_in(self.folder, CHECKPOINTS), key=lambda path: int(path.stem))
