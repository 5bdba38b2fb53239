"""The verdict in three sentences: what helps, what to take, what to beware of."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.stats import MIN_SEEDS_TO_TEST
from kmlp.units import Unit, p_value, unit_in
from kmlp.verdict import best_variant, chosen_on, is_significant, label, num_pairs

_NAMED = 3


def headline(results: Mapping[str, Any]) -> list[str]:
    """Three sentences that follow from the numbers; the long verdict stands further down.

    Args:
        results: as in `results.json`.
    """
    unit = unit_in(results)
    best = best_variant(results["variants"], unit)
    if best is None:
        return ["No network finished: nothing can be said."]
    return [_what_helps(results, unit), _what_to_take(results, best, unit), _beware(results, unit)]


def standing(variant: Mapping[str, Any], unit: Unit) -> str:
    """Where a variant stands against the baseline: "better", "worse" or "unclear"."""
    versus = variant["versus_baseline"]
    if not versus or not is_significant(variant):
        return "unclear"
    return "better" if unit.gain(versus["difference"]) > 0 else "worse"


def said_p(p: float) -> str:
    """A p-value after the letter: "= 0.029" or "< 0.001"."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _what_helps(results: Mapping[str, Any], unit: Unit) -> str:
    baseline = results["baseline"]
    compared = [v for v in results["variants"] if v["versus_baseline"]]
    if not compared:
        return f"Nothing was compared with {baseline}."
    compared.sort(key=lambda v: -unit.gain(v["versus_baseline"]["difference"]))
    top = compared[0]
    if max(num_pairs(v["versus_baseline"]) for v in compared) < MIN_SEEDS_TO_TEST:
        return (
            f"Too few seeds to say what helps: at least {MIN_SEEDS_TO_TEST} are needed; the "
            f"furthest ahead of {baseline} is {label(top)}, by {_signed(top, unit)}."
        )
    by: dict[str, list[Any]] = {"better": [], "worse": [], "unclear": []}
    for variant in compared:
        by[standing(variant, unit)].append(variant)
    parts = []
    if by["better"]:
        first, others = by["better"][0], by["better"][1:]
        parts.append(f"{label(first)} helps most: {_with_proof(first, unit)} against {baseline}")
        if others:
            parts.append(f"{_names(others)} {'helps' if len(others) == 1 else 'help'} too")
    else:
        parts.append(f"Nothing tried is shown to beat {baseline}")
    if by["worse"]:
        parts.append(f"{_names(by['worse'])} {'does' if len(by['worse']) == 1 else 'do'} worse")
    if by["unclear"]:
        parts.append(f"{_names(by['unclear'])} cannot be told apart from {baseline}")
        if not by["better"]:
            first = by["unclear"][0]
            parts.append(f"the furthest ahead is {label(first)} with {_with_proof(first, unit)}")
    return "; ".join(parts) + "."


def _what_to_take(results: Mapping[str, Any], best: Mapping[str, Any], unit: Unit) -> str:
    test = best["test"][unit.metric]
    where = "validation" if chosen_on(best) == "val" else "training"
    spread = f"95 % interval {unit.interval(test['ci95'])}" if test["ci95"] else "one seed"
    sentence = (
        f"Take {label(best)}: it has the best mean {where} {unit.title}, and "
        f"{unit.with_unit(test['mean'])} on the test set is what to expect of it ({spread})"
    )
    tied = [v for v in results["variants"] if v.get("tied_with_best") and v["name"] != best["name"]]
    if not tied:
        return sentence + "."
    return f"{sentence}; {_names(tied)} cannot be told apart from it."


def _beware(results: Mapping[str, Any], unit: Unit) -> str:
    """What else must be known; where nothing is wrong, what seeds cannot tell."""
    dataset = results["dataset"]
    warnings = _open_question(results, unit)
    if dataset["source"] == "sample":
        warnings.append(
            f"this is a sample of {dataset['num_train']:,} training and "
            f"{dataset['num_test']:,} test rows, not the full set"
        )
    diverged = [v for v in results["variants"] if v["num_diverged"]]
    if diverged:
        warnings.append(f"networks of {_names(diverged)} diverged and are kept out of every mean")
    if any(m["status"] == "given_up" for m in results["members"]):
        warnings.append("some networks ended their process and were given up")
    if not warnings:
        warnings.append(
            f"the intervals are over seeds: other test rows than these {dataset['num_test']:,} "
            "would move all scores together"
        )
    return f"Beware: {'; '.join(warnings)}."


def _open_question(results: Mapping[str, Any], unit: Unit) -> list[str]:
    """How many more seeds would tell whether the one furthest ahead, not yet shown, is better."""
    ahead = [
        v
        for v in results["variants"]
        if (versus := v["versus_baseline"])
        and "more_seeds" in versus
        and num_pairs(versus) >= MIN_SEEDS_TO_TEST
        and standing(v, unit) == "unclear"
        and unit.gain(versus["difference"]) > 0
    ]
    if not ahead:
        return []
    first = max(ahead, key=lambda v: unit.gain(v["versus_baseline"]["difference"]))
    number = first["versus_baseline"]["more_seeds"]
    needed = "more than 500 seeds" if number is None else f"about {number:,} more seeds"
    return [f"it would take {needed} to show the {_signed(first, unit)} of {label(first)}, if real"]


def _signed(variant: Mapping[str, Any], unit: Unit) -> str:
    return f"{unit.signed(variant['versus_baseline']['difference'])} {unit.of_difference}"


def _with_proof(variant: Mapping[str, Any], unit: Unit) -> str:
    """ "+0.73 points (95 % interval +0.30 to +1.16, Holm p = 0.029, 9 of 10 seeds)"."""
    versus = variant["versus_baseline"]
    return (
        f"{_signed(variant, unit)} (95 % interval {unit.interval(versus['ci95'], signed=True)}, "
        f"Holm p {said_p(versus['p_holm'])}, better on {versus['wins']} of "
        f"{num_pairs(versus)} seeds)"
    )


def _names(variants: Sequence[Mapping[str, Any]]) -> str:
    """Up to three variants with their strength; of more, how many others there are."""
    names = [label(v) if len(variants) <= _NAMED else v["name"] for v in variants]
    if len(names) == 1:
        return names[0]
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
