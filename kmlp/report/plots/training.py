"""What training looked like by epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kmlp.report.plots.palette import PALETTE

_LINES = {"train": (0, (3.5, 1.5)), "baseline": "-", "unclear": (0, (1, 1.2))}
_MAX_POINTS = 80


def draw_curves(
    ax: Axes,
    curves: Mapping[str, Sequence[np.ndarray]],
    *,
    ylabel: str,
    reference: Sequence[np.ndarray] = (),
) -> Axes:
    """Mean over seeds by epoch, with a band of one standard deviation.

    A member that has stopped no longer counts; a curve ends where fewer than half the seeds
    still train, so that it does not jump when the last few are left.

    Args:
        ax: where to draw.
        curves: a name in `PALETTE` -> one `(epochs,)` array a seed.
        ylabel: the quantity with its unit.
        reference: runs whose mean is drawn as a thin dotted line behind.
    """
    if len(reference):
        epochs, mean, _ = _thinned(by_epoch(reference))
        ax.plot(epochs, mean, color=PALETTE["unclear"], linewidth=1, linestyle=_LINES["unclear"])
    for role, runs in curves.items():
        epochs, mean, sd = _thinned(by_epoch(runs))
        ax.fill_between(epochs, mean - sd, mean + sd, color=PALETTE[role], alpha=0.18, linewidth=0)
        line = _LINES.get(role, "-")
        marker = "." if len(epochs) == 1 else None
        ax.plot(epochs, mean, color=PALETTE[role], linewidth=1.4, linestyle=line, marker=marker)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.set_xlabel("epoch")
    ax.set_ylabel(ylabel)
    return ax


def by_epoch(runs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation by epoch, `(epochs,)`, of runs that end at different ones."""
    table = np.full((len(runs), max(map(len, runs))), np.nan)
    for row, run in zip(table, runs, strict=True):
        row[: len(run)] = run
    table = table[:, np.isfinite(table).sum(axis=0) >= max(1, len(runs) / 2)]
    return np.nanmean(table, axis=0), np.nanstd(table, axis=0)


def _thinned(
    curve: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Epochs from 1, means and deviations: no more points than an eye can tell apart."""
    mean, sd = curve
    shown = np.unique(
        np.linspace(0, len(mean) - 1, min(len(mean), _MAX_POINTS)).round().astype(int)
    )
    return shown + 1, mean[shown], sd[shown]
