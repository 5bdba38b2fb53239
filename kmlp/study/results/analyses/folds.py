"""Cross-validation: the scores on held-out folds, compared, and in words."""

from dataclasses import asdict

import numpy as np

from kmlp.config.study import NUM_REPEATS
from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import summarize_folds
from kmlp.stats.formatting import Unit, p_equals
from kmlp.stats.metrics import within_range
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST
from kmlp.study.results.baseline import as_subject, baseline_in_words
from kmlp.study.results.fold_scores import FoldScores
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.folds import CrossValidation, FoldPlan, FoldsOfVariant
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.results.records.variants import VariantResult, Versus

_VERBS = {"better": "beats", "worse": "loses to", "unclear": "cannot be told apart from"}


def cross_validation(results: StudyScores, folds: FoldScores | None) -> CrossValidation | None:
    """Scores on the folds that were held out; repeats with a missing fold are left out.

    The correction for shared rows counts the rows that a network's weights are fitted to, without
    those that it validates on: fewer rows, wider intervals. Of two variants the fewer count.

    Args:
        results: of a study.
        folds: its scores on them, if it has any.

    Returns:
        None where no variant has a whole repeat.
    """
    if folds is None or not folds.tables:
        return None
    versus = _versus_baseline(results, folds)
    entries = [_entry(results.variant(name), folds, versus.get(name)) for name in folds.tables]
    return CrossValidation(**dict(folds.planned), variants=tuple(entries))


def _entry(variant: VariantResult, folds: FoldScores, versus: Versus | None) -> FoldsOfVariant:
    name, table = variant.name, folds.scores(variant.name)
    num_train, num_held_out = folds.num_train[name], folds.planned.num_held_out
    summary = summarize_folds(table, num_train=num_train, num_held_out=num_held_out)
    within = within_range(folds.metric, summary.ci95)
    return FoldsOfVariant(
        variant=name,
        strength=variant.strength,
        num_train=num_train,
        repeats=tuple(np.flatnonzero(folds.whole(name)).tolist()),
        scores=tuple(map(tuple, table.tolist())),
        **(asdict(summary) | {"ci95": within}),
        versus_baseline=versus,
    )


def _versus_baseline(results: StudyScores, folds: FoldScores) -> dict[str, Versus]:
    """By variant, on the repeats that are whole in both, Holm over all variants; where folds test
    what is known already, for it is corrected for looks, too."""
    if results.basis == "folds":
        known = {v.name: v.versus_baseline for v in results.variants}
        return {name: _as_versus(found) for name, found in known.items() if found}
    compared = {
        name: found
        for name in folds.tables
        if name != results.baseline and (found := folds.compare(name, results.baseline))
    }
    corrected = paired_tests.holm([comparison.p for comparison in compared.values()])
    return {
        name: Versus(**asdict(comparison), p_holm=p)
        for (name, comparison), p in zip(compared.items(), corrected, strict=True)
    }


def _as_versus(versus: Versus) -> Versus:
    """Without what is told beside it of a comparison with the baseline."""
    return Versus(**{name: getattr(versus, name) for name in Versus.model_fields})


def fold_sentences(results: StudyNumbers) -> list[str]:
    """Which variant is best, and whether that is known; nothing where the verdict says it."""
    found, unit = results.cross_validation, results.unit()
    if not found or results.basis == "folds":
        return []
    best = max(found.variants, key=lambda e: unit.gain(e.mean))
    times = f"{found.num_repeats} times " if found.num_repeats > 1 else ""
    name = as_subject(results.variant(best.variant), results)
    baseline = baseline_in_words(results)
    return [
        f"In {found.num_folds}-fold cross-validation, {times}over all training rows, "
        f"{name} has the best mean {unit.title}, {unit.with_unit(best.mean)} "
        f"(95 % interval {unit.interval(best.ci95)}, corrected for shared rows)"
        f"{_told_apart(best.versus_baseline, baseline, unit)}.{_flattered(found)}",
        *seeds_of_folds(found),
    ]


def seeds_of_folds(planned: FoldPlan) -> list[str]:
    """That the folds of a repeat share a seed, where few repeats leave its luck out of intervals.

    Of the variance over seeds a mean over R repeats has 1 / R. The corrected variance of 5 folds
    holds none of it with one repeat, 0.19 instead of 0.5 with two, and 0.24 of 0.25 with four.
    """
    number = planned.num_repeats
    if number >= NUM_REPEATS:
        return []
    if number == 1:
        luck = "what another seed would change is in no interval and no p"
    else:
        luck = "what other seeds would change is in intervals and p only in part"
    return [
        f"The folds of a repeat share one seed, that of their initial weights, order and masks: "
        f"with {number} repeat{'s' * (number > 1)} {luck}."
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
