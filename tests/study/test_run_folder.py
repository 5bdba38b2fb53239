"""A run folder keeps what it was given, notices damage, and belongs to one process at a time."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from kmlp.errors import RunFolderError
from kmlp.files import write_atomically
from kmlp.study.run_folder.folder import MemberRecord, RunFolder

HOLDER = """
import sys
from kmlp.study.run_folder import RunFolder
with RunFolder(sys.argv[1]).writing():
    print("held", flush=True)
    sys.stdin.read()
"""
INTRUDER = """
import sys
from kmlp.errors import RunFolderError
from kmlp.study.run_folder import RunFolder
try:
    with RunFolder(sys.argv[1]).writing():
        print("entered")
except RunFolderError as error:
    print(error)
"""
ARRAYS = {
    "float32": np.array([0.1, np.nan, np.inf, -0.0], np.float32),
    "float64": np.random.default_rng(0).normal(size=(3, 4)),
    "uint8": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
    "empty": np.zeros((0, 5), np.float32),
    "scalar": np.array(7, np.int64),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


def record(id: str = "a" * 16, **values) -> MemberRecord:
    return MemberRecord(
        **{
            "id": id,
            "status": "done",
            "best_epoch": 3,
            "stopped_epoch": 5,
            "metrics": {"test": {"accuracy": 0.1 + 0.2, "cross_entropy": 1 / 3}, "val": {}},
            "seconds": 0.25,
            **values,
        }
    )


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    """A run folder that holds one member."""
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        folder.record(record(), ARRAYS)
    return folder


@pytest.fixture
def holder(tmp_path):
    """A second process that holds the lock of `tmp_path / "run"`."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def files(folder: RunFolder) -> set[str]:
    return {str(p.relative_to(folder.path)) for p in folder.path.rglob("*") if p.is_file()}


def test_arrays_read_back_bit_for_bit(folder):
    found = RunFolder(folder.path).arrays(record().id)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_records_read_back_equal(folder):
    other = record("b" * 16, status="diverged", metrics={"train": {"accuracy": float("inf")}})
    folder.record(other, {})
    assert RunFolder(folder.path).records() == {record().id: record(), other.id: other}


def test_a_stack_is_recorded_whole_or_not_at_all(folder, monkeypatch):
    """The second of three array files cannot be written: none of the three is a member."""
    real, written = os.replace, []

    def second_fails(source, target):
        written.append(target)
        refuse() if len(written) == 2 else real(source, target)

    stack = [(record(letter * 16), ARRAYS) for letter in "bcd"]
    monkeypatch.setattr("kmlp.files.os.replace", second_fails)
    with pytest.raises(OSError, match="no space"):
        folder.record_all(stack)
    assert list(folder.records()) == [record().id]
    monkeypatch.undo()
    folder.record_all(stack)
    assert list(folder.records()) == [letter * 16 for letter in "abcd"]


def test_a_finished_folder_is_one_plain_file_that_needs_no_writing_to_be_read(folder):
    """Bytes 18 and 19 of an SQLite file are 2 in write-ahead mode, whose readers must write."""
    assert (folder.path / "ledger.sqlite").read_bytes()[18:20] == b"\x01\x01"
    with folder.writing():
        assert (folder.path / "ledger.sqlite").read_bytes()[18:20] == b"\x02\x02"
        folder.record(record("b" * 16), ARRAYS)
    assert (folder.path / "ledger.sqlite").read_bytes()[18:20] == b"\x01\x01"
    assert not list(folder.path.glob("ledger.sqlite-*"))


def test_what_is_logged_is_merged_into_the_file_once_at_the_end(folder):
    """At the close of the last connection SQLite does so, which takes longer than an epoch."""
    log = folder.path / "ledger.sqlite-wal"
    with folder.writing():
        folder.stacks.log_epoch(["a" * 16], 1, 1)
        assert log.stat().st_size > 0
    assert not log.exists()


def test_an_attempt_counts_until_an_epoch_is_done(folder):
    stack, other = ["b" * 16, "c" * 16], ["d" * 16]
    for ids in (stack, other, stack):
        folder.stacks.begin(ids)
    assert folder.stacks.attempts_without_progress() == {stack[0]: 2, stack[1]: 2, other[0]: 1}
    folder.stacks.log_epoch(stack, 1, 2)
    assert folder.stacks.attempts_without_progress() == {other[0]: 1}
    assert (folder.stacks.furthest_epoch(stack), folder.stacks.furthest_epoch(other)) == (1, 0)


