"""kill -9 at random moments of searches: the same trials in the end, none lost, none twice.

    python benchmarks/search_durability.py [--kills 20] [--tuners random bayesian ...]

Each search runs in a process of its own on made-up data and is started again after each kill,
until it ends. Its trials and executions are then compared with those of an uninterrupted search.
(`tests/search_faults.py` strikes at every kind of write, without TensorFlow.)
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tuning import load_search

TUNERS = ("random", "grid", "bayesian", "hyperband")
SEARCH = """
import sys
import numpy as np
from kmlp import Dataset
from kmlp.engine.engine import Engine
from tuning import tune

rng = np.random.default_rng(0)
centres = rng.normal(size=(3, 12))
def draw(n):
    y = np.arange(n) % 3
    return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y
data = Dataset.from_arrays(*draw(3000), *draw(90), name="made-up")
tune(
    data, sys.argv[1], tuner=sys.argv[2], max_trials=8, num_seeds=2,
    space=["none", "learning_rate=1e-3:1e-1:log", "dropout=0,0.2,0.4"],
    fixed={"hidden_units": [32, 16]},
    train={"batch_size": 16, "max_epochs": 9},
    trainer=Engine(checkpoint_seconds=0.5),
)
"""


def start(run: Path, tuner: str) -> subprocess.Popen:
    command = [sys.executable, "-c", SEARCH, str(run), tuner]
    # A file, which does not fill up as a pipe does.
    with open(f"{run}.stderr", "w", encoding="utf-8") as stderr:
        return subprocess.Popen(command, stderr=stderr)


def finish(run: Path, tuner: str) -> None:
    """Lets a search go on to its end."""
    check(run, start(run, tuner).wait())


def check(run: Path, code: int) -> None:
    """Ends all with what a search said that ended by an error of its own."""
    if code > 0:
        sys.exit(Path(f"{run}.stderr").read_text(encoding="utf-8"))


def trials(run: Path) -> list[dict]:
    """All that a search found, but for how long it took."""
    return [t.model_dump(exclude={"seconds"}) for t in load_search(run).record.trials]


def kill_at_random(folder: Path, tuner: str, kills: int, longest: float) -> None:
    """Kills at uniformly random moments until so many have met a living process."""
    met, ended, same, needed, trained, rng = 0, 0, 0, 0, 0, random.Random(0)
    reference = folder / f"{tuner}-reference"
    while met < kills:
        run = folder / f"{tuner}-{ended}"
        process = start(run, tuner)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, longest))
        met += process.poll() is None
        process.kill()
        check(run, code := process.wait())
        if code == 0 or met == kills:
            finish(run, tuner)
            ended += 1
            same += trials(run) == trials(reference)
            needed += load_search(reference).record.budget.member_epochs
            trained += load_search(run).record.budget.member_epochs
    print(
        f"{tuner:9} {met} kills in {ended} searches: {same} of {ended} end with the trials of an "
        f"uninterrupted one, {trained} member-epochs trained, {needed} needed",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tuners", nargs="*", choices=TUNERS, default=TUNERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for tuner in options.tuners:
            started = time.monotonic()
            finish(folder / f"{tuner}-reference", tuner)
            kill_at_random(folder, tuner, options.kills, time.monotonic() - started)


if __name__ == "__main__":
    main()
