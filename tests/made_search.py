"""The run folder of a finished search without training: scores from a formula, exact to check."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.study.results.records.study import DataFacts
from tuning.results.choice import Candidate, choose
from tuning.results.records.search import SearchedParameter, SearchFindings, SearchResults
from tuning.results.search_folder import SearchFolder
from tuning.results.verdict import verdict

NUM_SEEDS = 3
SPACE = [
    {"name": "learning_rate", "kind": "float", "min": 1e-4, "max": 0.1, "sampling": "log"},
    {"name": "optimizer", "kind": "choice", "values": ["adam", "sgd"]},
    {
        "name": "momentum",
        "kind": "float",
        "min": 0.0,
        "max": 0.99,
        "sampling": "linear",
        "conditions": [{"name": "optimizer", "values": ["sgd"]}],
    },
    {"name": "units", "kind": "choice", "values": [64, 128, 256, 512]},
    {"name": "activation", "kind": "choice", "values": ["relu", "gelu", "selu", "leaky_relu"]},
    {"name": "dropout", "kind": "float", "min": 0.0, "max": 0.6, "step": 0.1, "sampling": "linear"},
    {"name": "num_layers", "kind": "int", "min": 1, "max": 4, "step": 1, "sampling": "linear"},
    {"name": "batch_norm", "kind": "bool", "values": [False, True]},
    {"name": "max_epochs", "kind": "fixed", "values": [30]},
]
DEFAULTS = {
    "learning_rate": 1e-3,
    "optimizer": "adam",
    "momentum": 0.9,
    "units": 128,
    "activation": "relu",
    "dropout": 0.0,
    "num_layers": 2,
    "batch_norm": False,
    "max_epochs": 30,
}


def made_search(path: Path, num_trials: int = 40, task: str = "multiclass") -> SearchResults:
    """Writes the `environment.json` of a search and returns its results.

    From the fourth trial on trial 3 failed and trial 7 ended its process; the others are done.
    """
    folder = SearchFolder(path)
    folder.own()
    dataset = {
        "name": "made",
        "source": "arrays",
        "sha256": "0" * 64,
        "task": task,
        "num_train": 50_000,
        "num_val": 10_000,
        "num_test": 10_000,
        "input_shape": [28, 28],
        "input_dtype": "uint8",
        "class_names": [] if task == "regression" else list("abcdefghij"),
    }
    facts = DataFacts.model_validate(dataset)
    results = assembled(facts, [made_trial(n, task) for n in range(num_trials)])
    data = {"name": "made", "source": "arrays", "location": "memory", "sha256": "0" * 64}
    environment = {"python": "3", "platform": "here", "packages": {"keras": "3"}, "data": data}
    with folder.writing():
        folder.write_json("environment.json", {**environment, "dataset": dataset})
    return results


def searched(name: str, kind: str, **facts: Any) -> SearchedParameter:
    """A hyperparameter of results; what is not said of it is null or empty."""
    nothing = {**dict.fromkeys(("min", "max", "step", "sampling", "default"))}
    nothing |= {"values": [], "conditions": []}
    return SearchedParameter.model_validate({"name": name, "kind": kind, **nothing, **facts})


def changed(results: SearchResults, **fields: Any) -> SearchResults:
    """The same results but for some fields, with the verdict that follows."""
    found = {**results.to_dict(), **fields}
    del found["verdict"]
    return _concluded(found)


def _concluded(found: dict[str, Any]) -> SearchResults:
    findings = SearchFindings.model_validate(found)
    return SearchResults(**dict(findings), verdict=verdict(findings))


def assembled(dataset: DataFacts, trials: list[dict[str, Any]]) -> SearchResults:
    """Results as a tuner leaves them: the best, its ties, the pick."""
    is_regression = dataset.is_regression
    name = "val_rmse" if is_regression else "val_accuracy"
    candidates = [
        Candidate(t["number"], [e["score"] for e in t["executions"]], t["num_weights"])
        for t in trials
        if t["status"] == "done"
    ]
    choice = choose(candidates, higher_is_better=not is_regression) if candidates else None
    results = {
        "schema": 1,
        "kind": "search",
        "dataset": dataset,
        "settings": {
            "tuner": "bayesian",
            "max_trials": len(trials),
            "num_seeds": NUM_SEEDS,
            "first_seed": 0,
            "seed": 0,
            "parallel_trials": 2,
            "validation_fraction": 1 / 6,
            "objective": {"name": name, "direction": "min" if is_regression else "max"},
            "model": MLPConfig().to_dict(),
            "train": TrainConfig().to_dict(),
        },
        "space": [searched(**p, default=DEFAULTS[p["name"]]) for p in SPACE],
        "trials": trials,
        "ties": list(choice.ties) if choice else [],
        "picked": choice and choice.picked,
        "best": choice and choice.best,
        "least_difference": choice and choice.least_difference,
        "standard_error": choice and choice.standard_error,
        "followup": None,
        "fresh": None,
        "test": None,
        "importance": None,
        "budget": {
            "seconds": sum(t["seconds"] for t in trials),
            "member_epochs": sum(sum(t["epochs"]) for t in trials),
            "trials": len(trials),
        },
    }
    return _concluded(results)


def made_trial(number: int, task: str) -> dict[str, Any]:
    """A trial whose score falls with the distance of its learning rate from 0.002."""
    rng = np.random.default_rng(number)
    values = drawn(rng)
    seeds = scores(values, rng, task)
    is_done = number not in (3, 7)
    status = {3: "failed", 7: "given_up"}.get(number, "done")
    epochs = [int(e) for e in rng.integers(8, 30, NUM_SEEDS)] if is_done else []
    widths = (values["units"],) * values["num_layers"]
    model = MLPConfig(hidden_units=widths, dropout=values["dropout"])
    return {
        "number": number,
        "id": f"{number:04d}",
        "batch": 0,
        "values": values,
        "status": status,
        "message": {3: "the loss of seed 1 was NaN in epoch 2", 7: None}.get(number),
        "score": float(np.mean(seeds)) if is_done else None,
        "se": float(np.std(seeds, ddof=1) / NUM_SEEDS**0.5) if is_done else None,
        "num_weights": num_weights((784, *widths, 10)),
        "epochs": epochs,
        "seconds": 0.4 * sum(epochs),
        "bracket": None,
        "round": None,
        "resumed_from": None,
        "until": None,
        "model": model.to_dict(),
        "train": TrainConfig(learning_rate=values["learning_rate"]).to_dict(),
        "executions": [
            execution(number, seed, score, epochs[seed]) for seed, score in enumerate(seeds)
        ]
        if is_done
        else [],
    }


def drawn(rng: np.random.Generator) -> dict[str, Any]:
    values: dict[str, Any] = {
        "learning_rate": float(10 ** rng.uniform(-4, -1)),
        "optimizer": str(rng.choice(["adam", "sgd"])),
        "units": int(rng.choice([64, 128, 256, 512])),
        "activation": str(rng.choice(["relu", "gelu", "selu", "leaky_relu"])),
        "dropout": round(float(rng.integers(7)) / 10, 1),
        "num_layers": int(rng.integers(1, 5)),
        "batch_norm": bool(rng.integers(2)),
        "max_epochs": 30,
    }
    if values["optimizer"] == "sgd":
        values["momentum"] = float(rng.uniform(0, 0.99))
    return values


def scores(values: dict[str, Any], rng: np.random.Generator, task: str) -> list[float]:
    far = math.log10(values["learning_rate"] / 0.002)
    loss = 0.012 * far**2 + 0.02 * (values["dropout"] - 0.2) ** 2 + 0.002 * values["num_layers"]
    if values["learning_rate"] > 0.06:
        loss += 0.6
    losses = loss + rng.normal(0, 0.0015, NUM_SEEDS)
    return [float(x) for x in (30 + 200 * losses if task == "regression" else 0.9 - losses)]


def execution(number: int, seed: int, score: float, epochs: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "score": score,
        "best_epoch": epochs - 5,
        "stopped_epoch": epochs,
        "status": "done",
        "member": f"{100 * number + seed:016x}",
        "val": {"accuracy": score},
        "train": {"accuracy": score + 0.01},
    }


def num_weights(sizes: tuple[int, ...]) -> int:
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def with_follow_up(results: SearchResults) -> SearchResults:
    """The same search with fresh seeds of the ties and the test set read."""
    unit = 200 if results.dataset.is_regression else -1
    again = {
        t.number: {
            "variant": f"trial {t.number}",
            "score": t.score + 0.001 * unit,
            "se": 0.0004 * abs(unit),
            "test": {},
            "versus_baseline": None,
        }
        for t in results.finished
        if t.number in (*results.ties[:3], results.picked)
    }
    metrics = {"accuracy": (0.881, 0.0005), "cross_entropy": (0.331, 0.001)}
    if unit > 1:
        metrics = {"rmse": (33.0, 0.2), "r2": (0.8, 0.01)}
    summaries = {
        m: {"mean": mean, "sd": se * 10**0.5, "se": se, "ci95": [mean - 2 * se, mean + 2 * se]}
        | {"min": mean - 9 * se, "max": mean + 9 * se}
        for m, (mean, se) in metrics.items()
    }
    picked = results.picked
    own = {name: again[picked][name] for name in ("score", "se")}
    fresh = {"num_seeds": 10, "first_seed": 1000, **own, "trials": again}
    trial = results.picked_trial
    luck, error = trial.score - fresh["score"], math.hypot(trial.se, fresh["se"])
    fresh |= {
        "seed_luck": luck,
        "seed_luck_se": error,
        "test_metric": next(iter(metrics)),
        "baseline": None,
    }
    test = {"trial": picked, **summaries, "versus_baseline": None}
    followup = {"num_trials": len(results.trials)}
    return changed(results, followup=followup, fresh=fresh, test=test)
