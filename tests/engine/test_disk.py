"""Programs kept on the disk: whole, the user's own, of these versions; or not used."""

import os
import stat

import pytest

from kmlp.engine.programs import disk

NAME = "xla_compile_cache__1__2__XLA_CPU_JIT.pb"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KMLP_CACHE", str(tmp_path))
    monkeypatch.delenv(disk.SWITCH, raising=False)


def written(name: str = NAME, content: bytes = b"code"):
    """A program that a process has compiled and noted."""
    folder = disk.prepare()
    (folder / name).write_bytes(content)
    disk.note(folder)
    return folder / name


def test_a_noted_program_is_found_by_the_next_process():
    path = written()
    assert disk.prepare() == path.parent
    assert path.read_bytes() == b"code"


@pytest.mark.parametrize("content", [b"", b"cod", b"codf", b"code and more"])
def test_a_damaged_program_is_removed_before_it_can_be_used(content):
    path = written()
    path.write_bytes(content)
    disk.prepare()
    assert not path.exists()


def test_a_program_that_nobody_noted_is_removed():
    """Put there by another, or by a process that was killed."""
    path = written()
    other = path.with_name("xla_compile_cache__3__4__XLA_CPU_JIT.pb")
    other.write_bytes(b"code")
    disk.prepare()
    assert path.exists()
    assert not other.exists()


def test_what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays():
    folder = disk.prepare()
    old, new = (folder / f"{NAME}host-{i}" for i in range(2))
    for path in (old, new):
        path.write_bytes(b"co")
    os.utime(old, (1, 1))
    disk.prepare()
    assert (old.exists(), new.exists()) == (False, True)
    disk.clear()
    assert not folder.exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}'])
def test_a_damaged_list_of_hashes_is_none(content):
    path = written()
    (path.parent / "hashes.json").write_text(content)
    disk.prepare()
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners are POSIX's")
def test_the_folder_is_the_users_alone_or_not_used(caplog, monkeypatch):
    folder = disk.prepare()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o770)
    assert disk.prepare() is None
    assert "is open to others; chmod 700 closes it" in caplog.text
    folder.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert disk.prepare() is None
    assert "belongs to someone else" in caplog.text


def test_a_link_is_no_folder(tmp_path, caplog):
    folder = disk.prepare()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert disk.prepare() is None
    assert "is no folder" in caplog.text


@pytest.mark.parametrize("name", ["cpu_name", "package_version"])
def test_another_processor_or_version_has_another_folder(name, monkeypatch):
    path = written()
    monkeypatch.setattr(f"kmlp.engine.programs.disk.{name}", lambda *_: "another")
    assert disk.prepare() != path.parent


def test_other_flags_for_the_compiler_have_another_folder(monkeypatch):
    path = written()
    monkeypatch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_other=1")
    assert disk.prepare() != path.parent


def test_the_oldest_go_where_there_are_too_many(monkeypatch):
    old, new = written(), written("xla_compile_cache__5__6__XLA_CPU_JIT.pb")
    os.utime(old, (1, 1))
    monkeypatch.setattr(disk, "LARGEST_BYTES", 5)
    disk.prepare()
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("word", ["off", "OFF", "0", "no"])
def test_it_can_be_switched_off(word, monkeypatch, tmp_path):
    monkeypatch.setenv(disk.SWITCH, word)
    assert disk.prepare() is None
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_only_costs_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KMLP_CACHE", str(tmp_path / "file"))
    assert disk.prepare() is None


def test_clearing_removes_programs_of_all_versions_and_nothing_else(monkeypatch, tmp_path):
    written()
    monkeypatch.setenv("XLA_FLAGS", "--xla_other=1")
    path = written(content=b"more code")
    (tmp_path / "data").mkdir()
    mine = path.with_name("mine.txt")
    mine.write_text("")
    assert disk.size() == disk.clear() == (2, 13)
    assert disk.size() == (0, 0)
    assert mine.exists()
    assert (tmp_path / "data").exists()
    mine.unlink()
    disk.clear()
    assert list((tmp_path / "programs").iterdir()) == []
