"""The bound on a study's memory beside what a real run takes, each in a process of its own.

    KMLP_DATA=FOLDER python benchmarks/memory.py [--only WORD]

Linux only: the peak since the backend has started is the kernel's own count.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Data: tiny, sample or full Fashion-MNIST, or "rows x features" of random numbers in ten classes.
CASES = {
    "tiny": {"data": "tiny"},
    "sample, 2": {"data": "sample", "members": 2},
    "sample": {"data": "sample"},
    "sample, 8 units": {"data": "sample", "hidden_units": [8]},
    "sample, dropout": {"data": "sample", "dropout": 0.2},
    "sample, batch norm": {"data": "sample", "normalization": "batch"},
    "sample, all that draws": {
        "data": "sample",
        "dropout": 0.2,
        "drop_connect": 0.2,
        "gradient_noise": 0.01,
    },
    "sample, example masks": {
        "data": "sample",
        "members": 2,
        "drop_connect": 0.2,
        "drop_connect_mask": "example",
    },
    "sample, batch 2048": {"data": "sample", "hidden_units": [64], "batch_size": 2048},
    "sample, bfloat16": {"data": "sample", "dtype_policy": "mixed_bfloat16"},
    "sample, 1024-1024": {"data": "sample", "members": 2, "hidden_units": [1024, 1024]},
    "sample, 3000-3000": {"data": "sample", "members": 1, "hidden_units": [3000, 3000]},
    "full, 2": {"data": "full", "members": 2},
    "full": {"data": "full"},
    "full, 20": {"data": "full", "members": 20},
    "full batch": {"data": "full", "members": 2, "batch_size": "full"},
    "100,000 x 500": {"data": "100000x500", "dropout": 0.2},
}


def load(name: str):
    """One of the cases' data sets."""
    from kmlp import Dataset, load_dataset

    if name in ("sample", "full"):
        if name == "sample":
            os.environ.pop("KMLP_DATA", None)
            os.environ["KMLP_OFFLINE"] = "1"
        return load_dataset("fashion_mnist")
    num_rows, num_features = (300, 12) if name == "tiny" else map(int, name.split("x"))
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(n, num_features)).astype(np.float32), np.arange(n) % 10

    return Dataset.from_arrays(*draw(num_rows), *draw(num_rows // 6))


def make_members(data, count: int, options: dict) -> list:
    """Alike but for their seeds; two epochs."""
    from kmlp import Member, MLPConfig, Seeds, TrainConfig

    of_model = {name: v for name, v in options.items() if name in MLPConfig.__dataclass_fields__}
    of_train = {name: v for name, v in options.items() if name not in of_model}
    return [
        Member(
            model=MLPConfig.from_dict({**MLPConfig().to_dict(), **of_model}),
            train=TrainConfig(**{"max_epochs": 2, **of_train}),
            seeds=Seeds.all(seed),
            validation_fraction=1 / 6,
            data_sha256=data.provenance.sha256,
        )
        for seed in range(count)
    ]


def measure(options: dict) -> dict:
    """Trains in this process.

    Returns:
        `estimate`, `measured`: bytes; `after`: growth after each stack.
    """
    import keras

    from kmlp import backend
    from kmlp.training import make_room, plan_stacks, train_members

    options = dict(options)
    data, count = load(options.pop("data")), options.pop("members", 10)
    members = make_members(data, count, options)
    room = make_room(data)
    # The backend starts with its first program.
    backend.fuse(keras.ops.square)(keras.ops.ones(3))
    stacks = plan_stacks(members, data.spec, room=room)
    before, after = _status("VmRSS"), []
    Path("/proc/self/clear_refs").write_text("5")
    train_members(
        stacks, data, room=room, on_result=lambda _: after.append(_status("VmRSS") - before)
    )
    estimate, measured = room.need(stacks).total, _status("VmHWM") - before
    return {"estimate": estimate, "measured": measured, "after": after}


def _status(key: str) -> int:
    """Bytes, of what the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(key)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(json.loads(arguments.one))))
        return
    print("| case | bound, MiB | measured, MiB | bound / measured |\n|---|---|---|---|")
    for name, options in CASES.items():
        if arguments.only in name:
            command = [sys.executable, __file__, "--one", json.dumps(options)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            bound, measured = found["estimate"] / 2**20, found["measured"] / 2**20
            print(f"| {name} | {bound:.0f} | {measured:.0f} | {bound / measured:.2f} |", flush=True)


if __name__ == "__main__":
    main()
