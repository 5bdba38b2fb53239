"""Checkpoints of stacks where every node reaches them: a shared folder, or an fsspec address."""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.trainer import Trainer
from kmlp.errors import ConfigError
from kmlp.files import CHECKPOINTS, make_folder

logger = logging.getLogger(__name__)


def checked(storage: str | Path) -> str:
    """A storage as nodes are told it: a folder's full path, or an address that takes files.

    Raises:
        ConfigError: the address cannot be written, or what reaches it is not installed.
    """
    if not is_address(storage):
        return str(Path(storage).absolute())
    try:
        files, there = _files_at(str(storage))
        files.makedirs(there, exist_ok=True)
        probe = below(there, f"probe-{os.urandom(8).hex()}")
        files.pipe_file(probe, b"kmlp")
        files.rm_file(probe)
    except Exception as error:  # Each kind of storage has errors of its own.
        raise ConfigError(
            f"--storage {storage} cannot be written: {type(error).__name__}: {error}. Give this "
            "machine and every node the rights to it, and install there what fsspec reaches it "
            "by; or name a folder that all of them see."
        ) from error
    return str(storage)


def is_address(storage: str | Path) -> bool:
    """Whether it is an address, as `s3://bucket/runs`, and no folder."""
    return "://" in str(storage)


def below(storage: str, *names: str) -> str:
    """What lies under a storage."""
    return "/".join((storage.rstrip("/"), *names))


def checkpoints_at(place: str, trainer: Trainer, own: Path, every_epoch_until: int) -> Checkpoints:
    """A stack's checkpoints at a place of the storage.

    Args:
        place: of this stack alone, a folder or an address.
        trainer: whose they are.
        own: a folder of this node, for an address.
        every_epoch_until: up to this epoch each one is saved.
    """
    if is_address(place):
        return StoredCheckpoints(trainer.checkpoints(own, every_epoch_until), place)
    return trainer.checkpoints(Path(place), every_epoch_until)


class StoredCheckpoints(Checkpoints):
    """Checkpoints of a folder on this node, whose copies at an address outlive it.

    A copy that was cut off is told by its digest, as a file is, and passed over.

    Args:
        own: those of this node.
        address: of this stack alone.
    """

    def __init__(self, own: Checkpoints, address: str) -> None:
        super().__init__(own.folder, own.every_seconds, own.every_epoch_until, own.largest_share)
        self.address = address
        self._files, self._there = _files_at(address)

    def save(self, epoch: int, arrays: Mapping[str, np.ndarray]) -> None:
        """As it is on this node; older copies go once the new one is there."""
        super().save(epoch, arrays)
        kept = {path.name: path for path in self.paths()}
        with self._reached():
            there = self._copies()
            self._files.makedirs(self._there, exist_ok=True)
            for name in sorted(kept.keys() - there):
                self._files.put_file(str(kept[name]), below(self._there, name))
            for name in there - kept.keys():
                self._files.rm_file(below(self._there, name))
        self.note_saved()

    def load(self, until: int | None = None) -> dict[str, np.ndarray] | None:
        """The newest that is whole, of this node or another one."""
        with self._reached():
            make_folder(self.folder)
            for name in self._copies():
                if not (own := self.folder / name).exists():
                    self._files.get_file(below(self._there, name), str(own))
        return super().load(until)

    def remove(self) -> None:
        """Those of this node, and the copies."""
        super().remove()
        with self._reached():
            if self._files.exists(self._there):
                self._files.rm(self._there, recursive=True)

    def _copies(self) -> set[str]:
        if not self._files.exists(self._there):
            return set()
        # What was listed before may be another node's by now.
        self._files.invalidate_cache()
        found = (str(p).rpartition("/")[2] for p in self._files.ls(self._there, detail=False))
        return {name for name in found if CHECKPOINTS.fullmatch(name)}

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Training goes on where the storage is away for a while: only copies are missing then."""
        try:
            yield
        except Exception as error:  # Each kind of storage has errors of its own.
            what = type(error).__name__
            logger.warning("%s cannot be reached: %s: %s", self.address, what, error)


def _files_at(address: str) -> tuple[Any, str]:
    import fsspec

    return fsspec.core.url_to_fs(address)
