"""Papers of one study, and of several."""

from collections.abc import Mapping, Sequence

from kmlp.report.blocks import Bullets, Report, Section, Text
from kmlp.report.limits import limits
from kmlp.report.paper.closing import abstract, conclusion
from kmlp.report.paper.document import Chapter, Numbering, Paper, TitlePage
from kmlp.report.paper.methods import methods_chapter
from kmlp.report.paper.results import appendix_of, numbered, results_chapter
from kmlp.report.paper.statistics import sources
from kmlp.stats.formatting import listed
from kmlp.study.results.records.study import StudyResults

Reports = Mapping[str, tuple[Report, StudyResults]]
"""By a study's name: what its page says, and the results that it tells of."""


def paper_of_study(
    report: Report, results: StudyResults, page: TitlePage, search: Section | None = None
) -> Paper | None:
    """The paper of a single study; None where no network finished.

    Args:
        report: its page.
        results: of the study.
        page: what its author says of it.
        search: how settings were searched, if they were.
    """
    if results.best is None:
        return None
    numbers = Numbering()
    return Paper(
        page=TitlePage(title=page.title or report.title, author=page.author, date=page.date),
        abstract=abstract({results.dataset.name: results}),
        caveats=report.answer.caveats if report.answer else (),
        body=[
            methods_chapter({results.dataset.name: results}, numbers),
            *_searched(search, numbers),
            results_chapter(report, results, "Results", numbers),
            Chapter("Limits", [Bullets(limits(results))]),
            Chapter("Conclusion", list(map(Text, conclusion({results.dataset.name: results})))),
        ],
        appendix=appendix_of(report, "", "limits").chapters,
        sources=sources([results]),
    )


def paper_of_studies(
    reports: Reports,
    together: Report,
    page: TitlePage,
    search: Section | None = None,
) -> Paper | None:
    """The paper of several studies; None where in one of them no network finished.

    Args:
        reports: each study's.
        together: the page that puts them side by side.
        page: what its author says of it.
        search: how settings were searched, if they were.
    """
    studies = {name: results for name, (_, results) in reports.items()}
    if any(results.best is None for results in studies.values()):
        return None
    numbers, sections = Numbering(), {s.anchor: s for s in together.sections}
    # In this order tables and figures are numbered.
    body = [
        methods_chapter(studies, numbers),
        *_searched(search, numbers),
        *(
            results_chapter(report, results, f"Results on {name}", numbers)
            for name, (report, results) in reports.items()
        ),
        *_side_by_side(sections, numbers),
        Chapter("Limits", [Bullets(_shared_limits(sections, studies))]),
        Chapter("Conclusion", list(map(Text, conclusion(studies)))),
    ]
    across = [s for s in together.verdict if not any(s.startswith(f"{n}: ") for n in studies)]
    return Paper(
        page=TitlePage(title=page.title or _title(studies), author=page.author, date=page.date),
        abstract=abstract(studies, across),
        caveats=together.also,
        body=body,
        appendix=[
            _apart(sections),
            *(appendix_of(report, f"Study {name}") for name, (report, _) in reports.items()),
        ],
        sources=sources(list(studies.values())),
    )


def _title(studies: Mapping[str, StudyResults]) -> str:
    data = listed(dict.fromkeys(r.dataset.name for r in studies.values()))
    return f"Regularizing multilayer perceptrons on {data}"


def _searched(search: Section | None, numbers: Numbering) -> list[Chapter]:
    if search is None:
        return []
    return [Chapter(search.title, numbered(search.blocks, search.title, numbers))]


def _side_by_side(sections: Mapping[str, Section], numbers: Numbering) -> list[Chapter]:
    """What variants gain over all data sets, or in each study."""
    anchor = "across" if "across" in sections else "gains"
    section = sections[anchor]
    return [Chapter(section.title, numbered(section.blocks, section.title, numbers))]


def _shared_limits(
    sections: Mapping[str, Section], studies: Mapping[str, StudyResults]
) -> Sequence[str]:
    """Those of comparing, then those that all studies share."""
    own = [limits(results) for results in studies.values()]
    shared = [s for s in own[0] if all(s in others for others in own[1:])]
    compared = [i for b in sections["limits"].blocks if isinstance(b, Bullets) for i in b.items]
    return [*compared, *shared]


def _apart(sections: Mapping[str, Section]) -> Chapter:
    shown = [sections[a] for a in ("scores", "gains", "every", "differs") if a in sections]
    return Chapter("Side by side", chapters=[Chapter(s.title, s.blocks) for s in shown])
