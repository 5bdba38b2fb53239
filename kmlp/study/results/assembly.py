"""From what a run folder holds to the numbers of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp.config import StudyConfig, Variant
from kmlp.data.sampling import parse_resample
from kmlp.stats import paired_tests, summaries
from kmlp.stats.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    classification_metrics,
    regression_metrics,
    within_range,
)
from kmlp.stats.monitoring import primary_metric
from kmlp.study.pilot import pilot_summary
from kmlp.study.plan import NUM_SETTINGS, Extra, Plan
from kmlp.study.results.analyses import extra_parts, findings
from kmlp.study.results.comparisons import (
    RowScores,
    add_comparisons,
    add_intervals,
    add_ties,
    row_scores,
)
from kmlp.study.results.ranking import best_member
from kmlp.study.results.verdict import verdict
from kmlp.study.run_folder.folder import MemberRecord, RunFolder

_PARTS = ("test", "val", "train")


def build_results(
    plan: Plan,
    folder: RunFolder,
    dataset: Mapping[str, Any],
    pilot: Mapping[str, Any] | None = None,
    looks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of `results.json`, from the ledger and the arrays.

    Args:
        plan: the members of the study that are wanted; those without a record are left out.
        folder: where they are recorded.
        dataset: the `dataset` part: name, source, hash, task, sizes, class names.
        pilot: the results of the pilot that chose the strengths, if there was one.
        looks: what `num_seeds="auto"` decided on; None where the number of seeds was given.
    """
    records, given_up, task = folder.records(), folder.stacks.given_up(), dataset["task"]
    truth, metric = folder.test_labels(), primary_metric(task)
    done = {
        variant: {seed: r for seed, r in _recorded(ids, records).items() if r.status == "done"}
        for variant, ids in plan.ids.items()
    }
    outputs = {
        record.id: _outputs(folder, record.id, task)
        for by_seed in done.values()
        for record in by_seed.values()
    }
    variants = [
        _variant(
            variant,
            len(_recorded(plan.ids[variant.name], records)),
            list(done[variant.name].values()),
            [outputs[record.id] for record in done[variant.name].values()],
            truth,
            task,
        )
        for variant in plan.config.resolved_variants
    ]
    rows = row_scores(outputs, truth, task)
    add_intervals(variants, done, rows, metric=metric)
    num_looks = len(looks["planned"]) if looks else 1
    add_comparisons(
        variants,
        done,
        rows,
        baseline=plan.config.baseline,
        metric=metric,
        num_looks=num_looks,
    )
    results: dict[str, Any] = {
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
            if id in records or id in given_up
        ],
        "extra_members": [
            _extra(extra, records.get(extra.member.id))
            for extra in plan.extras
            if extra.member.id in records or extra.member.id in given_up
        ],
        "groups": _groups(plan.config, dataset),
        "sweeps": [
            {
                "field": sweep.field,
                "scale": sweep.scale,
                "values": list(sweep.values),
                "variants": list(plan.config.variants_along(sweep)),
            }
            for sweep in plan.config.sweeps
        ],
        "looks": looks,
        "pilot": pilot and pilot_summary(pilot),
    }
    best = best_member(results) if outputs else None
    add_ties(
        variants,
        done,
        best=best["variant"] if best else None,
        baseline=plan.config.baseline,
        metric=metric,
        num_looks=num_looks,
    )
    results["best"] = best and {
        "variant": best["variant"],
        "seed": best["seed"],
        "member": best["id"],
    }
    results["mcnemar"] = _mcnemar(results, best, rows) if best and rows else None
    results |= extra_parts(results, folder)
    return {**results, "verdict": [*verdict(results), *findings(results)]}


def _recorded(
    ids: Mapping[int, str], records: Mapping[str, MemberRecord]
) -> dict[int, MemberRecord]:
    return {seed: records[id] for seed, id in ids.items() if id in records}


def _outputs(folder: RunFolder, id: str, task: str) -> np.ndarray:
    """A member's outputs on the test set; not its weights, which need far more memory."""
    name = "test_predictions" if task == "regression" else "test_log_probabilities"
    return folder.arrays(id)[name]


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


def _extra(extra: Extra, record: MemberRecord | None) -> dict[str, Any]:
    """A member beside the ordinary ones: its group, and its place in it."""
    if record is None:
        found = {"id": extra.member.id, "variant": extra.variant, "seed": extra.seed}
        found["status"] = "given_up"
    else:
        found = _member(record, extra.variant, extra.seed)
        if "fold" in record.metrics:
            del found["test"]
            found["fold"] = _finite(record.metrics["fold"])
    stream = {"stream": extra.stream} if extra.stream else {}
    return {**found, "group": extra.group, "place": extra.place, **stream}


