"""Estimates with their intervals: one a row, or one a value of what is swept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from kmlp.report.plots.forest_plot import Interval, label_rows
from kmlp.report.plots.palette import PALETTE

_STYLES = {"train": (0, (3.5, 1.5)), "unclear": (0, (1, 1.2))}
_MARKERS = {"train": "s", "baseline": "o", "unclear": "D", "ink": "^"}
_MOST_TICKS = 9
_FACTORS = (0.1, 0.2, 0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 4, 5, 10)


@dataclass(frozen=True, kw_only=True)
class EstimateRow:
    """A number with its interval.

    Attributes:
        label: left of its row.
        value: what is drawn as a diamond.
        interval: of it, a bar; None draws none.
        role: a name in `PALETTE`.
        is_clear: a filled diamond, else a hollow one.
    """

    label: str
    value: float
    interval: Interval = None
    role: str = "unclear"
    is_clear: bool = True


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is drawn of one quantity along a sweep.

    Attributes:
        label: in the key.
        values: `(n,)`, one a swept value; NaN where there is none.
        intervals: `(n, 2)`; NaN where there is none.
        role: a name in `PALETTE`; it decides the marker and the line too.
    """

    label: str
    values: np.ndarray
    intervals: np.ndarray
    role: str


def draw_estimates(
    ax: Axes,
    rows: Sequence[EstimateRow],
    *,
    xlabel: str,
    reference: float | None = None,
    is_ratio: bool = False,
) -> Axes:
    """A diamond on its interval for each row.

    Args:
        ax: where to draw.
        rows: from top to bottom.
        xlabel: the quantity with its unit.
        reference: where a vertical line stands, such as 1 for ratios.
        is_ratio: a logarithmic axis, on which halved and doubled are equally far.
    """
    if reference is not None:
        ax.axvline(reference, color=PALETTE["soft"], linewidth=1, zorder=1)
    for y, row in enumerate(rows):
        shade = PALETTE[row.role]
        if row.interval is not None:
            ax.plot(row.interval, [y, y], color=shade, linewidth=2.6, solid_capstyle="butt")
        face = shade if row.is_clear else PALETTE["paper"]
        ax.plot([row.value], [y], "D", markersize=5, color=face, markeredgecolor=shade, mew=1.2)
    if is_ratio:
        _factors(ax, rows)
    return label_rows(ax, [row.label for row in rows], xlabel)


def draw_sweep(
    ax: Axes,
    places: Sequence[float],
    lines: Sequence[Line],
    *,
    xlabel: str,
    ylabel: str,
    names: Sequence[str] | None = None,
    is_log: bool = False,
) -> Axes:
    """Each quantity along a sweep, with its interval at every value.

    Args:
        ax: where to draw.
        places: `(n,)` on the axis.
        lines: at most four, each with a role of its own.
        xlabel, ylabel: the quantities with their units.
        names: what stands at the places where they are no numbers.
        is_log: whether the axis is logarithmic.
    """
    # Values may be listed in any order; a line goes from left to right.
    order = np.argsort(places)
    x = np.asarray(places, float)[order]
    for line in lines:
        shade, dashes = PALETTE[line.role], _STYLES.get(line.role, "-")
        low, high = np.transpose(line.intervals[order])
        ax.vlines(x, low, high, color=shade, linewidth=1.6, alpha=0.55)
        ax.plot(
            x,
            line.values[order],
            color=shade,
            linestyle=dashes,
            linewidth=1.3,
            marker=_MARKERS.get(line.role, "o"),
            markersize=4,
            label=line.label,
        )
    if is_log:
        ax.set_xscale("log")
        # The values themselves, as far as they fit; an axis of powers says less.
        shown = x[:: -(-len(x) // _MOST_TICKS)]
        _plain_ticks(ax, list(shown))
    if names is not None:
        ax.set_xticks(x, names)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax


def draw_looks(
    ax: Axes,
    num_seeds: Sequence[int],
    differences: Sequence[float],
    intervals: Sequence[Interval],
    *,
    roles: Sequence[str],
) -> Axes:
    """A difference at each look, with the interval that counts all looks and variants.

    Args:
        ax: where to draw.
        num_seeds, differences, intervals: `(num_looks,)`.
        roles: a name in `PALETTE` a look.
    """
    ax.axhline(0, color=PALETTE["soft"], linewidth=1, zorder=1)
    for x, value, interval, role in zip(num_seeds, differences, intervals, roles, strict=True):
        shade = PALETTE[role]
        if interval is not None:
            ax.plot([x, x], interval, color=shade, linewidth=2.2, solid_capstyle="butt")
        face = PALETTE["paper"] if role == "unclear" else shade
        ax.plot([x], [value], "D", markersize=4.5, color=face, markeredgecolor=shade, mew=1.2)
    return ax


def draw_parts(
    ax: Axes,
    labels: Sequence[str],
    parts: Mapping[str, tuple[str, float]],
    widths: np.ndarray,
    *,
    intervals: Sequence[Sequence[Interval]],
    xlabel: str,
) -> Axes:
    """What a total consists of, a bar a row; whiskers stand where sums end.

    Args:
        ax: where to draw.
        labels: of the rows, from top to bottom.
        parts: name -> a name in `PALETTE` and the opacity, from left to right.
        widths: `(num_rows, num_parts)`; what is below 0 is drawn as nothing.
        intervals: a row's, each drawn at its own place: of the first part and of the whole, say.
        xlabel: the quantity with its unit.
    """
    shown = np.maximum(np.nan_to_num(widths), 0.0)
    starts = np.cumsum(shown, axis=1) - shown
    places = np.arange(len(labels))
    for i, (name, (role, alpha)) in enumerate(parts.items()):
        ax.barh(
            places,
            shown[:, i],
            left=starts[:, i],
            height=0.56,
            color=PALETTE[role],
            alpha=alpha,
            linewidth=0,
            label=name,
        )
    for y, bounds in enumerate(intervals):
        for step, interval in enumerate(bounds):
            if interval is not None:
                height = y + 0.12 * (2 * step - len(bounds) + 1)
                ax.errorbar(
                    np.mean(interval),
                    height,
                    xerr=np.ptp(interval) / 2,
                    color=PALETTE["ink"],
                    linewidth=1.1,
                    capsize=2,
                )
    ax.set_xlim(left=0)
    return label_rows(ax, labels, xlabel)


def _factors(ax: Axes, rows: Sequence[EstimateRow]) -> None:
    """A logarithmic axis whose ticks are few plain factors."""
    ends = [x for row in rows for x in (row.value, *(row.interval or ()))]
    low, high = min([*ends, 1.0]) / 1.05, max([*ends, 1.0]) * 1.05
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = [f for f in _FACTORS if low <= f <= high]
    # No two ticks nearer than a ninth of the axis.
    apart: list[float] = []
    for tick in sorted(ticks, key=lambda f: abs(np.log(f))):
        if all(abs(np.log(tick / other)) > np.log(high / low) / 9 for other in apart):
            apart.append(tick)
    _plain_ticks(ax, sorted(apart))


def _plain_ticks(ax: Axes, ticks: Sequence[float]) -> None:
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.6g}" if x >= 1 else f"{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
