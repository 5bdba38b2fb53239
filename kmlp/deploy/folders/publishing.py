"""A model's next version: written aside, renamed when whole, taken back where it fails."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from kmlp.deploy.serving import versions
from kmlp.files import flush_folder, make_folder, remove_files
from kmlp.ownership import own_folder

CARD, MANIFEST = "model_card.md", "manifest.json"


def publish(target: Path, written: Mapping[str, str], write: Callable[[Path], None]) -> Path:
    """The folder of the next version.

    Args:
        target: the model's folder.
        written: by the folder in a version the names, as a pattern, of what is written there: by
            these one that fails is taken back.
        write: writes a version into the folder that it is given.
    """
    own_folder(target, "model")
    aside = target / f".writing-{secrets.token_hex(8)}"
    make_folder(aside)
    try:
        write(aside)
        _flush(aside)
        version = _renamed(aside, target)
        flush_folder(target)
        return version
    except BaseException:
        _take_back(aside, written)
        raise


def _take_back(aside: Path, written: Mapping[str, str]) -> None:
    """Removes what was written of a version that failed."""
    for folder, names in written.items():
        with contextlib.suppress(OSError):
            remove_files(aside / folder, re.compile(names))


def _renamed(aside: Path, target: Path) -> Path:
    """Renames to the next free number; another export may take one in between."""
    while True:
        number = max(versions(target), default=0) + 1
        # What is no version but has its name, as an empty folder, is somebody's: it stays.
        while os.path.lexists(version := target / str(number)):
            number += 1
        try:
            os.rename(aside, version)
            return version
        except OSError:
            if not version.exists():
                raise


def _flush(folder: Path) -> None:
    """Flushes all files to the disk, so that the version's name comes after its content."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            flush_folder(path)
        else:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    flush_folder(folder)
