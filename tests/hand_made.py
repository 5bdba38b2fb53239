"""Finished run folders without training: records and arrays from formulas, exact to check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.config import StudyConfig
from kmlp.stats.metrics import classification_metrics, regression_metrics
from kmlp.study.plan import Extra, Plan, plan_study
from kmlp.study.results.assembly import build_results
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder.folder import MemberRecord, RunFolder

VARIANTS = ("none", "dropout", "l2")
FIELDS: dict[str, dict[str, float]] = {"none": {}, "dropout": {"dropout": 0.2}, "l2": {"l2": 5e-4}}
NUM_SEEDS = 6
TARGETS = np.arange(1, 41, dtype=np.float32)
LABELS = {"binary": np.repeat([0, 1], [36, 4]), "multiclass": np.arange(40) % 4}
NAMES = {"binary": ("sound", "ill"), "multiclass": ("a", "b", "c", "d"), "regression": ()}


@dataclass
class HandMade:
    """A run folder, its plan, and what was written into it."""

    folder: RunFolder
    plan: Plan
    dataset: dict[str, Any]
    truth: np.ndarray
    outputs: dict[tuple[str, int], np.ndarray]

    @property
    def record(self) -> StudyResults:
        return build_results(self.plan, self.folder, self.dataset)

    @property
    def results(self) -> dict[str, Any]:
        """As `results.json` holds them."""
        return self.record.to_dict()


def error(variant: str, seed: int) -> float:
    """How far a regression's member is off: dropout is better by 1, l2 worse by a half."""
    return 10.0 + seed / 10 + {"none": 0.0, "dropout": -1.0, "l2": 0.5}[variant]


def num_wrong(variant: str, seed: int) -> int:
    """How many of 40 rows a classifier gets wrong."""
    return 8 + seed % 3 + {"none": 0, "dropout": -4, "l2": 2}[variant]


def outputs_of(task: str, variant: str, seed: int) -> np.ndarray:
    """`(40,)` predictions, off by `error` up and down in turn; or `(40, num_classes)` logs."""
    if task == "regression":
        up_and_down = (-1.0) ** (np.arange(40) + seed)
        return (TARGETS + error(variant, seed) * up_and_down).astype(np.float32)
    labels, num_classes = LABELS[task], len(NAMES[task])
    said = labels.copy()
    wrong = (np.arange(num_wrong(variant, seed)) + seed) % 40
    said[wrong] = (labels[wrong] + 1) % num_classes
    p = np.full((40, num_classes), 0.1 / (num_classes - 1))
    p[np.arange(40), said] = 0.9
    return np.log(p).astype(np.float32)


def scores_of(task: str, truth: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    if task == "regression":
        return regression_metrics(truth, outputs)
    return classification_metrics(truth, outputs)


def hand_made(
    path: Path,
    task: str,
    num_seeds: int = NUM_SEEDS,
    *,
    called: Mapping[str, str] | None = None,
    class_names: Sequence[str] | None = None,
    data_name: str = "made",
    facts: Mapping[str, Any] | None = None,
    **more: Any,
) -> HandMade:
    """Three variants of six seeds; validation scores are the test's, training scores too.

    `called` gives the variants other names. `facts` are of the data set, such as its `sha256`.
    `more` are fields of the study, such as `resample`; what they add is recorded as well.
    """
    called = called or dict.fromkeys(VARIANTS)
    more = {
        "variants": tuple({"name": n, **FIELDS[v]} if n else v for v, n in called.items()),
        "baseline": called["none"] or "none",
        **more,
    }
    config = StudyConfig(dataset=data_name, num_seeds=num_seeds, **more)
    sha256 = (facts or {}).get("sha256", "0" * 64)
    plan = plan_study(config, sha256)
    own_names = {called[variant] or variant: variant for variant in VARIANTS}
    truth = TARGETS if task == "regression" else LABELS[task].astype(np.int32)
    dataset = {
        "name": data_name,
        "source": "arrays",
        "sha256": sha256,
        "task": task,
        "num_train": 100,
        "num_val": 20,
        "num_test": 40,
        "input_shape": [4],
        "input_dtype": "float32",
        "class_names": list(class_names or NAMES[task]),
        **(facts or {}),
    }
    folder, outputs = RunFolder(path), {}
    with folder.writing():
        folder.write_text("study.toml", config.to_toml())
        environment = {"python": "3", "platform": "here", "packages": {"keras": "3"}}
        data = {"name": data_name, "source": "arrays", "location": "memory", "sha256": sha256}
        folder.write_json("environment.json", {**environment, "data": data, "dataset": dataset})
        folder.write_test_labels(truth)
        for variant, by_seed in plan.ids.items():
            for seed, id in by_seed.items():
                outputs[variant, seed] = outputs_of(task, own_names[variant], seed)
                ends = {"stopped_epoch": 6} if own_names[variant] == "l2" else {}
                record(folder, id, task, truth, outputs[variant, seed], **ends)
        for extra in plan.extras:
            record_extra(folder, extra, task, truth)
    return HandMade(folder, plan, dataset, truth, outputs)


def extra_outputs(task: str, extra: Extra, truth: np.ndarray) -> np.ndarray:
    """Noise by place, by seed and by both, about a fixed error; dropout has two thirds of it."""
    sample, seed, both = (
        np.random.default_rng(key)
        for key in ((extra.place,), (100, extra.seed), (200, extra.place, extra.seed))
    )
    shape = (len(truth),) if task == "regression" else (len(truth), len(NAMES[task]))
    noise = sum(s * g.normal(size=shape) for s, g in ((1, sample), (0.6, seed), (0.4, both)))
    noise = noise * {"dropout": 2 / 3}.get(extra.variant, 1.0)
    if task == "regression":
        return (truth + 2 + noise).astype(np.float32)
    logits = noise + np.random.default_rng(9).normal(size=shape)
    logits[np.arange(len(truth)), truth] += 1.5
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)


def record_extra(folder: RunFolder, extra: Extra, task: str, truth: np.ndarray) -> None:
    """Of a fold the scores alone, as on the rows that it holds out."""
    outputs = extra_outputs(task, extra, truth)
    scores = scores_of(task, truth, outputs)
    parts = ("train", "val", "fold" if extra.group == "folds" else "test")
    record(folder, extra.member.id, task, truth, outputs, metrics=dict.fromkeys(parts, scores))


def record(
    folder: RunFolder,
    id: str,
    task: str,
    truth: np.ndarray,
    outputs: np.ndarray,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    **overrides: Any,
) -> None:
    """Writes one member; `arrays` are added to its own, `overrides` are the record's fields."""
    is_regression = task == "regression"
    loss = "mse" if is_regression else "cross_entropy"
    curves = {name: np.linspace(1.0, 0.5, 7) for name in ("loss", loss, f"val_{loss}")}
    scores = scores_of(task, truth, outputs)
    values = {
        "id": id,
        "status": "done",
        "best_epoch": 5,
        "stopped_epoch": 7,
        "metrics": dict.fromkeys(("train", "val", "test"), scores),
        "seconds": 0.5,
    }
    name = "test_predictions" if is_regression else "test_log_probabilities"
    own = {name: outputs, **{f"curve_{name}": curve for name, curve in curves.items()}}
    folder.record(MemberRecord(**{**values, **overrides}), {**own, **(arrays or {})})
