"""The table of folds: what the foremost trials scored on each."""

from kmlp.report.blocks import Cell, Row, Table
from tuning.report.tables import foremost
from tuning.report.trials import plus_minus, standings
from tuning.results.folds import compared
from tuning.results.records.search import SearchFindings


def folds_table(results: SearchFindings) -> Table | None:
    """A row a fold, a column a trial, each the mean over the fold's seeds; None without folds."""
    settings, unit = results.settings, results.unit
    if settings.folds is None:
        return None
    trials = foremost(results)
    scores = [compared(t.scores, settings) for t in trials]
    rows = [
        Row(
            [
                Cell(_place(i, settings.folds, settings.repeats)),
                *(Cell(unit.value(s[i])) for s in scores),
            ]
        )
        for i in range(settings.folds * settings.repeats)
    ]
    means = [Cell(unit.value(t.score), plus_minus(t.se, unit)) for t in trials]
    rows.append(Row([Cell("Mean", "standard error, corrected"), *means]))
    words = standings(results)
    heads = [Cell(f"Trial {t.number}", words[t.number]) for t in trials]
    note = (
        "Scores of the rows held out. Folds share training rows, so the standard error is "
        "Nadeau and Bengio's. Every network of every trial: tables/executions.csv."
    )
    return Table([Cell(f"{unit.axis} {unit.arrow}"), *heads], rows, note)


def _place(number: int, num_folds: int, num_repeats: int) -> str:
    """ "Fold 2"; of several repeats "Repeat 1, fold 2"; from 0, as in the tables."""
    repeat, fold = divmod(number, num_folds)
    return f"Repeat {repeat}, fold {fold}" if num_repeats > 1 else f"Fold {fold}"