def test_after_two_barren_attempts_only_getting_further_counts(folder):
    folder.stacks.begin(["b" * 16, "c" * 16])
    folder.stacks.log_epoch(["b" * 16, "c" * 16], 2, 2)
    for _ in range(3):
        folder.stacks.begin(["b" * 16])
    folder.stacks.log_epoch(["b" * 16], 1, 1)
    folder.stacks.log_epoch(["b" * 16], 2, 1)
    assert folder.stacks.attempts_without_progress() == {"b" * 16: 3}
    folder.stacks.log_epoch(["b" * 16], 3, 1)
    assert folder.stacks.attempts_without_progress() == {}


def test_an_attempt_that_ends_by_an_error_is_taken_back(folder):
    folder.stacks.begin(["b" * 16])
    folder.stacks.begin(["b" * 16])
    folder.stacks.withdraw(["b" * 16])
    assert folder.stacks.attempts_without_progress() == {"b" * 16: 1}
    folder.stacks.withdraw(["b" * 16])
    folder.stacks.withdraw(["b" * 16])
    folder.stacks.begin(["b" * 16])
    assert folder.stacks.attempts_without_progress() == {"b" * 16: 1}


def test_the_epoch_log_counts_members_not_stacks(folder):
    folder.stacks.log_epoch(["b" * 16, "c" * 16, "d" * 16], 1, 3)
    folder.stacks.log_epoch(["b" * 16, "c" * 16, "d" * 16], 2, 1)
    assert folder.stacks.num_epochs_logged() == 4


def test_a_member_recorded_again_replaces_the_first(folder):
    again = record(best_epoch=9)
    folder.record(again, {"x": np.zeros(2)})
    assert folder.records() == {again.id: again}
    assert list(folder.arrays(again.id)) == ["x"]
    assert folder.damaged([again.id]) == []


def test_arrays_of_python_objects_are_never_written(folder):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        folder.record(record("b" * 16), {"x": np.array([{}], dtype=object)})
    assert list(folder.records()) == [record().id]


def test_a_folder_holds_its_files_and_no_temporary_ones(folder):
    assert files(folder) - {".lock", ".kmlp"} == {"ledger.sqlite", f"arrays/{record().id}.npz"}


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_damaged_arrays_are_noticed_and_refused(folder, damage):
    path = folder.path / "arrays" / f"{record().id}.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "changed":
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    assert folder.damaged([record().id]) == [record().id]
    with pytest.raises(RunFolderError, match=r"is missing or damaged\. Run the study again") as e:
        folder.arrays(record().id)
    assert str(path) in str(e.value)


def test_a_whole_member_is_not_damaged_and_an_unknown_one_is(folder):
    assert folder.damaged([record().id, "b" * 16]) == ["b" * 16]
    with pytest.raises(RunFolderError, match=r"b\.npz is missing or damaged"):
        folder.arrays("b" * 16)


def test_arrays_without_their_row_count_as_nothing(folder):
    """As a process leaves them that dies between the two."""
    content = (folder.path / "arrays" / f"{record().id}.npz").read_bytes()
    (folder.path / "arrays" / f"{'b' * 16}.npz").write_bytes(content)
    assert list(folder.records()) == [record().id]
    assert folder.damaged(["b" * 16]) == ["b" * 16]


def test_a_row_is_never_written_before_its_arrays(folder, monkeypatch):
    monkeypatch.setattr("kmlp.files.os.replace", refuse)
    with pytest.raises(OSError, match="no space"):
        folder.record(record("b" * 16), ARRAYS)
    assert list(folder.records()) == [record().id]


def test_reading_creates_nothing(tmp_path):
    absent, empty = RunFolder(tmp_path / "absent"), RunFolder(tmp_path / "empty")
    empty.path.mkdir()
    for folder in (absent, empty):
        assert folder.records() == {}
        assert folder.damaged(["a"]) == ["a"]
        with pytest.raises(RunFolderError, match="is missing or damaged"):
            folder.arrays("a")
    assert [p.name for p in tmp_path.rglob("*")] == ["empty"]


