"""kill -9 at random moments and at every write and rename: the same members in the end.

    python benchmarks/durability.py [--kills 30] [--writes] [--cost]

Each study runs in a process of its own on made-up data and is started again after each kill,
until it ends. Its members are then compared with those of an uninterrupted run, and the
member-epochs it trained, from the epoch log, with those needed. (`tests/faults.py` strikes at
more places, statements and commits of the ledger included, without TensorFlow.)
"""

import argparse
import contextlib
import dataclasses
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder

STUDY = """
import os, stat, sys
import numpy as np
from kmlp import Dataset, MLPConfig, StudyConfig, TrainConfig, run_study
from kmlp.engine.engine import Engine

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
run_study(config, sys.argv[1], data, trainer=Engine(checkpoint_seconds=0.5))
"""
NUM_SEEDS = 6
NUM_EPOCHS = 2 * NUM_SEEDS * 15


def start(run: Path, kill_at: int = 0, num_seeds: int = NUM_SEEDS) -> subprocess.Popen:
    command = [sys.executable, "-c", STUDY, str(run), str(kill_at), str(num_seeds)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def trained_alone(run: Path) -> set[str]:
    """Ids of the members that trained alone, as after two barren attempts with their stack."""
    with contextlib.closing(sqlite3.connect(run / "ledger.sqlite")) as connection:
        stacks = connection.execute("SELECT DISTINCT stack FROM epoch").fetchall()
    return {name.split("-")[0] for (name,) in stacks if name.endswith("-1")}


def worst_difference(a: Path, b: Path) -> float:
    """Largest difference of any array of any member."""
    worst = 0.0
    members = [load_study(run).results["members"] for run in (a, b)]
    for left, right in zip(*members, strict=True):
        assert (left["id"], left["status"]) == (right["id"], right["status"]), (left, right)
        mine, theirs = RunFolder(a).arrays(left["id"]), RunFolder(b).arrays(right["id"])
        worst = max(worst, *(float(abs(mine[name] - theirs[name]).max()) for name in mine))
    return worst


def kill_at_random(folder: Path, kills: int, longest: float) -> None:
    """Kills at uniformly random moments until so many have met a living process.

    A study that ends is compared with the uninterrupted one, and the next begins.
    """
    met, worst, alone, trained, ended, rng = 0, 0.0, 0, 0, 0, random.Random(0)
    while met < kills:
        run = folder / f"random-{ended}"
        process = start(run)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, longest))
        met += process.poll() is None
        process.kill()
        if process.wait() == 0 or met == kills:
            assert start(run).wait() == 0
            worst = max(worst, worst_difference(run, folder / "reference"))
            alone += len(trained_alone(run))
            trained += RunFolder(run).stacks.num_epochs_logged()
            ended += 1
    print(
        f"{met} kills in {ended} studies: {trained} member-epochs trained, "
        f"{ended * NUM_EPOCHS} needed, worst difference {worst:.1e}; {alone} members had to "
        "prove themselves alone"
    )


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


def print_cost(folder: Path) -> None:
    """What a checkpoint of the default stack takes, the copy from the device included."""
    import kmlp
    from kmlp.engine.checkpoint import EVERY_SECONDS, Checkpoints
    from kmlp.engine.planning.stacks import stack_size
    from kmlp.engine.stack import build_stack
    from kmlp.engine.stack_training import DeviceData, StackRun

    data = kmlp.load_dataset("fashion_mnist")
    model, train = kmlp.MLPConfig(), kmlp.TrainConfig()
    one = kmlp.Member(
        model=model,
        train=train,
        seeds=kmlp.Seeds.all(0),
        validation_fraction=1 / 6,
        data_sha256=data.provenance.sha256,
    )
    size = stack_size(one, data.spec)
    members = [dataclasses.replace(one, seeds=kmlp.Seeds.all(seed)) for seed in range(size)]
    run = StackRun(build_stack(members, data.spec), DeviceData(data))
    run.train_epoch()
    checkpoints, spent = Checkpoints(folder), []
    for epoch in range(30):
        started = time.perf_counter()
        checkpoints.save(epoch, run.snapshot())
        spent.append(time.perf_counter() - started)
    bytes_written = max(path.stat().st_size for path in folder.iterdir())
    median, worst = statistics.median(spent), max(spent)
    print(
        f"a checkpoint of {size} members, {bytes_written / 1e6:.1f} MB: median "
        f"{1000 * median:.0f} ms, longest {1000 * worst:.0f} ms; one in {EVERY_SECONDS:.0f} s "
        f"is {100 * median / EVERY_SECONDS:.2f} % of the time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30, help="0 for none")
    parser.add_argument("--writes", action="store_true")
    parser.add_argument("--cost", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.cost:
            print_cost(folder / "cost")
        if options.writes:
            kill_at_every_write(folder)
        if not options.kills:
            return
        started = time.monotonic()
        assert start(folder / "reference").wait() == 0
        longest = time.monotonic() - started
        print(f"uninterrupted: {longest:.1f} s, {NUM_EPOCHS} member-epochs")
        kill_at_random(folder, options.kills, longest)


if __name__ == "__main__":
    main()
