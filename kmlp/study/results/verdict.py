"""Sentences that follow from the numbers, and from nothing else."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from kmlp.stats.formatting import Unit, listed, p_equals, won_of
from kmlp.stats.paired_tests import MAX_SEEDS
from kmlp.study.results.baseline import (
    Words,
    as_subject,
    comparing_words,
    in_words,
    who_chose,
)
from kmlp.study.results.caveats import caveats
from kmlp.study.results.ranking import best_variant, on_shared_seeds, rank, standing
from kmlp.study.results.records.basis import Tested
from kmlp.study.results.records.study import StudyNumbers
from kmlp.study.results.records.variants import VariantResult, Versus, VersusBaseline

_IN_FULL = 3
_BY_NAME = 5


class _Told(NamedTuple):
    """A variant as sentences name it, a comparison of it, and what that pairs."""

    label: str
    versus: VersusBaseline
    tested: Tested


def verdict(results: StudyNumbers) -> list[str]:
    """What a study shows, for a reader in a hurry: the first three sentences are the outcome.

    First the best variant and what is open beside it; then what helps; then what cannot be told
    apart from the baseline and how many seeds more would tell; then what hurts and what limits
    all this. Nothing is called better without its interval and its corrected p.

    Args:
        results: of a study.
    """
    unit = results.unit()
    best = best_variant(results.variants, unit, results.picked)
    if best is None:
        return ["No network finished: nothing can be said.", *caveats(results)]
    return [
        _best(best, results, unit),
        *_comparisons(results, unit),
        *_surprises(best, results, unit),
        *caveats(results),
    ]


def _best(best: VariantResult, results: StudyNumbers, unit: Unit) -> str:
    test, rows = best.test[unit.metric], best.test_ci95_seeds_and_rows
    spread = " (one seed: no interval)"
    if test.ci95:
        seeds = f"{unit.interval(test.ci95)} over {_over(best, results)}"
        both = f", {unit.interval(rows)} over seeds and test rows" if rows else ""
        spread = f" (95 % interval {seeds}{both})"
    where = "validation" if best.chosen_on == "val" else "training"
    why = f"has the best mean {where} {unit.title}{on_shared_seeds(results.variants)}"
    if best.name == results.picked:
        why = "is what the search picked, before the seeds of this study"
    return (
        f"{as_subject(best, results, 'The')} {why}; expect "
        f"{unit.with_unit(test.mean)} {results.tested.where}{spread}{_ties(best, results)}."
    )


def _over(best: VariantResult, results: StudyNumbers) -> str:
    """What the interval of the best variant's mean is over: "10 seeds", "5 folds, 4 times"."""
    folds = results.groups.folds
    if results.basis == "test" or folds is None:
        return results.tested.pairs(best.num_members)
    scores = results.by_pair(best.name).items()
    known = Counter(seed for (seed, _), score in scores if isfinite(score))
    num_whole = sum(number == folds.num_folds for number in known.values())
    times = f", {num_whole} times" if num_whole > 1 else ""
    return f"{results.tested.pairs(folds.num_folds)}{times}"


def _ties(best: VariantResult, results: StudyNumbers) -> str:
    """What is open beside the best, as tables mark it; of the baseline alone its own sentence says
    more."""
    others = [v for v in results.variants if v.name not in (best.name, results.baseline)]
    is_tested = any(v.versus_best and v.versus_best.is_tested for v in others)
    is_open = [v for v in others if v.tied_with_best]
    if best.name == results.baseline or not is_tested:
        return ""
    with_baseline = best.versus_baseline is not None and not best.is_significant
    if not is_open:
        every = "every other" + " scored" * any(not v.versus_best for v in others)
        return f"; {every} variant{' but the baseline' * with_baseline} is told apart from it"
    names = [v.label for v in is_open]
    if len(is_open) > _BY_NAME:
        every = "the" if len(is_open) == len(others) else f"{len(is_open)} of"
        names = [f"{every} {len(others)} other variants"]
    return f"; {listed(names + ['the baseline'] * with_baseline)} cannot be told apart from it"


