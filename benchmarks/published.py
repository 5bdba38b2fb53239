"""kmlp's own studies beside published numbers of the same settings, on the full sets.

    KMLP_DATA=FOLDER python benchmarks/published.py [--rows keras,fashion] [--seeds N] [--out DIR]

Every number is the test accuracy after training on all 60,000 rows, in percent. A published
number is one more run of the same settings, so it should lie within the 95 % prediction
interval of the seeds, mean +- t sd sqrt(1 + 1/K); where it is a mean of M runs the narrower
interval of such a mean, with 1/M + 1/K under the root, is printed too.

Each study has its run folder below DIR: an interrupted run goes on where it was, and more
seeds train only what is missing. `--scikit-learn N` trains scikit-learn's own MLPClassifier
on the `fashion` rows with N seeds instead, as a control.
"""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import kmlp
from kmlp import MLPConfig, StudyConfig, TrainConfig
from kmlp.study.progress import StudyProgress

# scikit-learn adds 0.5 * alpha * sum w^2 / n to the loss of a batch of n rows; kmlp l2 * sum w^2.
ALPHA, SKLEARN_BATCH = 1e-4, 200
SKLEARN_L2 = 0.5 * ALPHA / SKLEARN_BATCH
# Before 0.20 (September 2018) scikit-learn stopped at the third epoch without improvement; since
# then at the eleventh. The published table is of 2017.
PATIENCE_2017, PATIENCE_NOW = 3, 11
NETWORKS = {
    "relu 100": ((100,), "relu"),
    "relu 100-10": ((100, 10), "relu"),
    "tanh 100": ((100,), "tanh"),
    "relu 10-10": ((10, 10), "relu"),
}
MLP_CLASSIFIER = {
    "fashion_mnist": dict(zip(NETWORKS, (87.1, 87.0, 86.8, 85.0), strict=True)),
    "mnist": dict(zip(NETWORKS, (97.2, 97.2, 96.2, 93.6), strict=True)),
}


@dataclass(frozen=True)
class Target:
    """A study and the published numbers that its variants should meet.

    Attributes:
        config: the study.
        published: test accuracy by variant, percent.
        num_runs: how many runs each published number is the mean of.
    """

    config: StudyConfig
    published: dict[str, float]
    num_runs: int = 1


def keras_example() -> dict[str, Target]:
    """Keras's `mnist_mlp` example: accuracy after its last epoch."""
    config = StudyConfig(
        dataset="mnist",
        variants=("none",),
        num_seeds=5,
        model=MLPConfig(hidden_units=(512, 512), dropout=0.2, kernel_initializer="glorot_uniform"),
        train=TrainConfig(optimizer="rmsprop", max_epochs=20, early_stopping=False),
        validation_fraction=0,
    )
    return {"keras": Target(config, {"none": 98.40})}


def mlp_classifier(name: str, patience: int) -> dict[str, Target]:
    """The Fashion-MNIST repository's MLPClassifier rows, stopped on the training loss."""
    variants = tuple(
        {"name": variant, "hidden_units": units, "activation": activation}
        for variant, (units, activation) in NETWORKS.items()
    )
    model = MLPConfig(input_scaling="standard", kernel_initializer="glorot_uniform", l2=SKLEARN_L2)
    train = TrainConfig(
        batch_size=SKLEARN_BATCH,
        max_epochs=200,
        monitor="loss",
        min_delta=1e-4,
        patience=patience,
        restore_best_weights=False,
    )
    return {
        f"{name}_on_{dataset}": Target(
            StudyConfig(
                dataset=dataset,
                variants=variants,
                baseline="relu 100",
                num_seeds=5,
                model=model,
                train=train,
                validation_fraction=0,
            ),
            published,
            num_runs=5,
        )
        for dataset, published in MLP_CLASSIFIER.items()
    }


def srivastava() -> dict[str, Target]:
    """Srivastava et al. 2014, table 2, with far fewer updates than their million: 600 an epoch.

    Adam with a cosine makes the most of few updates; their bound of the norms is 2. The standard
    net of their table is quoted from Simard et al. 2003, one hidden layer of 800 logistic units;
    the relu net without dropout is compared with that number too.
    """
    dropout = {"dropout": 0.5, "input_dropout": 0.2}
    config = StudyConfig(
        dataset="mnist",
        variants=(
            {"name": "relu, no dropout", "max_epochs": 6},
            {"name": "sigmoid 800", "hidden_units": (800,), "activation": "sigmoid"},
            {"name": "relu, dropout", **dropout},
            {"name": "relu, dropout, max-norm", **dropout, "max_norm": 2.0},
        ),
        baseline="relu, no dropout",
        num_seeds=3,
        model=MLPConfig(hidden_units=(1024, 1024, 1024)),
        train=TrainConfig(
            learning_rate_schedule="cosine",
            batch_size=100,
            max_epochs=16,
            early_stopping=False,
        ),
        validation_fraction=0,
    )
    published = dict(zip(config.variant_names, (98.40, 98.40, 98.75, 98.94), strict=True))
    return {"srivastava": Target(config, published)}


ROWS = {
    "keras": keras_example,
    "fashion": lambda: mlp_classifier("fashion", PATIENCE_2017),
    "fashion_now": lambda: mlp_classifier("fashion_now", PATIENCE_NOW),
    "srivastava": srivastava,
}


