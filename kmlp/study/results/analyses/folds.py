"""Cross-validation: the scores on held-out folds, compared, and in words."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import compare_folds, summarize_folds
from kmlp.stats.formatting import Unit, p_equals
from kmlp.stats.metrics import within_range
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.folds import CrossValidation, FoldPlan, FoldsOfVariant
from kmlp.study.results.records.members import by_place, by_seed, table_of
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.results.records.variants import VariantResult, Versus

_VERBS = {"better": "beats", "worse": "loses to", "unclear": "cannot be told apart from"}


def fold_scores(results: StudyScores, variant: str, metric: str, part: str = "fold") -> np.ndarray:
    """Scores of one variant in cross-validation, `(repeats, folds)`; NaN where there is none.

    Args:
        results: of a study.
        variant: its name.
        metric: one of the task's.
        part: "fold" is the rows that were held out; "val" those that stopped the training.
    """
    members = results.extras("folds", variant)
    return table_of(members, part, metric, rows=by_seed, columns=by_place)


def cross_validation(results: StudyScores) -> CrossValidation | None:
    """Scores on the folds that were held out; repeats with a missing fold are left out.

    The correction for shared rows counts the rows that a network's weights are fitted to, without
    those that it validates on: fewer rows, wider intervals. Of two variants the fewer count.

    Returns:
        None where no variant has a whole repeat.
    """
    planned = results.groups.folds
    if planned is None:
        return None
    tables = _whole_tables(results, (planned.num_repeats, planned.num_folds))
    if not tables:
        return None
    versus = _versus_baseline(results, planned, tables)
    entries = [
        _entry(results, planned, results.variant(name), table, versus.get(name))
        for name, table in tables.items()
    ]
    return CrossValidation(**dict(planned), variants=tuple(entries))


def _entry(
    results: StudyScores,
    planned: FoldPlan,
    variant: VariantResult,
    table: np.ndarray,
    versus: Versus | None,
) -> FoldsOfVariant:
    whole, num_train = _whole(table), _num_train(variant, planned)
    summary = summarize_folds(table[whole], num_train=num_train, num_held_out=planned.num_held_out)
    within = within_range(results.metric.name, summary.ci95)
    return FoldsOfVariant(
        variant=variant.name,
        strength=variant.strength,
        num_train=num_train,
        repeats=tuple(np.flatnonzero(whole).tolist()),
        scores=tuple(map(tuple, table[whole].tolist())),
        **(asdict(summary) | {"ci95": within}),
        versus_baseline=versus,
    )


def _versus_baseline(
    results: StudyScores, planned: FoldPlan, tables: Mapping[str, np.ndarray]
) -> dict[str, Versus]:
    """By variant, on the repeats that are whole in both, Holm over all variants."""
    baseline, compared = results.baseline, {}
    for name in tables if baseline in tables else ():
        common = _whole(tables[name]) & _whole(tables[baseline])
        if name != baseline and common.any():
            pair = (results.variant(name), results.variant(baseline))
            compared[name] = compare_folds(
                tables[name][common],
                tables[baseline][common],
                num_train=min(_num_train(v, planned) for v in pair),
                num_held_out=planned.num_held_out,
                higher_is_better=results.metric.higher_is_better,
            )
    corrected = paired_tests.holm([comparison.p for comparison in compared.values()])
    return {
        name: Versus(**asdict(comparison), p_holm=p)
        for (name, comparison), p in zip(compared.items(), corrected, strict=True)
    }


def _num_train(variant: VariantResult, planned: FoldPlan) -> int:
    return variant.config.num_train or planned.num_train


def _whole_tables(results: StudyScores, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """By variant `(num_repeats, num_folds)` scores, of those with a repeat that is whole."""
    names = [v.name for v in results.variants]
    tables = {name: fold_scores(results, name, results.metric.name) for name in names}
    return {n: t for n, t in tables.items() if t.shape == shape and _whole(t).any()}


def _whole(table: np.ndarray) -> np.ndarray:
    """`(num_repeats,)` booleans: whether every fold of a repeat has a score."""
    return np.isfinite(table).all(axis=1)


def fold_sentences(results: StudyNumbers) -> list[str]:
    """Which variant is best, and whether that is known."""
    found, unit = results.cross_validation, results.unit()
    if not found:
        return []
    best = max(found.variants, key=lambda e: unit.gain(e.mean))
    times = f"{found.num_repeats} times " if found.num_repeats > 1 else ""
    return [
        f"In {found.num_folds}-fold cross-validation, {times}over all training rows, "
        f"{best.label} has the best mean {unit.title}, {unit.with_unit(best.mean)} "
        f"(95 % interval {unit.interval(best.ci95)}, corrected for shared rows)"
        f"{_told_apart(best.versus_baseline, results.baseline, unit)}.{_flattered(found)}"
    ]


def _flattered(found: CrossValidation) -> str:
    """What the best of several must be read with, chosen on the scores that it is told with."""
    number = len(found.variants)
    if number < 2:
        return ""
    return (
        f" It is the best of {number} by these same folds, which flatters its mean: expect a "
        "little less of it elsewhere."
    )


def _told_apart(versus: Versus | None, baseline: str, unit: Unit) -> str:
    if versus is None:
        return ""
    few = "" if versus.is_tested else f" with fewer than {MIN_SEEDS_TO_TEST} folds in all"
    return (
        f"; it {_VERBS[standing(versus, unit)]} {baseline}{few}: {unit.signed(versus.difference)} "
        f"{unit.of_difference} ({unit.interval(versus.ci95, signed=True)}, Holm p "
        f"{p_equals(versus.p_holm)})"
    )
