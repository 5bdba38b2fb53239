"""One line that answers what a report's title asks, "which regularizer helps?", by rules.

It says no more than the tests do: what is shown to help is said to help, all else is not.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kmlp.stats.formatting import Unit, listed
from kmlp.study.results.analyses.reference_caveats import looks_better
from kmlp.study.results.analyses.references import called, interval_in_words, winner
from kmlp.study.results.baseline import (
    baseline_in_words,
    in_words,
    is_unregularized,
    size_in_words,
    the_network,
    who_chose,
)
from kmlp.study.results.caveats import decisive_caveats
from kmlp.study.results.ranking import best_variant, choice_scores, standing
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import Answer, StudyNumbers, StudyScores
from kmlp.study.results.records.variants import VariantResult, VersusBaseline

_BY_NAME = 3


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
    best = best_variant(results.variants, unit, results.picked)
    if best is None:
        return Answer(
            kind="no_network", text="No network finished: nothing can be said.", caveats=caveats
        )
    claim = _claim(results, unit)
    if first := winner(results.references, unit):
        where = " in cross-validation" * (results.basis == "folds")
        text = f"{beats_networks(first, results)}{where}; among networks {claim.words}."
        return Answer(kind="reference_wins", text=text, caveats=caveats)
    is_name = claim.words.startswith(best.label) or (claim.kind == "helps" and not results.ablated)
    words = claim.words if is_name else _capitalized(claim.words)
    seen = f"; {seen}" if (seen := looks_better(results)) else ""
    text = f"{words}; {_expected(best, claim, results, unit)}{seen}."
    return Answer(kind=claim.kind, text=text, caveats=caveats)


def _claim(results: StudyNumbers, unit: Unit) -> _Claim:
    compared = [v.versus_baseline for v in results.variants if v.versus_baseline]
    if len(results.variants) == 1:
        only = in_words(results.variants[0], results)
        return _Claim("not_compared", f"nothing to compare: the only variant is {only}")
    if not compared:
        return _Claim("not_compared", f"nothing can be compared with {baseline_in_words(results)}")
    if results.picked is not None:
        return _of_picked(results.variant(results.picked), results, unit)
    wanted = "worse" if results.ablated else "better"
    helping = [v for v in results.variants if standing(v.versus_baseline, unit) == wanted]
    if helping:
        return (_earn if results.ablated else _helps)(helping, results, unit)
    if all(versus.is_equivalent for versus in compared):
        return _Claim("none_helps", _all_equal(compared, results, unit))
    if few := _too_few(max(versus.num_pairs for versus in compared), len(compared), results):
        return _Claim("too_few_seeds", few)
    return _Claim("none_helps", _none_helps(results))


def _of_picked(picked: VariantResult, results: StudyNumbers, unit: Unit) -> _Claim:
    """Of a search's study: its trial was picked before, and on no other have these seeds a say."""
    default, versus = baseline_in_words(results), picked.versus_baseline
    if picked.name == results.baseline:
        return _Claim("none_helps", f"the search picked {default}", picked.name)
    if versus is None:
        return _Claim("not_compared", f"{picked.label} cannot be compared with {default}")
    role = standing(versus, unit)
    who = f"{picked.label}, {who_chose(picked, results)},"
    if role != "unclear":
        than = f"does {role} than {default} {size_in_words(versus, unit)}"
        return _Claim("helps" if role == "better" else "none_helps", f"{who} {than}", picked.name)
    if versus.is_equivalent and versus.equivalence:
        margin = f"{unit.value(versus.equivalence.margin)} {unit.of_difference}"
        words = f"{who} is equivalent to {default} within {margin}"
        return _Claim("none_helps", words, picked.name)
    compared = sum(v.versus_baseline is not None for v in results.variants)
    if few := _too_few(versus.num_pairs, compared, results):
        return _Claim("too_few_seeds", few)
    return _Claim("none_helps", f"{who} is not shown to do better than {default}", picked.name)


