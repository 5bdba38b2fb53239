"""How the report's figures are drawn: each at two widths."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.blocks import Figure
from kmlp.report.figures import drawn
from kmlp.report.plots import ForestRow
from kmlp.stats.formatting import Unit
from kmlp.study.results.records.base import OfVariant
from kmlp.study.results.records.variants import VariantScores

WIDE, NARROW = 7.6, 3.6  # inches
ROW = 0.3
_LONGEST_LABEL = 24


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


def row_label(entry: VariantScores | OfVariant) -> str:
    """A variant's name, with its strength where that fits beside a row."""
    name = entry.name if isinstance(entry, VariantScores) else entry.variant
    return entry.label if len(entry.label) <= _LONGEST_LABEL else name


def scaled(bounds: Sequence[float] | None, unit: Unit) -> list[float] | None:
    return None if bounds is None else [unit.scale * b for b in bounds]


def said_outer(rows: Sequence[ForestRow]) -> str:
    if not any(row.outer for row in rows):
        return ""
    return " The thin line also holds what other test rows would give."
