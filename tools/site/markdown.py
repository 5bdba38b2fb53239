"""Markdown as code hosts read it, for Python-Markdown."""

import re

_ITEM = re.compile(r"([-*+]|\d+\.) ")
_FENCE = re.compile(r"\s*(```|~~~)")


def lists(text: str) -> str:
    """The text with an empty line before each list that follows a paragraph at once.

    Example:
        >>> lists("What is kept:\\n- rows\\n- seeds")
        'What is kept:\\n\\n- rows\\n- seeds'
    """
    made: list[str] = []
    fenced = False
    for line in text.split("\n"):
        before = made[-1] if made else ""
        if not fenced and _ITEM.match(line) and _is_paragraph(before):
            made.append("")
        if _FENCE.match(line):
            fenced = not fenced
        made.append(line)
    return "\n".join(made)


def _is_paragraph(line: str) -> bool:
    return bool(line.strip()) and not (_ITEM.match(line) or line.startswith((" ", "#", "```")))
