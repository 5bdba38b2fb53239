"""Markdown as code hosts read it, for Python-Markdown."""

import re

_ITEM = re.compile(r"([-*+]|\d+\.) ")
_FENCE = re.compile(r"\s*(```|~~~)")


def parted(text: str) -> str:
    """The text with an empty line before each list and table that follows something else at once.

    Example:
        >>> parted("What is kept:\\n- rows\\n- seeds")
        'What is kept:\\n\\n- rows\\n- seeds'
    """
    made: list[str] = []
    fenced = False
    for line in text.split("\n"):
        before = made[-1] if made else ""
        if not fenced and before.strip() and _begins(line, before):
            made.append("")
        if _FENCE.match(line):
            fenced = not fenced
        made.append(line)
    return "\n".join(made)


def _begins(line: str, before: str) -> bool:
    """Whether a line is the first one of a list or a table."""
    if _ITEM.match(line):
        return not (_ITEM.match(before) or before.startswith(" "))
    return line.startswith("|") and not before.startswith("|")
