"""Names are text: what users and files call things, written where it could be taken for a command.

A legal name is decided in `name_trouble`, where names come in. What is written goes through the
function of the place: `visible` to a terminal, `csv_cell` into a table, `code_span` into Markdown.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

LONGEST_NAME = 200
_LONGEST_SHOWN = 200
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A spreadsheet takes a cell that begins so for a formula, one of another script's signs as well.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def name_trouble(name: Any) -> str:
    """Why something is no legal name, with what to do; empty of a legal one.

    A name is one line of text of at most 200 characters, in any script, with any signs; it holds
    no control characters, which a terminal would obey and a table's row would break at.

    Example:
        >>> name_trouble("$x$ | 数据"), name_trouble("a\\nb")
        ('', "it holds the control character '\\\\n'. Take it out.")
    """
    if not isinstance(name, str):
        return f"a name is text. Received: {shown(name)}."
    if not name.strip():
        return "a name is not empty."
    if bad := next(filter(_is_control, name), None):
        return f"it holds the control character '{_escape(bad)}'. Take it out."
    if len(name) > LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters. Received: {len(name)}."
    return ""


def visible(text: str, *, keep: str = "") -> str:
    r"""The text with control characters as escapes that can be read, not obeyed.

    Args:
        text: one line; or several, which `keep="\n"` leaves apart.
        keep: characters that stay as they are.

    Example:
        >>> visible("red: \x1b[31m")
        'red: \\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if _is_control(c) and c not in keep else c for c in text)


def shown(value: Any) -> str:
    """What was received, as a message quotes it: `repr`, shortened where it is long.

    Example:
        >>> shown("mnist"), len(shown("x" * 100_000)) < 300
        ("'mnist'", True)
    """
    try:
        # As much of a huge text as is shown at most: its `repr` alone may be four times as long.
        is_text = isinstance(value, str | bytes) and len(value) > 4 * _LONGEST_SHOWN
        return shortened(repr(value[: 4 * _LONGEST_SHOWN] if is_text else value))
    except (ValueError, RecursionError):  # an integer of too many digits; tables in tables
        return f"{type(value).__name__} too large to be shown"


def shortened(text: str, longest: int = _LONGEST_SHOWN) -> str:
    """The text's beginning and end, where it is longer than a reader would read.

    Example:
        >>> shortened("abcdefghij", 5)
        'ab…ij'
    """
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def nearest(word: Any, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant, whatever its case; None where none is near.

    Example:
        >>> nearest("DropOuts", ["dropout", "l2"]), nearest("x", ["dropout"])
        ('dropout', None)
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(shortened(str(word)).lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def did_you_mean(word: Any, known: Iterable[str]) -> str:
    """What a message adds at an unknown name: " Did you mean 'dropout'?", or nothing.

    Example:
        >>> did_you_mean("dropuot", ["dropout", "l2"])
        " Did you mean 'dropout'?"
    """
    near = nearest(word, known)
    return f" Did you mean {near!r}?" if near else ""


def csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe.

    Numbers stay as they are, those that are written as text too.

    Example:
        >>> csv_cell("=cmd()"), csv_cell(-0.3), csv_cell("-0.3"), csv_cell("none")
        ("'=cmd()", -0.3, '-0.3', 'none')
    """
    if not isinstance(value, str):
        return value
    value = visible(value, keep="\t\r\n")
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def code_span(text: str) -> str:
    """The text in Markdown, as it is: between more backticks than it holds in a row.

    Example:
        >>> code_span("[x](y)"), code_span("a`b")
        ('`[x](y)`', '``a`b``')
    """
    text = visible(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    # A space on either side is taken away again by whoever reads it.
    is_edged = text[:1] in ("`", " ") or text[-1:] in ("`", " ")
    return f"{fence} {text} {fence}" if is_edged and text.strip() else f"{fence}{text}{fence}"


def _is_control(character: str) -> bool:
    """Control characters, halves of surrogate pairs, other line ends, and turns of direction."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTION


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
