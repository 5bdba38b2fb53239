"""All writing to the disk and removing from it, and the names that kmlp writes in a run folder.

A file is written under a temporary name that nobody can foresee, flushed and renamed, so that it
is either the old or the new one, whole. What is removed is removed by its name, one by one, and a
folder only once it is empty: whatever else lies there is someone's own.
"""

import contextlib
import errno
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

RUN_FILES = re.compile(
    r"(study|search|best)\.toml|(environment|results|followup|metric|readings)\.json"
    r"|ledger\.(sqlite|damaged)|\.kmlp"
)
"""In a run folder itself, written by who holds its lock. Reports need no lock, and are not here: a
report may be on its way while the study starts."""
ARRAY_FILES = re.compile(r"[0-9a-f]+(-[0-9]+)?\.npz|(test_labels|train_labels|importance)\.npz")
CHECKPOINTS = re.compile(r"[0-9]{6,}\.checkpoint")
STACK_FILES = re.compile(rf"{CHECKPOINTS.pattern}|members\.json")
STACK_FOLDERS = re.compile(r"[0-9a-f]{16}")
# The second form is 0.1.0's, with the number of the process.
_TEMPORARY = re.compile(r"\.(.+)\.(?:[0-9a-f]{16}|[0-9]{1,10})\.tmp")


def write_atomically(path: Path, *parts: bytes | memoryview) -> None:
    """Writes a file of these parts so that it is either the old or the new one, whole, whatever
    happens.

    Raises:
        OSError: it cannot be written; the error names it.
    """
    with replacing(path, "xb") as file:
        file.writelines(parts)


def text_replacing(path: Path) -> contextlib.AbstractContextManager[IO[str]]:
    """A UTF-8 file, lines ended as they are written, that gets its name when it is whole; an error
    on the way leaves the old one."""
    return replacing(path, "x", newline="", encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path, mode: str, **how: Any) -> Iterator[IO]:
    """A file, opened anew as `open` does, that takes the place of another when it is whole.

    Raises:
        OSError: it cannot be written; the error names it.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # "x" makes the file, with the permissions that the umask leaves, or fails: it follows no
        # link that someone has laid.
        file = open(temporary, mode, **how)  # noqa: SIM115
    except OSError as error:
        raise _of(path, temporary, error) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _of(path, temporary, error) from error
        raise


@contextlib.contextmanager
def temporary_file(content: bytes, called: str) -> Iterator[Path]:
    """A file that is there inside of the context, in a folder of its own that only this user reads.

    Args:
        content: what it holds.
        called: what somebody calls it; only letters, digits, `_`, `-` and `.` stay, and no more
            than the last hundred of them.
    """
    name = re.sub(r"[^\w.-]", "_", called)[-100:].strip(".") or "file"
    with tempfile.TemporaryDirectory(prefix="kmlp-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _of(path: Path, temporary: Path, error: OSError) -> OSError:
    """The error of a write, naming the file that was to be written; another's as it is."""
    if error.errno is None or error.filename not in (None, temporary, str(temporary)):
        return error
    return OSError(error.errno, error.strerror, str(path))


def flush_folder(folder: Path) -> None:
    """Flushes a folder's names to the disk: a rename outlives a power cut only after this."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, where it is missing; each new name is flushed.

    Raises:
        OSError: it cannot be made.
    """
    if os.path.isdir(folder):
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    try:
        os.mkdir(folder)
    except FileExistsError as error:
        if not os.path.isdir(folder):
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)
            ) from error
    try:
        flush_folder(folder.parent)
    except PermissionError:
        pass  # a folder that may be written but not read
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def files_in(folder: Path, names: re.Pattern[str]) -> list[Path]:
    """The regular files directly in a folder whose whole name is one of these, sorted; none where
    there is no such folder."""
    found = [e for e in _entries(folder) if e.is_file(follow_symlinks=False)]
    return sorted(folder / e.name for e in found if names.fullmatch(e.name))


def folders_in(folder: Path, names: re.Pattern[str]) -> list[Path]:
    """The same of folders; a link to one is none."""
    found = [e for e in _entries(folder) if e.is_dir(follow_symlinks=False)]
    return sorted(folder / e.name for e in found if names.fullmatch(e.name))


def sweep(folder: Path, names: re.Pattern[str]) -> None:
    """Removes the temporary files that interrupted writes of these files left in a folder; who
    calls makes sure that nobody is writing them."""
    for path in files_in(folder, _TEMPORARY):
        if is_temporary(path.name, names):
            path.unlink(missing_ok=True)


def is_temporary(name: str, names: re.Pattern[str]) -> bool:
    """Whether this is a temporary name of a file of such a name."""
    found = _TEMPORARY.fullmatch(name)
    return found is not None and names.fullmatch(found[1]) is not None


def remove_files(folder: Path, names: re.Pattern[str]) -> None:
    """Removes these files from a folder, with their temporary ones, then the folder if that was
    all."""
    for path in files_in(folder, names):
        path.unlink(missing_ok=True)
    sweep(folder, names)
    remove_empty(folder)


def remove_empty(folder: Path) -> None:
    """Removes a folder that holds nothing; any other stays."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
