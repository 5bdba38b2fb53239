"""What a search found, in sentences that follow from the numbers by rules."""

from collections.abc import Mapping
from typing import Any

from kmlp.stats.formatting import Unit, listed, p_equals, unit_of
from kmlp.study.results.records.variants import VersusBaseline
from tuning.results.trials import drawn_after_test, objective_unit

_AT_MOST = 5


def verdict(results: Mapping[str, Any]) -> list[str]:
    """The sentences of `results.json`.

    Args:
        results: all but the verdict.
    """
    trials, unit = results["trials"], objective_unit(results)
    sentences = [_counts(results)]
    if results["picked"] is None:
        is_paused = any(t["status"] == "done" for t in trials)
        what = "been trained to the end" if is_paused else "finished"
        return [*sentences, f"No trial has {what}: there is nothing to choose."]
    best, picked = trials[results["best"]], trials[results["picked"]]
    sentences.append(
        f"Trial {best['number']} has the best mean validation {unit.title}, "
        f"{with_se(unit, best['score'], best['se'])}."
    )
    sentences.append(_ties(results, unit))
    sentences += _fresh(results, picked, unit) if results["fresh"] else [_not_known(results)]
    if later := drawn_after_test(results):
        sentences.append(
            f"The test set was read before {later} {'were' if ' to ' in later else 'was'} drawn."
        )
    if results["dataset"]["source"] == "sample":
        sentences.append("This is the bundled sample, not the full data set.")
    return sentences


def with_se(unit: Unit, score: float, se: float | None) -> str:
    """ "88.61 % (standard error 0.12)"."""
    return unit.with_unit(score) + ("" if se is None else f" (standard error {unit.value(se)})")


def _counts(results: Mapping[str, Any]) -> str:
    trials = results["trials"]
    by_status = {s: [t for t in trials if t["status"] == s] for s in ("done", "running")}
    lost = [t for t in trials if t["status"] in ("failed", "given_up")]
    seeds = results["settings"]["num_seeds"]
    text = f"{len(by_status['done'])} of {len(trials)} trials finished, {seeds} "
    text += "seeds each" if seeds > 1 else "seed each"
    if by_status["running"]:
        text += f"; {len(by_status['running'])} are running"
    if lost:
        named = ", ".join(f"trial {t['number']}: {t['message']}" for t in lost[:_AT_MOST])
        more = f", and {len(lost) - _AT_MOST} more" if len(lost) > _AT_MOST else ""
        text += f"; {len(lost)} failed ({named}{more})"
    return text + "."


def _ties(results: Mapping[str, Any], unit: Unit) -> str:
    best, picked, others = results["best"], results["picked"], results["ties"][1:]
    if results["trials"][best]["se"] is None:
        return (
            f"With one seed a trial no two can be told apart, nor luck from merit: trial {picked}, "
            "the best, is picked; --seeds 3 says more."
        )
    if not others:
        return f"No other can be taken for as good: trial {picked} is picked."
    words = "Trial" if len(others) == 1 else "Trials"
    shown = listed(map(str, others[:_AT_MOST]))
    if len(others) > _AT_MOST:
        shown = f"{', '.join(map(str, others[:_AT_MOST]))} and {len(others) - _AT_MOST} more"
    least = results["least_difference"]
    told = f" (at least {unit.value(least)} {unit.of_difference} would be needed)" if least else ""
    return f"{words} {shown} cannot be told apart from it{told}; {_pick(results)}"


def _pick(results: Mapping[str, Any]) -> str:
    """Which of several ties is picked, and why."""
    trials, picked = results["trials"], results["picked"]
    size, smallest = (
        trials[picked]["num_weights"],
        min(trials[n]["num_weights"] for n in results["ties"]),
    )
    if picked == results["best"]:
        return f"none of them is clearly simpler: it is picked, with {size:,} weights."
    if size == smallest:
        return f"trial {picked}, the simplest with {size:,} weights, is picked."
    return (
        f"trial {picked}, with {size:,} weights, is picked: the best of those within 5 % of the "
        f"fewest, {smallest:,}."
    )


def _fresh(results: Mapping[str, Any], picked: Mapping[str, Any], unit: Unit) -> list[str]:
    fresh, test = results["fresh"], results["test"]
    sentences = [
        f"Over {fresh['num_seeds']} fresh seeds trial {picked['number']} has a validation "
        f"{unit.title} of {with_se(unit, fresh['score'], fresh['se'])}: {_luck(fresh, unit)}."
    ]
    if test is None:
        return sentences
    metric = unit_of(
        results["fresh"]["test_metric"], [test[results["fresh"]["test_metric"]]["mean"]]
    )
    scores, versus = test[metric.metric], test["versus_baseline"]
    sentences.append(
        f"Expect {metric.with_unit(scores['mean'])} {metric.title} of it on the test set (95 % "
        f"interval {metric.interval(scores['ci95'])})."
    )
    if versus is None:
        return sentences
    gain = metric.gain(versus["difference"])
    told = VersusBaseline.model_validate(versus).is_significant
    words = ("beats" if gain > 0 else "is worse than") if told else "cannot be told apart from"
    by = f" by {metric.value(abs(versus['difference']))} {metric.of_difference}" if told else ""
    bounds = metric.interval(versus["ci95"], signed=True)
    sentences.append(
        f"It {words} the default configuration on the test set{by} (95 % interval of the "
        f"difference {bounds}, Holm p {p_equals(versus['p_holm'])})."
    )
    return sentences


def _not_known(results: Mapping[str, Any]) -> str:
    """What only fresh seeds and the test set can say."""
    known = (
        "The follow-up study is not of the picked trial, or has not ended"
        if results["followup"]
        else "No fresh seeds have been trained and the test set has not been read"
    )
    return (
        f"{known}: the best of many trials owes part of its score to the luck of its seeds, and "
        "how much is not known yet."
    )


def _luck(fresh: Mapping[str, Any], unit: Unit) -> str:
    """What the search's score owes to its seeds, and whether that is more than chance does."""
    luck, se = unit.gain(fresh["seed_luck"]), fresh["seed_luck_se"]
    size = f"{unit.value(abs(luck))} {unit.of_difference}"
    known = "" if se is None else f" (standard error {unit.value(se)})"
    if se is not None and abs(luck) < 2 * se:
        than = "worse" if luck > 0 else "better"
        return f"{size} {than} than in the search{known}, within what chance does"
    if luck > 0:
        return f"{size} of its score in the search were luck{known}"
    return f"the search's seeds had no luck with it, by {size}{known}"
