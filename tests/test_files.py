"""What is written is whole and nobody else's; what is removed is removed by its name."""

import os
import re
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kmlp import files
from kmlp.engine.checkpoint import Checkpoints
from kmlp.files import (
    make_folder,
    replacing,
    sweep,
    temporary_file,
    text_replacing,
    write_atomically,
)
from kmlp.report import write_report
from kmlp.study.run_folder import RunFolder
from kmlp.study.tensorboard import EVENTS_FILE
from tests.foreign import snapshot
from tests.hand_made import hand_made
from tuning.results.search_folder import SearchFolder

HEX = "0123456789abcdef"


@pytest.fixture
def foreseen(monkeypatch):
    """The next temporary name is known."""
    monkeypatch.setattr(secrets, "token_hex", lambda count: HEX)


def stream(path: Path, content: bytes) -> None:
    with text_replacing(path) as file:
        file.write(content.decode())


@pytest.mark.usefixtures("foreseen")
@pytest.mark.parametrize("write", [write_atomically, stream])
def test_a_link_at_the_temporary_name_is_never_written_through(tmp_path, write):
    (tmp_path / "precious").write_text("mine")
    link = tmp_path / f".a.txt.{HEX}.tmp"
    link.symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError) as caught:
        write(tmp_path / "a.txt", b"new")
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert link.is_symlink()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_link_at_the_name_itself_is_replaced_not_followed(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "a.txt").symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "a.txt", b"new")
    assert not (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "precious").read_text() == "mine"


def test_temporary_names_are_not_those_of_before(tmp_path):
    names = set()
    for _ in range(20):
        with replacing(tmp_path / "a.txt", "xb"):
            names |= {p.name for p in tmp_path.iterdir()} - {"a.txt"}
    assert len(names) == 20
    assert all(re.fullmatch(r"\.a\.txt\.[0-9a-f]{16}\.tmp", name) for name in names)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_permissions_follow_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        make_folder(tmp_path / "a" / "b")
        write_atomically(tmp_path / "a" / "b" / "c", b"")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / p).stat().st_mode) for p in ("a", "a/b", "a/b/c")]
    assert modes == [0o777 & ~umask, 0o777 & ~umask, 0o666 & ~umask]


@pytest.mark.slow
@pytest.mark.page
def test_nothing_of_a_study_or_its_report_is_for_others_where_the_umask_says_so(tmp_path):
    before = os.umask(0o077)
    try:
        made = hand_made(tmp_path / "run", "multiclass")
        made.folder.write_json("results.json", made.results)
        write_report(tmp_path / "run")
    finally:
        os.umask(before)
    paths = [tmp_path / "run", *(tmp_path / "run").rglob("*")]
    assert len(paths) > 20
    assert {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in paths} == {0}


def test_new_folders_are_flushed_in_those_that_hold_them(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(files, "flush_folder", flushed.append)
    make_folder(tmp_path / "a" / "b")
    assert flushed == [tmp_path, tmp_path / "a"]
    make_folder(tmp_path / "a" / "b")
    assert len(flushed) == 2


def test_a_run_folders_own_name_is_flushed(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(files, "flush_folder", flushed.append)
    with RunFolder(tmp_path / "runs" / "a").writing():
        pass
    assert flushed[:2] == [tmp_path, tmp_path / "runs"]


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "a")


def test_streamed_text_reaches_the_disk_before_its_name_and_the_name_after(tmp_path, monkeypatch):
    calls = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *a, s=step, r=real: calls.append(s) or r(*a))
    with text_replacing(tmp_path / "p.csv") as file:
        file.write("ü\r\n")
        assert calls == []
    assert calls == ["fsync", "replace", "fsync"]
    assert (tmp_path / "p.csv").read_bytes() == "ü\r\n".encode()


def test_an_error_from_elsewhere_is_not_blamed_on_the_file(tmp_path):
    with pytest.raises(PermissionError, match="elsewhere"), text_replacing(tmp_path / "p.csv"):
        raise PermissionError(13, "Permission denied", "elsewhere")
    assert list(tmp_path.iterdir()) == []


def test_only_temporary_files_of_known_names_are_swept(tmp_path):
    ours = {f".a.npz.{HEX}.tmp", ".a.npz.4711.tmp", ".test_labels.npz.1.tmp"}
    others = {
        f".mine.npz.{HEX}.tmp",
        f".a.npz.{HEX}0.tmp",
        f".a.npz.{HEX.upper()}.tmp",
        f"a.npz.{HEX}.tmp",
        f".a.npz.{HEX}.tmp~",
        f".a.npz\n.{HEX}.tmp",
        ".x.tmp",
        "a.npz",
    }
    for name in ours | others:
        (tmp_path / name).write_text("x")
    (tmp_path / ".b.npz.1.tmp").mkdir()
    (tmp_path / ".c.npz.1.tmp").symlink_to("a.npz")
    sweep(tmp_path, files.ARRAY_FILES)
    kept = others | {".b.npz.1.tmp", ".c.npz.1.tmp"}
    assert {p.name for p in tmp_path.iterdir()} == kept


