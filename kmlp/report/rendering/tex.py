"""A paper as a LaTeX file that compiles as it is: booktabs tables, figures as PDF beside it."""

from collections.abc import Iterator, Sequence

from kmlp.report import blocks
from kmlp.report.blocks import Cell, Row
from kmlp.report.paper.document import Chapter, Equation, Numbered, Paper, PaperBlock, Prose
from kmlp.report.rendering.latex import cell_line, escaped, foreign_letters

_LEVELS = ("section", "subsection", "subsubsection")
_HEAD = r"""% Compiles with pdflatex, lualatex or xelatex. Letters that pdflatex lacks are boxes.
\documentclass[10pt,a4paper]{article}
\usepackage{iftex}
\ifpdftex
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
%LETTERS%
\else
  \usepackage{fontspec}
\fi
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,graphicx,longtable}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5em}
\setlength{\emergencystretch}{3em}
\setlength{\tabcolsep}{3.5pt}
\begin{document}
"""


def to_tex(paper: Paper, drawings: str) -> str:
    """The file.

    Args:
        paper: what it says.
        drawings: the PDF beside it that has its drawings, a page each, in order.
    """
    writer = _Writer(drawings)
    body = "".join(writer.chapter(c, 0) for c in paper.body)
    appendix = "".join(writer.chapter(c, 0) for c in paper.appendix)
    text = "".join(
        [
            _title(paper),
            body,
            _sources(paper.sources),
            "\\appendix\n" * bool(appendix),
            appendix,
            "\\end{document}\n",
        ]
    )
    return _HEAD.replace("%LETTERS%", _declared(foreign_letters(text))) + text


def _declared(letters: Sequence[str]) -> str:
    boxes = (rf"  \DeclareUnicodeCharacter{{{ord(c):04X}}}{{\fbox{{?}}}}" for c in letters)
    return "\n".join(boxes)


def _title(paper: Paper) -> str:
    page = paper.page
    caveats = _items(paper.caveats) if paper.caveats else ""
    return (
        f"\\title{{{escaped(page.title)}}}\n\\author{{{escaped(page.author)}}}\n"
        f"\\date{{{escaped(page.date)}}}\n\\maketitle\n"
        f"\\begin{{abstract}}\n{escaped(' '.join(paper.abstract))}\n{caveats}\\end{{abstract}}\n\n"
    )


def _sources(sources: Sequence[str]) -> str:
    if not sources:
        return ""
    lines = "\n".join(rf"\bibitem{{s{i}}} {escaped(s)}" for i, s in enumerate(sources, start=1))
    return f"\\begin{{thebibliography}}{{9}}\n{lines}\n\\end{{thebibliography}}\n"


def _items(items: Sequence[str]) -> str:
    lines = "\n".join(rf"\item {escaped(i)}" for i in items)
    return f"\\begin{{itemize}}\n{lines}\n\\end{{itemize}}\n"


