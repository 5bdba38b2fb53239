"""The results as a table for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from kmlp.report.fitting import FittingTable, terminal_table
from kmlp.report.sections.analyses.references import reference_columns
from kmlp.report.sections.ranking import ranking_columns
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import METRICS
from kmlp.study.results.ranking import rank
from kmlp.study.results.records.study import StudyResults
from kmlp.text import visible


def results_table(results: StudyResults) -> FittingTable:
    """Variants by rank: test score with its interval, the difference to the baseline, p.

    The best is the one that validation chose; "open" is what cannot be told apart from it. Beside
    the primary metric stand those without which it would mislead.
    """
    rows = {variant.full_label: variant for variant in rank(results)}
    return terminal_table("variant", ranking_columns(results), rows)


def references_table(results: StudyResults) -> FittingTable:
    """Models that are no networks; their differences are to the best network."""
    rows = {reference.title: reference for reference in results.references}
    return terminal_table("beside it", reference_columns(results), rows)


def score_lines(scores: Mapping[str, Any], rows: str) -> list[str]:
    """What `evaluate` found: a line a metric, with its interval.

    Args:
        scores: as `kmlp.deploy.evaluation.evaluate` gives them.
        rows: which rows were scored, such as "test rows (full)".
    """
    lines: list[str] = []
    for metric in METRICS[scores["task"]]:
        value, bounds = scores[metric]["value"], scores[metric]["ci95"]
        unit = unit_of(metric, [value or 0.0])
        line = f"{unit.title} " + ("cannot be told" if value is None else unit.with_unit(value))
        over = f" over {scores['num_rows']:,} {visible(rows)}" if not lines else ""
        if bounds:
            kind = "bootstrap interval" if scores[metric]["interval"] == "bootstrap" else "interval"
            line += f" (95 % {kind} {unit.interval(bounds)}{over})"
        lines.append(line if bounds else line + over)
    if coverage := scores.get("coverage"):
        lines.append(_coverage_line(coverage, scores["task"]))
    return lines


def _coverage_line(found: Mapping[str, Any], task: str) -> str:
    low, high = (100 * end for end in found["ci95"])
    size = f"{found['mean_size']:.4g}"
    of_what, size = (
        ("intervals", f"{size} wide") if task == "regression" else ("sets", f"{size} classes")
    )
    return (
        f"{of_what} hold the truth of {100 * found['value']:.2f} % of the rows (95 % interval "
        f"{low:.2f} to {high:.2f}), {size} on average"
    )


def confusion_table(scores: Mapping[str, Any]) -> Table:
    """Counts of test rows: true classes by row, predicted classes by column."""
    names = scores["class_names"]
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("true \\ predicted", overflow="fold")
    for name in names:
        table.add_column(Text(visible(name)), justify="right", overflow="fold")
    for name, row in zip(names, scores["confusion"], strict=True):
        table.add_row(Text(visible(name)), *(str(count) if count else "·" for count in row))
    return table
