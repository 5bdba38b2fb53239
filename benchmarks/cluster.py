"""What a Ray cluster costs and survives, on a local one of three nodes.

    python benchmarks/cluster.py tasks             # overhead a task, results a second
    python benchmarks/cluster.py study             # one node beside this process, with Keras
    python benchmarks/cluster.py kills [N] [SEED]  # N nodes, raylets and workers at random moments
    python benchmarks/cluster.py drivers [N] [SEED]    # the driver of a study
    python benchmarks/cluster.py searchers [N] [SEED]  # the driver of a search

Training is `kmlp.testing.LinearTrainer`'s but in `study`. Prints one JSON line a measurement.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset, load_dataset
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from kmlp.testing.cluster import LocalCluster, stay_on_loopback

_EPOCHS, _EPOCH_SECONDS, _WIDTH, _SEEDS = 5, 0.5, 2, 16
_KILL_EVERY, _KILL_DRIVER_AFTER = (2.0, 5.0), (0.0, 2.0)


def made_up(num_test: int = 30, num_classes: int = 3) -> Dataset:
    """Rows whose predictions take `4 * num_test * num_classes` bytes a member."""
    x, y = np.arange(120, dtype=np.float32).reshape(60, 2), np.arange(60) % num_classes
    rows = np.arange(num_test) % 60
    return Dataset.from_arrays(x, y, x[rows], y[rows], name="made-up")


def study_of(num_seeds: int, epochs: int = 1, **more: Any) -> StudyConfig:
    return StudyConfig(
        dataset="made-up",
        num_seeds=num_seeds,
        model=MLPConfig(hidden_units=(2,)),
        train=TrainConfig(max_epochs=epochs),
        **{"variants": ("none",), "importance": False, **more},
    )


def timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def tasks(folder: Path) -> None:
    """Stacks that take no time: what is left is Ray and the driver's books."""
    with LocalCluster() as nodes:
        for what, num_test, num_classes in (("small", 30, 3), ("400 KB", 10_000, 10)):
            data = made_up(num_test, num_classes)
            for width in (1, 10):
                trainer, num_stacks = LinearTrainer(width=width), 300 // width
                config = study_of(num_stacks * width)
                seconds = {}
                for where, cluster in (("here", None), ("there", nodes.address)):
                    run = folder / f"{what}-{width}-{where}"
                    told = FirstResult()
                    run_study(config, run, data, trainer=trainer, progress=told, cluster=cluster)
                    seconds[where] = told.seconds
                    shutil.rmtree(run)
                each = {k: round(1000 * s / (num_stacks - 1), 1) for k, s in seconds.items()}
                print(
                    json.dumps(
                        {
                            "results": what,
                            "stacks": num_stacks,
                            "members_a_stack": width,
                            "ms_a_stack": each,
                            "members_a_second": round(1000 * width / each["there"]),
                        }
                    ),
                    flush=True,
                )


class FirstResult:
    """Times from the first recorded stack to the last: workers have started by then."""

    def __init__(self) -> None:
        self.first = self.last = 0.0

    @property
    def seconds(self) -> float:
        return self.last - self.first

    def finished(self, results: Any) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def study(folder: Path) -> None:
    """The same study here, and on one node with as many cores."""
    cores = len(os.sched_getaffinity(0))
    config = StudyConfig(
        dataset="fashion_mnist",
        variants=("none", "dropout", "l2", "label_smoothing"),
        num_seeds=40,
        model=MLPConfig(hidden_units=(256, 128)),
        train=TrainConfig(max_epochs=40, early_stopping=False),
    )
    data = load_dataset("fashion_mnist")
    code = "import sys; from benchmarks.cluster import one; one(*sys.argv[1:])"
    found = {}
    with LocalCluster(num_nodes=1, num_cpus=cores) as nodes:
        for where, address in (("here", ""), ("there", nodes.address)):
            run = folder / where
            (folder / "config.toml").write_text(config.to_toml(), encoding="utf-8")
            command = [sys.executable, "-c", code, str(folder), where, address]
            found[where] = timed(lambda command=command: subprocess.run(command, check=True))
            epochs = RunFolder(run).stacks.num_epochs_logged()
            print(json.dumps({where: round(found[where], 1), "epochs": epochs}), flush=True)
    same = same_bits(folder / "there", folder / "here")
    ratio = round(found["there"] / found["here"], 3)
    print(json.dumps({"ratio": ratio, "rows": len(data.y_train), "same_bits": same}))


def one(folder: str, where: str, address: str) -> None:
    """One side of `study`, in a process of its own."""
    config = StudyConfig.from_toml((Path(folder) / "config.toml").read_text(encoding="utf-8"))
    stay_on_loopback()
    told = FirstResult()
    start = time.perf_counter()
    run_study(config, Path(folder) / where, progress=told, cluster=address or None)
    said = {"to_first_result": told.first - start, "from_it_to_the_last": told.seconds}
    print(json.dumps({k: round(v, 1) for k, v in said.items()}), flush=True)


