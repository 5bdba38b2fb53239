"""The tables of a search's report, in natural units."""

from collections.abc import Sequence

import numpy as np

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.stats.formatting import Unit, unit_of
from kmlp.stats.summaries import Summary
from tuning.report.trials import mean_epochs, plus_minus, standings, standings_note
from tuning.results.folds import in_words
from tuning.results.records.search import Condition, SearchedParameter, SearchFindings
from tuning.results.records.trials import FinishedTrial, TrialResult
from tuning.results.trials import drawn_after_test, formatted, scores_on_test

_MOST_BESIDE = 7
_ERROR = "standard error"
_SAMPLED = {"linear": "evenly", "log": "by its logarithm"}
_STATUS: dict[str, str] = {
    "failed": "failed",
    "given_up": "given up",
    "running": "running or interrupted",
}


def beside(results: SearchFindings) -> Table:
    """The picked trial beside those not told apart from the best and the next ones, one a
    column."""
    unit, trials = results.unit, foremost(results)
    rows = [
        Row(
            [
                Cell(f"{results.kind_of_score.capitalize()} {unit.axis} {unit.arrow}", _ERROR),
                *(Cell(unit.value(t.score), plus_minus(t.se, unit)) for t in trials),
            ]
        ),
        Row([Cell("Weights"), *(Cell(f"{t.num_weights:,}") for t in trials)]),
        Row([Cell("Epochs trained", "mean"), *(Cell(mean_epochs(t)) for t in trials)]),
        Row([Cell("Hyperparameters")]),
        *(_settings_row(p, trials, results.picked_trial) for p in results.varied),
    ]
    words = standings(results)
    heads = [Cell(f"Trial {t.number}", words[t.number]) for t in trials]
    note = (
        "Of those within one standard error of the best, as the verdict has it, those with at most "
        "5 % more than the fewest weights are taken for equally simple, and the best of them is "
        "picked. Bold: another value than the picked trial's. A dash: not active. "
        f"{standings_note(results)}"
    )
    return Table([Cell(""), *heads], rows, note)


def without_score(results: SearchFindings) -> Table | None:
    """Trials without a score, and why; None where all have one."""
    trials = results.unfinished
    if not trials:
        return None
    rows = [
        Row(
            [
                Cell(f"Trial {t.number}"),
                Cell(_STATUS.get(t.status) or t.status),
                Cell(t.message or "–"),
                Cell(", ".join(f"{n} {formatted(v)}" for n, v in t.values.items())),
            ]
        )
        for t in trials
    ]
    heads = [Cell("Trial"), Cell("Status"), Cell("Message"), Cell("Hyperparameters")]
    return Table(heads, rows, is_prose=True)


def space(results: SearchFindings) -> Table:
    """What could be chosen."""
    rows = [
        Row(
            [
                Cell(p.name),
                Cell(range_of(p)),
                Cell(_SAMPLED.get(p.sampling or "", "–")),
                Cell(formatted(p.default)),
                Cell(" and ".join(_condition(c) for c in p.conditions) or "always"),
            ]
        )
        for p in results.space
    ]
    heads = [Cell(h) for h in ("Hyperparameter", "Values", "Drawn", "Default", "Active when")]
    return Table(heads, rows, is_prose=True)


def fresh(results: SearchFindings) -> Table | None:
    """The search's scores beside those of fresh seeds; None where none were trained."""
    found, unit = results.fresh, results.unit
    if not found:
        return None
    points = ", points" if unit.of_difference == "points" else ""
    columns = [
        Cell("Trial"),
        Cell(f"In the search, {unit.axis}", _ERROR),
        Cell(
            "Folds cut anew" if results.settings.folds else f"{found.num_seeds} fresh seeds", _ERROR
        ),
        Cell(f"Fresh minus search{points}"),
    ]
    again = {n: (s, s.score) for n, s in found.trials.items() if s.score is not None}
    rows = []
    for number, (scores, score) in sorted(again.items(), key=lambda i: -unit.gain(i[1][1])):
        trial = results.trial(number)
        rows.append(
            Row(
                [
                    Cell(f"Trial {number}", "picked" if number == results.picked else ""),
                    Cell(unit.value(trial.score), plus_minus(trial.se, unit)),
                    Cell(unit.value(score), plus_minus(scores.se, unit)),
                    Cell(unit.signed(score - trial.score)),
                ]
            )
        )
    default = found.baseline
    if default is not None and default.score is not None:
        shown = Cell(unit.value(default.score), plus_minus(default.se, unit))
        rows.append(Row([Cell("Default"), NONE, shown, NONE], is_baseline=True))
    note = (
        f"{results.kind_of_score.capitalize()} scores. The fresh seeds, from "
        f"{found.first_seed:,} on, had no say in the choice, so their mean is not flattered by it."
    )
    return Table(columns, rows, note)


