"""A paper as a PDF, set by Typst."""

from collections.abc import Iterable
from typing import Any

from kmlp.report import blocks
from kmlp.report.paper.document import Chapter, Equation, Numbered, Paper, PaperBlock, Prose
from kmlp.report.rendering.pdf import block_for_typst, compiled, drawings_to_pdf


def paper_to_pdf(paper: Paper) -> bytes:
    """The PDF, A4, its fonts embedded; the same bytes every time."""
    files: dict[str, bytes] = {}
    document = {
        **vars(paper.page),
        "abstract": _typeset(paper.abstract),
        "caveats": _typeset(paper.caveats),
        "body": [_chapter(c, files) for c in paper.body],
        "appendix": [_chapter(c, files) for c in paper.appendix],
        "sources": list(paper.sources),
    }
    return compiled("paper", document, files)


def drawings(paper: Paper) -> bytes:
    """What a LaTeX file shows, a page each, in the order in which it does."""
    found: list[tuple[str, bytes]] = []
    for block in (d for c in (*paper.body, *paper.appendix) for d in c.drawings):
        if isinstance(block, blocks.Figure):
            found.append(("svg", block.wide.encode()))
        else:
            found += [("png", picture.png) for picture in block.items]
    return drawings_to_pdf(found)


def _typeset(sentences: Iterable[str]) -> list[str]:
    return [blocks.typeset(sentence) for sentence in sentences]


def _chapter(chapter: Chapter, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        "title": chapter.title,
        "blocks": [_block(b, files) for b in chapter.blocks],
        "chapters": [_chapter(c, files) for c in chapter.chapters],
    }


def _block(block: PaperBlock, files: dict[str, bytes]) -> dict[str, Any]:
    kind = type(block).__name__
    if isinstance(block, Numbered):
        inside = block_for_typst(block.block, files)
        return {
            "kind": kind,
            "name": block.name,
            "title": block.title,
            "block": inside,
            "floats": block.floats,
        }
    if isinstance(block, Equation):
        return {"kind": kind, "math": block.formula.typst}
    if isinstance(block, Prose):
        parts = [
            blocks.typeset(p) if isinstance(p, str) else {"math": p.typst} for p in block.parts
        ]
        return {"kind": kind, "lead": block.lead, "parts": parts}
    return block_for_typst(block, files)
