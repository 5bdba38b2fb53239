"""From a matplotlib figure to SVG that fits a page, a file or a PDF."""

import io
import re
from collections.abc import Callable

from matplotlib.figure import Figure

from kmlp.report.plots import PALETTE

_DARK = {
    "ink": "#ececea",
    "soft": "#a5a9ae",
    "rule": "#3a3f43",
    "paper": "#17191a",
    "better": "#4fd1ab",
    "worse": "#ff9e66",
    "unclear": "#a0a6ae",
    "baseline": "#86b9f7",
    "train": "#e5b44d",
    "chosen": "#e79ad6",
    "scale_0": "#3d4a4d",
    "scale_1": "#3a6673",
    "scale_2": "#3c8a94",
    "scale_3": "#5cb3a1",
    "scale_4": "#a4d99b",
    "scale_5": "#e4f6da",
}

# matplotlib escapes both signs in attributes and in text.
_TAG = re.compile(r"<[^>]*>")


def to_svg(figure: Figure, salt: str) -> str:
    """The figure as one SVG element on a transparent ground, the same bytes every time.

    Args:
        figure: drawn under `kmlp.report.plots.style`.
        salt: makes its ids differ from those of other figures on the same page.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>|<!--.*?-->\s*", "", text, flags=re.DOTALL)
    # A rule for * would hold for the whole page.
    text = re.sub(r"<style.*?</style>\s*", "", text, flags=re.DOTALL)
    text = text.replace("<svg", '<svg style="stroke-linejoin: round; stroke-linecap: butt"', 1)
    tags = "".join(_TAG.findall(text))
    names = {name for pair in re.findall(r'url\(#(\w+)\)|href="#(\w+)"', tags) for name in pair}
    text = _in_tags(r' id="([\w.]+)"', lambda m: _salted(m[1], names, salt), text)
    text = _in_tags(r'(url\(|href=")#(\w+)', rf"\1#{salt}-\2", text)
    return re.sub(r">\n\s*", ">\n", text)


def for_page(svg: str, alt: str, width: str) -> str:
    """For HTML: the page's colours and letters, and `alt` for who cannot see it."""
    for role, shade in PALETTE.items():
        svg = _in_tags(shade, f"var(--{role})", svg)
    svg = _in_tags(r"font-family: [^;\"]*;? ?", "", svg)
    opening = f'<svg class="{width}" role="img" aria-label="{_escaped(alt)}"'
    return opening + svg[len("<svg") :]


def with_ids(svg: str, prefix: str) -> str:
    """The same with a prefix before every id."""
    return _in_tags(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}", svg)


def for_file(svg: str, alt: str) -> str:
    """A file of its own on a light ground, with its title."""
    end = svg.index(">") + 1
    title = f"<title>{_escaped(alt)}</title>"
    ground = f'<rect width="100%" height="100%" fill="{PALETTE["paper"]}"/>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg[:end]}{title}{ground}{svg[end:]}'


def css_colours() -> tuple[str, str]:
    """The colours as CSS declarations: on a light ground, on a dark one."""
    return _declared(PALETTE), _declared(_DARK)


def _declared(colours: dict[str, str]) -> str:
    return " ".join(f"--{role}: {shade};" for role, shade in colours.items())


def _in_tags(pattern: str, new: str | Callable[[re.Match[str]], str], svg: str) -> str:
    """Replaces inside tags; what is written between them are names, which stay as they are."""
    return _TAG.sub(lambda tag: re.sub(pattern, new, tag[0]), svg)


def _salted(name: str, referred: set[str], salt: str) -> str:
    """An id that something refers to; all others are dropped."""
    return f' id="{salt}-{name}"' if name in referred else ""


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")
