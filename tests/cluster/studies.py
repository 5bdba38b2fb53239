"""The study and the search that clusters are given, and their bits."""

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from kmlp.testing.cluster import stay_on_loopback


def config(**more) -> StudyConfig:
    """Two stacks of two, unless more is said."""
    settings = {"variants": ("none", "dropout"), "num_seeds": 2, **more}
    return StudyConfig(
        dataset="tiny",
        model=MLPConfig(hidden_units=(4,)),
        train=TrainConfig(max_epochs=3),
        **settings,
    )


def same_arrays(one: Path, other: Path) -> None:
    """Refuses folders that hold other members, or other bits of them."""
    mine, theirs = RunFolder(one), RunFolder(other)
    assert mine.records().keys() == theirs.records().keys()
    for id in theirs.records():
        expected, found = theirs.arrays(id), mine.arrays(id)
        assert found.keys() == expected.keys()
        for name, array in found.items():
            assert array.tobytes() == expected[name].tobytes(), (id, name)


def slowly(seconds, members, epoch) -> None:
    """Takes its time before anyone is told of an epoch."""
    time.sleep(seconds)


def drive(run: Path, address: str) -> None:
    """The study of the driver that is killed, in a process of its own."""
    stay_on_loopback()
    x, y = np.arange(60, dtype=np.float32).reshape(30, 2), np.arange(30) % 3
    data = Dataset.from_arrays(x, y, x, y, name="made-up")
    trainer = LinearTrainer(before_told=partial(slowly, 0.3))
    run_study(config(num_seeds=5), run, data, trainer=trainer, cluster=address or None)


if __name__ == "__main__":
    drive(Path(sys.argv[1]), sys.argv[2])
