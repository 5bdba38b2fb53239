"""Figures: each function draws on the `Axes` it is given and returns it.

Colours are Okabe and Ito's, told apart by the colour-blind; an interval stands beside every
mean; nothing is shown or saved here.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from kmlp import stats

Values = Sequence[float] | np.ndarray
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C00")


def colour(index: int) -> str:
    """The colour of the variant at this place in the study."""
    return COLOURS[index % len(COLOURS)]


def draw_scores(ax: Axes, scores: Mapping[str, Values], *, xlabel: str) -> Axes:
    """Every seed as a dot, the mean with its 95 % interval beside it.

    Args:
        ax: where to draw.
        scores: label -> `(num_seeds,)` values, drawn from top to bottom.
        xlabel: the quantity with its unit.
    """
    for row, values in enumerate(scores.values()):
        # Two rows of dots in turn, so that equal values stay visible.
        _seeds(ax, values, row + 0.2 + 0.07 * np.cos(np.pi * np.arange(len(values))), colour(row))
        _mean_and_interval(ax, np.asarray(values), row - 0.12, colour(row))
    _label_rows(ax, list(scores))
    ax.set_xlabel(xlabel)
    return ax


def draw_differences(
    ax: Axes, differences: Mapping[str, Values], *, xlabel: str, colours: Sequence[str]
) -> Axes:
    """Paired differences to the baseline: a dot a seed, the mean with its 95 % interval.

    Args:
        ax: where to draw.
        differences: label -> `(num_seeds,)` values, variant minus baseline.
        xlabel: what is subtracted from what, with its unit.
        colours: one a row.
    """
    ax.axvline(0, color="#666666", linewidth=1, zorder=0)
    for row, (values, shade) in enumerate(zip(differences.values(), colours, strict=True)):
        _seeds(ax, values, np.full(len(values), row + 0.2), shade)
        _mean_and_interval(ax, np.asarray(values), row - 0.12, shade)
    _label_rows(ax, list(differences))
    ax.set_xlabel(xlabel)
    return ax


def draw_curves(ax: Axes, curves: Mapping[str, Sequence[np.ndarray]], *, ylabel: str) -> Axes:
    """Mean over seeds by epoch, with a band of one standard deviation.

    A member that has stopped no longer counts; a curve ends where fewer than half the seeds
    still train, so that it does not jump when the last few are left.

    Args:
        ax: where to draw.
        curves: label -> one `(epochs,)` array a seed.
        ylabel: the quantity with its unit.
    """
    for row, (label, runs) in enumerate(curves.items()):
        mean, sd = _by_epoch(runs)
        epochs = np.arange(1, len(mean) + 1)
        ax.plot(epochs, mean, color=colour(row), linewidth=1.8, label=label)
        ax.fill_between(epochs, mean - sd, mean + sd, color=colour(row), alpha=0.15, linewidth=0)
    ax.set_xlabel("epoch")
    ax.set_ylabel(ylabel)
    return ax


def _by_epoch(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    table = np.full((len(runs), max(map(len, runs))), np.nan)
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    table = table[:, np.isfinite(table).sum(axis=0) >= max(1, len(runs) / 2)]
    return np.nanmean(table, axis=0), np.nanstd(table, axis=0)


def _seeds(ax: Axes, values: Values, y: np.ndarray, shade: str) -> None:
    ax.scatter(values, y, s=18, color=shade, alpha=0.55, linewidths=0)


def _mean_and_interval(ax: Axes, values: np.ndarray, y: float, shade: str) -> None:
    if len(values) > 1:
        low, high = stats.t_interval(values)
        ax.plot([low, high], [y, y], color=shade, linewidth=2.5, solid_capstyle="butt")
    ax.plot([values.mean()], [y], marker="D", markersize=6, color=shade, markeredgecolor="white")


def _label_rows(ax: Axes, labels: Sequence[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.6)
    ax.grid(axis="x", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
