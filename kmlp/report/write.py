"""Where reports go: the page, the PDF, the figures as SVG, the tables as CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kmlp.ledger import RunFolder, write_atomically
from kmlp.report.comparison import comparison_report
from kmlp.report.content import Report
from kmlp.report.csv_tables import csv_tables
from kmlp.report.html import to_html
from kmlp.report.pdf import to_pdf
from kmlp.report.study import study_report
from kmlp.report.svg import for_file
from kmlp.study import read_study


def write_report(run_dir: str | Path, out: str | Path | None = None) -> Path:
    """Writes `report.html`, `report.pdf`, `figures/` and `tables/` from what a run folder holds.

    Nothing is trained and no Keras is loaded. The same folder gives the same bytes: all numbers
    are computed again from the records of its networks.

    Args:
        run_dir: a run folder.
        out: where to write; the run folder where omitted.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand.
    """
    folder = RunFolder(run_dir)
    study = read_study(folder)
    report, evidence = study_report(folder, study.results, study.num_missing)
    tables = csv_tables(study.results, evidence)
    return write_files(Path(out) if out else folder.path, "report", report, tables)


def write_comparison(run_dirs: Sequence[str | Path], out: str | Path) -> Path:
    """Writes `comparison.html` and `comparison.pdf`: several studies side by side, then in full.

    Args:
        run_dirs: two run folders or more.
        out: where to write; created where it is missing.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no run folder, or it is damaged, or was changed by hand.
    """
    report = comparison_report([RunFolder(d) for d in run_dirs])
    return write_files(Path(out), "comparison", report, {})


def write_files(out: Path, name: str, report: Report, tables: Mapping[str, str]) -> Path:
    """Writes `NAME.html` and `NAME.pdf` with what they show as files of their own.

    Args:
        out: where to write; created where it is missing.
        name: of the page and the PDF.
        report: what they say.
        tables: file name -> content, written to `tables/`; figures go to `figures/`.

    Returns:
        The path of the page.
    """
    figures = {f"{f.name}.svg": for_file(f.wide, f.alt) for f in report.figures}
    for kind, files in (("figures", figures), ("tables", tables)):
        for file, text in files.items():
            (out / kind).mkdir(parents=True, exist_ok=True)
            write_atomically(out / kind / file, text.encode())
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / f"{name}.pdf", to_pdf(report))
    write_atomically(out / f"{name}.html", to_html(report).encode())
    return out / f"{name}.html"
