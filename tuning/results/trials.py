"""What a search's results say, in words and commands. No Keras, no figures."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import METRICS
from kmlp.stats.summaries import Summary
from tuning.results.records.search import SearchFindings
from tuning.space.parameter import Values


def picked_variant(results: SearchFindings) -> str | None:
    """The picked trial's name in the follow-up study, the baseline's where it is the base
    configuration; None where no such study holds it."""
    if results.fresh is None or results.picked is None:
        return None
    return results.fresh.trials[results.picked].variant


def export_commands(results: SearchFindings, run_dir: Path) -> dict[str, str]:
    """What takes the picked trial away from the follow-up study that holds it, and the default
    where the pick is not shown to be better; by the command what it takes."""
    picked = picked_variant(results)
    if results.fresh is None or picked is None:
        return {}
    taken = {picked: "what the search picked"}
    versus = results.test.versus_baseline if results.test else None
    if versus and results.fresh.baseline:
        unit = unit_of(results.fresh.test_metric)
        beside = "not told apart from the pick"
        if versus.is_significant:
            beside = "better than the pick" if unit.gain(versus.difference) < 0 else ""
        if beside:
            taken[results.fresh.baseline.variant] = f"the default, on the test set {beside}"
    study = shlex.quote(str(run_dir / "study"))
    return {
        f"kmlp export {study} --variant {shlex.quote(variant)}": what
        for variant, what in taken.items()
    }


def commented(commands: Mapping[str, str]) -> list[str]:
    """Lines for a shell: each command, and behind it what it does."""
    width = max(map(len, commands), default=0)
    return [f"{command:<{width}}  # {what}" for command, what in commands.items()]


def study_command(run_dir: Path) -> str:
    """What trains the picked configuration over fresh seeds, in a folder beside the search's: that
    of the file's own name, best, would be every other search's too."""
    file, place = run_dir / "best.toml", study_folder(run_dir)
    return f"kmlp study {shlex.quote(str(file))} --out {shlex.quote(str(place))}"


def study_folder(run_dir: Path) -> Path:
    """Where that study goes."""
    return Path(f"{run_dir}-best")


def drawn_after_test(results: SearchFindings) -> str:
    """The trials that a follow-up study, and with it the test set, came before: "trials 20 to 39".

    Empty where there are none.
    """
    begun = len(results.trials)
    first = results.followup.num_trials if results.followup else begun
    if first >= begun:
        return ""
    return f"trial {first}" if begun == first + 1 else f"trials {first} to {begun - 1}"


def scores_on_test(results: SearchFindings) -> list[tuple[str, Summary]]:
    """Metric and summary of the test set, the metric that was searched on first, if it was read."""
    scores = results.test.scores if results.test else {}
    known = [metric for metric in METRICS[results.dataset.task] if metric in scores]
    known.sort(key=lambda metric: metric != results.settings.objective.metric)
    return [(metric, scores[metric]) for metric in known]


def formatted(value: Any) -> str:
    """A hyperparameter's value as text: four digits of a number, a dash where it was not active.

    Example:
        >>> formatted(0.000123456), formatted(512), formatted(True), formatted("relu")
        ('0.0001235', '512', 'yes', 'relu')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def settings_in_words(values: Values) -> str:
    """A trial's hyperparameters: "learning_rate=0.001, dropout=0.2"."""
    return ", ".join(f"{name}={formatted(value)}" for name, value in values.items())
