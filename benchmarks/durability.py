"""kill -9 at random moments and at every write and rename: the same members in the end.

    python benchmarks/durability.py [--kills 30] [--writes]

Each study runs in a process of its own on made-up data and is started again after each kill,
until it ends. Its members are then compared with those of an uninterrupted run, and the
member-epochs it trained, from the epoch log, with those needed. (`tests/faults.py` strikes at
more places, statements and commits of the ledger included, without TensorFlow.)
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kmlp.ledger import RunFolder
from kmlp.study import load_study

STUDY = """
import os, stat, sys
import numpy as np
import kmlp.study
kmlp.study.CHECKPOINT_SECONDS = 0.5
from kmlp import Dataset, MLPConfig, StudyConfig, TrainConfig, run_study

kill_at, num_seeds, calls = int(sys.argv[2]), int(sys.argv[3]), 0
def killing(function):
    def call(*arguments):
        global calls
        is_folder = len(arguments) == 1 and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
        calls += not is_folder
        if calls == kill_at:
            os.kill(os.getpid(), 9)
        return function(*arguments)
    return call
if kill_at:
    os.fsync, os.replace = killing(os.fsync), killing(os.replace)
rng = np.random.default_rng(0)
centres = rng.normal(size=(3, 12))
def draw(n):
    y = np.arange(n) % 3
    return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y
data = Dataset.from_arrays(*draw(6000), *draw(90), name="made-up")
config = StudyConfig(
    dataset="made-up", variants=("none", "dropout"), num_seeds=num_seeds,
    model=MLPConfig(hidden_units=(64, 32)),
    train=TrainConfig(batch_size=16, max_epochs=15, early_stopping=False),
)
run_study(config, sys.argv[1], data)
"""
NUM_SEEDS = 6
NUM_EPOCHS = 2 * NUM_SEEDS * 15


def start(run: Path, kill_at: int = 0, num_seeds: int = NUM_SEEDS) -> subprocess.Popen:
    command = [sys.executable, "-c", STUDY, str(run), str(kill_at), str(num_seeds)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def worst_difference(a: Path, b: Path) -> float:
    """Largest difference of any array of any member."""
    worst = 0.0
    members = [load_study(run).results["members"] for run in (a, b)]
    for left, right in zip(*members, strict=True):
        assert (left["id"], left["status"]) == (right["id"], right["status"]), (left, right)
        mine, theirs = RunFolder(a).arrays(left["id"]), RunFolder(b).arrays(right["id"])
        worst = max(worst, *(float(abs(mine[name] - theirs[name]).max()) for name in mine))
    return worst


def kill_at_random(run: Path, kills: int, longest: float) -> int:
    """Kills at uniformly random moments; returns how many kills met a living process."""
    met, rng = 0, random.Random(0)
    for _ in range(kills):
        process = start(run)
        time.sleep(rng.uniform(0, longest))
        met += process.poll() is None
        process.kill()
        process.wait()
    assert start(run).wait() == 0
    return met


def kill_at_every_write(folder: Path) -> None:
    """A fresh study of two seeds for each write and rename, killed there, started again."""
    assert start(folder / "reference-2", num_seeds=2).wait() == 0
    write, worst = 0, 0.0
    while True:
        write += 1
        run = folder / f"write-{write}"
        if start(run, write, num_seeds=2).wait() == 0:
            break
        assert start(run, num_seeds=2).wait() == 0
        worst = max(worst, worst_difference(run, folder / "reference-2"))
    print(f"{write - 1} writes and renames, each killed once: worst difference {worst:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--writes", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        assert start(folder / "reference").wait() == 0
        longest = time.monotonic() - started
        print(f"uninterrupted: {longest:.1f} s, {NUM_EPOCHS} member-epochs")
        met = kill_at_random(folder / "random", options.kills, longest)
        trained = RunFolder(folder / "random").num_epochs_logged()
        worst = worst_difference(folder / "random", folder / "reference")
        print(f"{met} of {options.kills} kills met it: {trained} member-epochs trained, "
              f"worst difference {worst:.1e}")  # fmt: skip
        if options.writes:
            kill_at_every_write(folder)


if __name__ == "__main__":
    main()
