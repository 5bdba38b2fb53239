"""Small multiples: one figure of many panels that share their axes."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kmlp.report.plots.labels import WIDE_FIGURE, fitted_apart

_LONGEST_TITLE = 22  # letters a line


@dataclass(frozen=True)
class Panels:
    """A figure and its panels, row by row.

    Attributes:
        canvas: the figure.
        axes: of each panel.
        num_columns: panels side by side.
    """

    canvas: Figure
    axes: list[Axes]
    num_columns: int


def small_multiples(
    num: int, width: float, *, row_height: float, margin: float, sharex: bool = False
) -> Panels:
    """Empty panels, four side by side where there is room, else two; all share their y axis.

    Args:
        num: of panels.
        width: of the figure, in inches.
        row_height: of a row of panels, in inches.
        margin: inches for what stands above and below all of them.
        sharex: whether they share their x axis too.

    Example:
        >>> panels = small_multiples(5, 7.6, row_height=1, margin=0.5)
        >>> len(panels.axes), panels.num_columns, float(panels.canvas.get_figheight())
        (5, 4, 2.5)
    """
    columns, rows = _grid(num, width)
    canvas = Figure(figsize=(width, margin + row_height * rows), layout="constrained")
    axes = list(canvas.subplots(rows, columns, sharex=sharex, sharey=True, squeeze=False).flat)
    for ax in axes[num:]:
        ax.remove()
    return Panels(canvas, axes[:num], columns)


def _grid(num: int, width: float) -> tuple[int, int]:
    """Columns and rows of so many panels."""
    columns = min(num, 4 if width > WIDE_FIGURE else 2)
    return columns, -(-num // columns)


def height_of_rows(num: int, width: float, *, alone: float, among_many: float) -> float:
    """Inches of a row of panels: what one needs for its axis and the words beside it, less where
    there are several, which share those words.

    Example:
        >>> [height_of_rows(n, 7.6, alone=2.0, among_many=1.1) for n in (4, 8, 14)]
        [2.0, 1.55, 1.1]
    """
    _, rows = _grid(num, width)
    return max(among_many, alone - (rows - 1) * (alone - among_many) / 2)


def titled_panels(
    names: Sequence[str], width: float, *, row_height: float, margin: float
) -> Panels:
    """A panel a name, in a short form above it; all share both axes.

    Numbers stand below the last panel of each column, whether or not its row is the last.
    """
    panels = small_multiples(len(names), width, row_height=row_height, margin=margin, sharex=True)
    titles = fitted_apart(names, _LONGEST_TITLE, 2)
    for i, (ax, title) in enumerate(zip(panels.axes, titles, strict=True)):
        ax.set_title(title, loc="left", fontweight="normal")
        ax.tick_params(labelbottom=i + panels.num_columns >= len(names))
    return panels
