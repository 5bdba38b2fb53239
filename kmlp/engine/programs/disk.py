"""Compiled programs on the disk: the next process loads what this one has compiled.

They are machine code, so they are used only from a folder that is the user's own and closed to
others, of this processor and of these versions of everything that makes them; and only those whose
hash was noted by the process that wrote them. TensorFlow itself fails on a damaged one.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from kmlp.data.sources import cache_folder
from kmlp.files import files_in, folders_in, make_folder, remove_files, write_atomically
from kmlp.machine import cpu_info, cpu_name, package_version

logger = logging.getLogger(__name__)
SWITCH = "KMLP_PROGRAM_CACHE"
# What TensorFlow and JAX name them, and the list of hashes.
_PROGRAMS = re.compile(r"xla_compile_cache_\w+\.pb|jit_[\w.-]+-cache")
_HASHES = "hashes.json"
# What TensorFlow renames when it is whole, and a kill leaves behind.
_HALF_WRITTEN = re.compile(r"xla_compile_cache_\w+\.pb[\w.-]+")
_FILES = re.compile(
    rf"{_PROGRAMS.pattern}|{_HALF_WRITTEN.pattern}|jit_[\w.-]+-atime|{re.escape(_HASHES)}"
)
_FOLDERS = re.compile(r"[0-9a-f]{16}")
_OFF = ("off", "no", "0", "false")
# What makes the code: other versions, or other flags, make another.
_PACKAGES = ("kmlp", "keras", "tensorflow", "jax", "jaxlib", "numpy")
_FLAGS = ("XLA_FLAGS", "KERAS_BACKEND")
_SECONDS_OF_WRITING = 3600.0
# More, and the oldest go.
LARGEST_BYTES = 500_000_000


def prepare() -> Path | None:
    """The folder of this processor and these versions, holding nothing but what is whole.

    Returns:
        None where programs are not to be kept, or cannot be kept safely.
    """
    if is_off():
        return None
    folder = programs_folder() / _key()
    try:
        _make_private(folder)
        if trouble := _trouble(folder):
            logger.warning("compiled programs are not kept: %s %s", folder, trouble)
            return None
        _remove_unknown(folder)
        _remove_oldest(folder)
    except OSError as error:
        logger.debug("compiled programs are not kept: %s", error)
        return None
    return folder


def note(folder: Path) -> None:
    """Notes the hashes of what was written since: from now on it can be used."""
    with contextlib.suppress(OSError):
        known = _hashes(folder)
        found = {p.name: known.get(p.name) or _hash(p) for p in files_in(folder, _PROGRAMS)}
        if found != known:
            content = json.dumps(found, indent=0, sort_keys=True).encode()
            write_atomically(folder / _HASHES, content)


def is_off() -> bool:
    """Whether the user wants none kept."""
    return os.environ.get(SWITCH, "").strip().lower() in _OFF


def programs_folder() -> Path:
    """In kmlp's cache: a folder for each processor and each set of versions."""
    return cache_folder() / "programs"


def size() -> tuple[int, int]:
    """How many programs are kept, of whatever versions, and their bytes."""
    kept = [p for folder in _folders() for p in files_in(folder, _PROGRAMS)]
    return len(kept), sum(p.stat().st_size for p in kept)


def clear() -> tuple[int, int]:
    """Removes them all, and returns what `size` said before."""
    found = size()
    for folder in _folders():
        remove_files(folder, _FILES)
        with contextlib.suppress(OSError):
            folder.rmdir()
    return found


def _folders() -> list[Path]:
    return folders_in(programs_folder(), _FOLDERS)


def _key() -> str:
    parts = [cpu_name(), cpu_info("flags"), *(f"{p}={package_version(p)}" for p in _PACKAGES)]
    parts += [f"{name}={os.environ.get(name)}" for name in _FLAGS]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _make_private(folder: Path) -> None:
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)


def _trouble(folder: Path) -> str:
    """Why what lies in the folder may not be run; empty if it may."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if not hasattr(os, "getuid"):
        return ""
    if found.st_uid != os.getuid():
        return "belongs to someone else"
    if found.st_mode & 0o077:
        return "is open to others; chmod 700 closes it"
    return ""


def _remove_unknown(folder: Path) -> None:
    """Whatever is not as it was noted: written meanwhile, damaged, or someone else's."""
    known = _hashes(folder)
    for path in files_in(folder, _PROGRAMS):
        if known.get(path.name) != _hash(path):
            path.unlink(missing_ok=True)
    for path in files_in(folder, _HALF_WRITTEN):
        if time.time() - path.stat().st_mtime > _SECONDS_OF_WRITING:
            path.unlink(missing_ok=True)


def _remove_oldest(folder: Path) -> None:
    kept = sorted(files_in(folder, _PROGRAMS), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in kept)
    for path in kept:
        if total <= LARGEST_BYTES:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)


def _hashes(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / _HASHES).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def noted(folder: Path | None) -> Iterator[None]:
    """Whatever is compiled inside is noted at the end."""
    try:
        yield
    finally:
        if folder:
            note(folder)
