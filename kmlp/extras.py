"""What a study says beyond its ordinary members, as parts of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp import groups, sequential, stats
from kmlp.cross_validation import compare_folds, summarize_folds
from kmlp.randomness import pooled_sd

Results = Mapping[str, Any]


def cross_validation(
    results: Results, *, num_folds: int, num_rows: int
) -> dict[str, Any] | None:
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
    tables = {v["name"]: groups.fold_scores(results, v["name"], metric) for v in results["variants"]}
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


def _spread(settings: Sequence[np.ndarray]) -> Any:
    """Of those settings that have two scores or more; None where there is none."""
    finite = [values[np.isfinite(values)] for values in settings]
    enough = [values for values in finite if len(values) > 1]
    return pooled_sd(enough) if enough else None


def seeds_auto(
    rounds: sequential.Rounds, *, looks: Sequence[int], half_width: float | None
) -> dict[str, Any]:
    """What the looks decided on the validation rows."""
    return {
        "looks": list(looks),
        "half_width": half_width,
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
