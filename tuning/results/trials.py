"""What `results.json` says of a search's trials. No Keras, no figures."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmlp.stats.formatting import Unit, unit_of
from kmlp.stats.metrics import METRICS

Results = Mapping[str, Any]
Trial = Mapping[str, Any]
Parameter = Mapping[str, Any]


def finished(results: Results) -> list[Trial]:
    """The trials that have a score, in the order of their numbers."""
    trials = [t for t in results["trials"] if t["status"] == "done" and t["score"] is not None]
    return sorted(trials, key=lambda t: t["number"])


def concluded(results: Results) -> list[Trial]:
    """The finished trials that no other goes on from: Hyperband's last word on a configuration."""
    resumed = {t["resumed_from"] for t in finished(results)}
    return [t for t in finished(results) if t["number"] not in resumed]


def unfinished(results: Results) -> list[Trial]:
    """The trials that failed, were given up, or were running when the results were written."""
    scored = {t["number"] for t in finished(results)}
    return sorted(
        (t for t in results["trials"] if t["number"] not in scored), key=lambda t: t["number"]
    )


def ranked(results: Results) -> list[Trial]:
    """The finished trials, best score first; of equals the one with fewer weights."""
    unit = objective_unit(results)
    return sorted(finished(results), key=lambda t: (-unit.gain(t["score"]), t["num_weights"]))


def trial_of(results: Results, number: int | None) -> Trial | None:
    """A trial by its number; None where there is none, as before the first is finished."""
    return next((t for t in results["trials"] if t["number"] == number), None)


def picked_variant(results: Results) -> str | None:
    """The picked trial's name in the follow-up study, the baseline's where it is the base
    configuration; None where no such study holds it."""
    fresh = results["fresh"]
    return fresh and fresh["trials"][str(results["picked"])]["variant"]


def export_command(results: Results, run_dir: Path) -> str:
    """What takes the picked trial away from the follow-up study that holds it."""
    variant = shlex.quote(picked_variant(results) or "")
    return f"kmlp export {shlex.quote(str(run_dir / 'study'))} --variant {variant}"


def drawn_after_test(results: Results) -> str:
    """The trials that a follow-up study, and with it the test set, came before: "trials 20 to 39".

    Empty where there are none.
    """
    begun, followup = len(results["trials"]), results["followup"]
    first = followup["num_trials"] if followup else begun
    if first >= begun:
        return ""
    return f"trial {first}" if begun == first + 1 else f"trials {first} to {begun - 1}"


def is_hyperband(results: Results) -> bool:
    """Whether `max_trials` is a budget in full trainings, not the number of trials."""
    return results["settings"]["tuner"] == "hyperband"


def objective_unit(results: Results) -> Unit:
    """How the scores are written: the unit of the metric that was searched on."""
    metric = results["settings"]["objective"]["name"].removeprefix("val_")
    # Digits to suit small errors, which are the good ones, not those of a hopeless trial.
    return unit_of(metric, [min((abs(t["score"]) for t in finished(results)), default=0.0)])


def scores_on_test(results: Results) -> list[tuple[str, Mapping[str, Any]]]:
    """Metric and summary of the test set, the metric that was searched on first, if it was read."""
    searched = objective_unit(results).metric
    scores = {m: s for m, s in (results["test"] or {}).items() if isinstance(s, Mapping)}
    return sorted(
        ((m, scores[m]) for m in METRICS[results["dataset"]["task"]] if m in scores),
        key=lambda pair: pair[0] != searched,
    )


def varied(results: Results) -> list[Parameter]:
    """The hyperparameters that the search could choose, in the order of the space."""
    return [p for p in results["space"] if p["kind"] != "fixed"]


def written(value: Any) -> str:
    """A hyperparameter's value: four digits of a number, a dash where it was not active.

    Example:
        >>> written(0.000123456), written(512), written(True), written("relu")
        ('0.0001235', '512', 'yes', 'relu')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def in_words(trial: Trial, parameters: Sequence[Parameter]) -> str:
    """A trial's active hyperparameters: "learning_rate 0.001, dropout 0.2"."""
    names = [p["name"] for p in parameters if p["name"] in trial["values"]]
    return ", ".join(f"{name} {written(trial['values'][name])}" for name in names)