def _comparisons(results: StudyNumbers, unit: Unit) -> list[str]:
    """What helps; what cannot be told apart; what has too few seeds; what hurts."""
    words = comparing_words(results)
    compared = [
        _Told(v.label, v.versus_baseline, results.tested)
        for v in rank(results)
        if v.versus_baseline
    ]
    needed = results.tested.needed(len(compared))
    by = {
        role: [t for t in compared if t.versus.is_tested and standing(t.versus, unit) == role]
        for role in ("better", "unclear", "worse")
    }
    same = [t for t in compared if t.versus.is_equivalent]
    by["unclear"] = [t for t in by["unclear"] if t not in same]
    few = [t for t in compared if not t.versus.is_tested]
    # Of a recipe that lacks a part, to be worse is what the part is worth.
    first, last = ("worse", "better") if words.of_parts else ("better", "worse")
    sentences = []
    if by[first]:
        sentences.append(_significant(by[first], words, unit))
    elif len(compared) - len(few) > 1 or by[last]:
        sentences.append(words.nothing)
    if same:
        sentences.append(_equivalent(same, words, unit))
    if by["unclear"]:
        sentences.append(_unsettled(by["unclear"], compared, needed, words, unit))
    if few:
        sentences.append(_too_few(few, len(compared), words, unit))
    if by[last]:
        sentences.append(_significant(by[last], words, unit))
    return [_begun(sentence, words) for sentence in sentences]


def _begun(sentence: str, words: Words) -> str:
    """A sentence that begins with a capital, where no variant's own name begins it."""
    return sentence[:1].upper() + sentence[1:] if words.of_parts else sentence


def _significant(told: Sequence[_Told], words: Words, unit: Unit) -> str:
    """Those that beat the baseline, or lose to it: the first three in full, then their range."""
    is_better = unit.gain(told[0].versus.difference) > 0
    told = told if is_better else told[::-1]  # the largest difference first
    in_full, rest = told[:_IN_FULL], told[_IN_FULL:]
    first, *others = ((t.label, _clause(t.versus, unit, t.tested)) for t in in_full)
    so = [f"{name}, {clause}" for name, clause in others]
    so += [_in_short(rest, unit)] if rest else []
    also = words.also(several=len(told) > 2)
    also = f"; {also} {', '.join(so[:-1])}{', and ' * (len(so) > 1)}{so[-1]}" if so else ""
    verb = words.beats if is_better else words.loses
    return f"{first[0]} {verb} {first[1]}{also}."


def _in_short(rest: Sequence[_Told], unit: Unit) -> str:
    sizes = [abs(t.versus.difference) for t in rest]
    bounds = [bound for t in rest for bound in t.versus.ci95_of_size or ()]
    p = p_equals(max(t.versus.p_holm for t in rest), "at most")
    return (
        f"{listed(t.label for t in rest)}, by {unit.range(sizes)} {unit.of_difference} "
        f"(95 % intervals within {unit.interval((min(bounds), max(bounds)))}, Holm p {p})"
    )


def _clause(versus: Versus, unit: Unit, tested: Tested) -> str:
    """ "by 0.61 points (95 % interval 0.53 to 0.69, Holm p = 0.006, 10 of 10 seeds)"."""
    is_better = unit.gain(versus.difference) > 0
    pairs = tested.pairs(versus.num_pairs)
    won = won_of(versus.wins if is_better else versus.losses, versus.ties, pairs)
    worse = "" if is_better else "worse on "
    return (
        f"by {unit.value(abs(versus.difference))} {unit.of_difference} "
        f"(95 % interval {unit.interval(versus.ci95_of_size)}, Holm p {p_equals(versus.p_holm)}, "
        f"{worse}{won})"
    )


def _equivalent(told: Sequence[_Told], words: Words, unit: Unit) -> str:
    """Those that are shown to differ by no more than matters: a finding, unlike what is open."""
    found = [t.versus.equivalence for t in told if t.versus.equivalence]
    bounds = [bound for one in found for bound in one.ci90]
    p = p_equals(max(t.versus.p_holm_equivalence or 0.0 for t in told), _at_most(told))
    names = _listed_if_few(told, words.several(len(told)))
    return (
        f"{names} {words.same(len(told))} within "
        f"{unit.value(found[0].margin)} {unit.of_difference} (90 % interval{'s' * (len(told) > 1)} "
        f"within {unit.interval((min(bounds), max(bounds)), signed=True)}, Holm p {p}, "
        f"{_seeds(told)})."
    )


def _at_most(told: Sequence[_Told]) -> str:
    return "at most" if len(told) > 1 else "="


def _unsettled(
    told: Sequence[_Told], compared: Sequence[_Told], needed: int, words: Words, unit: Unit
) -> str:
    """Those that cannot be told apart in one sentence, and what it would take to tell."""
    sentence = _open(told, len(compared), words, unit)
    most = max(t.versus.num_pairs for t in compared)
    if most < needed:
        among = f"{len(compared)} comparisons" if len(compared) > 1 else "one comparison"
        few = told[0].tested.pairs(most)
        sentence += f": {few} cannot show any among {among}, at least {needed} are needed"
    more = _more_folds if told[0].tested.pair == "fold" else _more_seeds
    return f"{sentence}; {more(told)}."


