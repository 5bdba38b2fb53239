"""From what a run folder holds to the numbers of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kmlp import stats
from kmlp.config import StudyConfig, Variant
from kmlp.ledger import MemberRecord, RunFolder
from kmlp.verdict import verdict

METRICS = ("accuracy", "cross_entropy")
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
    records = folder.records()
    labels = folder.test_labels()
    variants = [
        _variant(variant, _recorded(plan.ids[variant.name], records), folder, labels)
        for variant in plan.config.resolved_variants
    ]
    _compare(variants, plan, records)
    results = {
        "schema": 1,
        "dataset": dict(dataset),
        "metric": {"name": "accuracy", "higher_is_better": True},
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
    """The variant with the best mean validation accuracy; in it the seed with the lowest loss.

    A variant that is named is not chosen.

    Without validation rows the training part decides. The test part is never looked at.
    """
    done = [v for v in results["variants"] if v["num_members"]]
    part = "val" if done[0]["val"] else "train"
    name = variant or max(done, key=lambda v: v[part]["accuracy"]["mean"])["name"]
    members = [m for m in results["members"] if m["variant"] == name and m["status"] == "done"]
    return min(members, key=lambda m: m[part]["cross_entropy"])


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
    variant: Variant, records: Sequence[MemberRecord], folder: RunFolder, labels: np.ndarray
) -> dict[str, Any]:
    done = [r for r in records if r.status == "done"]
    return {
        "name": variant.name,
        "strength": variant.strength,
        "config": {"model": variant.model.to_dict(), "train": variant.train.to_dict()},
        "num_members": len(done),
        "num_diverged": len(records) - len(done),
        **{part: _summaries(done, part) for part in _PARTS},
        "versus_baseline": None,
        "ensemble": _ensemble(done, folder, labels),
    }


def _summaries(records: Sequence[MemberRecord], part: str) -> dict[str, Any]:
    if not records or part not in records[0].metrics:
        return {}
    return {
        metric: asdict(stats.summarize([r.metrics[part][metric] for r in records]))
        for metric in METRICS
    }


def _ensemble(
    records: Sequence[MemberRecord], folder: RunFolder, labels: np.ndarray
) -> dict[str, float]:
    """The members' mean probabilities as one prediction."""
    if not records:
        return {}
    logs = [folder.arrays(r.id)["test_log_probabilities"] for r in records]
    mean = np.mean([np.exp(log.astype(np.float64)) for log in logs], axis=0)
    chosen = mean[np.arange(len(labels)), labels]
    return {
        "accuracy": float((mean.argmax(axis=1) == labels).sum() / len(labels)),
        "cross_entropy": float(-np.log(chosen).mean()),
    }


def _compare(
    variants: list[dict[str, Any]], plan: Plan, records: Mapping[str, MemberRecord]
) -> None:
    """Adds `versus_baseline` on the test accuracy, paired by seed, Holm over all variants."""
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
            (pair[0].metrics["test"]["accuracy"], pair[1].metrics["test"]["accuracy"])
            for pair in both
            if [record.status for record in pair] == ["done", "done"]
        ]
        if pairs:
            mine, theirs = zip(*pairs, strict=True)
            comparison = stats.compare_paired(mine, theirs, higher_is_better=True)
            compared.append((variant, comparison))
    corrected = stats.holm([comparison.p for _, comparison in compared])
    for (variant, comparison), p_holm in zip(compared, corrected, strict=True):
        variant["versus_baseline"] = {**asdict(comparison), "p_holm": p_holm}
