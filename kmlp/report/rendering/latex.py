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
    "−": "$-$",
    "²": r"\textsuperscript{2}",
    "₀": "$_0$",
    "λ": r"$\lambda$",
    "σ": r"$\sigma$",
    "∆": r"$\Delta$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "→": r"$\to$",
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


def foreign_letters(text: str) -> list[str]:
    """Those of a text that pdflatex with T1 fonts does not know."""
    return sorted({c for c in text if not c.isspace() and not _is_known(c)})


def _is_known(letter: str) -> bool:
    code = ord(letter)
    return (code < 0x180 and letter not in _NOT_IN_T1) or letter in _PUNCTUATION


_NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧſ")
_PUNCTUATION = frozenset("–—‘’‚“”„†‡•…‰‹›€™")


def cell_line(cells: Sequence[Cell], *, stacked: bool) -> str:
    """A row of a table; `stacked` puts what a cell says softly on a second line."""
    if not stacked:
        return _line(cells)
    sides = ["l", *"r" * (len(cells) - 1)]
    return " & ".join(map(_stacked, cells, sides)) + r" \\"


def _stacked(cell: Cell, side: str) -> str:
    if not cell.note:
        return _cell(cell)
    above = _cell(Cell(cell.text, mark=cell.mark))
    below = rf"{{\scriptsize {escaped(cell.note)}}}"
    return rf"\begin{{tabular}}[t]{{@{{}}{side}@{{}}}}{above}\\{below}\end{{tabular}}"


def _line(cells: Sequence[Cell]) -> str:
    return " & ".join(map(_cell, cells)) + r" \\"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    if cell.mark in ("strong", "better", "worse"):
        text = rf"\textbf{{{text}}}"
    return f"{text} ({escaped(cell.note)})" if cell.note else text
