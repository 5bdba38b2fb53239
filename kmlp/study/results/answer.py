"""One line that answers what a report's title asks, "which regularizer helps?", by rules.

It says no more than the tests do: what is shown to help is said to help, all else is not.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kmlp.config.settings import RECORDS
from kmlp.stats.formatting import Unit, listed
from kmlp.study.results.caveats import decisive_caveats
from kmlp.study.results.ranking import best_variant, choice_scores, standing
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import Answer, StudyNumbers, StudyScores
from kmlp.study.results.records.variants import VariantResult, Versus, VersusBaseline

_BY_NAME = 3
_REGULARIZING = {name for name, r in RECORDS.items() if r.strength or r.draws} | {
    "weight_decay",
    "normalization",
}


class _Claim(NamedTuple):
    """What the tests say of the variants.

    Attributes:
        kind: as of an `Answer`.
        words: begin in lower case, unless with a name.
        subject: the variant that they are about, if it is one.
    """

    kind: Literal["helps", "none_helps", "too_few_seeds", "not_compared"]
    words: str
    subject: str = ""


def answer(results: StudyNumbers, num_missing: int = 0) -> Answer:
    """What a study answers, in a line.

    Args:
        results: of the study.
        num_missing: how many networks of its ordinary ones have no result yet.
    """
    caveats = tuple(decisive_caveats(results))
    if not num_missing:
        return _so_far(results, caveats)
    missing = f"Not finished: {_counted(num_missing, 'network')} not trained yet"
    found = _so_far(results, caveats)
    known = "none has finished" if found.kind == "no_network" else f"so far: {found.text}"
    return Answer(kind="unfinished", text=f"{missing}; {known.rstrip('.')}.", caveats=caveats)


def _so_far(results: StudyNumbers, caveats: tuple[str, ...]) -> Answer:
    """Of the networks that have a result."""
    unit = results.unit()
    best = best_variant(results.variants, unit)
    if best is None:
        return Answer(
            kind="no_network", text="No network finished: nothing can be said.", caveats=caveats
        )
    claim = _claim(results, unit)
    if winner := _winner(results.references, unit):
        where = " in cross-validation" * (results.basis == "folds")
        text = f"{_beats_networks(winner, unit)}{where}; among networks {claim.words}."
        return Answer(kind="reference_wins", text=text, caveats=caveats)
    words = claim.words if claim.kind == "helps" else _capitalized(claim.words)
    text = f"{words}; {_expected(best, claim, results, unit)}."
    return Answer(kind=claim.kind, text=text, caveats=caveats)


def _claim(results: StudyNumbers, unit: Unit) -> _Claim:
    compared = [v.versus_baseline for v in results.variants if v.versus_baseline]
    if len(results.variants) == 1:
        only = results.variants[0].label
        return _Claim("not_compared", f"nothing to compare: {only} is the only variant")
    if not compared:
        return _Claim("not_compared", f"nothing can be compared with {baseline_in_words(results)}")
    helping = [v for v in results.variants if standing(v.versus_baseline, unit) == "better"]
    if helping:
        return _helps(helping, results, unit)
    if all(versus.is_equivalent for versus in compared):
        return _Claim("none_helps", _all_equal(compared, results, unit))
    tested = results.tested
    needed = tested.needed(len(compared))
    most = max(versus.num_pairs for versus in compared)
    if most < needed:
        words = f"too few {tested.pair}s to tell: {most}, and at least {needed} are needed"
        return _Claim("too_few_seeds", words)
    return _Claim("none_helps", _none_helps(results))


def _none_helps(results: StudyScores) -> str:
    if is_unregularized(results):
        return "no regularizer is shown to help"
    return f"no variant is shown to do better than {results.baseline}"


def _all_equal(compared: Sequence[VersusBaseline], results: StudyScores, unit: Unit) -> str:
    """That nothing helps by an amount that matters, which is more than not to be shown to."""
    margin = next(one.equivalence.margin for one in compared if one.equivalence)
    every = "all are" if len(compared) > 1 else "it is"
    return (
        f"{_none_helps(results)}: {every} equivalent to {baseline_in_words(results)} within "
        f"{unit.value(margin)} {unit.of_difference}"
    )


def _helps(helping: Sequence[VariantResult], results: StudyNumbers, unit: Unit) -> _Claim:
    """First what validation likes best: the test scores choose nothing."""
    score = choice_scores(results.variants, unit)
    first, *others = sorted(helping, key=lambda v: -score[v.name])
    is_none = is_unregularized(results)
    verb = "helps" if is_none else f"does better than {results.baseline}"
    words = f"{first.label} {verb} {_size(first.versus_baseline, unit)}"
    names = [v.label for v in others]
    if len(names) > _BY_NAME:
        names = [*names[: _BY_NAME - 1], f"{len(names) - _BY_NAME + 1} more"]
    rest = f"; so {'do' if len(names) > 1 else 'does'} {listed(names)}" if names else ""
    return _Claim("helps", words + rest, first.name)


def _winner(references: Sequence[ReferenceResult], unit: Unit) -> ReferenceResult | None:
    """The reference that does better than the best network by most; None where none does."""
    won = {
        r.name: unit.gain(r.versus_best.difference)
        for r in references
        if r.versus_best and standing(r.versus_best, unit) == "better"
    }
    better = [r for r in references if r.name in won]
    return max(better, key=lambda r: won[r.name], default=None)


def _beats_networks(winner: ReferenceResult, unit: Unit) -> str:
    verb = "do" if winner.name == "boosted_trees" else "does"
    size = _size(winner.versus_best, unit)
    return f"{_capitalized(winner.title)} {verb} better than the best network {size}"


def _size(versus: Versus | None, unit: Unit) -> str:
    """ "by 0.47 points (95 % interval 0.31 to 0.63)"."""
    assert versus is not None  # a test told it
    return (
        f"by {unit.value(abs(versus.difference))} {unit.of_difference} "
        f"(95 % interval {unit.interval(versus.ci95_of_size)})"
    )


def _expected(best: VariantResult, claim: _Claim, results: StudyScores, unit: Unit) -> str:
    """The best variant's mean score on what tests; half of its 95 % interval to either side."""
    test = best.test[unit.metric]
    half = f" ± {unit.value((test.ci95[1] - test.ci95[0]) / 2)}" if test.ci95 else " (one seed)"
    expected = (
        f"expect a {results.tested.adjective} {unit.title} of {unit.with_unit(test.mean)}{half}"
    )
    if best.name == claim.subject:
        return expected
    name = baseline_in_words(results) if best.name == results.baseline else best.label
    where = "validation" if best.chosen_on == "val" else "training"
    return f"{expected} with {name}, the best on {where}"


def baseline_in_words(results: StudyScores) -> str:
    """The baseline as prose calls it."""
    return "no regularization" if is_unregularized(results) else results.baseline


def is_unregularized(results: StudyScores) -> bool:
    """Whether the baseline is the variant `none`, of a network that has no regularizer either."""
    if results.baseline != "none":
        return False
    config = results.variant("none").config
    values = {**config.model, **config.train}
    return not any(RECORDS[n].is_on(values[n]) for n in _REGULARIZING & values.keys())


def _counted(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"


def _capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]
