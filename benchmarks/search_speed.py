"""A search against stock KerasTuner over the same configurations, in turn, in one run.

    python benchmarks/search_speed.py [--trials 6] [--seeds 3] [--epochs 30] [--rounds 1]
                                [--dataset fashion_mnist] [--space ...] [--fix ...]

Both sides train the same configurations, those of a random search with seed 0, with the same
epochs, batch sizes and early stopping on as many rows. Stock KerasTuner runs `executions_per_trial`
plain fits a trial, with TensorFlow's default threads, as people run it; each side in a process of
its own that idles while the other works. What each trained is printed: early stopping may end a
fit sooner or later, so the ratio is also given per epoch. A score is the validation accuracy at the
epoch whose weights are kept, on both sides: KerasTuner by itself would take each fit's best.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def settings(options: dict) -> dict:
    return {
        "tuner": "random",
        "max_trials": options["trials"],
        "num_seeds": options["seeds"],
        "space": options["space"],
        "fixed": options["fix"],
        "train": {"max_epochs": options["epochs"]},
    }


def search_stacked(data, options: dict, folder: str) -> tuple[int, list[float]]:
    """Member-epochs, and the score of each trial."""
    from tuning import tune

    found = tune(data, f"{folder}/stacked", **settings(options))
    epochs = sum(sum(t.epochs) for t in found.record.trials)
    return epochs, [t.score for t in found.record.trials]


def search_stock(data, options: dict, folder: str) -> tuple[int, list[float]]:
    """The same configurations through `keras_tuner.RandomSearch`."""
    import keras_tuner

    from kmlp import Member, Seeds, TrainConfig
    from kmlp.stats.monitoring import plain_loss_name
    from tuning import MLPHyperModel, make_space
    from tuning.search.oracles import RandomOracle

    train = TrainConfig(max_epochs=options["epochs"])
    space = make_space(data.spec, options["space"], options["fix"], train=train)
    oracle = RandomOracle(space, "val_accuracy", "max", 0)
    configurations = [oracle.draw(n) for n in range(options["trials"])]

    class Replay(keras_tuner.oracles.RandomSearchOracle):
        """The configurations that the other side draws."""

        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": dict(configurations[int(trial_id)])}

    epochs = 0

    class Counting(MLPHyperModel):
        def fit(self, hp, model, *args, **kwargs):
            nonlocal epochs
            history = super().fit(hp, model, *args, **kwargs)
            epochs += len(history.epoch)
            _, train = self.space.configs(self.space.declare(hp))
            losses = history.history[f"val_{plain_loss_name(self.spec.task)}"]
            kept = kept_epoch(losses, train.min_delta) if train.early_stopping else -1
            return {"val_accuracy": history.history["val_accuracy"][kept]}

    hypermodel = Counting(data.spec, options["space"], options["fix"], train=train)
    tuner = keras_tuner.Tuner(
        Replay(keras_tuner.Objective("val_accuracy", "max"), max_trials=options["trials"]),
        hypermodel,
        executions_per_trial=options["seeds"],
        directory=folder,
        project_name="stock",
        overwrite=True,
    )
    model, _ = space.configs(configurations[0])
    rows, held_out = Member(
        model=model,
        train=train,
        seeds=Seeds.all(0),
        validation_fraction=1 / 6,
        data_sha256=data.provenance.sha256,
    ).split(data.rows)
    tuner.search(
        data.x_train[rows],
        data.y_train[rows],
        validation_data=(data.x_train[held_out], data.y_train[held_out]),
        verbose=0,
    )
    return epochs, [t.score for t in tuner.oracle.trials.values()]


def kept_epoch(losses: list[float], min_delta: float) -> int:
    """The epoch, from 0, whose weights early stopping restores."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] - min_delta:
            best = epoch
    return best


SIDES = {"stacked": search_stacked, "stock": search_stock}


def serve(side: str, dataset: str) -> None:
    """A side's process: reads options, searches, answers (seconds, epochs, scores)."""
    from kmlp import load_dataset

    data = load_dataset(dataset)
    for line in sys.stdin:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            epochs, scores = SIDES[side](data, json.loads(line), folder)
        print(json.dumps([time.perf_counter() - started, epochs, scores]), flush=True)


class Side:
    """One side in a process of its own, idle while the other works."""

    def __init__(self, side: str, dataset: str) -> None:
        command = [sys.executable, __file__, "--serve", side, "--dataset", dataset]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def search(self, options: dict) -> tuple[float, int, list[float]]:
        """Seconds, member-epochs, scores."""
        self.process.stdin.write(json.dumps(options) + "\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("["):
            if not line:
                sys.exit("the process of one side has ended")
        return tuple(json.loads(line))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--space", nargs="*", default=["default"])
    parser.add_argument("--fix", nargs="*", default=[])
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.dataset)
        return
    asked = {k: v for k, v in vars(options).items() if k not in ("serve", "rounds", "dataset")}
    sides = {name: Side(name, options.dataset) for name in SIDES}
    for side in sides.values():
        side.search({**asked, "trials": 1, "seeds": 1, "epochs": 1})
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in SIDES}
    for round_ in range(options.rounds):
        for name, side in sides.items():
            seconds, epochs, scores = side.search(asked)
            found[name].append((seconds, epochs))
            print(f"round {round_ + 1}  {name:8} {seconds:8.1f} s  {epochs:5} epochs  "
                  f"mean score {statistics.fmean(scores):.4f}  best {max(scores):.4f}")  # fmt: skip
    print(f"\n{options.trials} trials x {options.seeds} seeds, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}")  # fmt: skip
    pairs = list(zip(found["stacked"], found["stock"], strict=True))
    whole = statistics.median(b[0] / a[0] for a, b in pairs)
    each = statistics.median((b[0] / b[1]) / (a[0] / a[1]) for a, b in pairs)
    print(f"ratio stock / stacked: {whole:.2f}; per epoch {each:.2f}")


if __name__ == "__main__":
    main()
