"""Where reports go: the page, the PDF, the figures as SVG, the tables as CSV."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from kmlp.errors import ConfigError
from kmlp.files import make_folder, write_atomically
from kmlp.ownership import Kind, own_folder, refuse_foreign_folder
from kmlp.report.blocks import Report, Section
from kmlp.report.comparing.beside import with_outside
from kmlp.report.comparison import side_by_side
from kmlp.report.paper.compose import paper_of_studies, paper_of_study
from kmlp.report.paper.document import NO_TITLE, Paper, TitlePage
from kmlp.report.rendering.html import to_html
from kmlp.report.rendering.paper import drawings, paper_to_pdf
from kmlp.report.rendering.pdf import to_pdf
from kmlp.report.rendering.svg import for_file
from kmlp.report.rendering.tex import to_tex
from kmlp.report.study import study_report
from kmlp.scores.beside import beside_study
from kmlp.study.loading import read_study, study_folders
from kmlp.study.results.records.study import StudyResults
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.readings import readings_in


def write_report(
    run_dir: str | Path,
    out: str | Path | None = None,
    *,
    hide_values: bool = False,
    page: TitlePage = NO_TITLE,
    search: Section | None = None,
    scores: Any = None,
) -> Path:
    """Writes `report.html`, `report.pdf`, `report.tex`, `figures/` and `tables/` from what a run
    folder holds.

    Of a folder that holds the run folders of several studies it is their comparison, by name.
    Nothing is trained and no Keras is loaded. The same folder gives the same bytes: all numbers
    are computed again from the records of its networks.

    Args:
        run_dir: a run folder.
        out: where to write; the run folder where omitted.
        hide_values: whether what stood in a table's cells, categories and ranges, is left out;
            of one study.
        page: title, author and date of the PDF.
        search: how settings were searched, as a section of its own.
        scores: of methods that others trained, on the same test rows: a file or a frame as
            `kmlp.compare` reads it. They get a section of their own, and choose nothing.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand; a
            `ForeignFolderError` if `out` is no report's.
        ConfigError: values are to be hidden in a comparison, or scores put beside several studies.
        DataError: the scores do not fit the study.
    """
    if several := study_folders(run_dir):
        if hide_values:
            raise ConfigError(
                "hide_values is of the report of one study. Received: "
                f"{run_dir}, which holds {len(several)}. Name one, as {several[0]}."
            )
        if scores is not None:
            raise ConfigError(
                "other methods' scores stand beside one study. Received: "
                f"{run_dir}, which holds {len(several)}. Name one, as {several[0]}."
            )
        return write_comparison(several, out or run_dir, page=page, search=search)
    folder = RunFolder(run_dir)
    place, kind = place_of_report(folder, out)
    study = read_study(folder)
    record = without_moments(study.record) if hide_values else study.record
    report = study_report(folder, record, study.num_missing, hide_values=hide_values)
    if scores is not None:
        report = with_outside(report, beside_study(study, scores))
    paper = paper_of_study(report, record, _dated(page, [folder]), search)
    if search:
        report = replace(report, sections=[*report.sections, search])
    return write_files(place, kind, report, report.tables, paper)


def without_moments(results: StudyResults) -> StudyResults:
    """Without what is said of how rows were parted: moments that stood in cells."""
    dataset = results.dataset.model_copy(update={"parted_by": None})
    return results.model_copy(update={"dataset": dataset})


def place_of_report(folder: RunFolder, out: str | Path | None) -> tuple[Path, Kind]:
    """Where the report of a run folder goes, and what that folder is then.

    Raises:
        ForeignFolderError: it is someone else's.
    """
    if out is None or Path(out).resolve() == folder.path.resolve():
        return folder.path, folder.kind
    refuse_foreign_folder(Path(out), "report")
    return Path(out), "report"


def write_comparison(
    run_dirs: Sequence[str | Path],
    out: str | Path,
    *,
    page: TitlePage = NO_TITLE,
    search: Section | None = None,
) -> Path:
    """Writes `comparison.html`, `.pdf` and `.tex`: several studies side by side, then in full.

    Args:
        run_dirs: two run folders or more.
        out: where to write; created where it is missing.
        page: title, author and date of the PDF.
        search: how settings were searched, as a section of its own.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand; a
            `ForeignFolderError` if `out` is no comparison's.
    """
    refuse_foreign_folder(Path(out), "comparison")
    folders = [RunFolder(d) for d in run_dirs]
    found = side_by_side(folders, search)
    paper = paper_of_studies(found.reports, found.together, _dated(page, folders), search)
    return write_files(Path(out), "comparison", found.together, {}, paper)


def _dated(page: TitlePage, folders: Sequence[RunFolder]) -> TitlePage:
    """With the day on which the last of the folders was written where no date is said; a folder
    that an earlier release made knows none."""
    days = [reading.date for folder in folders for reading in readings_in(folder)]
    if page.date or not days:
        return page
    day = date.fromisoformat(max(days))
    return replace(page, date=f"{day.day} {day:%B %Y}")


def write_files(
    out: Path,
    kind: Kind,
    report: Report,
    tables: Mapping[str, str],
    paper: Paper | None = None,
) -> Path:
    """Writes `report.html` and `report.pdf`, or `comparison.html` and `comparison.pdf`, with what
    they show as files of their own.

    Args:
        out: where to write; created where it is missing.
        kind: of the folder.
        report: what they say.
        tables: file name -> content, written to `tables/`; figures go to `figures/`.
        paper: what the PDF says instead.

    Returns:
        The path of the page.
    """
    figures = {f"{f.name}.svg": for_file(f.wide, f.alt) for f in report.figures}
    own_folder(out, kind)
    for inside, files in (("figures", figures), ("tables", tables)):
        for file, text in files.items():
            make_folder(out / inside)
            write_atomically(out / inside / file, text.encode())
    name = "comparison" if kind == "comparison" else "report"
    write_atomically(out / f"{name}.pdf", paper_to_pdf(paper) if paper else to_pdf(report))
    if paper:
        _write_tex(out, name, paper)
    write_atomically(out / f"{name}.html", to_html(report).encode())
    return out / f"{name}.html"


def _write_tex(out: Path, name: str, paper: Paper) -> None:
    """The paper as LaTeX, and its drawings."""
    images = f"{name}-figures.pdf"
    write_atomically(out / images, drawings(paper))
    write_atomically(out / f"{name}.tex", to_tex(paper, images).encode())
