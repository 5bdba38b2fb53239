"""Which letters the reports' own fonts lack, and where this machine has them.

matplotlib brings DejaVu: Latin, Greek, Cyrillic, Arabic and Hebrew letters and most signs. Other
scripts are drawn with fonts of the machine, of which nothing is assumed; a page's reader has their
own. Without one, the PDF shows boxes in their place, and a warning says so.
"""

import functools
import logging
from collections.abc import Iterable
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

OWN = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
"""The folder of the fonts that every report has."""
_LAST_RESORT = "Last Resort"  # it holds a box for every letter there is
_MOST_NAMED = 20
_log = logging.getLogger(__name__)


def lacking(text: str) -> frozenset[str]:
    """The letters of a text that the reports' own fonts do not have.

    Example:
        >>> sorted(lacking("größer ↓ 数据"))
        ['据', '数']
    """
    return frozenset(c for c in text if not c.isspace() and ord(c) not in _own_letters())


@functools.lru_cache(maxsize=16)
def found_for(letters: frozenset[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    """As few fonts of this machine as have the letters, family and file of each; and the letters
    that none has."""
    missing, found = set(letters), []
    has = [(_letters(font.fname) & {*map(ord, letters)}, font) for font in _fonts_of_the_machine()]
    while missing and has:
        covered, font = max(has, key=lambda pair: len(pair[0] & {*map(ord, missing)}))
        if not covered & {*map(ord, missing)}:
            break
        missing -= set(map(chr, covered))
        found.append((font.name, font.fname))
    return tuple(found), "".join(sorted(missing))


def warn_of(missing: str) -> None:
    """Says what a reader of the PDF will not see, and what to do."""
    if missing:
        more = " and others" if len(missing) > _MOST_NAMED else ""
        _log.warning(
            "no font of this machine has %s%s: the PDF shows boxes in their place. The page and "
            "the SVG files show the letters with their reader's fonts. To have them in the PDF, "
            "install a font of their script and write the report again.",
            " ".join(missing[:_MOST_NAMED]),
            more,
        )


@functools.cache
def _own_letters() -> frozenset[int]:
    return _letters(str(OWN / "DejaVuSans.ttf"))


def _fonts_of_the_machine() -> Iterable[font_manager.FontEntry]:
    """Upright ones of ordinary weight, in an order that does not change."""
    plain = (
        font
        for font in font_manager.fontManager.ttflist
        if font.style == "normal"
        and font.weight in (400, "normal", "regular", "book")
        and not font.name.startswith(_LAST_RESORT)
        and Path(font.fname).parent != OWN
    )
    return sorted(plain, key=lambda font: (font.name, font.fname))


def _letters(path: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):  # gone since it was listed, or damaged
        return frozenset()
