"""References against the best variant: does a simpler or another model do better?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from kmlp.config.tables.references import TRIVIAL, title_of
from kmlp.stats import paired_tests
from kmlp.stats.cross_validation import FoldComparison
from kmlp.stats.formatting import Unit, listed, p_equals
from kmlp.stats.paired_tests import Comparison
from kmlp.study.plan import Plan
from kmlp.study.results.baseline import baseline_in_words, in_words, the_network
from kmlp.study.results.fold_scores import FoldScores, as_tables, of_tables
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.basis import Tested
from kmlp.study.results.records.references import (
    ReferenceResult,
    ReferenceScores,
    VersusNetwork,
)
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.results.variants import finite, summaries_of
from kmlp.study.run_folder.folder import MemberRecord

Place = tuple[int, int | None]
"""Seed; of a fold its repeat's, and which fold."""
Records = Mapping[Place, MemberRecord]
Told = tuple[ReferenceResult, VersusNetwork]


def compare_references(
    scores: StudyScores,
    plan: Plan,
    records: Mapping[str, MemberRecord],
    folds: FoldScores | None = None,
    *,
    num_looks: int = 1,
) -> tuple[ReferenceResult, ...]:
    """Each reference that has a record, in the order in which they were asked for.

    Args:
        scores: of the study.
        plan: its members.
        records: of all that was trained.
        folds: the variants' scores on folds where these test.
        num_looks: how many p counts.
    """
    planned = _planned(plan, on_folds=folds is not None)
    by_name = {
        name: {place: records[id] for place, id in ids.items() if id in records}
        for name, ids in planned.items()
    }
    trained = {name: of_one for name, of_one in by_name.items() if of_one}
    # Holm's correction is over all of them: of a part each p would be too small.
    is_whole = all(len(by_name[name]) == len(wanted) for name, wanted in planned.items())
    own = _own_folds(scores, plan, trained, folds) if folds else None
    versus = _versus_best(scores, trained, own, folds, num_looks) if is_whole else {}
    return tuple(
        _result(scores, name, of_one, versus.get(name), own, plan.config.trials_of(name))
        for name, of_one in trained.items()
    )


def _planned(plan: Plan, *, on_folds: bool) -> dict[str, dict[Place, str]]:
    """Reference -> place -> id."""
    if on_folds:
        return {
            name: {place: member.id for place, member in by_fold.items()}
            for name, by_fold in plan.fold_references.items()
        }
    return {
        name: {(seed, None): member.id for seed, member in by_seed.items()}
        for name, by_seed in plan.references.items()
    }


def _own_folds(
    scores: StudyScores, plan: Plan, trained: Mapping[str, Records], folds: FoldScores
) -> FoldScores:
    """The references' scores, laid out as the variants'."""
    seeds, metrics = plan.config.fold_seeds, scores.metrics
    by_fold = {
        name: {
            (seeds.index(seed), fold or 0): finite(record.metrics["fold"])
            for (seed, fold), record in of_one.items()
        }
        for name, of_one in trained.items()
    }
    given = {
        network.network.num_train for r in plan.fold_references.values() for network in r.values()
    }
    return of_tables(
        {name: as_tables(of_one, folds.planned, metrics) for name, of_one in by_fold.items()},
        folds.planned,
        metric=folds.metric,
        higher_is_better=folds.higher_is_better,
        num_train=dict.fromkeys(by_fold, next(iter(given), None)),
    )


def _result(
    scores: StudyScores,
    name: str,
    trained: Records,
    versus: VersusNetwork | None,
    own: FoldScores | None,
    num_trials: int,
) -> ReferenceResult:
    metrics = scores.metrics
    test = own.summaries(name) if own else summaries_of(list(trained.values()), "test", metrics)
    return ReferenceResult(
        name=name,
        title=title_of(name, is_regression=scores.dataset.is_regression, is_tuned=num_trials > 1),
        num_members=len(trained),
        num_trials=num_trials,
        test=test,
        versus_best=versus,
        members=tuple(_scores_of(place, record) for place, record in trained.items()),
    )


def _scores_of(place: Place, record: MemberRecord) -> ReferenceScores:
    parts = {"test": "fold" if "fold" in record.metrics else "test", "val": "val", "train": "train"}
    return ReferenceScores(
        seed=place[0],
        place=place[1],
        seconds=record.seconds,
        settings=None if record.settings is None else dict(record.settings),
        **{name: finite(record.metrics.get(part, {})) for name, part in parts.items()},
    )


