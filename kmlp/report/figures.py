"""The report's figures, each at two widths, from the results and the networks."""

import warnings
from collections.abc import Callable

import matplotlib
import matplotlib.text
from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.rendering import fonts
from kmlp.report.rendering.svg import to_svg

LONGEST_KEY = 20


def drawn(draw_at: Callable[[float], Canvas], width: float, salt: str) -> str:
    """An SVG; drawn again, with fonts of the machine, where its own lack a letter."""
    with matplotlib.rc_context(plots.style()), warnings.catch_warnings():
        # What is lacking is told by `fonts`.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        canvas = draw_at(width)
        svg = to_svg(canvas, salt)
        texts = "".join(t.get_text() for t in canvas.findobj(matplotlib.text.Text))
        others, _ = fonts.found_for(fonts.lacking(texts))
        if not others:
            return svg
        own = matplotlib.rcParams["font.family"]
        matplotlib.rcParams["font.family"] = [*own, *(family for family, _ in others)]
        return to_svg(draw_at(width), salt)