def tested(results: SearchFindings) -> Table | None:
    """The test set's scores of the trial that it was read for, beside the default's; None where it
    was not read."""
    scores = scores_on_test(results)
    if not scores or results.test is None:
        return None
    trial, rows = f"Trial {results.test.trial}", []
    beside = results.fresh.baseline if results.fresh and results.test.versus_baseline else None
    for metric, summary in scores:
        unit = unit_of(metric, [summary.mean])
        rows.append(_tested_row(unit, trial, summary))
        if beside and metric in beside.test:
            rows.append(_tested_row(unit, "Default", beside.test[metric], is_baseline=True))
    heads = ("Test set", "Configuration", "Mean", "Standard error", "95 % interval")
    later = drawn_after_test(results)
    when = f"before {later}" if later else "after all was chosen"
    note = (
        f"Fresh seeds of {trial.lower()}{' and of the default' * bool(beside)}. The test set was "
        f"read {when}; seeds say nothing of its own sampling error."
    )
    return Table([Cell(head) for head in heads], rows, note)


def _tested_row(unit: Unit, name: str, summary: Summary, *, is_baseline: bool = False) -> Row:
    return Row(
        [
            Cell(f"{unit.axis} {unit.arrow}"),
            Cell(name),
            Cell(unit.value(summary.mean)),
            Cell(plus_minus(summary.se, unit) or "–"),
            Cell(unit.interval(summary.ci95)),
        ],
        is_baseline=is_baseline,
    )


def rounds(results: SearchFindings) -> Table | None:
    """Hyperband's brackets and rounds; None where there are none."""
    unit, trials = results.unit, results.finished
    cells = sorted({(t.bracket, t.round or 0) for t in trials if t.bracket is not None})
    if not cells:
        return None
    resumed = {t.resumed_from for t in results.trials}
    rows = []
    for bracket, round in cells:
        own = [t for t in trials if (t.bracket, t.round) == (bracket, round)]
        top = max(own, key=lambda t: unit.gain(t.score))
        rows.append(
            Row(
                [
                    Cell(f"Bracket {bracket}, round {round}"),
                    Cell(str(len(own))),
                    Cell(f"{np.mean([np.mean(t.epochs) for t in own]):.1f}"),
                    Cell(unit.value(top.score), f"trial {top.number}"),
                    Cell(str(sum(t.number in resumed for t in own))),
                ]
            )
        )
    columns = [
        Cell("Hyperband"),
        Cell("Trials"),
        Cell("Epochs", "mean"),
        Cell(f"Best {unit.axis}"),
        Cell("Went on"),
    ]
    return Table(columns, rows, "Went on: trials that a later round trained further.")


def budget(results: SearchFindings) -> dict[str, str]:
    """What was asked for and what was spent."""
    settings, spent = results.settings, results.budget
    done, others = len(results.finished), len(results.unfinished)
    of = "a budget of {} full trainings" if results.settings.is_hyperband else "{}"
    asked = of.format(settings.max_trials)
    seconds = sorted(t.seconds for t in results.finished)
    facts = {
        "tuner": f"{settings.tuner}, seed {settings.seed}",
        "trials": f"{done} finished, {others} without a score, {asked} asked for",
        "networks a trial": f"{in_words(settings)}, from seed {settings.first_seed} on",
        "time": f"{_duration(spent.seconds)} of wall time",
        "epochs": f"{spent.member_epochs:,} in all, each of one network over its training rows",
    }
    if seconds:
        facts["seconds a trial"] = (
            f"{seconds[0]:.1f} to {seconds[-1]:.1f}, median {np.median(seconds):.1f}"
        )
    return facts


def foremost(results: SearchFindings) -> list[FinishedTrial]:
    """The picked trial, those not told apart from the best, then the best of the others."""
    first = [results.picked, *results.ties]
    last = {t.number for t in results.concluded}
    order = [t for t in results.ranked if t.number in last or t.number in first]
    order.sort(key=lambda t: t.number not in first)
    order.sort(key=lambda t: t.number != results.picked)
    return order[:_MOST_BESIDE]


def _settings_row(
    parameter: SearchedParameter, trials: Sequence[TrialResult], picked: TrialResult
) -> Row:
    name = parameter.name
    own = picked.values.get(name)
    cells = [
        Cell(formatted(v), mark="strong" if v != own else "")
        for v in (t.values.get(name) for t in trials)
    ]
    return Row([Cell(name), *cells])


def range_of(parameter: SearchedParameter) -> str:
    """What a hyperparameter can be, in words."""
    if parameter.kind in ("float", "int"):
        step = f", step {formatted(parameter.step)}" if parameter.step else ""
        return f"{formatted(parameter.min)} to {formatted(parameter.max)}{step}"
    if parameter.kind == "bool":
        return "yes, no"
    if parameter.kind == "fixed":
        return f"{formatted(parameter.default)}, fixed"
    return ", ".join(formatted(v) for v in parameter.values)


def _condition(condition: Condition) -> str:
    *most, last = [formatted(v) for v in condition.values]
    return f"{condition.name} is {', '.join(most)}{' or ' * bool(most)}{last}"


def _duration(seconds: float) -> str:
    """ "1 h 2 min", "3 min 20 s", "12.3 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