def _too_few(num_pairs: int, num_compared: int, results: StudyScores) -> str:
    """That so few seeds or folds can show nothing; empty where they can."""
    tested = results.tested
    if num_pairs >= tested.needed(num_compared):
        return ""
    return f"too few {tested.pair}s to tell: {num_pairs}; {tested.why_more(num_compared)}"


def _none_helps(results: StudyScores) -> str:
    if results.ablated:
        return f"no part of {results.baseline} is shown to earn its place"
    if is_unregularized(results):
        return "no regularizer is shown to help"
    one = "trial" if results.searched else "variant"
    return f"no {one} is shown to do better than {baseline_in_words(results)}"


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
    verb = "helps" if is_none else f"does better than {baseline_in_words(results)}"
    words = f"{first.label} {verb} {size_in_words(first.versus_baseline, unit)}"
    names = [v.label for v in others]
    if len(names) > _BY_NAME:
        names = [*names[: _BY_NAME - 1], f"{len(names) - _BY_NAME + 1} more"]
    rest = f"; so {'do' if len(names) > 1 else 'does'} {listed(names)}" if names else ""
    return _Claim("helps", words + rest, first.name)


def _earn(needed: Sequence[VariantResult], results: StudyNumbers, unit: Unit) -> _Claim:
    """Parts without which a recipe is worse, by what they are worth."""
    first, *others = sorted(
        needed, key=lambda v: unit.gain(v.versus_baseline.difference) if v.versus_baseline else 0.0
    )
    size = size_in_words(first.versus_baseline, unit)
    names = [v.label for v in others]
    if len(names) > _BY_NAME:
        names = [*names[: _BY_NAME - 1], f"{len(names) - _BY_NAME + 1} more parts"]
    rest = f"; so it is {listed(names)}" if names else ""
    return _Claim("helps", f"{first.label} {results.baseline} is worse {size}{rest}")


def beats_networks(winner: ReferenceResult, results: StudyNumbers) -> str:
    """ "Boosted trees do better than the best network by 1.20 points (95 % interval ...)"."""
    verb = "do" if winner.name == "boosted_trees" else "does"
    unit, versus = results.unit(), winner.versus_best
    assert versus is not None  # a test told it
    return (
        f"{_capitalized(called(winner))} {verb} better than {the_network(results)} by "
        f"{unit.value(abs(versus.difference))} {unit.of_difference} "
        f"(95 % interval {interval_in_words(versus, unit, results.tested)})"
    )


def _expected(best: VariantResult, claim: _Claim, results: StudyScores, unit: Unit) -> str:
    """The best variant's mean score on what tests, and how far off it may be."""
    test = best.test[unit.metric]
    expected = (
        f"expect a {results.tested.adjective} {unit.title} of {unit.with_unit(test.mean)}"
        f"{_give_or_take(best, results, unit)}"
    )
    if best.name == claim.subject:
        return expected + " with it" * (claim.kind != "helps")
    where = "validation" if best.chosen_on == "val" else "training"
    why = who_chose(best, results) if best.name == results.picked else f"the best on {where}"
    # Validation chose another than what is shown to help.
    taken = ", which exports take" * (claim.kind == "helps" and not results.ablated)
    return f"{expected} with {in_words(best, results)}, {why}{taken}"


def _give_or_take(best: VariantResult, results: StudyScores, unit: Unit) -> str:
    """Halves of 95 % intervals: what other seeds would change, and what other rows would too."""
    test, rows = best.test[unit.metric], best.test_ci95_seeds_and_rows
    if test.ci95 is None:
        return " (one seed)"
    both = f" (± {_half(rows, test.mean, unit)} with other test rows)" if rows else ""
    return f" ± {_half(test.ci95, test.mean, unit)} over {results.tested.pair}s{both}"


def _half(interval: tuple[float, float], mean: float, unit: Unit) -> str:
    """The longer one: the other may be cut where the metric ends."""
    return unit.value(max(interval[1] - mean, mean - interval[0]))


def _counted(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"


def _capitalized(words: str) -> str:
    return words[:1].upper() + words[1:]
