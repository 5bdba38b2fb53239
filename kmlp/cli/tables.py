"""The results as a table for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from kmlp.stats.formatting import Unit, p_value, unit_in, unit_of
from kmlp.stats.metrics import METRICS
from kmlp.study.results.ranking import label, num_pairs, rank, shown_beside
from kmlp.text import visible


def results_table(results: Mapping[str, Any]) -> Table:
    """Variants by rank: test score with its interval, the difference to the baseline, p.

    The best is the one that validation chose; "tied" is what cannot be told apart from it. Beside
    the primary metric stand those without which it would mislead.
    """
    unit = unit_in(results)
    beside = [unit_in(results, metric) for metric in shown_beside(results)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("variant", overflow="fold", min_width=18)
    for heading in (
        "seeds",
        _heading(unit),
        "95 % interval",
        "vs. baseline",
        "95 % interval",
        "Holm p",
        "wins",
        "best",
        *map(_heading, beside),
    ):
        table.add_column(heading, justify="right")
    for variant in rank(results["variants"], unit):
        test = variant["test"]
        table.add_row(
            Text(visible(label(variant))),
            str(variant["num_members"]),
            unit.value(test[unit.metric]["mean"]),
            unit.interval(test[unit.metric]["ci95"]),
            *_versus(variant["versus_baseline"], unit),
            _place(variant, results["best"]),
            *(u.value(test[u.metric]["mean"]) if u.metric in test else "–" for u in beside),
        )
    return table


def score_lines(scores: Mapping[str, Any], rows: str) -> list[str]:
    """What `evaluate` found: a line a metric, with its interval.

    Args:
        scores: as `kmlp.deploy.evaluation.evaluate` gives them.
        rows: which rows were scored, such as "full test rows".
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
    return lines


def confusion_table(scores: Mapping[str, Any]) -> Table:
    """Counts of test rows: true classes by row, predicted classes by column."""
    names = scores["class_names"]
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("true \\ predicted")
    for name in names:
        table.add_column(Text(visible(name)), justify="right")
    for name, row in zip(names, scores["confusion"], strict=True):
        table.add_row(Text(visible(name)), *(str(count) if count else "·" for count in row))
    return table


def _heading(unit: Unit) -> str:
    """ "test acc. %"; an arrow where lower is better."""
    return f"test {unit.short}{unit.sign}" + ("" if unit.higher_is_better else f" {unit.arrow}")


def _versus(versus: Mapping[str, Any] | None, unit: Unit) -> tuple[str, ...]:
    if versus is None:
        return ("–",) * 4
    return (
        unit.signed(versus["difference"]),
        unit.interval(versus["ci95"], signed=True),
        p_value(versus["p_holm"]),
        f"{versus['wins']} of {num_pairs(versus)}",
    )


def _place(variant: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    if variant["name"] == best["variant"]:
        return "best"
    return "tied" if variant["tied_with_best"] else ""
