"""What dies goes on: the same members in the end, as if nothing had happened."""

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.engine.checkpoint import Checkpoints
from kmlp.engine.engine import Engine
from kmlp.engine.member import Member
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from tests.twins import make_member

ROOT = Path(__file__).parents[2]


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
            ema_momentum=0.2 * (seed % 2),
            mixup=0.1 * (seed % 3),
            keep_last_best=seed > 2,
            dropout_schedule="cosine",
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


NUM_EPOCHS = 2 * 7 * 12


def run_here(run_dir: Path, progress: object = None) -> None:
    """The study that is interrupted and killed, in this process."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 3
        return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y

    config = StudyConfig(
        dataset="tiny",
        variants=("none", "dropout=0.3"),
        num_seeds=7,
        model=MLPConfig(hidden_units=(64, 32)),
        train=TrainConfig(batch_size=16, max_epochs=12, early_stopping=False),
    )
    data = Dataset.from_arrays(*draw(3000), *draw(90), name="tiny")
    run_study(config, run_dir, data, progress=progress, trainer=Engine(checkpoint_seconds=0.2))


class Striking:
    """Progress that sends its own process a signal once so many epochs are logged.

    From outside the study could be over before, or not yet there.
    """

    def __init__(self, run_dir: Path, what: signal.Signals, after: int) -> None:
        self.run_dir, self.what, self.after = run_dir, what, after

    def start(self, variant_of, done, title) -> None: ...
    def need(self, memory) -> None: ...
    def compiling(self, number, total) -> None: ...
    def finished(self, results) -> None: ...

    def epoch(self, members, epoch, logs) -> None:
        if self.what and RunFolder(self.run_dir).stacks.num_epochs_logged() >= self.after:
            os.kill(os.getpid(), self.what)
            self.what = 0


KILLED = """
import signal, sys
from pathlib import Path
from tests.engine.test_checkpoint import Striking, run_here
run, after = Path(sys.argv[1]), int(sys.argv[2])
run_here(run, Striking(run, signal.SIGKILL, after))
"""


def run_until_killed(run_dir: Path, after: int) -> None:
    """The study in a process that kills itself after so many epochs."""
    command = [sys.executable, "-c", KILLED, str(run_dir), str(after)]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    run_here(folder)
    return folder


def assert_same_members(a, b) -> None:
    first, second = load_study(a).results["members"], load_study(b).results["members"]
    for left, right in zip(first, second, strict=True):
        assert (left["id"], left["best_epoch"]) == (right["id"], right["best_epoch"])
        mine, theirs = RunFolder(a).arrays(left["id"]), RunFolder(b).arrays(right["id"])
        for name, value in mine.items():
            np.testing.assert_array_equal(value, theirs[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "kills", [(70,), pytest.param((30, 70, 110), marks=pytest.mark.slow)], ids=["once", "often"]
)
def test_killed_it_ends_as_if_uninterrupted(uninterrupted, tmp_path, kills):
    run = tmp_path / "run"
    for after in kills:
        run_until_killed(run, after)
    run_here(run)
    assert_same_members(run, uninterrupted)
    assert not (run / "checkpoints").exists()
    trained = RunFolder(run).stacks.num_epochs_logged()
    assert NUM_EPOCHS <= trained < 2 * NUM_EPOCHS


@pytest.mark.slow
def test_an_interrupt_saves_the_running_stacks(uninterrupted, tmp_path):
    """Ctrl-C: nothing that was trained is trained again."""
    run = tmp_path / "run"
    # A shell starts what it runs in the background with interrupts ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_here(run, Striking(run, signal.SIGINT, after=4))
    finally:
        signal.signal(signal.SIGINT, before)
    assert RunFolder(run).stacks.num_epochs_logged() < NUM_EPOCHS
    run_here(run)
    assert_same_members(run, uninterrupted)
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
