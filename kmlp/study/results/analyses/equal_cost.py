"""Networks that are many in one beside deep ensembles that take as long to train."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np

from kmlp.stats import paired_tests
from kmlp.stats.formatting import Unit, p_equals, won_of
from kmlp.stats.metrics import METRICS, scorer_of
from kmlp.stats.paired_tests import min_seeds_to_test
from kmlp.study.results.evidence import Evidence, ensemble_outputs
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.results.records.variants import EqualCost, Versus, VersusBaseline
from kmlp.study.run_folder.folder import MemberRecord

_VERBS = {"better": "beats", "unclear": "cannot be told apart from", "worse": "loses to"}
_TOLERANCE = 1.1
"""How much longer one network that is many may train than the ensemble beside it."""


class _Groups(NamedTuple):
    """Seeds of independent networks, in groups of as many as train as long as one network that is
    many, and those of the latter that have a seed in the group."""

    seconds: float
    independent_seconds: float
    size: int
    pairs: Sequence[tuple[list[MemberRecord], list[MemberRecord]]]


def with_equal_cost(
    compared: Mapping[str, VersusBaseline], evidence: Evidence, of_many: Mapping[str, bool]
) -> dict[str, VersusBaseline]:
    """Comparisons with the baseline, with what `at_equal_cost` says of them."""
    found = at_equal_cost(evidence, of_many)
    return {
        name: versus.model_copy(update={"equal_cost": found[name]}) if name in found else versus
        for name, versus in compared.items()
    }


def at_equal_cost(evidence: Evidence, of_many: Mapping[str, bool]) -> dict[str, EqualCost]:
    """By variant, of those of which it or the baseline is many networks in one, and the other not.

    The independent networks of g seeds are averaged, the fewest whose mean training times add up
    to that of one network that is many, or to 10 % less; from the scores of these on the same
    seeds their mean is taken.
    Holm over all of these comparisons.

    Args:
        evidence: of the study; nothing is found where folds test, whose networks say nothing of
            one row together, or where the metric is the user's own.
        of_many: whether a variant's network is many.
    """
    baseline = evidence.baseline
    if evidence.folds or evidence.metric not in METRICS[evidence.task]:
        return {}
    grouped = {
        name: groups
        for name, is_many in of_many.items()
        if is_many != of_many[baseline]
        and (groups := _groups(evidence, *((name, baseline) if is_many else (baseline, name))))
    }
    compared = {n: _compared(evidence, groups) for n, groups in grouped.items() if groups.pairs}
    corrected = paired_tests.holm([c.p for c in compared.values()])
    versus = {
        name: Versus(**asdict(found), p_holm=min(1.0, evidence.num_looks * p))
        for (name, found), p in zip(compared.items(), corrected, strict=True)
    }
    return {
        name: EqualCost(
            seconds=groups.seconds,
            independent_seconds=groups.independent_seconds,
            ensemble_size=groups.size,
            versus=versus.get(name),
        )
        for name, groups in grouped.items()
    }


def _groups(evidence: Evidence, many: str, independent: str) -> _Groups | None:
    """None without a seed that both finished, or where a time is not known."""
    mine, theirs = evidence.done(many), evidence.done(independent)
    if not mine.keys() & theirs.keys():
        return None
    seconds, alone = (float(np.mean([m.seconds for m in each.values()])) for each in (mine, theirs))
    if not seconds or not alone:
        return None
    size = math.ceil(seconds / alone / _TOLERANCE)
    seeds = sorted(theirs)
    groups = [seeds[i : i + size] for i in range(0, len(seeds) - size + 1, size)]
    pairs = [([mine[s] for s in g if s in mine], [theirs[s] for s in g]) for g in groups]
    return _Groups(seconds, alone, size, [pair for pair in pairs if pair[0]])


def _compared(evidence: Evidence, groups: _Groups) -> paired_tests.Comparison:
    """The mean score of a group's networks that are many, minus that of its others' mean output."""
    score = scorer_of(evidence.task)
    of_many = [evidence.scores(mine).mean() for mine, _ in groups.pairs]
    of_ensembles = [
        score(
            evidence.truth,
            ensemble_outputs([evidence.outputs[m.id] for m in theirs]),
            evidence.weight,
        )[evidence.metric]
        for _, theirs in groups.pairs
    ]
    return paired_tests.compare_paired(
        of_many, of_ensembles, higher_is_better=evidence.known.higher_is_better
    )


def equal_cost_sentences(results: StudyNumbers) -> Iterator[str]:
    """What averaging as many independent networks as train in the same time comes to."""
    unit = results.unit()
    costs = [
        (variant, variant.versus_baseline.equal_cost)
        for variant in results.variants
        if variant.versus_baseline and variant.versus_baseline.equal_cost
    ]
    num_compared = sum(found.versus is not None for _, found in costs)
    num_looks = len(results.looks.planned) if results.looks else 1
    needed = min_seeds_to_test(num_looks * num_compared)
    for variant, found in costs:
        baseline = results.variant(results.baseline)
        names = (variant.label, baseline.label)
        is_many = variant.config.model["weight_sharing"] != "none"
        many, independent = names if is_many else names[::-1]
        yield _sentence(found, (many, independent), needed, unit)


def _sentence(found: EqualCost, names: tuple[str, str], needed: int, unit: Unit) -> str:
    """Of one comparison, of which a p may tell something from so many ensembles on."""
    times = f"{found.seconds / found.independent_seconds:.3g}"
    number = "one" if found.ensemble_size == 1 else f"{found.ensemble_size}"
    cost = (
        f"At {found.seconds:.3g} s a network, compiling included, {names[0]} costs {times} times "
        f"as much as one of {names[1]} ({found.independent_seconds:.3g} s)"
    )
    ensemble = "one of these" if found.ensemble_size == 1 else f"the mean of {number} of these"
    if not found.versus:
        return f"{cost}; to compare it with {ensemble} takes at least {number} seeds of both."
    versus = found.versus
    several = f"{versus.num_pairs} such ensemble{'s' * (versus.num_pairs > 1)}"
    numbers = (
        f"{unit.signed(versus.difference)} {unit.of_difference} (95 % interval "
        f"{unit.interval(versus.ci95, signed=True)}, Holm p {p_equals(versus.p_holm)}, better than "
        f"{won_of(versus.wins, versus.ties, several)})"
    )
    if versus.num_pairs < needed and not versus.is_significant:
        return (
            f"{cost}; its difference to {ensemble} is {numbers}: too few to test, "
            f"{needed * found.ensemble_size} seeds would do."
        )
    return f"{cost}; it {_VERBS[standing(versus, unit)]} {ensemble}: {numbers}."
