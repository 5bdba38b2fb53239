"""What a paper says first and last, in sentences that follow from the numbers."""

from collections.abc import Mapping, Sequence

from kmlp.report.paper.discussion import discussion
from kmlp.stats.formatting import listed
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.ranking import best_variant, standing
from kmlp.study.results.records.study import StudyResults

Studies = Mapping[str, StudyResults]
_HELPS, _HURTS, _OPEN = "better", "worse", "unclear"


def abstract(studies: Studies, across: Sequence[str] = ()) -> list[str]:
    """What was done, what was found, and what of the error it changed.

    Args:
        studies: by name.
        across: the verdict over all data sets.
    """
    return [
        _done(studies),
        *(f"{_on(name, studies)}{_answer(results)}" for name, results in studies.items()),
        *across[:1],
        *_of_the_error(studies),
    ]


def conclusion(studies: Studies) -> list[str]:
    """What to take, what helps where, what stays open."""
    return [
        *(s for name, results in studies.items() for s in _take(name, results, studies)),
        *_where_it_helps(studies),
        *_still_open(studies),
    ]


def _done(studies: Studies) -> str:
    number = sum(len(r.members) + len(r.extra_members) for r in studies.values())
    variants = {v.name: None for r in studies.values() for v in r.variants}
    data = listed(dict.fromkeys(r.dataset.name for r in studies.values()))
    first = next(iter(studies.values()))
    counted = listed(dict.fromkeys(c for r in studies.values() for c in _counted(r)))
    return (
        f"{number:,} multilayer perceptrons were trained on {data}, to see which of "
        f"{len(variants)} variants of regularization helps: {counted} a variant, each "
        f"compared with {baseline_in_words(first)} {_compared_on(first)}."
    )


def _counted(results: StudyResults) -> list[str]:
    """ "10 seeds", "6 to 10 seeds", "5 folds cut 4 times": what each variant was trained over."""
    folds = results.groups.folds
    if results.basis == "folds" and folds:
        times = f" cut {folds.num_repeats} times" if folds.num_repeats > 1 else ""
        return [f"{folds.num_folds} folds{times}"]
    numbers = [v.num_members for v in results.variants]
    least, most = min(numbers), max(numbers)
    return [f"{least} to {most} seeds" if least < most else results.tested.pairs(most)]


def _compared_on(results: StudyResults) -> str:
    title = results.unit().title
    if results.basis == "folds":
        return f"fold by fold on the cross-validated {title}"
    return f"seed by seed on the test {title}"


def _on(name: str, studies: Studies) -> str:
    return f"On {name}: " if len(studies) > 1 else ""


def _answer(results: StudyResults) -> str:
    return results.answer.text if results.answer else results.verdict[0]


def _of_the_error(studies: Studies) -> list[str]:
    """How much of each baseline's error is variance."""
    shares = {}
    for name, results in studies.items():
        entry = next((e for e in results.bias_variance if e.variant == results.baseline), None)
        if entry and entry.squared_error.risk.value > 0:
            parts = entry.squared_error
            share = f"{100 * parts.variance.value / parts.risk.value:.0f} %"
            shares[name] = f"{share} on {name}" if len(studies) > 1 else share
    if not shares:
        return []
    return [
        f"Of the squared error of {baseline_in_words(next(iter(studies.values())))}, variance is "
        f"{listed(shares.values())}; the rest is bias and noise."
    ]


def _take(name: str, results: StudyResults, studies: Studies) -> list[str]:
    unit = results.unit()
    best = best_variant(results.variants, unit, results.picked)
    if best is None:
        return []
    test = best.test[unit.metric]
    half = f" ± {unit.value((test.ci95[1] - test.ci95[0]) / 2)}" if test.ci95 else ""
    tied = [v.name for v in results.variants if v.tied_with_best and v.name != best.name]
    others = f"; {listed(tied)} may be as good" if tied else ""
    where = "Validation" if best.chosen_on == "val" else "Training scores"
    where = where.lower() if len(studies) > 1 else where
    verb = "chooses" if best.chosen_on == "val" else "choose"
    if best.name == results.picked:
        where, verb = ("the" if len(studies) > 1 else "The") + " search", "picked"
    return [
        f"{_on(name, studies)}{where} {verb} {best.label}, of which a {results.tested.adjective} "
        f"{unit.title} of {unit.with_unit(test.mean)}{half} is to be expected{others}."
    ]


def _where_it_helps(studies: Studies) -> list[str]:
    """What is told apart everywhere, what only somewhere."""
    found = _standings(studies)
    if len(studies) < 2 or not found:
        return []
    sentences = []
    for role, verb in ((_HELPS, "helps"), (_HURTS, "hurts")):
        on_all = [role] * len(studies)
        everywhere = [v for v, by in found.items() if list(by.values()) == on_all]
        somewhere = [
            f"{v} on {listed(n for n, own in by.items() if own == role)}"
            for v, by in found.items()
            if role in by.values() and v not in everywhere
        ]
        plain = verb[:-1] if len(everywhere) > 1 else verb
        if everywhere:
            sentences.append(f"{listed(everywhere)} {plain} on every data set.")
        if somewhere:
            sentences.append(f"Shown to {verb[:-1]} on some data sets only: {listed(somewhere)}.")
    return sentences or ["On no data set is any variant told apart from its baseline."]


def _standings(studies: Studies) -> dict[str, dict[str, str]]:
    """Variant -> study -> how it stands against that study's baseline, of those compared."""
    found: dict[str, dict[str, str]] = {}
    for name, results in studies.items():
        for variant in results.variants:
            if variant.versus_baseline:
                role = standing(variant.versus_baseline, results.unit())
                found.setdefault(variant.name, {})[name] = role
    return found


def _still_open(studies: Studies) -> list[str]:
    """What no study could tell; and that nothing here holds beyond what was seen."""
    left = [v for v, by in _standings(studies).items() if by and set(by.values()) == {_OPEN}]
    sentences = []
    if left:
        first = next(iter(studies.values()))
        where = "any baseline" if len(studies) > 1 else baseline_in_words(first)
        sentences.append(
            f"Not told apart from {where}: {listed(left)}. That is no proof that they do nothing."
        )
    if any(discussion(results) for results in studies.values()):
        sentences.append(
            "What bias and variance say holds at the size of the samples; at full size variance "
            "is smaller."
        )
    return sentences
