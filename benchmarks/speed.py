"""The stacked study against the same members in a plain Keras loop, in turn, in one run.

    python benchmarks/speed.py [--members 10] [--epochs 3] [--rounds 3] [--dataset fashion_mnist]

Both sides train the same members (784-128-64-10, Adam, dropout 0.2, L2 5e-4, batch 128) on the
same rows for the same number of epochs with the same validation after each, and both are
warmed up first. The loop runs with TensorFlow's default threads, as people run it, in a
process of its own: thread counts are fixed once TensorFlow has started.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def make_members(num_members: int, epochs: int, data) -> list:
    """The members of both sides; early stopping is off, so that both train every epoch."""
    from kmlp import Member, MLPConfig, Seeds, TrainConfig

    train = TrainConfig(max_epochs=epochs, early_stopping=False)
    return [
        Member(
            model=MLPConfig(dropout=0.2, l2=5e-4),
            train=train,
            seeds=Seeds.all(seed),
            validation_fraction=1 / 6,
            data_sha256=data.provenance.sha256,
        )
        for seed in range(num_members)
    ]


def train_stacked(members: list, data) -> float:
    """Mean test accuracy."""
    from kmlp.training import plan_stacks, train_members

    results: list = []
    train_members(plan_stacks(members, data.spec), data, on_result=results.extend)
    return statistics.fmean(r.metrics["test"]["accuracy"] for r in results)


def train_in_a_loop(members: list, data) -> float:
    """Mean test accuracy; plain Keras `fit` as people write it."""
    import keras

    from kmlp import build_mlp

    accuracies = []
    for member in members:
        model = build_mlp(member.model, data.spec, seed=member.seeds.init)
        model.compile(
            keras.optimizers.Adam(member.train.learning_rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        train, val = member.split(data.y_train)
        model.fit(
            data.x_train[train],
            data.y_train[train],
            batch_size=member.train.batch_size,
            epochs=member.train.max_epochs,
            validation_data=(data.x_train[val], data.y_train[val]),
            verbose=0,
        )
        accuracies.append(model.evaluate(data.x_test, data.y_test, verbose=0)[1])
    return statistics.fmean(accuracies)


SIDES = {"stacked": train_stacked, "loop": train_in_a_loop}


def serve(side: str, dataset: str) -> None:
    """A side's process: reads (members, epochs), trains, answers (seconds, accuracy)."""
    from kmlp import load_dataset

    data = load_dataset(dataset)
    for line in sys.stdin:
        num_members, epochs = json.loads(line)
        members = make_members(num_members, epochs, data)
        started = time.perf_counter()
        accuracy = SIDES[side](members, data)
        print(json.dumps([time.perf_counter() - started, accuracy]), flush=True)


class Side:
    """One side in a process of its own, idle while the other works."""

    def __init__(self, side: str, dataset: str) -> None:
        command = [sys.executable, __file__, "--serve", side, "--dataset", dataset]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def train(self, num_members: int, epochs: int) -> tuple[float, float]:
        """Seconds and mean test accuracy."""
        self.process.stdin.write(json.dumps([num_members, epochs]) + "\n")
        self.process.stdin.flush()
        seconds, accuracy = json.loads(self.process.stdout.readline())
        return seconds, accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.dataset)
        return
    sides = {name: Side(name, options.dataset) for name in SIDES}
    for side in sides.values():
        side.train(options.members, 1)
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    for round_ in range(options.rounds):
        for name, side in sides.items():
            spent, accuracy = side.train(options.members, options.epochs)
            seconds[name].append(spent)
            print(f"round {round_ + 1}  {name:8} {spent:7.2f} s  mean test accuracy {accuracy:.4f}")
    total = options.members * options.epochs
    print(f"\n{options.members} members x {options.epochs} epochs, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}")  # fmt: skip
    for name, spent in seconds.items():
        median = statistics.median(spent)
        print(f"{name:8} median {median:7.2f} s, {median / total:.3f} s per member-epoch")
    ratios = [b / a for a, b in zip(seconds["stacked"], seconds["loop"], strict=True)]
    print(f"ratio loop / stacked: median {statistics.median(ratios):.2f} "
          f"(from {min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
