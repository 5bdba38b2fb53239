"""What a study found, in the order in which a reader asks: the table, the figures, the analyses."""

from collections.abc import Sequence
from dataclasses import replace

from kmlp.report.blocks import Block, Bullets, Figure, Report, Section, Table, Text
from kmlp.report.paper.discussion import discussion
from kmlp.report.paper.document import Chapter, Numbered, Numbering, PaperBlock
from kmlp.stats.formatting import listed
from kmlp.study.results.analyses.decompositions import decomposition_sentences
from kmlp.study.results.records.study import StudyResults

IN_BODY = ("references", "interim", "sweeps", "folds", "randomness", "importance", "outside")
"""Sections that stand in a paper's body as they are; of some of the others a part does."""
_TAKEN = ("setting", "ranking", "learning")
_DECOMPOSED = "bias-variance"


def results_chapter(
    report: Report, results: StudyResults, title: str, numbers: Numbering
) -> Chapter:
    """The main table, differences and learning curves, bias and variance, further analyses.

    Args:
        report: of the study, whose sections are taken apart.
        results: that it tells of.
        title: of the chapter.
        numbers: of the paper's tables and figures.
    """
    sections = {section.anchor: section for section in report.sections}
    outcome = _outcome(report, sections, results, numbers)
    parts = [
        *_decomposed(sections.get(_DECOMPOSED), results, numbers),
        *(_as_it_is(sections[anchor], numbers) for anchor in IN_BODY if anchor in sections),
    ]
    return Chapter(title, outcome, parts)


def _outcome(
    report: Report, sections: dict[str, Section], results: StudyResults, numbers: Numbering
) -> list[PaperBlock]:
    unit = results.unit()
    where = f"on {results.dataset.name}"
    blocks: list[PaperBlock] = []
    if ranking := sections.get("ranking"):
        main = next(b for b in ranking.blocks if isinstance(b, Table))
        blocks.append(
            numbers.number(f"{results.tested.heading} {unit.title} by variant {where}.", main)
        )
    for block in report.lead:
        if isinstance(block, Figure):
            blocks.append(numbers.number(f"What each variant gains {where}.", block))
    learned = sections.get("learning") or sections.get("fit")
    for block in learned.blocks[:1] if learned else ():
        if isinstance(block, Figure):
            blocks.append(numbers.number(f"Learning curves {where}.", block))
    words = [Text(s) for s in (*report.verdict, *_shown(blocks))]
    apart = decomposition_sentences(results)
    left = [s for s in report.also if s not in apart]
    also = [Bullets(left)] if left else []
    return [*blocks[:1], *words[:1], *blocks[1:], *words[1:], *also]


def _shown(blocks: Sequence[PaperBlock]) -> list[str]:
    """Which table and figure shows what, as the text calls them."""
    named = [block for block in blocks if isinstance(block, Numbered)]
    said = [f"{b.title[:1].lower()}{b.title[1:].rstrip('.')} ({b.name})" for b in named]
    return [f"Shown are {listed(said)}."] if said else []


def _decomposed(
    section: Section | None, results: StudyResults, numbers: Numbering
) -> list[Chapter]:
    """Its bars, its ratios as a table, and the discussion."""
    if section is None:
        return []
    figure = next(b for b in section.blocks if isinstance(b, Figure))
    ratios = next((b for b in section.blocks if isinstance(b, Table)), None)
    where = f"on {results.dataset.name}"
    shown: list[PaperBlock] = [numbers.number(f"What the error consists of {where}.", figure)]
    if ratios:
        shown.append(
            numbers.number(f"Error, bias and variance beside the baseline's {where}.", ratios)
        )
    said = [*decomposition_sentences(results), *discussion(results), *_shown(shown)]
    return [Chapter("Bias and variance", [*shown, *map(Text, said)])]


def _as_it_is(section: Section, numbers: Numbering) -> Chapter:
    return Chapter(section.title, numbered(section.blocks, section.title, numbers))


def numbered(blocks: Sequence[Block], title: str, numbers: Numbering) -> list[PaperBlock]:
    """The blocks in their order, tables of numbers and figures with a number and a title."""
    return [
        numbers.number(b.alt if isinstance(b, Figure) else f"{title}.", b, floats=False)
        if isinstance(b, Figure) or (isinstance(b, Table) and not b.is_prose)
        else b
        for b in blocks
    ]


def appendix_of(report: Report, title: str, *shown: str) -> Chapter:
    """Everything of a study that its chapter leaves out, and that is not shown elsewhere."""
    apart = (*IN_BODY, *_TAKEN, *shown)
    left = [_left_of(s) for s in report.sections if s.anchor not in apart]
    return Chapter(title, chapters=[Chapter(s.title, s.blocks) for s in left if s.blocks])


def _left_of(section: Section) -> Section:
    """A section without what the body shows of it."""
    if section.anchor != _DECOMPOSED:
        return section
    figure = next(b for b in section.blocks if isinstance(b, Figure))
    ratios = next((b for b in section.blocks if isinstance(b, Table)), None)
    return replace(section, blocks=[b for b in section.blocks if b not in (figure, ratios)])
