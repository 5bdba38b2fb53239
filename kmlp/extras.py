"""What the members beside the ordinary ones say, as parts of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp import groups, stats
from kmlp.cross_validation import compare_folds, summarize_folds
from kmlp.decompositions import bias_variance
from kmlp.ledger import RunFolder
from kmlp.metrics import within_range
from kmlp.randomness import Spread, pooled_sd

Results = Mapping[str, Any]


def extra_parts(results: Results, folder: RunFolder) -> dict[str, Any]:
    """`bias_variance`, `cross_validation` and `randomness`; empty where nothing was trained for it.

    Args:
        results: with `groups` and `extra_members`.
        folder: where their predictions lie.
    """
    planned = results["groups"]
    return {
        "bias_variance": _bias_variance(results, folder) if "resample" in planned else [],
        "cross_validation": cross_validation(results) if "folds" in planned else None,
        "randomness": randomness(results) if "randomness" in planned else [],
    }


def cross_validation(results: Results) -> dict[str, Any] | None:
    """Scores on the folds that were held out; repeats with a missing fold are left out.

    The correction for shared rows counts the rows that a network's weights are fitted to, without
    those that it validates on: fewer rows, wider intervals. Of two variants the fewer count.

    Returns:
        None where no variant has a whole repeat.
    """
    planned, baseline = results["groups"]["folds"], results["baseline"]
    tables = _whole_tables(results, (planned["num_repeats"], planned["num_folds"]))
    if not tables:
        return None
    held_out = planned["num_held_out"]
    rows = {v["name"]: v["config"].get("num_train") for v in results["variants"]}
    num_train = {name: rows[name] or planned["num_train"] for name in tables}
    compared = {}
    for name, table in tables.items():
        common = _whole(table) & _whole(tables.get(baseline, np.full_like(table, np.nan)))
        if name != baseline and common.any():
            compared[name] = compare_folds(
                table[common],
                tables[baseline][common],
                num_train=min(num_train[name], num_train[baseline]),
                num_held_out=held_out,
                higher_is_better=results["metric"]["higher_is_better"],
            )
    corrected = stats.holm([comparison.p for comparison in compared.values()])
    versus = {
        name: {**asdict(comparison), "p_holm": p}
        for (name, comparison), p in zip(compared.items(), corrected, strict=True)
    }
    metric = results["metric"]["name"]
    strengths = {v["name"]: v["strength"] for v in results["variants"]}
    summaries = {
        name: summarize_folds(
            table[_whole(table)], num_train=num_train[name], num_held_out=held_out
        )
        for name, table in tables.items()
    }
    return {
        **planned,
        "variants": [
            {
                "variant": name,
                "strength": strengths[name],
                "num_train": num_train[name],
                "repeats": np.flatnonzero(_whole(table)).tolist(),
                "scores": table[_whole(table)].tolist(),
                **asdict(summaries[name]),
                "ci95": within_range(metric, summaries[name].ci95),
                "versus_baseline": versus.get(name),
            }
            for name, table in tables.items()
        ],
    }


def randomness(results: Results) -> list[dict[str, Any]]:
    """The deviation of the test score by the stream that varies, and where all of them do."""
    metric, found = results["metric"]["name"], []
    for variant in results["variants"]:
        tables = groups.stream_scores(results, variant["name"], metric)
        spreads = {stream: _spread(list(table)) for stream, table in tables.items()}
        if not any(spreads.values()):
            continue
        spreads["all"] = _spread([_ordinary_scores(results, variant["name"])])
        streams = [
            {
                "stream": stream,
                "sd": {"value": spread.value, "ci95": spread.ci95},
                "degrees": spread.degrees,
                "num_settings": spread.num_settings,
            }
            for stream, spread in spreads.items()
            if spread
        ]
        found.append(
            {"variant": variant["name"], "strength": variant["strength"], "streams": streams}
        )
    return found


def _bias_variance(results: Results, folder: RunFolder) -> list[dict[str, Any]]:
    entries = bias_variance(
        lambda variant: groups.resampled(folder, results, variant),
        results["variants"],
        baseline=results["baseline"],
    )
    planned = results["groups"]["resample"]
    rows = {v["name"]: v["config"].get("num_train") for v in results["variants"]}
    return [
        {
            **entry,
            "resample": f"{planned['kind']}:{planned['num_samples']}",
            "num_train": rows[entry["variant"]] or planned["num_train"],
        }
        for entry in entries
    ]


def _whole_tables(results: Results, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """By variant `(num_repeats, num_folds)` scores, of those with a repeat that is whole."""
    metric = results["metric"]["name"]
    names = [v["name"] for v in results["variants"]]
    tables = {name: groups.fold_scores(results, name, metric) for name in names}
    return {n: t for n, t in tables.items() if t.shape == shape and _whole(t).any()}


def _whole(table: np.ndarray) -> np.ndarray:
    """`(num_repeats,)` booleans: whether every fold of a repeat has a score."""
    return np.isfinite(table).all(axis=1)


def _ordinary_scores(results: Results, variant: str) -> np.ndarray:
    metric = results["metric"]["name"]
    done = [m for m in results["members"] if m["variant"] == variant and m["status"] == "done"]
    return np.array([m["test"][metric] for m in done])


def _spread(settings: Sequence[np.ndarray]) -> Spread | None:
    """Of those settings that have two scores or more; None where there is none."""
    finite = [values[np.isfinite(values)] for values in settings]
    enough = [values for values in finite if len(values) > 1]
    return pooled_sd(enough) if enough else None
