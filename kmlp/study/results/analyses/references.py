"""References against the best variant: does a simpler or another model do better?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from kmlp.config.tables.references import title_of
from kmlp.stats import paired_tests
from kmlp.stats.formatting import Unit, listed, p_equals
from kmlp.stats.paired_tests import min_seeds_to_test
from kmlp.study.plan import Plan
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.references import ReferenceResult, ReferenceScores
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.results.records.variants import Versus
from kmlp.study.results.variants import finite, summaries_of
from kmlp.study.run_folder.folder import MemberRecord

Records = Mapping[int, MemberRecord]
Told = tuple[ReferenceResult, Versus]


def compare_references(
    scores: StudyScores, plan: Plan, records: Mapping[str, MemberRecord]
) -> tuple[ReferenceResult, ...]:
    """Each reference that has a record, in the order in which they were asked for."""
    by_name = {
        name: {seed: records[m.id] for seed, m in by_seed.items() if m.id in records}
        for name, by_seed in plan.references.items()
    }
    trained = {name: by_seed for name, by_seed in by_name.items() if by_seed}
    # Holm's correction is over all of them: of a part each p would be too small.
    is_whole = all(len(by_name[name]) == len(wanted) for name, wanted in plan.references.items())
    versus = _versus_best(scores, trained) if is_whole else {}
    return tuple(
        _result(scores, name, by_seed, versus.get(name)) for name, by_seed in trained.items()
    )


def _result(
    scores: StudyScores, name: str, by_seed: Records, versus: Versus | None
) -> ReferenceResult:
    return ReferenceResult(
        name=name,
        title=title_of(name, is_regression=scores.dataset.is_regression),
        num_members=len(by_seed),
        test=summaries_of(list(by_seed.values()), "test", scores.metrics),
        versus_best=versus,
        members=tuple(
            ReferenceScores(
                seed=seed,
                seconds=record.seconds,
                **{part: finite(record.metrics.get(part, {})) for part in ("test", "val", "train")},
            )
            for seed, record in by_seed.items()
        ),
    )


def _versus_best(scores: StudyScores, trained: Mapping[str, Records]) -> dict[str, Versus]:
    """Over the seeds that both have, corrected over the references."""
    if scores.best is None:
        return {}
    metric, network = scores.metric, scores.by_seed(scores.best.variant)
    found = {}
    for name, by_seed in trained.items():
        common = [seed for seed in by_seed if seed in network]
        if common:
            own = np.array([by_seed[seed].metrics["test"][metric.name] for seed in common])
            theirs = np.array([network[seed] for seed in common])
            found[name] = paired_tests.compare_paired(
                own, theirs, higher_is_better=metric.higher_is_better
            )
    corrected = paired_tests.holm([comparison.p for comparison in found.values()])
    return {
        name: Versus(**asdict(comparison), p_holm=p)
        for (name, comparison), p in zip(found.items(), corrected, strict=True)
    }


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
    label = results.variant(best.variant).label
    told.sort(key=lambda pair: -unit.gain(pair[1].difference))
    by_standing = {
        name: [pair for pair in told if standing(pair[1], unit) == name]
        for name in ("better", "unclear", "worse")
    }
    said = [
        words(pairs, label, unit)
        for words, pairs in zip((_better, _unclear, _worse), by_standing.values(), strict=True)
        if pairs
    ]
    return [*said, *_of_other_rows(results, best.variant)]


def _of_other_rows(results: StudyNumbers, best: str) -> list[str]:
    """References learn from the baseline's rows: of another number of them a model is not judged
    by itself alone."""
    own, theirs = (results.variant(name).config.num_train for name in (results.baseline, best))
    if own == theirs:
        return []
    return [
        f"These models learnt from as many rows as {results.baseline}, "
        f"{results.variant(best).label} from another number: that may be the difference."
    ]


def _better(pairs: Sequence[Told], label: str, unit: Unit) -> str:
    (reference, versus), *others = pairs
    mean = unit.with_unit(reference.test[unit.metric].mean)
    title = reference.title[:1].upper() + reference.title[1:]
    rest = f"; so {_do(len(others) > 1)} {listed(r.title for r, _ in others)}" if others else ""
    return (
        f"{title} {_do(reference.name == 'boosted_trees')} better than the best network, {label}: "
        f"test {unit.title} {mean}, by {_size(versus, unit)}{rest}."
    )


def _do(is_plural: bool) -> str:
    return "do" if is_plural else "does"


def _unclear(pairs: Sequence[Told], label: str, unit: Unit) -> str:
    seen = "; ".join(f"{reference.title} {_difference(v, unit)}" for reference, v in pairs)
    needed, fewest = min_seeds_to_test(len(pairs)), min(v.num_pairs for _, v in pairs)
    few = f"; {fewest} seeds cannot show any, at least {needed} are needed" * (fewest < needed)
    return f"Not told apart from the best network, {label}: {seen}{few}."


def _worse(pairs: Sequence[Told], label: str, unit: Unit) -> str:
    (nearest, versus), *others = pairs
    least = f", {nearest.title} by the least" if others else ""
    names = listed(reference.title for reference, _ in pairs)
    return f"The best network, {label}, beats {names}{least}: by {_size(versus, unit)}."


def _difference(versus: Versus, unit: Unit) -> str:
    bounds = f"{unit.interval(versus.ci95, signed=True)}, " if versus.ci95 else ""
    return (
        f"{unit.signed(versus.difference)} {unit.of_difference} ({bounds}Holm p "
        f"{p_equals(versus.p_holm)})"
    )


def _size(versus: Versus, unit: Unit) -> str:
    bounds = versus.ci95_of_size
    interval = f"95 % interval {unit.interval(bounds)}, " if bounds else ""
    return (
        f"{unit.value(abs(versus.difference))} {unit.of_difference} ({interval}Holm p "
        f"{p_equals(versus.p_holm)})"
    )
