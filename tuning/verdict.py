"""What a search shows, in sentences that follow from its numbers."""

import math

from kmlp.units import Unit, listed, unit_of
from tuning.importance import MIN_TRIALS
from tuning.scales import scale_of
from tuning.trials import (
    Results,
    Trial,
    concluded,
    finished,
    is_hyperband,
    objective_unit,
    scores_on_test,
    trial_of,
    unfinished,
    varied,
    written,
)

NUM_OUTCOMES = 3
"""How many sentences are the outcome; the others qualify it."""
_WITHOUT_SCORE = {
    "running": "still running or interrupted; the same command goes on",
    "failed": "training failed",
    "given_up": "given up after ending the process too often",
}
_BY_NAME = 5
_EDGE = 0.03  # of a range


def search_verdict(results: Results) -> list[str]:
    """The outcome of a search, then what limits it.

    First the best trial, what cannot be told apart from it, and what is picked; then what fresh
    seeds say of its score, which was chosen for being high; then the test set. After these what
    is missing, what failed, and where the picked trial lies at the edge of what was searched.

    Args:
        results: as in `results.json`.
    """
    best, picked = (trial_of(results, results[which]) for which in ("best", "picked"))
    if best is None or picked is None:
        return ["No trial has finished: nothing can be said.", *_missing(results)]
    unit = objective_unit(results)
    return [
        _best(results, best, picked, unit),
        _fresh(results, picked, unit),
        _test(results),
        *_missing(results),
        *_edges(results, picked),
    ]


def score_in_words(score: float, se: float | None, unit: Unit) -> str:
    """ "88.91 % (standard error 0.12)"."""
    spread = f" (standard error {unit.value(se)})" if se is not None else ""
    return unit.with_unit(score) + spread


def why_no_importance(results: Results) -> str:
    """Why a report shows no importances, and how many trials are missing."""
    num = len(concluded(results))
    if num < MIN_TRIALS:
        return (
            f"No importance of hyperparameters is shown: it needs {MIN_TRIALS} finished trials, "
            f"here are {num}. {MIN_TRIALS - num} more would do."
        )
    return (
        "No importance of hyperparameters is shown: all trials scored the same, or nothing was "
        "varied."
    )


def _best(results: Results, best: Trial, picked: Trial, unit: Unit) -> str:
    num, seeds = len(finished(results)), len(best["executions"])
    what = f"The only finished trial, trial {best['number']}, has a mean"
    if num > 1:
        what = f"Of {num} finished trials, trial {best['number']} has the best mean"
    return (
        f"{what} validation {unit.title}: "
        f"{score_in_words(best['score'], best['se'], unit)} over {seeds} seed{'s' * (seeds != 1)}"
        f"{_ties(results, best, picked) if num > 1 else ''}."
    )


def _ties(results: Results, best: Trial, picked: Trial) -> str:
    """What cannot be told apart from the best, and which of these is picked."""
    others = [n for n in results["ties"] if n != best["number"]]
    if not others:
        single = best["se"] is None
        return "; one seed cannot say what is tied with it" if single else "; none is tied with it"
    names = f"{len(others)} others"
    if len(others) <= _BY_NAME:
        names = f"trial{'s' * (len(others) > 1)} {listed(map(str, others))}"
    weights = f"{picked['num_weights']:,} weights"
    if picked["number"] == best["number"]:
        choice = f"it is picked, for none of them is simpler ({weights})"
    elif len(others) == 1:
        choice = f"is picked, for it is simpler ({weights})"
    else:
        choice = f"trial {picked['number']} is picked, the simplest of them ({weights})"
    return f"; {names} cannot be told apart from it, and {choice}"


def _fresh(results: Results, picked: Trial, unit: Unit) -> str:
    """What the picked trial scores with seeds that did not choose it."""
    fresh = results["fresh"]
    if not fresh:
        return (
            "No fresh seeds have been trained: the best of many trials owes part of its score to "
            "the luck of its seeds, and how much is not known yet."
        )
    luck = unit.gain(fresh["seed_luck"])
    noise = math.hypot(fresh["se"] or 0.0, picked["se"] or 0.0)
    size = f"{unit.value(abs(luck))} {unit.of_difference}"
    if luck > 0:
        said = f"the luck of its seeds in the search was {size}"
    else:
        said = f"that is {size} better than in the search, where it had no luck"
    if abs(luck) <= 2 * noise:
        said += ", within what chance does"
    return (
        f"Over {fresh['num_seeds']} fresh seeds trial {picked['number']} has "
        f"{score_in_words(fresh['score'], fresh['se'], unit)} on validation: {said}."
    )


def _test(results: Results) -> str:
    """The test set, read once; on the metric that was searched on, or the task's first."""
    scores = scores_on_test(results)
    if not scores:
        return "The test set has not been read: nothing is said of what to expect on new data."
    metric, summary = scores[0]
    unit = unit_of(metric, [summary["mean"]])
    spread = f" (95 % interval {unit.interval(summary['ci95'])})" if summary.get("ci95") else ""
    return (
        f"Expect a test {unit.title} of {unit.with_unit(summary['mean'])}{spread}: the test set "
        f"was read once, for trial {results['test']['trial']} with its fresh seeds."
    )


def _missing(results: Results) -> list[str]:
    """Trials without a score, by why they have none, and those that were never begun."""
    by_status: dict[str, list[str]] = {}
    for trial in unfinished(results):
        by_status.setdefault(trial["status"], []).append(str(trial["number"]))
    sentences = [
        f"Trial{'s' * (len(numbers) > 1)} {listed(numbers)} "
        f"{'have' if len(numbers) > 1 else 'has'} no score: {_WITHOUT_SCORE.get(status, status)}."
        for status, numbers in by_status.items()
    ]
    begun, wanted = len(results["trials"]), results["settings"]["max_trials"]
    if begun < wanted and not (is_hyperband(results) or results["test"]):
        sentences.append(
            f"{begun} of {wanted} trials have begun: this is what is known so far, unless the "
            "space holds no more."
        )
    return sentences


def _edges(results: Results, picked: Trial) -> list[str]:
    """Hyperparameters that the picked trial has at an end of their range."""
    at = []
    for parameter in varied(results):
        scale, value = scale_of(parameter), picked["values"].get(parameter["name"])
        if value is None or scale.ends is None:
            continue
        (low, high), place = scale.ends, scale.place(value)
        # Nothing lies below a rate of 0 or a single layer.
        at_low = place <= scale.place(low) + _EDGE and low not in (0, 1)
        if at_low or place >= scale.place(high) - _EDGE:
            at.append(f"{parameter['name']} ({written(value)})")
    if not at:
        return []
    return [
        f"In the picked trial {listed(at)} {'lies' if len(at) == 1 else 'lie'} at the end of what "
        "was searched: a wider range may hold a better value."
    ]
