"""A report as a PDF, set by Typst: vector figures, no system package, the same bytes every time."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from kmlp.report import blocks
from kmlp.report.rendering import fonts


def to_pdf(report: blocks.Report) -> bytes:
    """The PDF, A4, tagged for screen readers, its fonts embedded."""
    files: dict[str, bytes] = {}
    return compiled("report", _document(report, files), files)


def compiled(template: str, document: Mapping[str, Any], files: dict[str, bytes]) -> bytes:
    """A document set by one of the templates beside `kmlp.report`.

    Args:
        template: its name without `.typ`, which is also that of the JSON file that it reads.
        document: what that file holds.
        files: what it names, by name.
    """
    # Loads a compiler: only who wants a PDF waits for it.

    source = (resources.files("kmlp.report") / f"{template}.typ").read_bytes()
    files = {**files, "main.typ": source, f"{template}.json": json.dumps(document).encode()}
    return _compiled(files, _letters(document, files))


def drawings_to_pdf(images: Sequence[tuple[str, bytes]]) -> bytes:
    """Drawings as pages of their own sizes, in this order.

    Args:
        images: of each what it is, "svg" or "png", and its content.
    """
    files = {f"{i}.{kind}": content for i, (kind, content) in enumerate(images)}
    pages = "".join(f'#page(image("{name}"))\n' for name in files)
    source = (
        f"#set document(date: none)\n#set page(width: auto, height: auto, margin: 0pt)\n{pages}"
    )
    letters = "".join(content.decode() for kind, content in images if kind == "svg")
    return _compiled({**files, "main.typ": source.encode()}, letters)


def _compiled(files: Mapping[str, bytes], letters: str) -> bytes:
    # Loads a compiler: only who wants a PDF waits for it.
    import typst

    others, missing = fonts.found_for(fonts.lacking(letters))
    fonts.warn_of(missing)
    folders = sorted({str(Path(path).parent) for _, path in others})
    with tempfile.TemporaryDirectory() as folder:
        for name, written in files.items():
            (Path(folder) / name).write_bytes(written)
        return typst.compile(
            str(Path(folder) / "main.typ"),
            format="pdf",
            ignore_system_fonts=True,
            font_paths=[str(fonts.OWN), *folders],
        )


def _letters(document: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Everything that is set, in the text and in the figures."""
    figures = (svg.decode() for name, svg in files.items() if name.endswith(".svg"))
    return json.dumps(document, ensure_ascii=False) + "".join(figures)


def _document(report: blocks.Report, files: dict[str, bytes]) -> dict[str, Any]:
    """A report as Typst reads it; what it shows is added to the files."""
    return {
        "kicker": report.kicker,
        "title": report.title,
        "facts": report.facts,
        "answer": _answer(report.answer),
        "verdict": [blocks.typeset(s) for s in report.verdict],
        "also": [blocks.typeset(s) for s in report.also],
        "lead": [block_for_typst(b, files) for b in report.lead],
        "sections": [
            {"title": s.title, "blocks": [block_for_typst(b, files) for b in s.blocks]}
            for s in report.sections
        ],
        "chapters": [_document(chapter, files) for chapter in report.chapters],
    }


def _answer(answer: blocks.Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "badge": answer.badge,
        "mark": answer.mark,
        "text": blocks.typeset(answer.text),
        "caveats": [blocks.typeset(s) for s in answer.caveats],
    }


def block_for_typst(block: blocks.Block, files: dict[str, bytes]) -> dict[str, Any]:
    """A block as Typst reads it; what it shows is added to the files."""
    kind = type(block).__name__
    if isinstance(block, blocks.Code):
        return {"kind": kind, "text": block.text}
    if isinstance(block, blocks.Text):
        return {"kind": kind, "text": blocks.typeset(block.text)}
    if isinstance(block, blocks.Bullets):
        return {"kind": kind, "items": [blocks.typeset(i) for i in block.items]}
    if isinstance(block, blocks.Figure):
        path = _added(block.wide.encode(), "svg", files)
        return {"kind": kind, "path": path, "alt": block.alt, "caption": block.caption}
    if isinstance(block, blocks.Pictures):
        items = [
            {"path": _added(p.png, "png", files), "title": p.title, "note": p.note}
            for p in block.items
        ]
        return {"kind": kind, "items": items, "caption": block.caption}
    return {
        "kind": kind,
        "columns": [vars(c) for c in block.columns],
        "rows": [
            {"cells": [vars(c) for c in r.cells], "baseline": r.is_baseline} for r in block.rows
        ],
        "note": block.note,
        "prose": block.is_prose,
    }


def _added(image: bytes, suffix: str, files: dict[str, bytes]) -> str:
    name = f"{len(files)}.{suffix}"
    files[name] = image
    return name
