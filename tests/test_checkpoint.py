"""What dies goes on: the same members in the end, as if nothing had happened."""

import contextlib
import os
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest

from kmlp.checkpoint import Checkpoints
from kmlp.ledger import RunFolder
from kmlp.member import Member
from kmlp.stack import build_stack
from kmlp.stack_run import DeviceData, StackRun
from kmlp.study import load_study
from kmlp.training import fit_stack
from tests.twins import make_member


def make_members(tiny) -> list[Member]:
    """Members that stop at different epochs, so that the stack is compacted on the way."""
    return [
        make_member(
            tiny,
            seed,
            dropout=0.1 * seed,
            learning_rate=0.02,
            patience=1 + 3 * seed,
            max_epochs=25,
            reduce_on_plateau={"factor": 0.5, "patience": 2},
        )
        for seed in range(5)
    ]


def test_a_run_restored_at_any_epoch_ends_bit_for_bit_the_same(tiny, compacting):
    members, device = make_members(tiny), DeviceData(tiny)
    whole = fit_stack(build_stack(members, tiny.spec), device)
    run = StackRun(build_stack(members, tiny.spec), device)
    snapshots = []
    while not run.stop_training and run.epoch < 25:
        run.train_epoch()
        if not run.stop_training:
            run.compact()
        snapshots.append(run.snapshot())
    assert len({len(s["position"]) for s in snapshots}) >= 2, "no compaction happened"
    for snapshot in snapshots[::4]:
        run = StackRun(build_stack(members, tiny.spec), device)
        run.restore(snapshot)
        while not run.stop_training and run.epoch < 25:
            run.train_epoch()
            if not run.stop_training:
                run.compact()
        for a, b in zip(run.results(), whole, strict=True):
            assert (a.best_epoch, a.stopped_epoch) == (b.best_epoch, b.stopped_epoch)
            assert a.metrics == b.metrics
            for left, right in zip(a.weights.values(), b.weights.values(), strict=True):
                np.testing.assert_array_equal(left, right)
            for name, curve in a.curves.items():
                np.testing.assert_array_equal(curve, b.curves[name])


def test_the_last_two_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c")
    assert checkpoints.load() is None
    for epoch in (1, 2, 9, 10):
        checkpoints.save(epoch, {"epoch": np.array(epoch)})
    assert [p.name for p in sorted((tmp_path / "c").iterdir())] == [
        "000009.checkpoint",
        "000010.checkpoint",
    ]
    assert checkpoints.load()["epoch"] == 10
    checkpoints.remove()
    assert not (tmp_path / "c").exists()


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    """200 truncations and bit flips: always the older one, never other numbers."""
    checkpoints = Checkpoints(tmp_path)
    values = np.arange(50.0)
    checkpoints.save(1, {"x": values})
    checkpoints.save(2, {"x": values + 1})
    path = tmp_path / "000002.checkpoint"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(200):
        position = int(rng.integers(len(content)))
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(content[:position] if trial % 2 else changed)
        np.testing.assert_array_equal(checkpoints.load()["x"], values)
    assert "000002.checkpoint is damaged; going on from the one before" in caplog.text


STUDY = """
import sys
import numpy as np
from kmlp import Dataset, MLPConfig, StudyConfig, TrainConfig, run_study
from kmlp.engine import Engine

rng = np.random.default_rng(0)
centres = rng.normal(size=(3, 12))
def draw(n):
    y = np.arange(n) % 3
    return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y
data = Dataset.from_arrays(*draw(3000), *draw(90), name="tiny")
config = StudyConfig(
    dataset="tiny", variants=("none", "dropout=0.3"), num_seeds=7,
    model=MLPConfig(hidden_units=(64, 32)),
    train=TrainConfig(batch_size=16, max_epochs=12, early_stopping=False),
)
run_study(config, sys.argv[1], data, trainer=Engine(checkpoint_seconds=0.2))
"""
NUM_EPOCHS = 2 * 7 * 12


def start_study(run_dir, code: str = STUDY) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(run_dir)], stderr=subprocess.DEVNULL, text=True
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    assert start_study(folder).wait() == 0
    return folder


