"""One row a variant: every seed, the mean, its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kmlp.report.plots.labels import row_labels
from kmlp.report.plots.palette import PALETTE

Interval = Sequence[float] | None
_FAR = 4.0  # times the extent of three rows in four: beyond it one would squeeze all others


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """What is drawn of one variant.

    Attributes:
        label: left of the row.
        values: `(num_seeds,)`, a dot each.
        interval: of the mean, a bar; None draws none.
        outer: a wider interval, a thin line under the bar.
        role: a name in `PALETTE`.
        is_clear: whether a test told it apart: a filled diamond, else a hollow one.
    """

    label: str
    values: np.ndarray
    interval: Interval = None
    outer: Interval = None
    role: str = "unclear"
    is_clear: bool = True


def draw_rows(
    ax: Axes, rows: Sequence[ForestRow], *, xlabel: str, reference: float | None = None
) -> Axes:
    """Every seed as a dot, above it the mean as a diamond on its interval.

    A row so far away that it would squeeze all others ends in an arrow that names its mean.

    Args:
        ax: where to draw.
        rows: from top to bottom.
        xlabel: the quantity with its unit.
        reference: where a vertical line stands, such as 0 for differences.
    """
    if reference is not None:
        ax.axvline(reference, color=PALETTE["soft"], linewidth=1, zorder=1)
    limits = _limits(rows, reference)
    for y, row in enumerate(rows):
        if limits and not limits[0] <= row.values.mean() <= limits[1]:
            _point_outside(ax, row, y, limits)
            continue
        _draw_row(ax, row, y)
    if limits:
        ax.set_xlim(*limits)
    return label_rows(ax, [row.label for row in rows], xlabel)


def draw_epochs(
    ax: Axes,
    epochs: Sequence[tuple[str, np.ndarray, np.ndarray]],
    *,
    max_epochs: int,
    roles: Sequence[str],
) -> Axes:
    """When each seed was best (a dot) and when it stopped (the line's end).

    Args:
        ax: where to draw.
        epochs: a row's label, its best and its last epochs, `(num_seeds,)` each, counted from 1.
        max_epochs: where training would have ended.
        roles: a name in `PALETTE` a row.
    """
    ax.axvline(max_epochs, color=PALETTE["soft"], linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    for y, ((_, best, last), role) in enumerate(zip(epochs, roles, strict=True)):
        places = y + np.linspace(-0.3, 0.3, len(best)) if len(best) > 1 else np.array([float(y)])
        order = np.lexsort((last, best))
        ax.hlines(places, best[order], last[order], color=PALETTE[role], linewidth=0.9, alpha=0.6)
        ax.scatter(best[order], places, s=9, color=PALETTE[role], linewidths=0)
    ax.set_xlim(0, max_epochs * 1.03)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return label_rows(ax, [label for label, *_ in epochs], "epoch")


def _draw_row(ax: Axes, row: ForestRow, y: int) -> None:
    shade, mean = PALETTE[row.role], float(row.values.mean())
    # Two heights in turn, so that equal values stay visible.
    heights = y + 0.17 + 0.06 * np.cos(np.pi * np.arange(len(row.values)))
    ax.scatter(row.values, heights, s=13, color=shade, alpha=0.6, linewidths=0, zorder=2)
    for bounds, width in ((row.outer, 0.9), (row.interval, 2.6)):
        if bounds is not None:
            ax.plot(bounds, [y - 0.13] * 2, color=shade, linewidth=width, solid_capstyle="butt")
    face = shade if row.is_clear else PALETTE["paper"]
    ax.plot(
        [mean], [y - 0.13], "D", markersize=5, color=face, markeredgecolor=shade, zorder=4, mew=1.2
    )


def _limits(rows: Sequence[ForestRow], reference: float | None) -> tuple[float, float] | None:
    """The part of the axis to show where a row lies far from all others, else None."""
    if len(rows) < 4:
        return None
    centre = float(np.median([row.values.mean() for row in rows]))
    if reference is not None:
        centre = reference
    extents = np.array([np.abs(_reach(row) - centre).max() for row in rows])
    usual = float(np.quantile(extents, 0.75))
    if not usual or extents.max() <= _FAR * usual:
        return None
    near = np.concatenate(
        [_reach(r) for r, e in zip(rows, extents, strict=True) if e <= _FAR * usual]
    )
    low, high = min(near.min(), centre), max(near.max(), centre)
    margin = 0.12 * (high - low)
    return float(low - margin), float(high + margin)


def _reach(row: ForestRow) -> np.ndarray:
    return np.concatenate([row.values, row.interval or [], row.outer or []])


def _point_outside(ax: Axes, row: ForestRow, y: int, limits: tuple[float, float]) -> None:
    mean = float(row.values.mean())
    is_left = mean < limits[0]
    text = f"◀ {mean:,.4g}" if is_left else f"{mean:,.4g} ▶"
    ax.text(
        limits[0] if is_left else limits[1],
        y,
        text,
        color=PALETTE[row.role],
        ha="left" if is_left else "right",
        va="center",
    )


def label_rows(ax: Axes, labels: Sequence[str], xlabel: str) -> Axes:
    """Names the rows on the left, the first on top, and the axis below."""
    ax.set_yticks(range(len(labels)), row_labels(ax, labels))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(labels) - 0.45, -0.55)
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(xlabel)
    return ax
