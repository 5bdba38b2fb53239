"""How the report's figures are drawn: each at two widths."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.blocks import Figure
from kmlp.report.figures import drawn
from kmlp.report.plots import ForestRow
from kmlp.stats.formatting import Unit
from kmlp.study.results.ranking import label

WIDE = 7.6


NARROW = 3.6


ROW = 0.3


_LONGEST_LABEL = 18


def draw(
    name: str, draw_at: Callable[[float], Canvas], *, alt: str, caption: str, salt: str = ""
) -> Figure:
    """A figure at both widths.

    Args:
        name: of its file.
        draw_at: width in inches -> the figure.
        alt, caption: see `Figure`.
        salt: tells it from a figure of the same name on the same page.
    """
    svgs = [drawn(draw_at, w, f"{salt}{name}-{i}") for i, w in enumerate((WIDE, NARROW))]
    return Figure(name, alt, caption, *svgs)


def draw_in_rows(rows: Sequence[ForestRow], xlabel: str, reference: float | None) -> Callable:
    """A figure of one row a variant, as `draw` wants it."""

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + ROW * len(rows)), layout="constrained")
        plots.draw_rows(canvas.subplots(), rows, xlabel=xlabel, reference=reference)
        return canvas

    return draw_at


def row_label(variant: Mapping[str, Any]) -> str:
    """A variant's name, with its strength where that fits beside a row."""
    return label(variant) if len(label(variant)) <= _LONGEST_LABEL else variant["name"]


def done(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members that finished."""
    return [m for m in results["members"] if m["status"] == "done"]


def scores_by_seed(results: Mapping[str, Any], variant: str) -> dict[int, float]:
    """The primary metric on the test set of every seed that finished."""
    metric = results["metric"]["name"]
    return {m["seed"]: m["test"][metric] for m in done(results) if m["variant"] == variant}


def scaled(bounds: Sequence[float] | None, unit: Unit) -> list[float] | None:
    return None if bounds is None else [unit.scale * b for b in bounds]


def said_outer(rows: Sequence[ForestRow]) -> str:
    if not any(row.outer for row in rows):
        return ""
    return " The thin line also holds what other test rows would give."


def entry_label(entry: Mapping[str, Any]) -> str:
    return row_label({"name": entry["variant"], "strength": entry["strength"]})
