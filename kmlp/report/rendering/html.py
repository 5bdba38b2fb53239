"""A report as one self-contained page: no script, no network."""

import base64
from importlib import resources

import jinja2
from markupsafe import Markup, escape

from kmlp.report import blocks
from kmlp.report.rendering.svg import css_colours, for_page, with_ids


def to_html(report: blocks.Report) -> str:
    """The page, for wide and narrow screens, light and dark, and print."""
    light, dark = css_colours()
    style = (resources.files("kmlp.report") / "report.css").read_text(encoding="utf-8")
    style = style.replace("/*light*/", light).replace("/*dark*/", dark)
    return _environment().get_template("report.html.jinja").render(report=report, style=style)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kmlp", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "inlined": _inlined,
        "typeset": blocks.typeset,
        "breakable": _breakable,
        "base64": lambda png: base64.b64encode(png).decode(),
    }
    return environment


def _breakable(name: str) -> Markup:
    """A long name, with places where a narrow column may break it."""
    return Markup(str(escape(name)).replace("_", "_<wbr>").replace("=", "=<wbr>"))


def _inlined(figure: blocks.Figure, prefix: str) -> str:
    """Both widths; the prefix tells ids from those of a figure of the same name elsewhere."""
    wide = for_page(with_ids(figure.wide, prefix), figure.alt, "wide")
    return wide + for_page(with_ids(figure.narrow, prefix), figure.alt, "narrow")
