"""Time to a verdict on small tables: kmlp beside loops over scikit-learn, Keras and PyTorch.

    python benchmarks/small.py --data breast_cancer --rounds 3
    python benchmarks/small.py --data wine,diabetes,made_up --rows 5000 --columns 30 --seeds 5

Each side runs in a process of its own, in turn; what counts is the wall time and the CPU time of
that process, imports included. The first study says how many epochs each network trained, and the
loops train as many networks for as many epochs, of the plain network only, without dropout, noise,
validation or early stopping, which favours them. Loops longer than `--loop-members` networks are
extrapolated by epochs.
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
VARIANTS = "none,dropout,drop_connect,l1,l2,dropout_l2,batch_norm,gradient_noise"
NAMED = ("breast_cancer", "wine", "diabetes")
UNITS, BATCH_SIZE, RATE = (128, 64), 128, 1e-3
UNITS_OF_TIME = ("wall", "cpu")
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="breast_cancer", help="names of scikit-learn's, made_up")
    parser.add_argument("--rows", type=int, default=50_000, help="of made_up")
    parser.add_argument("--columns", type=int, default=20, help="of made_up")
    parser.add_argument("--variants", default=VARIANTS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--max-epochs", type=int, default=100)
    parser.add_argument(
        "--sides", default="sklearn,sklearn_one_thread,sklearn_joblib,keras", help="also: torch"
    )
    parser.add_argument("--loop-members", type=int, default=8, help="of Keras's and PyTorch's")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_one(json.loads(options.one))))
        return
    found = {name: compare(name, options) for name in options.data.split(",")}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def compare(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """All sides in turn, round by round."""
    rounds = [one_round(name, options) for _ in range(options.rounds)]
    sides = [side for side in rounds[0] if all(side in r for r in rounds)]
    print(f"\n{name}: {rounds[0]['kmlp, empty cache']['what']}; load {os.getloadavg()[0]:.1f}")
    print("| side | s | CPU s | s / second study's | CPU s / second study's | score |")
    print(f"|{'---|' * 6}")
    table = {}
    for side in sides:
        table[side] = found = [r[side] for r in rounds]
        seconds = [f"{statistics.median(r[unit] for r in found):.1f}" for unit in UNITS_OF_TIME]
        ratios = [_ratios(rounds, side, unit) for unit in UNITS_OF_TIME]
        print(f"| {' | '.join([side, *seconds, *ratios])} | {found[0]['score']:.3f} |")
    return table


def _ratios(rounds: list[dict[str, Any]], side: str, unit: str) -> str:
    """The median, smallest and largest of a side's seconds by those of kmlp's second study."""
    found = [r[side][unit] / r["kmlp, second study"][unit] for r in rounds]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def one_round(name: str, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Each side once."""
    task = {
        **{"data": name, "rows": options.rows, "columns": options.columns},
        **{"variants": options.variants.split(","), "seeds": options.seeds},
        "max_epochs": options.max_epochs,
    }
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for side in ("kmlp, empty cache", "kmlp, filled cache"):
            found[side] = in_a_process({**task, "side": "kmlp"}, cache)
    found["kmlp, second study"] = found["kmlp, filled cache"].pop("second")
    del found["kmlp, empty cache"]["second"]
    epochs = found["kmlp, empty cache"].pop("epochs")
    for side in options.sides.split(","):
        most = options.loop_members if side in ("keras", "torch") else len(epochs)
        some = epochs[:: max(1, len(epochs) // most)]
        one = in_a_process({**task, "side": side, "epochs": some}, None)
        factor = sum(epochs) / sum(some)
        for unit in UNITS_OF_TIME:
            # What is imported is imported once.
            one[unit] += (factor - 1) * one[f"loop_{unit}"]
        found[side if factor == 1 else f"{side} ({len(some)} of {len(epochs)})"] = one
    return found


def in_a_process(task: dict[str, Any], cache: str | None) -> dict[str, Any]:
    """A side's wall and CPU seconds, from the start of its process to its end; of kmlp's, those of
    a second study in it are taken away."""
    environment = {**os.environ, **({"KMLP_CACHE": cache} if cache else {})}
    if task["side"] in ("sklearn_one_thread", "sklearn_joblib"):
        # NumPy's own threads cost more than they bring for products so small.
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
    before, started = _children_seconds(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(task)],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        sys.exit(f"{task['side']} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    found["wall"] = time.perf_counter() - started - found.get("second", {}).get("wall", 0)
    found["cpu"] = _children_seconds() - before - found.get("second", {}).get("cpu", 0)
    return found


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_one(task: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own."""
    arrays = table(task)
    if task["side"] == "kmlp":
        return run_kmlp(task, arrays)
    started, cpu = time.perf_counter(), time.process_time() + _children_seconds()
    score = SIDES[task["side"]](task["epochs"], arrays)
    return {
        "score": score,
        "loop_wall": time.perf_counter() - started,
        "loop_cpu": time.process_time() + _children_seconds() - cpu,
    }


def table(task: dict[str, Any]) -> Arrays:
    """Training inputs and targets, and those of the same fixed tenth of the rows for everybody."""
    rng = np.random.default_rng(0)
    if task["data"] in NAMED:
        import sklearn.datasets

        x, y = getattr(sklearn.datasets, f"load_{task['data']}")(return_X_y=True)
    else:
        x = rng.normal(size=(task["rows"], task["columns"]))
        scores = x @ rng.normal(size=(x.shape[1], 3)) + np.tanh(
            x @ rng.normal(size=(x.shape[1], 3))
        )
        y = (scores + rng.normal(size=scores.shape)).argmax(axis=1)
    order = rng.permutation(len(x))
    test, train = order[: len(x) // 10], order[len(x) // 10 :]
    y = y.astype("float32" if is_regression(y) else "int64")
    x = x.astype("float32")
    return x[train], y[train], x[test], y[test]


def is_regression(y: np.ndarray) -> bool:
    return len(np.unique(y)) > 20


def run_kmlp(task: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    """Two studies; the second one's seconds apart."""
    import kmlp

    data = kmlp.Dataset.from_arrays(*arrays, name=task["data"])
    config = kmlp.StudyConfig(
        dataset=task["data"],
        variants=tuple(task["variants"]),
        num_seeds=task["seeds"],
        train=kmlp.TrainConfig(max_epochs=task["max_epochs"]),
    )
    with tempfile.TemporaryDirectory() as folder:
        study = kmlp.run_study(config, Path(folder) / "first", data=data)
        started, cpu = time.perf_counter(), time.process_time()
        kmlp.run_study(config, Path(folder) / "second", data=data)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        records = [json.loads(json.dumps(m)) for m in study.results["members"]]
        results = study.results
    from kmlp.engine.programs.kept import PROGRAMS

    epochs = [m["stopped_epoch"] for m in records]
    metric = results["metric"]["name"]
    score = results["variants"][0]["test"][metric]["mean"]
    return {
        "what": f"{len(epochs)} networks, {sum(epochs)} member-epochs, {len(PROGRAMS)} programs",
        "score": score,
        "epochs": epochs,
        "second": {"wall": wall, "cpu": cpu, "score": score},
    }


def scaled(arrays: Arrays) -> Arrays:
    """Standardized by the training rows, a regression's targets too."""
    x, y, x_test, y_test = arrays
    mean, stddev = x.mean(axis=0), x.std(axis=0) + 1e-9
    if is_regression(y):
        centre, spread = y.mean(), y.std()
        y, y_test = (y - centre) / spread, (y_test - centre) / spread
    return (x - mean) / stddev, y, (x_test - mean) / stddev, y_test


def sklearn(epochs: list[int], arrays: Arrays) -> float:
    """One fit after the other."""
    return statistics.fmean(fit(n, i, arrays) for i, n in enumerate(epochs))


def sklearn_joblib(epochs: list[int], arrays: Arrays) -> float:
    """A process a core."""
    from joblib import Parallel, delayed

    fits = Parallel(n_jobs=-1)(delayed(fit)(n, i, arrays) for i, n in enumerate(epochs))
    return statistics.fmean(fits)


def fit(num_epochs: int, seed: int, arrays: Arrays) -> float:
    """A fit of that many epochs; its score."""
    import warnings

    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.simplefilter("ignore")
    x, y, x_test, y_test = scaled(arrays)
    kind = MLPRegressor if is_regression(arrays[1]) else MLPClassifier
    model = kind(
        hidden_layer_sizes=UNITS,
        batch_size=min(BATCH_SIZE, len(x)),
        max_iter=num_epochs,
        n_iter_no_change=10**6,
        learning_rate_init=RATE,
        random_state=seed,
    )
    return float(model.fit(x, y).score(x_test, y_test))


def keras(epochs: list[int], arrays: Arrays) -> float:
    """`fit` after `fit`, as people write it."""
    import keras as k

    x, y, x_test, y_test = scaled(arrays)
    outputs, loss = _head(arrays[1])
    scores = []
    for seed, num_epochs in enumerate(epochs):
        k.utils.set_random_seed(seed)
        hidden = [k.layers.Dense(n, "relu") for n in UNITS]
        model = k.Sequential([*hidden, k.layers.Dense(outputs)])
        model.compile(k.optimizers.Adam(RATE), getattr(k.losses, loss[0])(**loss[1]))
        model.fit(x, y, BATCH_SIZE, num_epochs, verbose=0)
        scores.append(_score(model.predict(x_test, verbose=0), y_test))
    return statistics.fmean(scores)


def torch(epochs: list[int], arrays: Arrays) -> float:
    """An eager loop over tensors, on one thread: more are slower here."""
    import torch as t

    t.set_num_threads(1)
    x, y, x_test, y_test = (t.from_numpy(np.ascontiguousarray(a)) for a in scaled(arrays))
    outputs, _ = _head(arrays[1])
    loss_of = t.nn.MSELoss() if outputs == 1 else t.nn.CrossEntropyLoss()
    scores = []
    for seed, num_epochs in enumerate(epochs):
        t.manual_seed(seed)
        sizes = itertools.pairwise((x.shape[1], *UNITS))
        layers = [m for a, b in sizes for m in (t.nn.Linear(a, b), t.nn.ReLU())]
        model = t.nn.Sequential(*layers, t.nn.Linear(UNITS[-1], outputs))
        adam = t.optim.Adam(model.parameters(), RATE)
        for _ in range(num_epochs):
            for rows in t.randperm(len(x)).split(BATCH_SIZE):
                adam.zero_grad()
                predicted = model(x[rows])
                loss_of(predicted[:, 0] if outputs == 1 else predicted, y[rows]).backward()
                adam.step()
        with t.no_grad():
            scores.append(_score(model(x_test).numpy(), y_test.numpy()))
    return statistics.fmean(scores)


def _head(y: np.ndarray) -> tuple[int, tuple[str, dict]]:
    """Number of outputs, and Keras's loss."""
    if is_regression(y):
        return 1, ("MeanSquaredError", {})
    return len(np.unique(y)), ("SparseCategoricalCrossentropy", {"from_logits": True})


def _score(predicted: np.ndarray, y: np.ndarray) -> float:
    """Accuracy, or R^2."""
    if predicted.shape[1] == 1:
        return float(1 - np.square(predicted[:, 0] - y).mean() / np.var(y))
    return float((predicted.argmax(axis=1) == y).mean())


SIDES: dict[str, Callable[[list[int], Arrays], float]] = {
    "sklearn": sklearn,
    "sklearn_one_thread": sklearn,
    "sklearn_joblib": sklearn_joblib,
    "keras": keras,
    "torch": torch,
}

if __name__ == "__main__":
    main()