def assert_same_members(a, b) -> None:
    first, second = load_study(a).results["members"], load_study(b).results["members"]
    for left, right in zip(first, second, strict=True):
        assert (left["id"], left["best_epoch"]) == (right["id"], right["best_epoch"])
        mine, theirs = RunFolder(a).arrays(left["id"]), RunFolder(b).arrays(right["id"])
        for name, value in mine.items():
            np.testing.assert_array_equal(value, theirs[name])


def wait_for_epochs(run_dir, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (run_dir / "ledger.sqlite").exists():
            try:
                if RunFolder(run_dir).stacks.num_epochs_logged() >= count:
                    return
            except Exception:
                pass
        time.sleep(0.01)
    raise AssertionError("the study did not get there in a minute")


def test_killed_three_times_it_ends_as_if_uninterrupted(uninterrupted, tmp_path):
    run = tmp_path / "run"
    for target in (30, 70, 110):
        process = start_study(run)
        wait_for_epochs(run, target)
        process.kill()
        process.wait()
    assert start_study(run).wait() == 0
    assert_same_members(run, uninterrupted)
    assert not (run / "checkpoints").exists()
    trained = RunFolder(run).stacks.num_epochs_logged()
    assert NUM_EPOCHS <= trained < 2 * NUM_EPOCHS


# The study interrupts itself after four epochs: from outside it could be over before.
INTERRUPTED = """
import os, signal
from kmlp.ledger import RunFolder
log_epoch, calls = RunFolder.log_epoch, []
def interrupting(*arguments):
    log_epoch(*arguments)
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGINT)
RunFolder.log_epoch = interrupting
"""


def test_an_interrupt_saves_the_running_stacks(uninterrupted, tmp_path):
    """Ctrl-C: nothing that was trained is trained again."""
    run = tmp_path / "run"
    assert start_study(run, INTERRUPTED + STUDY).wait() != 0
    assert RunFolder(run).stacks.num_epochs_logged() < NUM_EPOCHS
    assert start_study(run).wait() == 0
    assert_same_members(run, uninterrupted)
    assert RunFolder(run).stacks.num_epochs_logged() == NUM_EPOCHS


def test_eight_processes_on_one_folder_one_works_seven_say_why_not(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-c", STUDY, str(run)]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(tmp_path / f"{i}.err", "w+")) for i in range(8)]
        processes = [subprocess.Popen(command, stderr=file) for file in files]
        codes = [process.wait() for process in processes]
    errors = [(tmp_path / f"{i}.err").read_text() for i in range(8)]
    assert codes.count(0) == 1
    refused = [error for code, error in zip(codes, errors, strict=True) if code]
    assert all("another process is working on this run folder" in error for error in refused)
    assert RunFolder(run).stacks.num_epochs_logged() == NUM_EPOCHS


def test_a_full_disk_is_one_clear_error_and_what_was_there_still_loads(tiny, tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    checkpoints = Checkpoints(tmp_path / "c")
    checkpoints.save(1, {"x": np.ones(3)})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with folder.writing():
        folder.write_json("a.json", {"old": 1})
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device"):
            folder.write_json("a.json", {"new": 2})
        with pytest.raises(OSError, match="No space left on device"):
            checkpoints.save(2, {"x": np.zeros(3)})
        monkeypatch.undo()
        assert folder.read_json("a.json") == {"old": 1}
    np.testing.assert_array_equal(checkpoints.load()["x"], np.ones(3))
    assert not list(tmp_path.rglob("*.tmp"))


def test_saving_and_loading_copy_the_arrays_no_more_often_than_they_must(tmp_path):
    """Of 32 MB: one buffer that grows by eighths to save, the arrays alone to load."""
    checkpoints, arrays = Checkpoints(tmp_path), {str(i): np.ones(10**6) for i in range(4)}
    checkpoints.save(1, {"x": np.ones(1)})
    tracemalloc.start()
    try:
        checkpoints.save(2, arrays)
        saving = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        loaded = checkpoints.load()
        loading = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(loaded["3"], arrays["3"])
    # Of one array at a time, what is on its way.
    assert saving < 1.2 * 32e6 + 16e6
    assert loading < 32e6 + 16e6
