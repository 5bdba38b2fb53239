"""The results as a table for a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from kmlp.verdict import label, rank

_HEADINGS = (
    "seeds",
    "test acc. %",
    "95 % interval",
    "vs. baseline",
    "95 % interval",
    "Holm p",
    "wins",
)


def results_table(results: Mapping[str, Any]) -> Table:
    """Variants by rank: test accuracy with its interval, the difference to the baseline, p."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("variant")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for variant in rank(results["variants"]):
        accuracy = variant["test"]["accuracy"]
        table.add_row(
            label(variant),
            str(variant["num_members"]),
            f"{100 * accuracy['mean']:.2f}",
            _interval(accuracy["ci95"], ""),
            *_versus(variant["versus_baseline"]),
        )
    return table


def confusion_table(scores: Mapping[str, Any]) -> Table:
    """Counts of test rows: true classes by row, predicted classes by column."""
    names = scores["class_names"]
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column("true \\ predicted")
    for name in names:
        table.add_column(name, justify="right")
    for name, row in zip(names, scores["confusion"], strict=True):
        table.add_row(name, *(str(count) if count else "·" for count in row))
    return table


def _versus(versus: Mapping[str, Any] | None) -> tuple[str, ...]:
    if versus is None:
        return ("–",) * 4
    pairs = versus["wins"] + versus["ties"] + versus["losses"]
    p = versus["p_holm"]
    return (
        f"{100 * versus['difference']:+.2f}",
        _interval(versus["ci95"], "+"),
        "< 0.001" if p < 0.001 else f"{p:.3f}",
        f"{versus['wins']} of {pairs}",
    )


def _interval(bounds: list[float] | None, sign: str) -> str:
    if bounds is None:
        return "–"
    return f"{100 * bounds[0]:{sign}.2f} to {100 * bounds[1]:{sign}.2f}"
