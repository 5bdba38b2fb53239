"""A search's results as a table for a terminal."""

from kmlp.report.fitting import FittingTable, Shown
from tuning.report.trials import on_terminal, trial_columns
from tuning.results.records.search import SearchFindings

_WORDS = ("place", "what")


def results_table(results: SearchFindings) -> FittingTable:
    """Trials by rank: mean score and its standard error, weights, epochs, and what was tried."""
    trials = on_terminal(results)
    return FittingTable(
        [
            Shown(
                column.terminal,
                tuple(column.cell(trial).text for trial in trials),
                column.leaves,
                folds=column.terminal in _WORDS,
            )
            for column in trial_columns(results)
            if column.terminal
        ]
    )