def test_a_folder_that_is_no_run_folder_is_said_to_be_none(tmp_path):
    with pytest.raises(RunFolderError) as caught:
        RunFolder(tmp_path).read_json("results.json")
    assert str(caught.value) == f"{tmp_path}: no results.json; is this a run folder?"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff"])
def test_a_file_that_is_no_json_is_named(folder, content):
    (folder.path / "results.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"results\.json: cannot be read: "):
        folder.read_json("results.json")


def test_a_ledger_that_is_no_database_is_named(folder):
    (folder.path / "ledger.sqlite").write_bytes(b"not a database" * 100)
    for read in (folder.records, lambda: folder.arrays(record().id)):
        with pytest.raises(RunFolderError, match=r"ledger\.sqlite: file is not a database"):
            read()


def test_json_and_labels_read_back_equal(folder):
    value = {"a": [1, 0.1, None, "ü"], "b": {}}
    assert folder.write_json("results.json", value) == folder.path / "results.json"
    assert folder.read_json("results.json") == value
    folder.write_test_labels(np.array([2, 0, 1], np.int32))
    np.testing.assert_array_equal(folder.test_labels(), [2, 0, 1])


def test_json_holds_no_nan(folder):
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_json("results.json", float("nan"))
    assert not (folder.path / "results.json").exists()


@pytest.mark.long
def test_a_second_process_is_refused_and_told_what_to_do(folder):
    command = [sys.executable, "-c", INTRUDER, str(folder.path)]
    with folder.writing():
        refused = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    entered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert refused == (
        f"{folder.path}: another process is working on this run folder. "
        "Wait for it, or name another folder with --out.\n"
    )
    assert entered == "entered\n"


def test_the_lock_dies_with_its_process(tmp_path, holder):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(RunFolderError, match="another process is working"), folder.writing():
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with folder.writing():
        folder.record(record(), {})
    assert list(folder.records()) == [record().id]


def test_a_folder_in_use_can_be_read(tmp_path, holder):
    assert RunFolder(tmp_path / "run").records() == {}


def test_the_lock_is_released_after_an_error(folder):
    with pytest.raises(ZeroDivisionError), folder.writing():
        _ = 1 / 0
    with folder.writing():
        pass


def test_opening_a_folder_again_keeps_its_members(folder):
    with folder.writing():
        assert folder.records() == {record().id: record()}


@pytest.mark.parametrize("inside", ["file", "file/run", "x" * 300])
def test_a_path_that_cannot_be_written_is_named(tmp_path, inside):
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / inside
    with (
        pytest.raises(RunFolderError, match=": cannot be written: ") as e,
        RunFolder(path).writing(),
    ):
        pass
    assert str(e.value).startswith(str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with (
        pytest.raises(RunFolderError, match="cannot be written: Permission denied"),
        RunFolder(tmp_path / "run").writing(),
    ):
        pass


def test_an_error_from_elsewhere_is_not_blamed_on_the_folder(folder):
    with pytest.raises(PermissionError, match="elsewhere"), folder.writing():
        raise PermissionError(13, "Permission denied", "elsewhere")


def refuse(*_) -> None:
    raise OSError(28, "no space left on device")


def test_writing_atomically_replaces_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    for content in (b"old", b"new and longer", b""):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, step):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    monkeypatch.setattr(f"kmlp.files.os.{step}", refuse)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_the_content_is_on_disk_before_it_gets_its_name_and_the_name_after(tmp_path, monkeypatch):
    calls = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(
            f"kmlp.files.os.{step}",
            lambda *a, step=step, real=real: calls.append(step) or real(*a),
        )
    write_atomically(tmp_path / "a.txt", b"new")
    assert calls == ["fsync", "replace", "fsync"]


def test_stacks_that_differ_in_one_member_have_checkpoints_of_their_own(tmp_path):
    """Variants may change in a run folder; another stack's weights would fit."""
    folder = RunFolder(tmp_path)
    stacks = (["a", "b", "z"], ["a", "c", "z"], ["b", "a", "z"], ["a", "z"])
    assert len({folder.stacks.checkpoint_folder(ids) for ids in stacks}) == len(stacks)
