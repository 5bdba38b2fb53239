"""What a study says beyond its ordinary members, as parts of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp import groups, stats
from kmlp.cross_validation import compare_folds, summarize_folds
from kmlp.decompositions import bias_variance
from kmlp.ledger import MemberRecord, RunFolder
from kmlp.metrics import finite
from kmlp.plan import Extra, Plan
from kmlp.randomness import pooled_sd
from kmlp.rounds import rounds_of

Results = Mapping[str, Any]


def extra_parts(
    results: Results, plan: Plan, folder: RunFolder, records: Mapping[str, MemberRecord]
) -> dict[str, Any]:
    """The parts of `results.json` that stand on more than the ordinary members.

    Args:
        results: the parts that stand on these alone.
        plan: the study's members.
        folder: where they are recorded.
        records: by id.

    Returns:
        "resample", "extra_members", "bias_variance", "cross_validation", "randomness", "sweeps",
        "seeds_auto".
    """
    config, metric = plan.config, results["metric"]["name"]
    results = {
        **results,
        "resample": _resample(plan),
        "extra_members": [
            _extra_member(extra, records.get(extra.member.id))
            for extra in plan.extras
            if extra.member.id in records or extra.member.id in plan.given_up
        ],
    }
    dataset = results["dataset"]
    num_rows = dataset["num_train"] + dataset["num_val"]
    return {
        "resample": results["resample"],
        "extra_members": results["extra_members"],
        "bias_variance": _bias_variance(results, plan, folder),
        "cross_validation": config.folds
        and cross_validation(results, num_folds=config.folds, num_rows=num_rows),
        "randomness": randomness(results),
        "sweeps": [
            {
                "field": sweep.field,
                "scale": sweep.scale,
                "values": list(sweep.values),
                "variants": list(sweep.variant_names),
            }
            for sweep in config.sweeps
        ],
        "seeds_auto": seeds_auto(plan, records, metric),
    }


def cross_validation(results: Results, *, num_folds: int, num_rows: int) -> dict[str, Any] | None:
    """Scores on the folds that were held out; repeats with a missing fold are left out.

    Args:
        results: with its `extra_members`.
        num_folds: a repeat.
        num_rows: of the training set, validation rows included: all but a fold are learnt from.

    Returns:
        None where no variant has a whole repeat.
    """
    metric, baseline = results["metric"]["name"], results["baseline"]
    held_out = round(num_rows / num_folds)
    sizes = {"num_train": num_rows - held_out, "num_held_out": held_out}
    tables = {
        v["name"]: groups.fold_scores(results, v["name"], metric) for v in results["variants"]
    }
    whole = {name: np.isfinite(table).all(axis=1) for name, table in tables.items() if table.size}
    whole = {name: repeats for name, repeats in whole.items() if repeats.any()}
    if not whole:
        return None
    compared = {
        name: compare_folds(
            tables[name][repeats & whole[baseline]],
            tables[baseline][repeats & whole[baseline]],
            **sizes,
            higher_is_better=results["metric"]["higher_is_better"],
        )
        for name, repeats in whole.items()
        if name != baseline and baseline in whole and (repeats & whole[baseline]).any()
    }
    corrected = stats.holm([comparison.p for comparison in compared.values()])
    versus = {
        name: {**asdict(comparison), "p_holm": p}
        for (name, comparison), p in zip(compared.items(), corrected, strict=True)
    }
    return {
        "num_folds": num_folds,
        "num_repeats": max(map(len, tables.values())),
        **sizes,
        "variants": [
            {
                "variant": v["name"],
                "strength": v["strength"],
                "scores": tables[v["name"]][whole[v["name"]]].tolist(),
                **asdict(summarize_folds(tables[v["name"]][whole[v["name"]]], **sizes)),
                "versus_baseline": versus.get(v["name"]),
            }
            for v in results["variants"]
            if v["name"] in whole
        ],
    }


def randomness(results: Results) -> list[dict[str, Any]]:
    """The deviation of the test score by the stream that varies, and where all of them do."""
    metric, found = results["metric"]["name"], []
    for variant in results["variants"]:
        tables = groups.stream_scores(results, variant["name"], metric)
        by_stream = {stream: _spread(list(table)) for stream, table in tables.items()}
        if not any(by_stream.values()):
            continue
        everything = [
            m["test"][metric]
            for m in results["members"]
            if m["variant"] == variant["name"] and m["status"] == "done"
        ]
        by_stream["all"] = _spread([np.array(everything)])
        found.append(
            {
                "variant": variant["name"],
                "strength": variant["strength"],
                "streams": [
                    {
                        "stream": stream,
                        "sd": {"value": spread.value, "ci95": spread.ci95},
                        "degrees": spread.degrees,
                        "num_settings": spread.num_settings,
                    }
                    for stream, spread in by_stream.items()
                    if spread
                ],
            }
        )
    return found


def member_values(record: MemberRecord) -> dict[str, Any]:
    """What the results say of a recorded member, but for its name and place."""
    parts = ("test", "val", "train", *(["fold"] if "fold" in record.metrics else []))
    return {
        "best_epoch": record.best_epoch,
        "stopped_epoch": record.stopped_epoch,
        "seconds": record.seconds,
        **{part: finite(record.metrics.get(part, {})) for part in parts},
        "status": record.status,
    }


def _resample(plan: Plan) -> dict[str, Any] | None:
    """What was drawn from the training rows; None where nothing was."""
    samples = {extra.member.sample for extra in plan.extras if extra.group == "resample"}
    if not samples:
        return None
    (kind,) = {sample.kind for sample in samples if sample}
    return {
        "kind": kind,
        "num_samples": len(samples),
        "num_seeds": plan.config.resample_seeds,
    }


def _extra_member(extra: Extra, record: MemberRecord | None) -> dict[str, Any]:
    place = {
        "id": extra.member.id,
        "group": extra.group,
        "variant": extra.variant,
        "place": extra.place,
        "seed": extra.seed,
        "stream": extra.stream,
    }
    return {**place, **(member_values(record) if record else {"status": "given_up"})}


def _bias_variance(results: Results, plan: Plan, folder: RunFolder) -> list[dict[str, Any]]:
    if not results["resample"]:
        return []
    entries = bias_variance(
        lambda variant: groups.resampled(folder, results, variant),
        results["variants"],
        baseline=results["baseline"],
    )
    kind, rows = results["resample"]["kind"], results["dataset"]["num_train"]
    if kind == "splits":
        rows //= results["resample"]["num_samples"]
    limits = {v.name: v.num_train or rows for v in plan.config.resolved_variants}
    return [
        {
            **entry,
            "resample": plan.config.resample,
            "num_train": min(rows, limits[entry["variant"]]),
        }
        for entry in entries
    ]


def _spread(settings: Sequence[np.ndarray]) -> Any:
    """Of those settings that have two scores or more; None where there is none."""
    finite = [values[np.isfinite(values)] for values in settings]
    enough = [values for values in finite if len(values) > 1]
    return pooled_sd(enough) if enough else None


def seeds_auto(
    plan: Plan, records: Mapping[str, MemberRecord], metric: str
) -> dict[str, Any] | None:
    """What the looks decided on the validation rows; None where the seeds were given."""
    if isinstance(plan.config.num_seeds, int):
        return None
    rounds, looks = rounds_of(plan, records, metric), plan.config.looks
    return {
        "looks": list(looks),
        "half_width": plan.config.half_width,
        "alpha_per_look": stats.ALPHA / len(looks),
        "is_over": rounds.is_over,
        "num_seeds": dict(rounds.num_seeds),
        "taken": [
            {
                "num_seeds": look.num_seeds,
                "decisions": [asdict(decision) for decision in look.decisions],
            }
            for look in rounds.looks
        ],
    }
