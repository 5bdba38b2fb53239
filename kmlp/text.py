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
_ALIKE = 0.65  # of the letters; with difflib's 0.6 "iris" would be "digits"
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


def nearest(said: Any, known: Iterable[str]) -> str | None:
    """The known name that is probably meant: one spelled alike, else the only one that holds it.

    Case, hyphens, underscores and spaces do not count.

    Example:
        >>> nearest("Fashion-MNIST", ["mnist", "fashion_mnist"]), nearest("max", ["l2", "max_norm"])
        ('fashion_mnist', 'max_norm')
        >>> nearest("iris", ["mnist", "digits"])
    """
    by_letters: dict[str, str] = {}
    for name in known:
        by_letters.setdefault(_letters(name), name)
    letters = _letters(shortened(str(said)))
    if close := difflib.get_close_matches(letters, by_letters, n=1, cutoff=_ALIKE):
        return by_letters[close[0]]
    holding = [name for other, name in by_letters.items() if len(letters) > 1 and letters in other]
    return holding[0] if len(holding) == 1 else None


def did_you_mean(said: Any, known: Iterable[str]) -> str:
    """The end of a message that refuses a name: a question where one is near, else empty.

    Example:
        >>> did_you_mean("droput", ["none", "dropout"])
        " Did you mean 'dropout'?"
    """
    near = nearest(said, known)
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


def _letters(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.casefold()) or name


def _is_control(character: str) -> bool:
    """Control characters, halves of surrogate pairs, other line ends, and turns of direction."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTION


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
