"""Files that are not kmlp's, and a study killed at writes in turn among them.

    python -m tests.foreign FOLDER

Prints one JSON line for each kill: whether the study went on to its end, and whether the files
that someone put into its run folder are as they were.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import sys
from pathlib import Path

from kmlp.study.run_folder import RunFolder
from tests.faults import die, in_a_process, study

HEX = "0123456789abcdef"
EVERY = 3


def snapshot(root: Path, among: set[str] | None = None) -> dict[str, tuple]:
    """What a tree holds: kind, permissions, time of change and content by name."""
    paths = [root, *root.rglob("*")] if among is None else [root / name for name in among]
    return {str(p.relative_to(root)): _state(p, is_whole=among is None) for p in paths}


def _state(path: Path, is_whole: bool) -> tuple:
    if not os.path.lexists(path):
        return ("missing",)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return (found.st_mode, os.readlink(path))
    content = path.read_bytes() if stat.S_ISREG(found.st_mode) else None
    # Beside kmlp's own files a folder changes, and nothing in it that is not kmlp's.
    times = (found.st_mtime_ns, found.st_ctime_ns) if is_whole or content is not None else ()
    return (found.st_mode, *times, content)


def database(path: Path, *tables: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (x INTEGER)")


def project(root: Path) -> Path:
    """A folder of someone's work that looks much like a run folder."""
    names = [
        "notes.txt",
        ".lock",
        ".results.json.123.tmp",
        "results.json",
        "study.toml",
        "report.html",
        "report.pdf",
        "comparison.html",
        "arrays/a.npz",
        "checkpoints/mine.txt",
        f"checkpoints/{HEX}/members.json",
        f"checkpoints/{HEX}/000001.checkpoint",
        "paused/mine.txt",
        f"paused/{HEX}/000001.checkpoint",
        "sub/.x.tmp",
        f"sub/.results.json.{HEX}.tmp",
        "1/saved_model.pb",
        "figures/scores.svg",
    ]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("mine")
    (root / "results.json").write_text("{}")
    database(root / "ledger.sqlite", "account", "member")
    (root / "link").symlink_to(root.parent)
    (root / "dangling").symlink_to("nowhere")
    return root


def guests(run: Path, stacks: list[str]) -> set[str]:
    """Puts files into a run folder of kmlp's that its user keeps there; their names."""
    RunFolder(run).own()
    names = {
        "notes.txt",
        ".results.json.old.tmp",
        "arrays/mine.npz",
        f"arrays/.mine.npz.{HEX}.tmp",
        "checkpoints/mine/000001.checkpoint",
        "checkpoints/note.txt",
        "paused/note.txt",
        f"sub/.results.json.{HEX}.tmp",
        *(f"checkpoints/{stack}/note.txt" for stack in stacks),
        *(f"checkpoints/{stack}/best.checkpoint" for stack in stacks),
    }
    for name in names:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("mine")
    (run / "link").symlink_to("notes.txt")
    return names | {"link"}


def main(folder: Path) -> None:
    assert in_a_process(folder / "first", die, 0) == (0, "")
    query = "SELECT DISTINCT stack FROM epoch"
    with contextlib.closing(sqlite3.connect(folder / "first" / "ledger.sqlite")) as connection:
        stacks = [name for (name,) in connection.execute(query)]
    count, code = 1 - EVERY, -1
    while code:
        count += EVERY
        run = folder / str(count)
        names = guests(run, stacks)
        before = snapshot(run, names)
        code, said = in_a_process(run, die, count, study)
        killed = snapshot(run, names) == before
        again, _ = in_a_process(run, die, 0, study)
        ended = snapshot(run, names) == before
        print(
            json.dumps(
                {"code": code, "said": said, "again": again, "killed": killed, "ended": ended}
            )
        )
        shutil.rmtree(run)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
