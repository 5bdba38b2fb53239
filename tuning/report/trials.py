"""The table of all trials: what the page, a terminal and a CSV file show of each."""

from collections.abc import Mapping

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import NONE, Cell, Table
from kmlp.report.csv_tables import Rows
from kmlp.report.tabular import Column
from kmlp.stats.formatting import Unit
from tuning.results.choice import LEVEL
from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import TrialResult
from tuning.results.trials import settings_in_words

_MOST_ROWS, _MOST_ON_TERMINAL = 100, 20


def page_table(results: SearchFindings) -> Table:
    """The finished trials, best first, the picked one set off."""
    trials, columns = results.ranked, trial_columns(results)
    rows = [
        tabular.row(columns, trial, is_baseline=trial.number == results.picked)
        for trial in trials[:_MOST_ROWS]
    ]
    note = "Seconds: all seeds of a trial together. Hyperparameters: tables/trials.csv."
    note = f"{note} {standings_note(results)}".rstrip()
    if len(trials) > _MOST_ROWS:
        note += f" The best {_MOST_ROWS} of {len(trials)} are shown; the file holds all."
    return Table(tabular.headings(columns), rows, note)


def csv_rows(results: SearchFindings) -> Rows:
    """Every trial, in the order of drawing."""
    return tabular.csv_rows(trial_columns(results), results.trials)


def on_terminal(results: SearchFindings) -> list[TrialResult]:
    """Which trials a terminal shows: by rank; those that failed come last."""
    others = [t for t in results.unfinished if t.status != "running"]
    return [*results.ranked[:_MOST_ON_TERMINAL], *others]


def trial_columns(results: SearchFindings) -> list[Column[TrialResult]]:
    """All that is shown of a trial."""
    words = standings(results)
    return [
        Column(
            head="Trial",
            cell=lambda t: Cell(f"Trial {t.number}", words[t.number]),
            numbers=lambda t: {"number": t.number, "id": t.id, "status": t.status},
        ),
        Column(terminal="trial", cell=lambda t: Cell(str(t.number))),
        *_score_columns(results),
        Column(
            head="Networks" if results.settings.folds else "Seeds",
            cell=lambda t: Cell(str(len(t.executions))),
        ),
        Column(
            head="Weights",
            cell=lambda t: tabular.if_any(t.num_weights, lambda n: Cell(f"{n:,}")),
            terminal="weights",
            leaves=2,
            numbers=lambda t: {"num_weights": t.num_weights},
        ),
        Column(
            head="Epochs",
            second="mean",
            cell=lambda t: Cell(mean_epochs(t)),
            numbers=lambda t: {"epochs": sum(t.epochs)},
        ),
        Column(terminal="epochs", cell=lambda t: Cell(_range(t)), leaves=1),
        _bracket_column(results),
        Column(
            head="Seconds",
            cell=lambda t: Cell(f"{t.seconds:.1f}"),
            numbers=lambda t: {"seconds": t.seconds, "message": t.message},
        ),
        *_choice_columns(results, words),
    ]


def _score_columns(results: SearchFindings) -> list[Column[TrialResult]]:
    unit, kind = results.unit, results.kind_of_score
    return [
        Column(
            head=f"{kind.capitalize()} {unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
            cell=lambda t: tabular.if_any(t.score, lambda s: Cell(unit.value(s))),
            terminal=f"{'CV' if results.settings.folds else 'val.'} {unit.short}{unit.sign}",
            numbers=lambda t: {"score": t.score},
        ),
        Column(
            head="Standard error",
            cell=lambda t: Cell(plus_minus(t.se, unit) or NONE.text),
            numbers=lambda t: {"se": t.se},
        ),
        Column(terminal="SE", cell=lambda t: tabular.if_any(t.se, lambda s: Cell(unit.value(s)))),
    ]


def _bracket_column(results: SearchFindings) -> Column[TrialResult]:
    """Hyperband's; the page has it only where there is something to say."""
    has_brackets = any(t.bracket is not None for t in results.trials)
    return Column(
        head="Bracket, round" if has_brackets else "",
        cell=lambda t: tabular.if_any(t.bracket, lambda b: Cell(f"{b}, {t.round}")),
        numbers=lambda t: {
            "bracket": t.bracket,
            "round": t.round,
            "resumed_from": t.resumed_from,
        },
    )


def _choice_columns(results: SearchFindings, words: Mapping[int, str]) -> list[Column[TrialResult]]:
    """What was chosen of them, and what they consist of."""
    is_open = results.open_trials
    return [
        Column(
            terminal="place",
            cell=lambda t: Cell(_place(t, words[t.number])),
            numbers=lambda t: {
                "picked": int(t.number == results.picked),
                "open": int(t.number in is_open),
            },
        ),
        Column(
            terminal="what",
            cell=lambda t: Cell(settings_in_words(t.values)),
            numbers=lambda t: {p.name: t.values.get(p.name) for p in results.space},
        ),
    ]


def standings(results: SearchFindings) -> dict[int, str]:
    """Whether each trial is picked or best, and how all others stand beside the best on the
    search's scores: open where it cannot be told apart from it, worse where it is.

    Of what never was a candidate, as networks that were paused early, nothing is said.
    """
    words: dict[int, str] = dict.fromkeys([t.number for t in results.trials], "")
    if results.picked is None or results.best is None:
        return words
    is_open = results.open_trials
    for trial in results.candidates:
        words[trial.number] = "open" if trial.number in is_open else "worse"
    words[results.best] = "best"
    words[results.picked] = "picked, best" if results.picked == results.best else "picked"
    return words


def standings_note(results: SearchFindings) -> str:
    """What the words say; nothing where no trial stands beside the best."""
    if len(results.candidates) < 2:
        return ""
    return (
        "On the search's own scores, open: cannot be told apart from the best; worse: is told "
        f"apart from it at {100 * LEVEL:.0f} %. Picked: the one to take."
    )


def plus_minus(se: float | None, unit: Unit) -> str:
    """A standard error; nothing where there is none."""
    return f"± {unit.value(se)}" if se is not None else ""


def mean_epochs(trial: TrialResult) -> str:
    return f"{np.mean(trial.epochs):.1f}" if trial.epochs else NONE.text


def _place(trial: TrialResult, standing: str) -> str:
    """On a terminal, where this column also says how a trial failed."""
    if trial.status != "done":
        return trial.status.replace("_", " ")
    return standing


def _range(trial: TrialResult) -> str:
    ends = (min(trial.epochs), max(trial.epochs)) if trial.epochs else ()
    return "–".join(dict.fromkeys(map(str, ends)))
