"""Scores that were compared, on a terminal."""

from kmlp.cli.app import console, print_json
from kmlp.report.comparing.tables import ranked, scores_columns
from kmlp.report.fitting import terminal_table
from kmlp.scores.comparison import Comparison


def print_comparison(comparison: Comparison, *, as_json: bool) -> None:
    """The tables and the verdict, or the JSON."""
    if as_json:
        print_json(comparison.results)
        return
    screen, found, unit = console(), comparison.found, comparison.unit
    columns = scores_columns(found.baseline, unit)
    for dataset in found.datasets:
        if dataset.name:
            screen.print(f"{dataset.name}:")
        rows = {method.name: method for method in ranked(dataset, unit)}
        screen.print(terminal_table("method", columns, rows))
        screen.print()
    for sentence in (*comparison.verdict, *found.notes):
        screen.print(f"• {sentence}")
