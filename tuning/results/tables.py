"""A search's results as a table for a terminal."""

from collections.abc import Sequence

from rich.table import Table

from tuning.results.records.search import SearchFindings
from tuning.results.records.trials import TrialResult
from tuning.results.trials import settings_in_words

_AT_MOST = 20


def results_table(results: SearchFindings) -> Table:
    """Trials by rank: mean score and its standard error, weights, epochs, and what was tried.

    What all trials share is left out; failed ones come last.
    """
    unit = results.unit
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("trial", f"val. {unit.short}{unit.sign}", "SE", "weights", "epochs", "", "what")
    for heading in headings:
        left = heading in ("", "what")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    others = [t for t in results.unfinished if t.status != "running"]
    trials: list[TrialResult] = [*results.ranked[:_AT_MOST], *others]
    for trial in trials:
        table.add_row(
            str(trial.number),
            "–" if trial.score is None else unit.value(trial.score),
            "–" if trial.se is None else unit.value(trial.se),
            "–" if trial.num_weights is None else f"{trial.num_weights:,}",
            _range(trial.epochs),
            _place(trial, results),
            settings_in_words(trial.values),
        )
    return table


def _place(trial: TrialResult, results: SearchFindings) -> str:
    number = trial.number
    if trial.status != "done":
        return trial.status.replace("_", " ")
    names = []
    if number == results.picked:
        names.append("picked")
    if number == results.best:
        names.append("best")
    return ", ".join(names) or ("tied" if number in results.ties else "")


def _range(epochs: Sequence[int]) -> str:
    return "–".join(dict.fromkeys((str(min(epochs)), str(max(epochs))))) if epochs else ""
