"""Whose a folder is: kmlp marks those it makes, and refuses to write where others keep their own.

The mark is a file `.kmlp` that says of what kind the folder is. Folders that kmlp 0.1.0 made have
none; they are known by what they hold.
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from kmlp.errors import ForeignFolderError
from kmlp.files import is_temporary, make_folder, write_atomically

Kind = Literal["study", "search", "comparison", "report", "model"]
SEARCH_FOLDER = "search"
COMPARISON_NAMES = (
    *("figures", "tables", SEARCH_FOLDER),
    *("comparison.html", "comparison.pdf", "comparison.tex", "comparison-figures.pdf"),
)
"""What stands beside the studies' own folders where several are compared."""
PILOT_FOLDER = "pilot"
_HOLDS = {
    "study": "a study",
    "search": "a search",
    "comparison": "several studies",
    "report": "a report",
    "model": "an exported model",
}
_MARK, _FORMAT = ".kmlp", 1
_TABLES = {"member", "attempt", "epoch"}
_HALF_EXPORT = re.compile(r"\.writing-[a-z0-9_]{8,16}")
_OTHER = "Name another folder with --out."


def refuse_foreign_folder(path: Path, kind: Kind) -> None:
    """Refuses a folder that is neither missing nor empty nor of this kind; touches nothing.

    Raises:
        ForeignFolderError: with what it holds.
    """
    found = _kind(path)
    if found not in (None, kind):
        held = _HOLDS.get(found, repr(found)[:80])
        raise ForeignFolderError(
            f"{path} holds {held}, and {_HOLDS[kind]} is to go there. Nothing was touched. {_OTHER}"
        )


def own_folder(path: Path, kind: Kind) -> None:
    """Makes a folder where it is missing and marks it; a marked one of this kind is left as it is.

    Raises:
        ForeignFolderError: see `refuse_foreign_folder`.
        OSError: it cannot be written.
    """
    refuse_foreign_folder(path, kind)
    make_folder(path)
    if not os.path.lexists(path / _MARK):
        mark = json.dumps({"kind": kind, "format": _FORMAT})
        write_atomically(path / _MARK, mark.encode())


def held_in(path: Path) -> str:
    """What a folder of kmlp's holds, in words; "" of any other."""
    try:
        return _HOLDS.get(_kind(path) or "", "")
    except ForeignFolderError:
        return ""


def _kind(path: Path) -> str | None:
    """What a folder is; None of one that is missing or empty."""
    if not os.path.isdir(path):
        if os.path.lexists(path):
            raise ForeignFolderError(f"{path}: cannot be written: it is no folder. {_OTHER}")
        return None
    if os.path.lexists(path / _MARK):
        return _marked(path)
    names = [n for n in sorted(os.listdir(path)) if not _is_of_a_start(path / n)]
    found = _kind_by_content(path, names)
    if names and found is None:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ForeignFolderError(
            f"{path} was not made by kmlp, and holds {', '.join(map(repr, names[:3]))}{more}. "
            f"Nothing was touched. {_OTHER}"
        )
    return found


def _marked(path: Path) -> str:
    """The kind that a folder's mark says."""
    mark = path / _MARK
    try:
        # No link and no pipe: neither is kmlp's.
        if mark.is_symlink() or not mark.is_file():
            raise ValueError("no plain file")
        with open(mark, "rb") as file:
            said = json.loads(file.read(4096))
        format, kind = int(said["format"]), str(said.get("kind"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ForeignFolderError(
            f"{mark}: does not say whose folder this is. Remove that file if kmlp made {path}; "
            "else name another folder with --out."
        ) from error
    if format != _FORMAT:
        raise ForeignFolderError(
            f"{path} is of format {format}, made by a newer kmlp; this one knows {_FORMAT}. "
            f"Update kmlp. Or name another folder with --out."
        )
    return kind


def _is_of_a_start(path: Path) -> bool:
    """Whether this is what a start that was killed at once leaves: of it nothing is anyone's."""
    if path.is_symlink():
        return False
    if path.name == "arrays":
        return path.is_dir() and not os.listdir(path)
    if path.name == ".lock":
        return path.is_file() and path.stat().st_size == 0
    if path.is_dir():
        return _HALF_EXPORT.fullmatch(path.name) is not None
    return is_temporary(path.name, re.compile(re.escape(_MARK)))


def _kind_by_content(path: Path, names: Sequence[str]) -> Kind | None:
    """What a folder without a mark is, by what kmlp 0.1.0 wrote there."""
    tables = _tables(path / "ledger.sqlite")
    if tables >= _TABLES:
        return "search" if "trial" in tables else "study"
    # A study whose strengths are still being chosen has a pilot and nothing of its own.
    if list(names) == [PILOT_FOLDER] and _is_study(path / PILOT_FOLDER):
        return "study"
    if _is_page(path / "comparison.html") or (names and all(_is_study(path / n) for n in names)):
        return "comparison"
    if _is_page(path / "report.html"):
        return "report"
    if any(n.isdecimal() and _is_version(path / n) for n in names):
        return "model"
    return None


def _tables(ledger: Path) -> set[str]:
    """The tables of an SQLite file, read without a lock, a journal or any other trace."""
    if ledger.is_symlink() or not ledger.is_file():
        return set()
    address = f"{ledger.absolute().as_uri()}?mode=ro&immutable=1"
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            return {name for (name,) in connection.execute(query)}
    except sqlite3.Error:
        return set()


def _is_study(path: Path) -> bool:
    try:
        return not path.is_symlink() and _kind(path) == "study"
    except ForeignFolderError:
        return False


def _is_page(path: Path) -> bool:
    """Whether this is a page of kmlp's, with its PDF."""
    if not (path.is_file() and path.with_suffix(".pdf").is_file()):
        return False
    with open(path, "rb") as file:
        begin = file.read(4096)
    return begin.startswith(b"<!doctype html>") and b"<style>:root { color-scheme: light" in begin


def _is_version(path: Path) -> bool:
    """Whether this is a version of a model, with kmlp's manifest."""
    path = path / "manifest.json"
    try:
        manifest = json.loads(path.read_bytes()) if path.is_file() else {}
        return "kmlp" in manifest and "files" in manifest and "spec" in manifest
    except (OSError, ValueError, TypeError, RecursionError):
        return False
