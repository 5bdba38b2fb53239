"""Formulas as drawings: no script, no font and no network is needed to read them."""

import html
import re
from functools import cache
from xml.etree import ElementTree

import ziamath

_FORMULA = re.compile(
    r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>',
    re.DOTALL,
)
_TEXT_SIZE = 16.0  # pixels of the text that the drawings stand in
_SCALE = 1.05  # STIX letters are a little smaller than most screen fonts'


def drawn(page: str) -> str:
    """A page's HTML with a drawing for each formula, and its TeX for who cannot see it."""
    return _FORMULA.sub(lambda match: _element(match[1], html.unescape(match[2])), page)


@cache
def _element(tag: str, tex: str) -> str:
    formula = ziamath.Latex(_plain(tex), size=_TEXT_SIZE * _SCALE, inline=tag == "span")
    drawing = formula.svgxml()
    _, top, width, height = map(float, drawing.get("viewBox").split())
    below = f"vertical-align:{_em(-(top + height))}" if tag == "span" else ""
    drawing.set("style", f"width:{_em(width)};height:{_em(height)};{below}")
    drawing.set("aria-hidden", "true")
    svg = ElementTree.tostring(drawing, encoding="unicode")
    label = html.escape(" ".join(tex.split()), quote=True)
    return f'<{tag} class="formula" role="math" aria-label="{label}">{svg}</{tag}>'


def _plain(tex: str) -> str:
    """In typewriter letters an underscore needs no escape here."""
    return re.sub(r"\\texttt\{([^}]*)\}", lambda m: m[0].replace(r"\_", "_"), tex)


def _em(pixels: float) -> str:
    return f"{pixels / _TEXT_SIZE:.3f}em"
