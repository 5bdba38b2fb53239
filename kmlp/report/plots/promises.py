"""Networks by what validation promised of them and what the test set gave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from kmlp.report.plots.palette import PALETTE

_MARGIN = 0.05  # of what the scores span


@dataclass(frozen=True)
class Cloud:
    """The networks of a variant: `(n,)` scores on validation and on test rows, and a colour."""

    role: str
    promised: np.ndarray
    given: np.ndarray


def draw_promises(ax: Axes, clouds: Sequence[Cloud]) -> Axes:
    """A dot a network, a diamond on each variant's mean; on the dashed line both are equal."""
    for cloud in sorted(clouds, key=lambda cloud: cloud.role != "unclear"):
        shade = PALETTE[cloud.role]
        ax.scatter(cloud.promised, cloud.given, s=11, color=shade, alpha=0.55, linewidths=0)
        means = [cloud.promised.mean()], [cloud.given.mean()]
        ax.plot(*means, "D", markersize=6, color=shade, markeredgecolor=PALETTE["paper"], zorder=4)
    values = np.concatenate([v for cloud in clouds for v in (cloud.promised, cloud.given)])
    margin = _MARGIN * float(np.ptp(values)) or 0.5
    ends = float(values.min()) - margin, float(values.max()) + margin
    ax.plot(ends, ends, color=PALETTE["soft"], linewidth=1, linestyle=(0, (3.5, 1.5)), zorder=1)
    ax.set(xlim=ends, ylim=ends, aspect="equal")
    return ax
