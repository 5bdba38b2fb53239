"""Small multiples: panels that share their axes, each with a short title."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kmlp.report.plots.labels import WIDE_FIGURE, fitted_apart

_LONGEST_TITLE = 22  # letters a line


def panels(
    width: float, names: Sequence[str], *, height: float, beside: float
) -> tuple[Figure, list[Axes]]:
    """A figure of one panel a name, four in a line where it is wide.

    Args:
        width: of the figure, inches.
        names: whatever they hold.
        height: of a line of panels, inches.
        beside: inches of the figure that are none.
    """
    columns = min(len(names), 4 if width > WIDE_FIGURE else 2)
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(width, beside + height * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat)
    for ax in axes[len(names) :]:
        ax.remove()
    shown = axes[: len(names)]
    titles = fitted_apart(names, _LONGEST_TITLE, 2)
    for i, (ax, title) in enumerate(zip(shown, titles, strict=True)):
        ax.set_title(title, loc="left", fontweight="normal")
        ax.tick_params(labelbottom=i + columns >= len(names))
    return figure, shown
