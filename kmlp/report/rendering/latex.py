"""Tables for papers: booktabs, every character as it is written."""

from collections.abc import Sequence

from kmlp.report.blocks import Cell, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # What stands first in a row would else belong to the command that ends the one before.
    "[": "{[}",
    "*": "{*}",
    '"': r"\textquotedbl{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
    "²": r"\textsuperscript{2}",
    "\N{NO-BREAK SPACE}": "~",
    "\n": " ",
}


def escaped(text: str) -> str:
    r"""The text with nothing in it that LaTeX would take for a command.

    Example:
        >>> print(escaped("50 % of $x_1$"))
        50 \% of \$x\_1\$
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


def booktabs(table: Table, *, caption: str) -> str:
    r"""A `table` environment; it needs `\usepackage{booktabs}` and, for T1, fontenc.

    What a cell says softly stands in brackets behind it, as intervals do.
    """
    width = len(table.columns)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"\toprule",
        _line(table.columns),
        r"\midrule",
        *(_line(row.cells) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[Cell]) -> str:
    return " & ".join(map(_cell, cells)) + r" \\"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.mark in ("strong", "better", "worse"):
        text = rf"\textbf{{{text}}}"
    return f"{text} ({escaped(cell.note)})" if cell.note else text
