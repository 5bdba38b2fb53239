"""Do sets and intervals hold the truth as often as they say? Simulated splits, and Fashion-MNIST.

    KMLP_DATA=FOLDER python benchmarks/conformal.py [--splits 100] [--epochs 5] [--json FILE]

Simulated: each split draws data of its own, a linear model (kmlp's stand-in trainer) learns from
half of them, the other half calibrates, and new rows are asked. Fashion-MNIST: a study with
`calibration_fraction`, its best network exported at the coverage, the export asked on the test set;
then 100 times anew which of both sets' rows calibrate. Once with 10,000 of all 70,000 images drawn
at random as the test set, once with the published one.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import Dataset, load_dataset
from kmlp.engine.member import Member
from kmlp.stats.calibration import conformal
from kmlp.stats.calibration.temperature import scaled_log_probabilities
from kmlp.study.results.predictions import reliability
from kmlp.testing.linear import LinearRun

COVERAGE = 0.9
NUM_NEW = 100
"""Rows that each split asks: few beside those that calibrate, so that pooled hits are nearly
independent, as the binomial interval takes them to be."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = {"simulated": simulated(asked.splits), "folds": on_folds(asked.splits)}
    published = load_dataset("fashion_mnist")
    for name, data in (("split at random", shuffled(published)), ("published", published)):
        found[f"fashion_mnist, {name}"] = fashion_mnist(name, data, asked.epochs)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


