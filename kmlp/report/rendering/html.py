"""A report as one self-contained page: no script, no network."""

import base64
from importlib import resources

import jinja2
from markupsafe import Markup, escape

from kmlp.report import blocks
from kmlp.report.rendering.svg import css_colours, for_page, with_ids

_FOLDED = frozenset(
    {"again", "budget", "columns", "comparisons", "cost"}
    | {"failed", "file", "others", "pilot", "space"}
)
"""Sections that are looked up, not read through: the page shows their headings. Print, and whoever
follows a link to one, opens them."""


def to_html(report: blocks.Report, refresh: int | None = None) -> str:
    """The page, for wide and narrow screens, light and dark, and print.

    Args:
        report: what it says.
        refresh: seconds after which a browser shows it anew; never where omitted.
    """
    light, dark = css_colours()
    style = (resources.files("kmlp.report") / "report.css").read_text(encoding="utf-8")
    style = style.replace("/*light*/", light).replace("/*dark*/", dark)
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(report=report, style=style, refresh=refresh)
    )


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
        "claimed": _claimed,
        "breakable": _breakable,
        "heading": _heading,
        "base64": lambda png: base64.b64encode(png).decode(),
    }
    environment.tests["folded"] = _FOLDED.__contains__
    return environment


def _claimed(answer: str) -> Markup:
    """What an answer claims, set off from how sure that is and what else it says."""
    end = min((answer.find(sign) for sign in (" (95", ";", ". ") if sign in answer), default=None)
    return Markup("<strong>{}</strong>{}").format(answer[:end], answer[end:] if end else "")


def _heading(column: blocks.Cell) -> str:
    """What stands before a cell on a phone, where every row is a card."""
    return f"{column.text} ({column.note})" if column.note else column.text


def _breakable(name: str) -> Markup:
    """A long name, with places where a narrow column may break it."""
    return Markup(str(escape(name)).replace("_", "_<wbr>").replace("=", "=<wbr>"))


def _inlined(figure: blocks.Figure, prefix: str) -> str:
    """Both widths; the prefix tells ids from those of a figure of the same name elsewhere."""
    wide = for_page(with_ids(figure.wide, prefix), figure.alt, "wide")
    return wide + for_page(with_ids(figure.narrow, prefix), figure.alt, "narrow")