def _groups(config: StudyConfig, dataset: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each group of members beside the ordinary ones consists of, and its numbers of rows."""
    groups: dict[str, dict[str, Any]] = {}
    num_rows = dataset["num_train"] + dataset["num_val"]
    if config.resample:
        samples = parse_resample(config.resample, config.first_seed)
        groups["resample"] = {
            "kind": samples[0].kind,
            "num_samples": len(samples),
            "num_seeds": config.resample_seeds,
            "num_train": dataset["num_train"] // (samples[0].of or 1),
        }
    if config.folds:
        num_held_out = -(-num_rows // config.folds)
        num_val = round(config.validation_fraction * (num_rows - num_held_out))
        groups["folds"] = {
            "num_folds": config.folds,
            "num_repeats": config.repeats,
            "num_train": num_rows - num_held_out - num_val,
            "num_held_out": num_held_out,
        }
    if config.randomness:
        seeds = config.randomness_seeds
        groups["randomness"] = {"num_settings": NUM_SETTINGS, "num_seeds": seeds}
    return groups


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """A diverged member's metrics may be NaN, which JSON does not know."""
    return {name: value if np.isfinite(value) else None for name, value in metrics.items()}


def _variant(
    variant: Variant,
    num_recorded: int,
    done: Sequence[MemberRecord],
    outputs: Sequence[np.ndarray],
    truth: np.ndarray,
    task: str,
) -> dict[str, Any]:
    return {
        "name": variant.name,
        "strength": variant.strength,
        "config": {
            "model": variant.model.to_dict(),
            "train": variant.train.to_dict(),
            **({"num_train": variant.num_train} if variant.num_train is not None else {}),
        },
        "num_members": len(done),
        "num_diverged": num_recorded - len(done),
        **{part: _summaries(done, part, METRICS[task]) for part in _PARTS},
        "ensemble": _ensemble(outputs, truth, task),
    }


def _summaries(
    records: Sequence[MemberRecord], part: str, metrics: Sequence[str]
) -> dict[str, Any]:
    """By metric, over the members; without what a part cannot tell, as an AUC of one class."""
    if not records or part not in records[0].metrics:
        return {}
    values = {name: [r.metrics[part].get(name, np.nan) for r in records] for name in metrics}
    return {
        name: _summary(name, of_members)
        for name, of_members in values.items()
        if np.isfinite(of_members).all()
    }


def _summary(metric: str, values: Sequence[float]) -> dict[str, Any]:
    """Mean and spread, the interval kept within what the metric can be."""
    summary = asdict(summaries.summarize(values))
    if summary["ci95"]:
        summary["ci95"] = within_range(metric, summary["ci95"])
    return summary


def _ensemble(
    outputs: Sequence[np.ndarray], truth: np.ndarray, task: str
) -> dict[str, float | None]:
    """The scores of the members' mean probabilities, or of their mean prediction."""
    if not outputs:
        return {}
    if task == "regression":
        return _finite(regression_metrics(truth, np.stack(outputs).mean(axis=0, dtype=np.float64)))
    logs = np.stack(outputs).astype(np.float64)
    mean = np.maximum(np.exp(logs).mean(axis=0), np.finfo(np.float64).tiny)
    return _finite(classification_metrics(truth, np.log(mean)))


def _class_shares(labels: np.ndarray, num_classes: int) -> list[float]:
    """Each class's share of the test rows; empty for regression."""
    if not num_classes:
        return []
    return [float(n) / len(labels) for n in np.bincount(labels, minlength=num_classes)]


def _mcnemar(
    results: Mapping[str, Any], best: Mapping[str, Any], rows: RowScores
) -> dict[str, Any] | None:
    """The best member against the baseline's of lowest loss; None where they are the same."""
    baseline = results["baseline"]
    finished = any(v["name"] == baseline and v["num_members"] for v in results["variants"])
    if results["dataset"]["task"] == "regression" or best["variant"] == baseline or not finished:
        return None
    other = best_member(results, baseline)
    right, also_right = (rows.values[rows.index[member["id"]]] > 0 for member in (best, other))
    found = paired_tests.mcnemar(right, also_right)
    return {
        "baseline_seed": other["seed"],
        "both_right": found.both_right,
        "only_best_right": found.only_first,
        "only_baseline_right": found.only_second,
        "both_wrong": found.both_wrong,
        "p": found.p,
    }
