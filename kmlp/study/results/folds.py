"""Cross-validation: the scores on held-out folds, compared, and in words."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import compare_folds, summarize_folds
from kmlp.stats.formatting import Unit, p_equals
from kmlp.stats.metrics import within_range
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST
from kmlp.study.results.extra_members import members_of, named, table_of
from kmlp.study.results.ranking import label, num_pairs, significant

Results = Mapping[str, Any]


def fold_scores(results: Results, variant: str, metric: str, part: str = "fold") -> np.ndarray:
    """Scores of one variant in cross-validation, `(repeats, folds)`; NaN where there is none.

    Args:
        results: as in `results.json`.
        variant: its name.
        metric: one of the task's.
        part: "fold" is the rows that were held out; "val" those that stopped the training.
    """
    return table_of(members_of(results, "folds", variant), "seed", "place", part, metric)


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
    corrected = paired_tests.holm([comparison.p for comparison in compared.values()])
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


def _whole_tables(results: Results, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """By variant `(num_repeats, num_folds)` scores, of those with a repeat that is whole."""
    metric = results["metric"]["name"]
    names = [v["name"] for v in results["variants"]]
    tables = {name: fold_scores(results, name, metric) for name in names}
    return {n: t for n, t in tables.items() if t.shape == shape and _whole(t).any()}


def _whole(table: np.ndarray) -> np.ndarray:
    """`(num_repeats,)` booleans: whether every fold of a repeat has a score."""
    return np.isfinite(table).all(axis=1)


def fold_sentences(results: Results, unit: Unit) -> list[str]:
    found = results["cross_validation"]
    if not found:
        return []
    best = max(found["variants"], key=lambda e: unit.gain(e["mean"]))
    times = f"{found['num_repeats']} times " if found["num_repeats"] > 1 else ""
    sentence = (
        f"In {found['num_folds']}-fold cross-validation, {times}over all training rows, "
        f"{label(named(best))} has the best mean {unit.title}, {unit.with_unit(best['mean'])} "
        f"(95 % interval {unit.interval(best['ci95'])}, corrected for shared rows)"
    )
    versus = best["versus_baseline"]
    if versus:
        verb = "beats" if unit.gain(versus["difference"]) > 0 else "loses to"
        apart = verb if significant(versus) else "cannot be told apart from"
        few = f" with fewer than {MIN_SEEDS_TO_TEST} folds in all"
        few = few if num_pairs(versus) < MIN_SEEDS_TO_TEST else ""
        sentence += (
            f"; it {apart} {results['baseline']}{few}: {unit.signed(versus['difference'])} "
            f"{unit.of_difference} ({unit.interval(versus['ci95'], signed=True)}, Holm p "
            f"{p_equals(versus['p_holm'])})"
        )
    return [f"{sentence}."]