# Simulated splits.
Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def classes(rng: np.random.Generator, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Five overlapping classes, of unequal shares."""
    y = rng.choice(5, num_rows, p=(0.4, 0.25, 0.2, 0.1, 0.05))
    x = np.random.default_rng(1).normal(size=(5, 8))[y] + rng.normal(size=(num_rows, 8))
    return x.astype(np.float32), y


def numbers(rng: np.random.Generator, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """What no line fits: a sine, with errors that grow and have heavy tails."""
    x = rng.normal(size=(num_rows, 3))
    y = np.sin(2 * x[:, 0]) + x[:, 1] + (0.2 + np.abs(x[:, 2])) * rng.standard_t(3, num_rows)
    return x.astype(np.float32), y.astype(np.float32)


def simulated(num_splits: int) -> dict[str, Any]:
    found = {}
    for name, draw in (("sets, 5 classes", classes), ("intervals", numbers)):
        for num_rows in (99, 999):  # k / (n + 1) is the coverage itself
            hits = [one_split(draw, num_rows, seed) for seed in range(num_splits)]
            found[f"{name}, {num_rows} rows calibrate"] = told(name, num_rows, np.concatenate(hits))
    return found


def one_split(draw: Draw, num_rows: int, seed: int) -> np.ndarray:
    """Whether each new row's set or interval holds its truth."""
    data = dataset(draw, 2 * num_rows, NUM_NEW, seed)
    result = trained(data, calibration_fraction=0.5)
    kept = data.spec.in_unit(data.y_train[result.calibration_rows])
    assert len(kept) == num_rows
    bound = conformal.bound(scores(kept, result.calibration), COVERAGE)
    return scores(data.spec.in_unit(data.y_test), result.predictions) <= bound


def dataset(draw: Draw, num_rows: int, num_new: int, seed: int) -> Dataset:
    x, y = draw(np.random.default_rng(seed), num_rows + num_new)
    while len(np.unique(y[:num_rows])) < len(np.unique(y)) <= 5:
        seed += 10_000  # a class without a training row is no class
        x, y = draw(np.random.default_rng(seed), num_rows + num_new)
    return Dataset.from_arrays(x[:num_rows], y[:num_rows], x[num_rows:], y[num_rows:])


def trained(data: Dataset, **more: Any) -> Any:
    member = Member(
        model=MLPConfig(),
        train=TrainConfig(max_epochs=30, learning_rate=0.01),
        seeds=Seeds.all(0),
        validation_fraction=0.2,
        data_sha256=data.provenance.sha256,
        **more,
    )
    run = LinearRun(member, data)
    while run.epoch < 30 and not run.stopped:
        run.train_epoch()
    return run.result()


def scores(truth: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    if outputs.ndim == 2:
        return conformal.class_scores(truth, outputs)
    return conformal.residuals(truth, outputs)


# Folds: who is exported has trained on the rows that calibrate.
def on_folds(num_splits: int) -> dict[str, Any]:
    from kmlp.data.sampling import Sample

    found = {}
    for num_rows in (60, 300):
        hits = []
        for seed in range(num_splits):
            data = dataset(numbers, num_rows, NUM_NEW, seed)
            off = np.empty(num_rows)
            for fold in range(5):
                sample = Sample(kind="folds", index=fold, of=5, seed=0)
                result = trained(data, sample=sample)
                off[result.fold] = scores(
                    data.spec.in_unit(data.y_train[result.fold]), result.predictions
                )
            own = trained(data).predictions
            truth = data.spec.in_unit(data.y_test)
            hits.append(scores(truth, own) <= conformal.bound(off, COVERAGE))
        found[f"{num_rows} rows"] = told("intervals on folds", num_rows, np.concatenate(hits))
    return found


# Fashion-MNIST.
def shuffled(data: Dataset) -> Dataset:
    """The same images, of which others test."""
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    rows = np.random.default_rng(0).permutation(len(y))
    train, test = rows[: len(data.y_train)], rows[len(data.y_train) :]
    return Dataset.from_arrays(x[train], y[train], x[test], y[test], name="shuffled")


def fashion_mnist(name: str, data: Dataset, epochs: int) -> dict[str, Any]:
    import kmlp

    config = StudyConfig(
        dataset="fashion_mnist",
        variants=("none",),
        num_seeds=1,
        calibration_fraction=1 / 3,
        model=MLPConfig(hidden_units=(128,)),
        train=TrainConfig(max_epochs=epochs),
    )
    with tempfile.TemporaryDirectory() as folder:
        study = kmlp.run_study(config, Path(folder) / "run", data)
        exported = kmlp.export(study.best(), Path(folder) / "model", coverage=COVERAGE)
        model = kmlp.load_saved(exported)
        kept = study_rows(study)
        calibration, outputs = model.calibration, model.outputs(data.x_test)
    labels = data.y_test
    held = outputs["set"][np.arange(len(labels)), labels]
    result = told(f"Fashion-MNIST, {name}: the export", calibration.num_rows, held)
    result["mean_size"] = float(outputs["set"].sum(axis=1).mean())
    empty = (~outputs["set"].any(axis=1)).mean()
    print(f"  {result['mean_size']:.3f} classes a set; {empty:.2%} are empty")
    log_p = scaled_log_probabilities(np.log(outputs["probabilities"]), calibration.temperature**-1)
    result["temperature"] = of_temperature(labels, log_p, calibration.temperature)
    result["accuracy"] = of_both(kept[0], data.y_train[kept[1]], log_p, labels)
    both = np.concatenate([kept[0], log_p]), np.concatenate([data.y_train[kept[1]], labels])
    result["again"] = resplit(*both, num_rows=len(kept[1]))
    return result


def study_rows(study: Any) -> tuple[np.ndarray, np.ndarray]:
    from kmlp.study.run_folder import RunFolder
    from kmlp.study.run_folder.records import outputs_in

    arrays = RunFolder(study.run_dir).arrays(study.best().members[0]["id"])
    return outputs_in(arrays, "cal"), arrays["cal_rows"]


def of_both(
    kept: np.ndarray, kept_labels: np.ndarray, log_p: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Are the test rows like those that calibrate? Accuracies, and the difference in its errors."""
    hits = [kept.argmax(axis=1) == kept_labels, log_p.argmax(axis=1) == labels]
    shares = [float(each.mean()) for each in hits]
    error = sum(p * (1 - p) / len(each) for p, each in zip(shares, hits, strict=True)) ** 0.5
    found = {"calibration": shares[0], "test": shares[1], "z": (shares[0] - shares[1]) / error}
    print(f"  accuracy: {found}")
    return found


def of_temperature(labels: np.ndarray, log_p: np.ndarray, temperature: float) -> dict[str, Any]:
    """Log loss and calibration error on the test rows, before and after."""
    found: dict[str, Any] = {"temperature": temperature}
    for name, at in (("before", 1.0), ("after", temperature)):
        scaled = scaled_log_probabilities(log_p, at)
        loss = -scaled[np.arange(len(labels)), labels].mean()
        found[name] = {"log_loss": float(loss), "ece": reliability(labels, scaled).ece}
    print(f"  temperature {temperature:.3f}: {found['before']} -> {found['after']}")
    return found


def resplit(log_p: np.ndarray, labels: np.ndarray, *, num_rows: int) -> dict[str, Any]:
    """100 times other rows calibrate; also by APS, whose score is the probability of the classes
    before the true one and a share, drawn at random, of its own."""
    rng, p = np.random.default_rng(0), np.exp(log_p.astype(np.float64))
    order = np.argsort(-p, axis=1)
    before = np.take_along_axis(p, order, axis=1).cumsum(axis=1)
    cumulated = np.empty_like(p)
    np.put_along_axis(cumulated, order, before, axis=1)
    aps = cumulated - p * rng.random((len(p), 1))
    found: dict[str, Any] = {}
    for name, each in (("LAC", 1 - p), ("APS", aps)):
        own = each[np.arange(len(p)), labels]
        shares, sizes, worst = [], [], []
        for _ in range(100):
            rows = rng.permutation(len(p))
            known, new = rows[:num_rows], rows[num_rows:]
            sets = each[new] <= conformal.bound(own[known], COVERAGE)
            held = sets[np.arange(len(new)), labels[new]]
            shares.append(held.mean())
            sizes.append(sets.sum(axis=1).mean())
            worst.append(min(held[labels[new] == c].mean() for c in range(p.shape[1])))
        found[name] = {
            "coverage": float(np.mean(shares)),
            "sd": float(np.std(shares)),
            "mean_size": float(np.mean(sizes)),
            "of_the_worst_class": float(np.mean(worst)),
        }
        print(f"  {name}, 100 splits of these rows anew: {found[name]}")
    return found


def told(name: str, num_rows: int, held: np.ndarray) -> dict[str, Any]:
    """The share of rows whose truth is held, with its binomial interval."""
    hits, total = int(held.sum()), len(held)
    low, high = stats.binomtest(hits, total).proportion_ci()
    contains = bool(low <= COVERAGE <= high)
    print(
        f"{name}, {num_rows:,} rows calibrate: {hits:,} of {total:,} = {hits / total:.4f} "
        f"({low:.4f} to {high:.4f}), contains {COVERAGE:g}: {contains}"
    )
    return {"hits": hits, "rows": total, "ci95": [low, high], "contains": contains}


if __name__ == "__main__":
    main()
