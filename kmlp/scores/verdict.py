"""What a comparison of scores says, in sentences that follow from its numbers."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from kmlp.scores.limits import limits
from kmlp.scores.records import (
    AcrossMethod,
    DatasetResult,
    MethodResult,
    ScoresResults,
    VersusMethod,
)
from kmlp.stats.equivalence import Posterior
from kmlp.stats.formatting import Unit, listed, p_equals, won_of
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST, min_seeds_to_test

Compared = tuple[MethodResult, VersusMethod]
Names = tuple[str, str]
"""What sentences call a method, and the baseline."""
_VERBS = {"better": "beats", "worse": "loses to", "open": "cannot be told apart from"}
_KINDS = ("better", "equivalent", "open", "too_few", "worse")


def verdict(results: ScoresResults, unit: Unit, baseline: str = "") -> tuple[str, ...]:
    """The outcome first, then what is open, then what limits it.

    Args:
        results: without a verdict.
        unit: how scores are written.
        baseline: what sentences call the baseline; its name where omitted.
    """
    word = baseline or results.baseline
    outcome = (
        _over_datasets(results, word, unit)
        if results.across
        else _on_one(results, results.datasets[0], word, unit)
    )
    return (*outcome, *limits(results, word, unit))


def kind(versus: VersusMethod, unit: Unit) -> str:
    """ "better", "worse", "equivalent", "open" or "too_few": what may be said of a comparison."""
    if versus.is_significant:
        return "better" if unit.gain(versus.difference) > 0 else "worse"
    if versus.is_equivalent:
        return "equivalent"
    return "open" if versus.is_tested else "too_few"


def across_kind(method: AcrossMethod, unit: Unit) -> str:
    """ "better", "worse" or "open": what may be said over data sets."""
    if not method.is_significant:
        return "open"
    return "better" if unit.gain(method.difference) > 0 else "worse"


def compared(dataset: DatasetResult, unit: Unit) -> list[Compared]:
    """The methods that were compared, the one that gains most first."""
    found = [(m, m.versus_baseline) for m in dataset.methods if m.versus_baseline]
    return sorted(found, key=lambda pair: -unit.gain(pair[1].difference))


def _all(number: int) -> str:
    return "both" if number == 2 else f"all {number}"


def _on_one(results: ScoresResults, dataset: DatasetResult, baseline: str, unit: Unit) -> list[str]:
    found = compared(dataset, unit)
    by_kind = {k: [pair for pair in found if kind(pair[1], unit) == k] for k in _KINDS}
    sentences = []
    if not by_kind["better"]:
        sentences.append(_none_better(results, baseline, by_kind["worse"], found))
    for name, pairs in by_kind.items():
        for method, versus in pairs:
            sentences.append(_SENTENCES[name]((method.name, baseline), versus, results, unit))
    return sentences


def _none_better(
    results: ScoresResults, baseline: str, worse: Sequence[Compared], found: Sequence[Compared]
) -> str:
    if found and len(worse) == len(found):
        num = len(found)
        others = "the other method" if num == 1 else f"{_all(num)} other methods"
        # "No regularization beats ..." would read as a denial.
        is_name = baseline == results.baseline
        return f"{baseline if is_name else f'The baseline, {baseline},'} beats {others}."
    return f"No method is shown to beat {baseline}."


def _told_apart(names: Names, versus: VersusMethod, results: ScoresResults, unit: Unit) -> str:
    verb = _VERBS[kind(versus, unit)]
    side = 1 if versus.difference > 0 else -1
    bounds = sorted(side * b for b in versus.ci95) if versus.ci95 else None
    interval = f"95 % interval {unit.interval(bounds)}, " if bounds else ""
    small = ""
    if versus.is_equivalent and results.margin:
        small = f"; it is real, but shown to be less than {_margin(results.margin, unit)}"
    return (
        f"{names[0]} {verb} {names[1]} by {unit.value(abs(versus.difference))} "
        f"{unit.of_difference} ({interval}Holm p {p_equals(versus.p_holm)}"
        f"{_wins(versus, results)}){small}."
    )


def _equivalent(names: Names, versus: VersusMethod, results: ScoresResults, unit: Unit) -> str:
    assert versus.equivalence is not None
    assert versus.p_holm_equivalence is not None
    return (
        f"{names[0]} and {names[1]} are equivalent within "
        f"{_margin(versus.equivalence.margin, unit)}: the difference is "
        f"{unit.signed(versus.difference)} (90 % interval "
        f"{unit.interval(versus.equivalence.ci90, signed=True)}, Holm p "
        f"{p_equals(versus.p_holm_equivalence)} that it is larger)."
    )


def _open(names: Names, versus: VersusMethod, results: ScoresResults, unit: Unit) -> str:
    interval = f"95 % interval {unit.interval(versus.ci95, signed=True)}, " if versus.ci95 else ""
    chances = f"; {_chances(versus.posterior)}" if versus.posterior else ""
    needed = _needed(versus, results.datasets[0])
    few = ""
    if versus.num_compared < needed:
        few = f"; {versus.num_compared} seeds cannot show it, at least {needed} are needed"
    return (
        f"{names[0]} cannot be told apart from {names[1]}: {unit.signed(versus.difference)} "
        f"{unit.of_difference} ({interval}Holm p {p_equals(versus.p_holm)}"
        f"{_wins(versus, results)}){few}{chances}."
    )


def _too_few(names: Names, versus: VersusMethod, results: ScoresResults, unit: Unit) -> str:
    return (
        f"{names[0]} differs from {names[1]} by {unit.signed(versus.difference)} "
        f"{unit.of_difference} on {versus.num_compared} {pairs_of(results)}: too few to test; at "
        f"least {_needed(versus, results.datasets[0])} are needed."
    )


def _needed(versus: VersusMethod, dataset: DatasetResult) -> int:
    """The scores without which nothing is told apart: among many methods a sign-flip test, whose
    p has a least value, needs more of them."""
    if versus.test != "sign_flip":
        return MIN_SEEDS_TO_TEST
    return min_seeds_to_test(sum(m.versus_baseline is not None for m in dataset.methods))


def pairs_needed(results: ScoresResults) -> int:
    """The pairs without which no method at all, on any data set, is called better or worse."""
    return min((needed for _, needed in _with_needs(results)), default=MIN_SEEDS_TO_TEST)


def _with_needs(results: ScoresResults) -> list[tuple[VersusMethod, int]]:
    """Each comparison with the baseline, and the pairs without which it tells nothing apart."""
    return [
        (m.versus_baseline, _needed(m.versus_baseline, dataset))
        for dataset in results.datasets
        for m in dataset.methods
        if m.versus_baseline
    ]


_SENTENCES = {
    "better": _told_apart,
    "equivalent": _equivalent,
    "open": _open,
    "too_few": _too_few,
    "worse": _told_apart,
}


def _wins(versus: VersusMethod, results: ScoresResults) -> str:
    if versus.wins is None or versus.losses is None:
        return ""
    more, number = ("better", versus.wins)
    if versus.losses > versus.wins:
        more, number = ("worse", versus.losses)
    pairs = f"{versus.num_compared} {pairs_of(results)}"
    return f", {more} on {won_of(number, versus.ties, pairs)}"


def _chances(posterior: Posterior) -> str:
    parts = {
        "better": posterior.better,
        "practically equal": posterior.equal,
        "worse": posterior.worse,
    }
    return "probably " + ", ".join(f"{name} {_percent(p)}" for name, p in parts.items())


def _percent(probability: float) -> str:
    """Never "100 %" of what is not certain."""
    if probability > 0.99:
        return "> 99 %"
    return "< 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def pairs_of(results: ScoresResults) -> str:
    """What one score belongs to, in the plural."""
    return {("seed",): "seeds", ("fold",): "folds", ("seed", "fold"): "folds"}.get(
        results.paired_by, "scores"
    )


def _margin(margin: float, unit: Unit) -> str:
    return f"{unit.value(margin)} {unit.of_difference}"


def _over_datasets(results: ScoresResults, baseline: str, unit: Unit) -> list[str]:
    """Where data sets are too few to tell anything over them, what each tells comes first."""
    ranked = sorted(results.across, key=lambda m: -unit.gain(m.difference))
    better = [m for m in ranked if across_kind(m, unit) == "better"]
    few = [m for m in ranked if len(m.differences) < datasets_needed(results)]
    within = _within(results, baseline, unit)
    if len(few) == len(ranked):
        return [*within, _too_few_datasets(few, results, baseline, unit)]
    head = [] if better else [f"No method is shown to beat {baseline} over data sets."]
    enough = [*better, *(m for m in ranked if m not in (*better, *few))]
    rest = [_too_few_datasets(few, results, baseline, unit)] if few else []
    return [*head, *(_across(method, baseline, unit) for method in enough), *rest, *within]


def datasets_needed(results: ScoresResults) -> int:
    """The data sets without which no method is told apart from the baseline over them."""
    return min_seeds_to_test(len(results.across))


def are_enough_datasets(results: ScoresResults) -> bool:
    """Whether any method is compared on as many."""
    return any(len(m.differences) >= datasets_needed(results) for m in results.across)


def _too_few_datasets(
    few: Sequence[AcrossMethod], results: ScoresResults, baseline: str, unit: Unit
) -> str:
    """All of them in one sentence, for one reason holds for all."""
    means = [f"{method.name} {_mean(method, unit)}" for method in few]
    return (
        f"Over {_datasets(few)}, too few to tell (at least {datasets_needed(results)} are "
        f"needed), the mean {'differences' if len(few) > 1 else 'difference'} from {baseline}: "
        f"{'; '.join(means)}."
    )


def _mean(method: AcrossMethod, unit: Unit) -> str:
    interval = f"95 % interval {unit.interval(method.ci95, signed=True)}, " if method.ci95 else ""
    chances = f"; on another data set, {_chances(method.posterior)}" if method.posterior else ""
    return (
        f"{unit.signed(method.difference)} {unit.of_difference} ({interval}better on "
        f"{method.wins}, equal on {method.ties}, worse on {method.losses}{chances})"
    )


def _datasets(methods: Sequence[AcrossMethod]) -> str:
    """ "3 data sets", "2 to 3 data sets"."""
    numbers = [len(m.differences) for m in methods]
    fewest, most = min(numbers), max(numbers)
    return f"{fewest} to " * (fewest != most) + f"{most} data set{'s' * (most != 1)}"


def _across(method: AcrossMethod, baseline: str, unit: Unit) -> str:
    verb = _VERBS[across_kind(method, unit)]
    interval = f"95 % interval {unit.interval(method.ci95, signed=True)}, " if method.ci95 else ""
    chances = f"; on another data set, {_chances(method.posterior)}" if method.posterior else ""
    return (
        f"Over {_datasets([method])} {method.name} {verb} {baseline}: "
        f"{unit.signed(method.difference)} {unit.of_difference} {unit.on_average} ({interval}"
        f"signed-rank Holm p {p_equals(method.p_holm)}; better on {method.wins}, equal on "
        f"{method.ties}, worse on {method.losses}){chances}."
    )


def _few(results: ScoresResults) -> str:
    """That so few scores can show no difference on any data set."""
    compared = _with_needs(results)
    if not compared or any(versus.num_compared >= needed for versus, needed in compared):
        return ""
    most = max(versus.num_compared for versus, _ in compared)
    pairs, needed = pairs_of(results), pairs_needed(results)
    return (
        f": {most} {pairs if most > 1 else pairs[:-1]} cannot show it, at least {needed} are needed"
    )


def _within(results: ScoresResults, baseline: str, unit: Unit) -> list[str]:
    """On how many data sets a method is told apart from the baseline, each by itself."""
    beat, lose = (_places(results, unit, role) for role in ("better", "worse"))
    said = [f"On no single data set is a method shown to beat {baseline}{_few(results)}."]
    if beat:
        said = [f"Within single data sets {_on_places(beat, 'beat', baseline)}."]
    if lose:
        said.append(f"Within single data sets {_on_places(lose, 'lose', f'to {baseline}')}.")
    return said


def _places(results: ScoresResults, unit: Unit, role: str) -> dict[tuple[str, ...], list[str]]:
    """Data sets -> the methods that are better, or worse, on just these."""
    told = [
        (m.name, dataset.name)
        for dataset in results.datasets
        for m, versus in compared(dataset, unit)
        if kind(versus, unit) == role
    ]
    places: dict[tuple[str, ...], list[str]] = {}
    for name, pairs in groupby(sorted(told, key=lambda pair: pair[0]), key=lambda pair: pair[0]):
        places.setdefault(tuple(d for _, d in pairs), []).append(name)
    return places


def _on_places(places: Mapping[tuple[str, ...], Sequence[str]], verb: str, whom: str) -> str:
    """ "a and b beat none on x; so does c on y"."""
    (first, names), *others = places.items()
    rest = "".join(f"; so {_do(n)} {listed(n)} on {listed(where)}" for where, n in others)
    s = "s" * (len(names) == 1)
    return f"{listed(names)} {verb}{s} {whom} on {listed(first)}{rest}"


def _do(names: Sequence[str]) -> str:
    return "does" if len(names) == 1 else "do"