def slowly(members: Any, epoch: int) -> None:
    time.sleep(_EPOCH_SECONDS)


def drive(run: str, address: str, what: str = "study") -> None:
    """The study, or the search, that is struck, in this process."""
    stay_on_loopback()
    trainer = LinearTrainer(width=_WIDTH, before_told=slowly if address else None)
    where: dict[str, Any] = {"trainer": trainer, "cluster": address or None}
    if what == "study":
        config = study_of(_SEEDS, _EPOCHS, variants=("none", "dropout"))
        run_study(config, run, made_up(), **where)
        return
    from tuning import tune

    space, train = ["none", "learning_rate=1e-2:1e-1:log"], {"max_epochs": _EPOCHS}
    how = {"tuner": "bayesian", "max_trials": 8, "num_seeds": 2, "space": space, "train": train}
    tune(made_up(), run, fixed={"hidden_units": [8]}, **how, **where)


def kills(folder: Path, num_kills: int = 10, seed: int = 0) -> None:
    """A node removed, a raylet killed or a task's process killed, at random moments."""
    rng = random.Random(seed)
    with LocalCluster() as nodes:
        done = threading.Event()
        worker = threading.Thread(target=lambda: (_drive(folder, nodes.address), done.set()))
        worker.start()
        _wait_for_epochs(folder / "there", 1)
        struck = []
        while len(struck) < num_kills and not done.is_set():
            time.sleep(rng.uniform(*_KILL_EVERY))
            struck.append(_strike(rng, nodes))
        worker.join()
    _tell(folder, struck)


def drivers(folder: Path, num_kills: int = 5, seed: int = 0, what: str = "study") -> None:
    """The driver killed at random moments, and started again."""
    rng, struck = random.Random(seed), []
    with LocalCluster() as nodes:
        for _ in range(num_kills):
            driver = _driver(folder, nodes.address, what)
            before = _num_epochs(folder / "there")
            while _num_epochs(folder / "there") == before and driver.poll() is None:
                time.sleep(0.1)
            time.sleep(rng.uniform(*_KILL_DRIVER_AFTER))
            driver.send_signal(signal.SIGKILL)
            struck.append(driver.wait())
        _drive(folder, nodes.address, what)
    _tell(folder, struck, what)


def searchers(folder: Path, num_kills: int = 5, seed: int = 0) -> None:
    """The driver of a search, likewise."""
    drivers(folder, num_kills, seed, "search")


def _driver(folder: Path, address: str, what: str = "study") -> subprocess.Popen:
    code = "import sys; from benchmarks.cluster import drive; drive(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(folder / "there"), address, what]
    log = open(folder / "driver.log", "a")  # noqa: SIM115 -- the driver's, while it lives
    return subprocess.Popen(command, stderr=log)


def _drive(folder: Path, address: str, what: str = "study") -> None:
    code = _driver(folder, address, what).wait()
    assert code == 0, (folder / "driver.log").read_text()[-2000:]


def _strike(rng: random.Random, nodes: LocalCluster) -> str:
    kind = rng.choice(("node", "raylet", "task"))
    node = rng.choice(nodes.nodes)
    found = [p for p in psutil.process_iter(["cmdline"]) if _is_training(p)]
    if kind == "task" and found:
        rng.choice(found).kill()
        return kind
    if kind == "raylet":
        node.kill_raylet()
    nodes.remove(node)
    nodes.add()
    return kind


def _is_training(process: psutil.Process) -> bool:
    return any(word.startswith("ray::train_stack") for word in process.info["cmdline"] or ())


def _num_epochs(run: Path) -> int:
    exists = (run / "ledger.sqlite").exists()
    return RunFolder(run).stacks.num_epochs_logged() if exists else 0


def _wait_for_epochs(run: Path, number: int) -> None:
    while _num_epochs(run) < number:
        time.sleep(0.1)


def _tell(folder: Path, struck: list, what: str = "study") -> None:
    drive(str(folder / "here"), "", what)
    found, needed = RunFolder(folder / "there"), _num_epochs(folder / "here")
    print(
        json.dumps(
            {
                "struck": struck,
                "members": len(found.records()),
                "given_up": len(found.stacks.given_up()),
                "same_bits": same_bits(folder / "there", folder / "here"),
                "epochs_needed": needed,
                "epochs_again": _num_epochs(folder / "there") - needed,
            }
        )
    )


def same_bits(one: Path, other: Path) -> bool:
    """Whether two folders hold the same members, and the same arrays of each."""
    mine, theirs = RunFolder(one), RunFolder(other)
    return mine.records().keys() == theirs.records().keys() and all(
        array.tobytes() == theirs.arrays(id)[name].tobytes()
        for id in theirs.records()
        for name, array in mine.arrays(id).items()
    )


if __name__ == "__main__":
    known = (tasks, study, kills, drivers, searchers)
    what = {each.__name__: each for each in known}[sys.argv[1]]
    with tempfile.TemporaryDirectory(dir=os.environ.get("KMLP_BENCHMARK_FOLDER")) as place:
        partial(what, Path(place))(*map(int, sys.argv[2:]))
