"""What the networks say of the test rows."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kmlp.report.plots.labels import fitted_apart
from kmlp.report.plots.palette import PALETTE

_MAX_DOTS = 1500
_LONGEST_CLASS = 20
_ROWS_TO_JOIN = 10


def draw_confusion(ax: Axes, shares: np.ndarray, names: Sequence[str]) -> Axes:
    """The share of each true class's rows that is read as each class, in percent.

    Args:
        ax: where to draw.
        shares: `(num_classes, num_classes)`, rows add up to 1; a row of NaN is left empty.
        names: of the classes.
    """
    n = len(names)
    off = np.where(np.eye(n, dtype=bool), 0, np.nan_to_num(shares))
    darkest = max(off.max(), 1e-9)
    for true in range(n):
        for read in range(n):
            share = shares[true, read]
            if not np.isfinite(share) or round(100 * share) == 0:
                continue
            right = true == read
            alpha = 0.28 * share if right else 0.06 + 0.54 * share / darkest
            box = (read - 0.47, true - 0.47)
            role = "better" if right else "worse"
            ax.add_patch(_square(box, PALETTE[role], alpha))
            ax.text(read, true, f"{100 * share:.0f}", ha="center", va="center", fontsize=7.5)
    labels = fitted_apart(names, _LONGEST_CLASS)
    ax.set_xticks(range(n), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(n), labels)
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class, % of its rows")
    ax.tick_params(length=0)
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return ax


def draw_reliability(
    ax: Axes,
    confidence: np.ndarray,
    accuracy: np.ndarray,
    intervals: np.ndarray,
    counts: np.ndarray,
) -> Axes:
    """How often a prediction is right by how sure it is, both in percent; bins without rows out.

    Args:
        ax: where to draw.
        confidence, accuracy: `(num_bins,)` means of the bins, fractions.
        intervals: `(num_bins, 2)` of the accuracies.
        counts: `(num_bins,)` rows; the area of a dot follows.
    """
    shade = PALETTE["baseline"]
    ax.plot([0, 100], [0, 100], color=PALETTE["soft"], linewidth=0.9, linestyle=(0, (2, 2)))
    ax.vlines(100 * confidence, *(100 * intervals.T), color=shade, linewidth=1, alpha=0.7)
    sizes = 10 + 110 * counts / counts.sum()
    joined = counts >= _ROWS_TO_JOIN
    ax.plot(100 * confidence[joined], 100 * accuracy[joined], color=shade, linewidth=1)
    ax.scatter(100 * confidence, 100 * accuracy, s=sizes, color=shade, linewidths=0, zorder=3)
    ax.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
    ax.set_xlabel("confidence, %")
    ax.set_ylabel("right, %")
    return ax


def draw_predicted(ax: Axes, truth: np.ndarray, predicted: np.ndarray) -> Axes:
    """Predicted against true targets, `(n,)` each; on the line they agree."""
    shown = _some(len(truth))
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    ax.plot(ends, ends, color=PALETTE["soft"], linewidth=0.9, linestyle=(0, (2, 2)))
    _dots(ax, truth[shown], predicted[shown])
    ax.set_xlabel("true, the target's unit")
    ax.set_ylabel("predicted, the target's unit")
    return ax


def draw_residuals(ax: Axes, truth: np.ndarray, predicted: np.ndarray) -> Axes:
    """What predictions are off by, predicted minus true, against what was predicted."""
    shown = _some(len(truth))
    ax.axhline(0, color=PALETTE["soft"], linewidth=0.9, linestyle=(0, (2, 2)))
    _dots(ax, predicted[shown], (predicted - truth)[shown])
    ax.set_xlabel("predicted, the target's unit")
    ax.set_ylabel("predicted minus true")
    return ax


def _square(corner: tuple[float, float], shade: str, alpha: float) -> Rectangle:
    return Rectangle(corner, 0.94, 0.94, facecolor=shade, alpha=alpha, linewidth=0)


def _dots(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    ax.scatter(x, y, s=8, color=PALETTE["baseline"], alpha=0.55, linewidths=0)


def _some(num_rows: int) -> np.ndarray:
    """Rows to draw: all, or as many as a page carries, evenly spaced."""
    return np.unique(np.linspace(0, num_rows - 1, min(num_rows, _MAX_DOTS)).round().astype(int))