def _versus_best(
    scores: StudyScores,
    trained: Mapping[str, Records],
    own: FoldScores | None,
    folds: FoldScores | None,
    num_looks: int,
) -> dict[str, VersusNetwork]:
    """Over the seeds that both have, or over the folds; corrected over references and looks."""
    if scores.best is None:
        return {}
    best, found = scores.best.variant, {}
    for name, of_one in trained.items():
        if own and folds:
            compared: Comparison | FoldComparison | None = own.compare(name, best, folds)
        else:
            compared = _by_seed(scores, best, of_one)
        if compared:
            found[name] = compared
    corrected = paired_tests.holm([comparison.p for comparison in found.values()])
    return {
        name: VersusNetwork(**asdict(comparison), p_holm=min(1.0, num_looks * p))
        for (name, comparison), p in zip(found.items(), corrected, strict=True)
    }


def _by_seed(scores: StudyScores, best: str, trained: Records) -> Comparison | None:
    """On the test set, over the seeds that both have."""
    metric, network = scores.metric, scores.by_seed(best)
    common = [place for place in trained if place[0] in network]
    if not common:
        return None
    return paired_tests.compare_paired(
        np.array([trained[place].metrics["test"][metric.name] for place in common]),
        np.array([network[seed] for seed, _ in common]),
        higher_is_better=metric.higher_is_better,
    )


def with_references(verdict: Sequence[str], results: StudyNumbers) -> list[str]:
    """The verdict with what it says of references: what does better than any network comes first,
    for no one may miss it; the rest after what helps."""
    said, unit = reference_sentences(results), results.unit()
    is_beaten = any(standing(r.versus_best, unit) == "better" for r in results.references)
    first = said[: int(is_beaten)]
    return [*first, *verdict[:2], *said[len(first) :], *verdict[2:]]


def reference_sentences(results: StudyNumbers) -> list[str]:
    """What beats the best network; what cannot be told from it; what it beats."""
    unit, best = results.unit(), results.best
    told = [(r, r.versus_best) for r in results.references if r.versus_best]
    if best is None or not results.references:
        return []
    if not told:
        return ["Not all references are trained yet: none is compared with the networks."]
    label = f"{the_network(results)}, {in_words(results.variant(best.variant), results)}"
    tested = results.tested
    told.sort(key=lambda pair: -unit.gain(pair[1].difference))
    by_standing = {
        name: [pair for pair in told if standing(pair[1], unit) == name]
        for name in ("better", "unclear", "worse")
    }
    said = [
        words(pairs, label, unit, tested)
        for words, pairs in zip((_better, _unclear, _worse), by_standing.values(), strict=True)
        if pairs
    ]
    return [*said, *_of_tuning(results), *_of_other_rows(results, best.variant)]


def winner(references: Sequence[ReferenceResult], unit: Unit) -> ReferenceResult | None:
    """The reference that does better than the best network by most; None where none does."""
    won = {
        r.name: unit.gain(r.versus_best.difference)
        for r in references
        if r.versus_best and standing(r.versus_best, unit) == "better"
    }
    better = [r for r in references if r.name in won]
    return max(better, key=lambda r: won[r.name], default=None)


def trivial_sentences(results: StudyNumbers) -> list[str]:
    """That the best network is not shown to beat what looks at no feature, where tests could."""
    unit, first = results.unit(), winner(results.references, results.unit())
    told = [r for r in results.references if r.name == TRIVIAL and r.versus_best]
    needed = results.tested.needed(len(results.references))
    return [
        _no_use(results, reference, versus)
        for reference in told
        if (versus := reference.versus_best)
        and versus.num_pairs >= needed
        and standing(versus, unit) != "worse"
        and reference is not first
    ]


def _no_use(results: StudyNumbers, trivial: ReferenceResult, versus: VersusNetwork) -> str:
    """A column may matter to a network all the same: nothing is said of what it has learned."""
    unit, name = results.unit(), called(trivial)
    if standing(versus, unit) == "better":
        return (
            f"{_capitalized(name)} does better than {the_network(results)} too, so it is of no use."
        )
    said = f"{_capitalized(the_network(results))} is not shown to do better than {name}"
    bounds = versus.ci95
    if unit.gain(versus.difference) < 0 and bounds and not bounds[0] <= 0 <= bounds[1]:
        return (
            f"{said}: the 95 % interval of the difference leaves out 0, but the corrected test, "
            f"which decides, does not rule out chance (Holm p {p_equals(versus.p_holm)})."
        )
    return (
        f"{said}: whatever it has learned, its {results.tested.adjective} {unit.title} does not "
        "show it."
    )


