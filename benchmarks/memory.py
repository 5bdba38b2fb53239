"""The bound on a study's memory beside what the study then takes, each in a process of its own.

    KMLP_DATA=FOLDER python benchmarks/memory.py [--only WORD]

Every epoch is saved, so that checkpoints count, and members that stop early leave their stack.
Linux only: the peak since the backend has started is the kernel's own count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Compiled anew: a program from the disk takes less.
os.environ.setdefault("KMLP_PROGRAM_CACHE", "off")
# Data: tiny, sample or full Fashion-MNIST, or "rows x features" of random numbers in ten classes.
CASES: dict[str, dict[str, Any]] = {
    "tiny, 1,000 members": {
        "data": "tiny",
        "num_seeds": 1000,
        "hidden_units": [8],
        "max_epochs": 1,
    },
    "tiny, 24 signatures": {
        "data": "tiny",
        "num_seeds": 1,
        "baseline": "8 units",
        "variants": [{"name": f"{n} units", "hidden_units": [n]} for n in range(8, 32)],
        "max_epochs": 1,
    },
    "sample, 1 member": {"data": "sample", "num_seeds": 1},
    "sample, 5 variants": {
        "data": "sample",
        "variants": ["none", "l2", "dropout", "batch_norm", "gradient_noise"],
    },
    "sample, all that draws": {
        "data": "sample",
        "dropout": 0.2,
        "drop_connect": 0.2,
        "gradient_noise": 0.01,
    },
    "sample, example masks": {
        "data": "sample",
        "num_seeds": 2,
        "drop_connect": 0.2,
        "drop_connect_mask": "example",
    },
    "sample, 3000-3000": {"data": "sample", "num_seeds": 1, "hidden_units": [3000, 3000]},
    "sample, 32 sub-networks": {
        "data": "sample",
        "num_seeds": 2,
        "weight_sharing": "tabm",
        "dropout": 0.1,
    },
    # A rate at which members soon stop, so that stacks shrink.
    "full, 2 variants": {
        "data": "full",
        "variants": ["none", "dropout"],
        "num_seeds": 4,
        "learning_rate": 0.01,
        "max_epochs": 6,
    },
    "full batch": {"data": "full", "num_seeds": 2, "batch_size": "full"},
    "100,000 x 500": {"data": "100000x500", "dropout": 0.2, "num_seeds": 2},
}


class Watcher:
    """A study's progress: keeps the bound it states and the growth after each stack."""

    def __init__(self, before: int) -> None:
        self.before, self.bound, self.peak = before, 0, 0
        self.after: list[int] = []

    def start(self, *_: Any) -> None: ...
    def epoch(self, *_: Any) -> None: ...

    def compiling(self, *_: Any) -> None: ...

    def need(self, memory: Any) -> None:
        self.bound = memory.total

    def finished(self, _: Any) -> None:
        self.after.append(_status("VmRSS") - self.before)
        self.peak = _status("VmHWM") - self.before


def load(name: str):
    """One of the cases' data sets."""
    from kmlp import Dataset, load_dataset

    if name in ("sample", "full"):
        if name == "sample":
            os.environ.pop("KMLP_DATA", None)
            os.environ["KMLP_OFFLINE"] = "1"
        data = load_dataset("fashion_mnist")
        if data.provenance.source != name:
            raise SystemExit(f"wanted the {name} data set. Received: {data.provenance}.")
        return data
    num_rows, num_features = (300, 12) if name == "tiny" else map(int, name.split("x"))
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(n, num_features)).astype(np.float32), np.arange(n) % 10

    return Dataset.from_arrays(*draw(num_rows), *draw(num_rows // 6))


def measure(options: dict[str, Any]) -> dict[str, Any]:
    """Runs a study in this process.

    Returns:
        `bound`, `measured`: bytes, while it trains; `with_results`: the peak with the results built
        afterwards; `after`: growth after each stack.
    """
    import keras

    from kmlp import MLPConfig, StudyConfig, TrainConfig, run_study
    from kmlp.engine.engine import Engine
    from kmlp.nn import backend

    trainer = Engine(checkpoint_seconds=0.0, largest_share=np.inf)
    options = {"max_epochs": 3, "patience": 1, **options}
    data = load(options.pop("data"))
    of_study = {n: options.pop(n) for n in ("variants", "num_seeds", "baseline") if n in options}
    of_model = {n: v for n, v in options.items() if n in MLPConfig.__dataclass_fields__}
    of_train = {n: v for n, v in options.items() if n not in of_model}
    config = StudyConfig(
        dataset=data.name,
        model=MLPConfig.from_dict({**MLPConfig().to_dict(), **of_model}),
        train=TrainConfig(**of_train),
        **{"variants": ("none",), "num_seeds": 4, **of_study},
    )
    # The backend starts with its first program.
    backend.num_places()
    backend.fuse(keras.ops.square)(keras.ops.ones(3))
    watcher = Watcher(_status("VmRSS"))
    Path("/proc/self/clear_refs").write_text("5")
    with tempfile.TemporaryDirectory() as folder:
        run_study(config, folder, data, progress=watcher, trainer=trainer)
    return {
        "bound": watcher.bound,
        "measured": watcher.peak,
        "with_results": _status("VmHWM") - watcher.before,
        "after": watcher.after,
    }


def _status(key: str) -> int:
    """Bytes, of what the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(key)))


def _row(name: str, found: dict[str, Any]) -> str:
    """Of many stacks also how much the process grew from the tenth one on."""
    bound, measured = found["bound"] / 2**20, found["measured"] / 2**20
    after = found["after"]
    growth = f"{(after[-1] - after[9]) / 2**20:.0f}" if len(after) > 20 else ""
    whole = found["with_results"] / 2**20
    numbers = f"{bound:.0f} | {measured:.0f} | {bound / measured:.2f} | {whole:.0f}"
    return f"| {name} | {numbers} | {growth} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(json.loads(arguments.one))))
        return
    columns = ("study", "bound, MiB", "training, MiB", "bound / training")
    print(f"| {' | '.join(columns)} | with results, MiB | growth after 10 stacks, MiB |")
    print("|---|---|---|---|---|---|")
    for name, options in CASES.items():
        if arguments.only in name:
            command = [sys.executable, __file__, "--one", json.dumps(options)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            print(_row(name, json.loads(done.stdout.splitlines()[-1])), flush=True)


if __name__ == "__main__":
    main()