LEFT = (
    f".study.toml.{HEX}.tmp",
    ".results.json.123.tmp",
    f"arrays/.{'a' * 16}.npz.{HEX}.tmp",
    f"arrays/.{'a' * 16}-12.npz.77.tmp",
    f"checkpoints/{'b' * 16}/.000012.checkpoint.{HEX}.tmp",
    f"checkpoints/{'b' * 16}/.members.json.{HEX}.tmp",
    f"paused/{'b' * 16}/.000012.checkpoint.99.tmp",
)
NOT_LEFT = (
    f".report.html.{HEX}.tmp",  # a report holds no lock: it may be on its way
    f"pilot/.results.json.{HEX}.tmp",
    f"study/arrays/.{'a' * 16}.npz.{HEX}.tmp",
    f"sub/.results.json.{HEX}.tmp",
    "sub/.x.tmp",
    f"checkpoints/mine/.000012.checkpoint.{HEX}.tmp",
    f"checkpoints/{'b' * 16}/.mine.{HEX}.tmp",
    f"paused/.000012.checkpoint.{HEX}.tmp",
)


def put(folder: Path, names) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_leftovers_are_swept_where_they_were_made_and_nowhere_else(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        pass
    put(folder.path, LEFT + NOT_LEFT)
    with folder.writing():
        assert not [name for name in LEFT if (folder.path / name).exists()]
        assert all((folder.path / name).exists() for name in NOT_LEFT)


def test_a_search_sweeps_what_tensorboard_would_read(tmp_path):
    folder, event = SearchFolder(tmp_path / "run"), f".{EVENTS_FILE}.{HEX}.tmp"
    with folder.writing():
        pass
    ours = [f"tensorboard/{p}{event}" for p in ("", "trial-0003/", "trial-0003/seed-1/")]
    others = [f"tensorboard/mine/{event}", f"tensorboard/trial-0003/mine/{event}"]
    put(folder.path, ours + others)
    with folder.writing():
        pass
    assert not [name for name in ours if (folder.path / name).exists()]
    assert all((folder.path / name).exists() for name in others)


def test_links_to_stack_folders_are_not_followed(tmp_path):
    elsewhere, folder = tmp_path / "elsewhere", RunFolder(tmp_path / "run")
    put(elsewhere, ["000001.checkpoint", f".members.json.{HEX}.tmp", "members.json"])
    with folder.writing():
        (folder.path / "checkpoints").mkdir()
        (folder.path / "checkpoints" / ("b" * 16)).symlink_to(elsewhere)
    before = snapshot(elsewhere)
    with folder.writing():
        folder.stacks.forget()
    assert snapshot(elsewhere) == before


def test_forgetting_stacks_removes_their_files_and_leaves_what_others_put_there(tmp_path):
    folder, stack = RunFolder(tmp_path / "run"), "b" * 16
    ours = [
        f"{root}/{stack}/{n}" for root in ("checkpoints", "paused") for n in ("000001.checkpoint",)
    ]
    ours += [f"checkpoints/{stack}/members.json", f"checkpoints/{'c' * 16}/1234567.checkpoint"]
    others = [
        f"checkpoints/{stack}/note.txt",
        f"checkpoints/{stack}/best.checkpoint",
        f"checkpoints/{stack}/deep/000001.checkpoint",
        "checkpoints/mine/000001.checkpoint",
        "checkpoints/000001.checkpoint",
    ]
    put(folder.path, [])
    with folder.writing():
        put(folder.path, ours + others)
        folder.stacks.forget()
    left = {str(p.relative_to(folder.path)) for p in folder.path.rglob("*") if p.is_file()}
    assert left - {".kmlp", ".lock", "ledger.sqlite"} == set(others)
    assert not (folder.path / "checkpoints" / ("c" * 16)).exists()
    assert not (folder.path / "paused").exists()


def test_checkpoints_count_and_remove_only_their_own(tmp_path):
    others = ["note.txt", "best.checkpoint", "00001.checkpoint", "a/000001.checkpoint"]
    put(tmp_path / "c", others)
    (tmp_path / "c" / "000003.checkpoint").mkdir()
    checkpoints = Checkpoints(tmp_path / "c")
    for epoch in (1, 2, 999_999, 1_000_000):
        checkpoints.save(epoch, {"epoch": np.array(epoch)})
    assert checkpoints.load()["epoch"] == 1_000_000
    assert checkpoints.load(until=999_999)["epoch"] == 999_999
    checkpoints.remove()
    left = {str(p.relative_to(tmp_path / "c")) for p in (tmp_path / "c").rglob("*")}
    assert left == {*others, "a", "000003.checkpoint"}


@pytest.mark.parametrize(
    ("called", "name"),
    [("new.csv", "new.csv"), ("../../etc/x.csv", "_.._etc_x.csv"), ("..", "file"), ("", "file")],
)
def test_a_temporary_file_is_called_as_somebody_says_and_leads_nowhere(called, name):
    with temporary_file(b"rows", called) as path:
        assert (path.name, path.read_bytes()) == (name, b"rows")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


WRITER = """
import sys
from kmlp.study.run_folder import RunFolder
folder = RunFolder(sys.argv[1])
with folder.writing():
    for count in range(300):
        folder.write_json("results.json", count)
"""


@pytest.mark.long
def test_a_run_folder_inside_another_is_left_alone_while_both_are_written(tmp_path):
    """The outer one is opened, and so swept, over and over while the inner one writes."""
    outer = RunFolder(tmp_path / "run")
    with outer.writing():
        pass
    command = [sys.executable, "-c", WRITER, str(outer.path / "pilot")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as inner:
        while inner.poll() is None:
            with outer.writing():
                pass
        assert (inner.returncode, inner.stderr.read()) == (0, "")
    assert RunFolder(outer.path / "pilot").read_json("results.json") == 299
