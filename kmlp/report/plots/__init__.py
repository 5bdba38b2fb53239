"""Figures: each function draws on the `Axes` it is given and returns it.

Colour says what something means, never which of many it is: so fourteen variants need no more
colours than two. An interval stands beside every mean; nothing is shown or saved here.
"""

from kmlp.report.plots.estimates import (
    EstimateRow,
    Line,
    draw_estimates,
    draw_looks,
    draw_parts,
    draw_sweep,
)
from kmlp.report.plots.forest_plot import ForestRow, draw_epochs, draw_rows
from kmlp.report.plots.labels import fitted, fitted_apart
from kmlp.report.plots.palette import PALETTE, SCALE, style
from kmlp.report.plots.panels import height_of_rows, small_multiples, titled_panels
from kmlp.report.plots.predictions import (
    draw_confusion,
    draw_predicted,
    draw_reliability,
    draw_residuals,
)
from kmlp.report.plots.training import by_epoch, draw_curves

__all__ = [
    "PALETTE",
    "SCALE",
    "EstimateRow",
    "Line",
    "ForestRow",
    "by_epoch",
    "draw_confusion",
    "draw_curves",
    "draw_epochs",
    "draw_estimates",
    "draw_looks",
    "draw_parts",
    "draw_predicted",
    "draw_reliability",
    "draw_residuals",
    "draw_rows",
    "draw_sweep",
    "fitted",
    "fitted_apart",
    "height_of_rows",
    "small_multiples",
    "style",
    "titled_panels",
]
