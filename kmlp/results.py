"""From what a run folder holds to the numbers of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kmlp import stats
from kmlp.config import StudyConfig, Variant
from kmlp.errors import SelectionError
from kmlp.ledger import MemberRecord, RunFolder
from kmlp.metrics import HIGHER_IS_BETTER, METRICS, classification_metrics, regression_metrics
from kmlp.units import unit_in
from kmlp.verdict import best_variant, chosen_on, verdict

_PARTS = ("test", "val", "train")


@dataclass(frozen=True)
class Plan:
    """Which member stands for which variant and seed.

    Attributes:
        config: the study.
        ids: variant -> seed -> the member's id.
        given_up: ids of members that ended their process twice and are not tried again.
    """

    config: StudyConfig
    ids: Mapping[str, Mapping[int, str]]
    given_up: frozenset[str] = frozenset()


def build_results(plan: Plan, folder: RunFolder, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `results.json`, from the ledger and the arrays.

    Args:
        plan: the members of the study; those without a record are left out.
        folder: where they are recorded.
        dataset: the `dataset` part: name, source, hash, task, sizes, class names.
    """
    records, task = folder.records(), dataset["task"]
    truth, metric = folder.test_labels(), METRICS[task][0]
    variants = [
        _variant(variant, _recorded(plan.ids[variant.name], records), folder, truth, task)
        for variant in plan.config.resolved_variants
    ]
    _compare(variants, plan, records, metric)
    results = {
        "schema": 1,
        "dataset": dict(dataset),
        "metric": {"name": metric, "higher_is_better": HIGHER_IS_BETTER[metric]},
        "class_shares": _class_shares(truth, len(dataset["class_names"])),
        "baseline": plan.config.baseline,
        "variants": variants,
        "members": [
            _member(records[id], variant, seed)
            if id in records
            else {"id": id, "variant": variant, "seed": seed, "status": "given_up"}
            for variant, ids in plan.ids.items()
            for seed, id in ids.items()
            if id in records or id in plan.given_up
        ],
        "bias_variance": [],
    }
    return {**results, "verdict": verdict(results)}


def best_member(results: Mapping[str, Any], variant: str | None = None) -> dict[str, Any]:
    """The variant with the best mean validation score; in it the seed with the lowest loss.

    A variant that is named is not chosen. The loss is the cross-entropy or the squared error.
    Without validation rows the training part decides. The test part is never looked at.

    Raises:
        SelectionError: no member finished.
    """
    chosen = best_variant(
        [v for v in results["variants"] if variant in (None, v["name"])], unit_in(results)
    )
    if chosen is None:
        raise SelectionError("no member finished: there is none to choose.")
    loss = "mse" if results["dataset"]["task"] == "regression" else "cross_entropy"
    part = chosen_on(chosen)
    return min(
        (m for m in results["members"] if m["variant"] == chosen["name"] and m["status"] == "done"),
        key=lambda m: m[part][loss],
    )


def _recorded(ids: Mapping[int, str], records: Mapping[str, MemberRecord]) -> list[MemberRecord]:
    return [records[id] for id in ids.values() if id in records]


def _member(record: MemberRecord, variant: str, seed: int) -> dict[str, Any]:
    return {
        "id": record.id,
        "variant": variant,
        "seed": seed,
        "best_epoch": record.best_epoch,
        "stopped_epoch": record.stopped_epoch,
        "seconds": record.seconds,
        **{part: _finite(record.metrics.get(part, {})) for part in _PARTS},
        "status": record.status,
    }


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """A diverged member's metrics may be NaN, which JSON does not know."""
    return {name: value if np.isfinite(value) else None for name, value in metrics.items()}


def _variant(
    variant: Variant,
    records: Sequence[MemberRecord],
    folder: RunFolder,
    truth: np.ndarray,
    task: str,
) -> dict[str, Any]:
    done = [r for r in records if r.status == "done"]
    return {
        "name": variant.name,
        "strength": variant.strength,
        "config": {"model": variant.model.to_dict(), "train": variant.train.to_dict()},
        "num_members": len(done),
        "num_diverged": len(records) - len(done),
        **{part: _summaries(done, part, METRICS[task]) for part in _PARTS},
        "versus_baseline": None,
        "ensemble": _ensemble(done, folder, truth, task),
    }


def _summaries(
    records: Sequence[MemberRecord], part: str, metrics: Sequence[str]
) -> dict[str, Any]:
    """By metric, over the members; without what a part cannot tell, as an AUC of one class."""
    if not records or part not in records[0].metrics:
        return {}
    values = {name: [r.metrics[part].get(name, np.nan) for r in records] for name in metrics}
    return {
        name: asdict(stats.summarize(of_members))
        for name, of_members in values.items()
        if np.isfinite(of_members).all()
    }


def _ensemble(
    records: Sequence[MemberRecord], folder: RunFolder, truth: np.ndarray, task: str
) -> dict[str, float | None]:
    """The scores of the members' mean probabilities, or of their mean prediction."""
    if not records:
        return {}
    arrays = [folder.arrays(r.id) for r in records]
    if task == "regression":
        predictions = np.stack([a["test_predictions"] for a in arrays])
        return _finite(regression_metrics(truth, predictions.mean(axis=0, dtype=np.float64)))
    logs = np.stack([a["test_log_probabilities"] for a in arrays]).astype(np.float64)
    mean = np.maximum(np.exp(logs).mean(axis=0), np.finfo(np.float64).tiny)
    return _finite(classification_metrics(truth, np.log(mean)))


def _class_shares(labels: np.ndarray, num_classes: int) -> list[float]:
    """Each class's share of the test rows; empty for regression."""
    if not num_classes:
        return []
    return [float(n) / len(labels) for n in np.bincount(labels, minlength=num_classes)]


def _compare(
    variants: list[dict[str, Any]],
    plan: Plan,
    records: Mapping[str, MemberRecord],
    metric: str,
) -> None:
    """Adds `versus_baseline` on the test set, paired by seed, Holm over all variants."""
    baseline = plan.ids[plan.config.baseline]
    compared = []
    for variant in variants:
        if variant["name"] == plan.config.baseline:
            continue
        both = [
            _recorded({0: id, 1: baseline[seed]}, records)
            for seed, id in plan.ids[variant["name"]].items()
        ]
        pairs = [
            tuple(record.metrics["test"][metric] for record in pair)
            for pair in both
            if [record.status for record in pair] == ["done", "done"]
        ]
        if pairs:
            mine, theirs = zip(*pairs, strict=True)
            comparison = stats.compare_paired(
                mine, theirs, higher_is_better=HIGHER_IS_BETTER[metric]
            )
            compared.append((variant, comparison))
    corrected = stats.holm([comparison.p for _, comparison in compared])
    for (variant, comparison), p_holm in zip(compared, corrected, strict=True):
        variant["versus_baseline"] = {**asdict(comparison), "p_holm": p_holm}