def _more_folds(told: Sequence[_Told]) -> str:
    """More repeats of the same rows tell little more; other rows would."""
    these = "differences of these sizes" if len(told) > 1 else "a difference of this size"
    return f"more rows, rather than more repeats or seeds, would settle {these}"


def _open(told: Sequence[_Told], num_compared: int, words: Words, unit: Unit) -> str:
    """What cannot be told apart, without the stop: one in full, of several their range."""
    if len(told) == 1:
        name, versus, tested = told[0]
        return (
            f"{name} {words.unclear}: "
            f"{unit.signed(versus.difference)} {unit.of_difference} "
            f"(95 % interval {unit.interval(versus.ci95, signed=True)}, "
            f"Holm p {p_equals(versus.p_holm)}, better on "
            f"{won_of(versus.wins, versus.ties, tested.pairs(versus.num_pairs))})"
        )
    names = _listed_if_few(told, words.some(len(told), num_compared))
    differences = unit.range([t.versus.difference for t in told], signed=True)
    p = p_equals(min(t.versus.p_holm for t in told), "at least")
    return (
        f"{names} {words.unclear} (differences {differences} "
        f"{unit.of_difference}, Holm p {p}, {_seeds(told)})"
    )


def _listed_if_few(told: Sequence[_Told], counted: str) -> str:
    return listed(t.label for t in told) if len(told) <= _BY_NAME else counted


def _more_seeds(told: Sequence[_Told]) -> str:
    """How many seeds would settle what is open, were the differences seen the true ones."""
    more = {one.label: one.versus.more_seeds for one in told}
    shown = sorted((n, name) for name, n in more.items() if n is not None)
    beyond = len(_never(told))
    if not shown and not beyond:
        return "no number of seeds shows a difference of 0"
    if not shown:
        these = "differences as small as these" if beyond > 1 else "a difference as small as this"
        return f"{these} would take more than {MAX_SEEDS} seeds to show"
    (fewest, first), (most, last) = shown[0], shown[-1]
    if len(more) == 1:
        return (
            f"about {fewest} more seeds would show a true difference of this size with 80 % power"
        )
    if len(shown) == 1:
        sentence = f"about {fewest} more seeds would show a true difference like that of {first}"
    elif fewest == most:
        sentence = f"about {fewest} more seeds would show true differences of these sizes"
    else:
        sentence = (
            f"from {fewest} more seeds ({first}) to {most} more ({last}) would show true "
            "differences of these sizes"
        )
    return f"{sentence} with 80 % power{_beyond(told)}"


def _beyond(told: Sequence[_Told]) -> str:
    """Those of which no number of seeds up to the most that is looked at would settle it."""
    beyond = _never(told)
    if not beyond:
        return ""
    names = beyond[0].label if len(beyond) == 1 else f"the other {len(beyond)}"
    return f"; {names} would take more than {MAX_SEEDS} in all"


def _never(told: Sequence[_Told]) -> list[_Told]:
    """Those that too many seeds would settle; of no difference at all there is nothing to show."""
    return [one for one in told if one.versus.more_seeds is None and one.versus.difference]


def _too_few(told: Sequence[_Told], num_compared: int, words: Words, unit: Unit) -> str:
    ends = [f"by {unit.signed(told[0].versus.difference)} {unit.of_difference}"]
    if len(told) > 1:
        least, *_, most = sorted(told, key=lambda t: t.versus.difference)
        ends = [f"{t.label} by {unit.signed(t.versus.difference)}" for t in (least, most)]
        ends[-1] += f" {unit.of_difference},"
    names = _listed_if_few(told, words.several(len(told)))
    return (
        f"{names} {words.differ(len(told))}"
        f"{',' * (len(told) > 1)} {' to '.join(ends)} on {_seeds(told)}: too few to test; "
        f"{told[0].tested.why_more(num_compared)}."
    )


def _surprises(best: VariantResult, results: StudyNumbers, unit: Unit) -> list[str]:
    """Variants that the test set tells to be better than the one that validation chose; the
    baseline's comparison with it is already told."""
    if best.name == results.baseline:
        return []
    where = results.tested.where
    return [
        f"{where[:1].upper()}{where[1:]} {in_words(variant, results)} beats "
        f"{in_words(best, results)}, {who_chose(best, results)}, "
        f"{_clause(variant.versus_best, unit, results.tested)}."
        for variant in results.variants
        if variant.name != results.baseline
        and variant.versus_best
        and standing(variant.versus_best, unit) == "better"
    ]


def _seeds(told: Sequence[_Told]) -> str:
    """ "10 seeds", "8 to 10 seeds", "1 seed"; of folds alike."""
    numbers = [t.versus.num_pairs for t in told]
    fewest, most = min(numbers), max(numbers)
    return f"{fewest} to " * (fewest != most) + told[0].tested.pairs(most)