def prediction_interval(values: Sequence[float], num_runs: int = 1) -> tuple[float, float]:
    """Where the mean of `num_runs` more values should lie, 95 %, from `(K,)` values, K >= 2."""
    mean, sd, k = np.mean(values), np.std(values, ddof=1), len(values)
    half = stats.t.ppf(0.975, k - 1) * sd * (1 / num_runs + 1 / k) ** 0.5
    return float(mean - half), float(mean + half)


def full_set(name: str) -> kmlp.Dataset:
    """The full set; its sample would answer another question."""
    data = kmlp.load_dataset(name)
    if data.provenance.source != "full":
        raise SystemExit(f"the full {name} is needed: set KMLP_DATA to the folder that holds it.")
    return data


def settings(config: StudyConfig) -> str:
    """What a study sets otherwise than kmlp's defaults."""
    pairs = ((config.model, MLPConfig()), (config.train, TrainConfig()))
    return ", ".join(
        f"{name}={value}"
        for mine, default in pairs
        for name, value in vars(mine).items()
        if value != getattr(default, name)
    )


def print_header(title: str) -> None:
    print(f"\n{title}\n")
    print("| variant | settings | K | epochs | mean | sd | 95 % prediction | published | within |")
    print("|---|---|---|---|---|---|---|---|---|")


def print_row(
    name: str, strength: str, values: Sequence[float], epochs: float, target: Target
) -> None:
    """One line of the table; a mean of several runs is held against its own interval too."""
    published, intervals, within = target.published[name], [], []
    for num_runs in sorted({1, target.num_runs}):
        low, high = prediction_interval(values, num_runs)
        of = "" if num_runs == 1 else f" (mean of {num_runs})"
        intervals.append(f"{low:.2f} to {high:.2f}{of}")
        within.append("yes" if low <= published <= high else "no")
    mean, sd = np.mean(values), np.std(values, ddof=1)
    cells = (name, strength, len(values), f"{epochs:.0f}", f"{mean:.2f}", f"{sd:.2f}")
    cells += ("; ".join(intervals), f"{published:.2f}", "; ".join(within))
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def report(target: Target, results: dict[str, Any]) -> None:
    """One table a study, a row a variant."""
    print_header(f"{target.config.dataset}; beside kmlp's defaults {settings(target.config)}")
    for variant in results["variants"]:
        name = variant["name"]
        members = [m for m in results["members"] if m["variant"] == name and m["status"] == "done"]
        values = [100 * m["test"]["accuracy"] for m in members]
        epochs = float(np.mean([m["stopped_epoch"] for m in members]))
        print_row(name, variant["strength"], values, epochs, target)


def run_rows(rows: Sequence[str], num_seeds: int | None, out: Path) -> None:
    """Trains what is missing of each study and prints its table."""
    for row in rows:
        for name, target in ROWS[row]().items():
            config = replace(target.config, num_seeds=num_seeds or target.config.num_seeds)
            started = time.monotonic()
            with StudyProgress() as progress:
                study = kmlp.run_study(
                    config, out / name, full_set(config.dataset), progress=progress
                )
            report(target, study.results)
            print(f"\n{time.monotonic() - started:.0f} s of wall time in this call", flush=True)


def fit_scikit_learn(
    data: kmlp.Dataset, network: str, seed: int, patience: int
) -> tuple[float, int]:
    """Test accuracy in percent and epochs of scikit-learn's own classifier, in float32."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    x_train, x_test = (
        x.reshape(len(x), -1).astype(np.float32) for x in (data.x_train, data.x_test)
    )
    scaler = StandardScaler().fit(x_train)
    units, activation = NETWORKS[network]
    # It stops once *more* than n_iter_no_change epochs brought nothing.
    classifier = MLPClassifier(
        units, activation, random_state=seed, n_iter_no_change=patience - 1
    ).fit(scaler.transform(x_train), data.y_train)
    return 100 * classifier.score(scaler.transform(x_test), data.y_test), classifier.n_iter_


def run_scikit_learn(num_seeds: int, patience: int) -> None:
    """The control: the `fashion` rows by scikit-learn itself."""
    for dataset, target in zip(MLP_CLASSIFIER, mlp_classifier("", patience).values(), strict=True):
        data = full_set(dataset)
        print_header(f"{dataset}: scikit-learn's MLPClassifier, n_iter_no_change={patience - 1}")
        for network in NETWORKS:
            runs = [fit_scikit_learn(data, network, seed, patience) for seed in range(num_seeds)]
            values, epochs = zip(*runs, strict=True)
            print_row(network, "", values, float(np.mean(epochs)), target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="keras,fashion,srivastava", help=", ".join(ROWS))
    parser.add_argument("--seeds", type=int, help="K, at least 2; each study has a default")
    parser.add_argument("--out", type=Path, default=Path("runs/published"))
    parser.add_argument("--scikit-learn", type=int, metavar="N", help="only the control, N seeds")
    options = parser.parse_args()
    rows = options.rows.split(",")
    if unknown := set(rows) - set(ROWS):
        parser.error(f"unknown rows {', '.join(sorted(unknown))}. Known: {', '.join(ROWS)}.")
    if any(k is not None and k < 2 for k in (options.seeds, options.scikit_learn)):
        parser.error("an interval needs at least 2 seeds")
    if options.scikit_learn:
        run_scikit_learn(options.scikit_learn, PATIENCE_2017)
    else:
        run_rows(rows, options.seeds, options.out)


if __name__ == "__main__":
    main()