def called(reference: ReferenceResult) -> str:
    """A reference as sentences call it: "the mean" alone would be read as one of the scores."""
    is_trivial = reference.name == TRIVIAL
    return f"always predicting {reference.title}" if is_trivial else reference.title


def _capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]


def _of_tuning(results: StudyNumbers) -> list[str]:
    """Over how many settings; and where a network beats what was not tuned, that it was not."""
    unit, searched = results.unit(), results.searched
    told = [r for r in results.references if r.name != TRIVIAL]
    num_trials = max((r.num_trials for r in told), default=1)
    if num_trials > 1:
        return [
            f"Tuned is what has the best of {num_trials} settings on the validation rows of each "
            f"{results.tested.pair}."
        ]
    if all(standing(r.versus_best, unit) == "better" for r in told):
        return []
    networks = f", the networks the best of {searched} trials" if searched else ""
    return [f"These models are as scikit-learn makes them, not tuned{networks}."]


def _of_other_rows(results: StudyNumbers, best: str) -> list[str]:
    """References learn from the baseline's rows: of another number of them a model is not judged
    by itself alone."""
    own, theirs = (results.variant(name).config.num_train for name in (results.baseline, best))
    if own == theirs:
        return []
    return [
        f"These models learnt from as many rows as {baseline_in_words(results)}, "
        f"{in_words(results.variant(best), results)} from another number: that may be the "
        "difference."
    ]


def _better(pairs: Sequence[Told], label: str, unit: Unit, tested: Tested) -> str:
    (reference, versus), *others = pairs
    mean = unit.with_unit(reference.test[unit.metric].mean)
    title = _capitalized(called(reference))
    rest = f"; so {_do(len(others) > 1)} {listed(called(r) for r, _ in others)}" if others else ""
    return (
        f"{title} {_do(reference.name == 'boosted_trees')} better than {label}: "
        f"{tested.adjective} {unit.title} {mean}, by {_size(versus, unit, tested)}{rest}."
    )


def _do(is_plural: bool) -> str:
    return "do" if is_plural else "does"


def _unclear(pairs: Sequence[Told], label: str, unit: Unit, tested: Tested) -> str:
    seen = "; ".join(f"{called(reference)} {_difference(v, unit)}" for reference, v in pairs)
    needed, fewest = tested.needed(len(pairs)), min(v.num_pairs for _, v in pairs)
    few = f"; {tested.pairs(fewest)} cannot show any, at least {needed} are needed" * (
        fewest < needed
    )
    return f"Not told apart from {label}: {seen}{few}."


def _worse(pairs: Sequence[Told], label: str, unit: Unit, tested: Tested) -> str:
    (nearest, versus), *others = pairs
    least = f", {called(nearest)} by the least" if others else ""
    names = listed(called(reference) for reference, _ in pairs)
    return f"{_capitalized(label)}, beats {names}{least}: by {_size(versus, unit, tested)}."


def interval_in_words(versus: VersusNetwork, unit: Unit, tested: Tested) -> str:
    """Of the size of a difference, and what it is over; folds hold the rows' chance themselves."""
    bounds, rows = versus.ci95_of_size, versus.of_size(versus.ci95_seeds_and_rows)
    if bounds is None:
        return ""
    if tested.pair == "fold":
        return unit.interval(bounds)
    both = f"{unit.interval(rows)} over seeds and test rows" if rows else "on these test rows"
    return f"{unit.interval(bounds)} over seeds, {both}"


def _difference(versus: VersusNetwork, unit: Unit) -> str:
    bounds = f"{unit.interval(versus.ci95, signed=True)}, " if versus.ci95 else ""
    return (
        f"{unit.signed(versus.difference)} {unit.of_difference} ({bounds}Holm p "
        f"{p_equals(versus.p_holm)})"
    )


def _size(versus: VersusNetwork, unit: Unit, tested: Tested) -> str:
    bounds = interval_in_words(versus, unit, tested)
    interval = f"95 % interval {bounds}, " if bounds else ""
    return (
        f"{unit.value(abs(versus.difference))} {unit.of_difference} ({interval}Holm p "
        f"{p_equals(versus.p_holm)})"
    )
