"""Names in figures: drawn as written, in as many lines as there is room for."""

import re
import unicodedata
from collections.abc import Sequence

from matplotlib.axes import Axes

from kmlp.text import shortened, visible

WIDE_FIGURE = 5.0  # inches
_COLUMNS = {True: 32, False: 18}
_ROW_OF_TWO = 0.27  # inches that two lines of letters take
_BESIDE_ROWS = 0.55  # inches of a figure of rows that are no rows
_BREAKS = re.compile(r"[\s_=,;/|.:-]")


def row_labels(ax: Axes, names: Sequence[str]) -> list[str]:
    """Names as they fit left of the rows of a figure: in two lines where rows are high enough."""
    width, height = (side / ax.figure.dpi for side in (ax.figure.bbox.width, ax.figure.bbox.height))
    has_room = (height - _BESIDE_ROWS) / max(len(names), 1) >= _ROW_OF_TWO
    return fitted_apart(names, _COLUMNS[bool(width > WIDE_FIGURE)], 1 + has_room)


def fitted_apart(names: Sequence[str], columns: int, lines: int = 1) -> list[str]:
    """Names as `fitted` makes them; those that would look alike begin with their number.

    Example:
        >>> fitted_apart(["a" * 30 + "b" + "a" * 30, "a" * 30 + "c" + "a" * 30, "d"], 9)
        ['1 aa…aaaa', '2 aa…aaaa', 'd']
    """
    found = [fitted(name, columns, lines) for name in names]
    return [
        fitted(f"{i} {name}", columns, lines) if found.count(label) > names.count(name) else label
        for i, (name, label) in enumerate(zip(names, found, strict=True), start=1)
    ]


def fitted(name: str, columns: int, lines: int = 1) -> str:
    """A name in a few short lines; where it does not fit, its beginning and its end.

    Args:
        name: whatever it holds.
        columns: letters a line; a Chinese one counts twice.
        lines: at most so many.

    Example:
        >>> fitted("dropout_with_l2", 9, 2), fitted("dropout_with_l2", 9)
        ('dropout_\\nwith_l2', 'drop…h_l2')
    """
    name = visible(name)
    for length in range(len(name), 0, -1):
        wrapped = _wrapped(shortened(name, length), columns)
        if len(wrapped) <= lines:
            return "\n".join(wrapped)
    return "…"


def _wrapped(text: str, columns: int) -> list[str]:
    """Lines of at most so many columns, broken behind a sign that parts words where one is near."""
    found = []
    while _width(text) > columns:
        end = len(text)
        while _width(text[:end]) > columns:
            end -= 1
        parted = [m.end() for m in _BREAKS.finditer(text, 0, end) if m.end() > end / 2]
        end = max(parted[-1] if parted else end, 1)
        found.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*found, text]


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
