"""A search's results as a table for a terminal."""

from rich.table import Table

from tuning.report.trials import on_terminal, trial_columns
from tuning.results.records.search import SearchFindings

_WORDS = ("best", "what")


def results_table(results: SearchFindings) -> Table:
    """Trials by rank: mean score and its standard error, weights, epochs, and what was tried."""
    shown = [column for column in trial_columns(results) if column.terminal]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        is_left = column.terminal in _WORDS
        table.add_column(column.terminal, justify="left" if is_left else "right", overflow="fold")
    for trial in on_terminal(results):
        table.add_row(*(column.cell(trial).text for column in shown))
    return table
