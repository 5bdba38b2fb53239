"""What a picture is before it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from kmlp.report.figures import drawn
from kmlp.report.rendering.svg import for_file

WIDTH = 7.2  # inches


@dataclass(frozen=True)
class Picture:
    """A computed picture.

    Attributes:
        alt: what it shows, for who cannot see it, with the numbers that were found.
        draw: width in inches -> the figure.
    """

    alt: str
    draw: Callable[[float], Figure]

    def svg(self, name: str) -> str:
        """The file's text, the same every time."""
        return for_file(drawn(self.draw, WIDTH, f"picture-{name}"), self.alt)