class _Writer:
    """Writes blocks; counts the drawings that they show."""

    def __init__(self, drawings: str) -> None:
        self._drawings, self._shown = drawings, 0

    def chapter(self, chapter: Chapter, level: int) -> str:
        """A heading with what stands under it."""
        head = f"\\{_LEVELS[min(level, 2)]}{{{escaped(chapter.title)}}}\n"
        own = "".join(self._block(b) + "\n" for b in chapter.blocks)
        return head + own + "".join(self.chapter(c, level + 1) for c in chapter.chapters)

    def _block(self, block: PaperBlock) -> str:
        if isinstance(block, Prose):
            return _prose(block)
        if isinstance(block, Equation):
            return f"\\[ {block.formula.latex} \\]\n"
        if isinstance(block, Numbered):
            return self._numbered(block)
        if isinstance(block, blocks.Text):
            return escaped(block.text) + "\n"
        if isinstance(block, blocks.Bullets):
            return _items(block.items)
        if isinstance(block, blocks.Code):
            return f"{{\\scriptsize\n\\begin{{verbatim}}\n{block.text}\n\\end{{verbatim}}\n}}\n"
        if isinstance(block, blocks.Table):
            return _longtable(block)
        return self._drawing(block)

    def _numbered(self, block: Numbered) -> str:
        if isinstance(block.block, blocks.Table):
            return _floating_table(block.block, block.title, "htbp" if block.floats else "!htb")
        caption = escaped(f"{block.title} {block.block.caption}")
        place = "htbp" if block.floats else "!htb"
        return (
            f"\\begin{{figure}}[{place}]\n\\centering\n{self._image()}\n"
            f"\\caption{{{caption}}}\n\\end{{figure}}\n"
        )

    def _drawing(self, block: blocks.Figure | blocks.Pictures) -> str:
        if isinstance(block, blocks.Pictures):
            shown = "".join(self._picture(p) for p in block.items)
            return f"{shown}\n\n{{\\small {escaped(block.caption)}}}\n"
        return (
            f"\\begin{{center}}\n{self._image()}\n\n{{\\small {escaped(block.caption)}}}\n"
            "\\end{center}\n"
        )

    def _picture(self, picture: blocks.Picture) -> str:
        said = f"{escaped(picture.title)}\\\\{escaped(picture.note)}"
        image = self._image("width=17mm")
        return f"\\parbox[t]{{27mm}}{{\\raggedright\\scriptsize {image}\\\\{said}}}\n"

    def _image(self, size: str = r"width=\linewidth") -> str:
        self._shown += 1
        return rf"\includegraphics[page={self._shown},{size}]{{{self._drawings}}}"


def _prose(block: Prose) -> str:
    parts = (escaped(p) if isinstance(p, str) else f"${p.latex}$" for p in block.parts)
    lead = rf"\textbf{{{escaped(block.lead)}}} " if block.lead else ""
    return lead + "".join(parts) + "\n"


def _floating_table(table: blocks.Table, title: str, place: str) -> str:
    """One that is never torn, as wide as it must be and the page allows."""
    note = (
        f"\n\\par\\smallskip\n\\parbox{{\\linewidth}}{{\\scriptsize {escaped(table.note)}}}"
        * bool(table.note)
    )
    rows = "\n".join(_rows(table))
    return (
        f"\\begin{{table}}[{place}]\n\\centering\n\\caption{{{escaped(title)}}}\n\\footnotesize\n"
        f"\\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n"
        f"\\begin{{tabular}}{{{_columns(table)}}}\n{rows}\n\\end{{tabular}}}}{note}\n\\end{{table}}\n"
    )


def _longtable(table: blocks.Table) -> str:
    """One in the appendix, which may be longer than a page."""
    size = "\\scriptsize" if len(_width_of(table)) < 8 else "\\tiny"
    note = f"{{\\scriptsize {escaped(table.note)}}}\n" if table.note else ""
    rows = "\n".join(_rows(table))
    return (
        f"{{{size}\n\\begin{{longtable}}{{{_columns(table)}}}\n{rows}\n\\end{{longtable}}}}\n{note}"
    )


def _width_of(table: blocks.Table) -> Sequence[Cell]:
    return table.columns or max((r.cells for r in table.rows), key=len)


def _columns(table: blocks.Table) -> str:
    number = len(_width_of(table))
    if not table.is_prose:
        return "l" + "r" * (number - 1)
    share = 0.76 / max(1, number - 1)
    return r">{\raggedright\arraybackslash}p{0.17\linewidth}" + (
        rf">{{\raggedright\arraybackslash}}p{{{share:.2f}\linewidth}}" * (number - 1)
    )


def _rows(table: blocks.Table) -> Iterator[str]:
    yield r"\toprule"
    if table.columns:
        yield cell_line(table.columns, stacked=not table.is_prose)
        yield r"\midrule"
    for row in table.rows:
        yield _row(row, len(_width_of(table)), stacked=not table.is_prose)
    yield r"\bottomrule"


def _row(row: Row, width: int, *, stacked: bool) -> str:
    if len(row.cells) == 1:
        return rf"\multicolumn{{{width}}}{{l}}{{\itshape {escaped(row.cells[0].text)}}} \\"
    return cell_line(row.cells, stacked=stacked)
