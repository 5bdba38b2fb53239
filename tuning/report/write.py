"""Where the report of a search goes."""

from pathlib import Path

from kmlp.config import DataConfig
from kmlp.errors import RunFolderError
from kmlp.ownership import Kind
from kmlp.report.write import place_of_report, write_files
from kmlp.study.environment import read_environment
from kmlp.study.run_folder import RunFolder
from tuning.report.csv_tables import csv_tables
from tuning.report.search import search_report
from tuning.results.records.search import SearchResults
from tuning.results.search_folder import SearchFolder
from tuning.search.followup import best_study_file


def write_search_report(run_dir: str | Path, out: str | Path | None = None) -> Path:
    """Writes `report.html`, `report.pdf`, `best.toml`, `figures/` and `tables/` of a search.

    Nothing is trained and no Keras is loaded. The same folder gives the same bytes. A search
    that is running or was interrupted has a report too, which says what is missing.

    Args:
        run_dir: a run folder of `tune`.
        out: where to write; the run folder where omitted.

    Returns:
        The path of the page.

    Raises:
        RunFolderError: no folder of a search, or it is damaged, or was changed by hand; a
            `ForeignFolderError` if `out` is no report's.
    """
    from tuning.search.loading import load_search

    folder = SearchFolder(run_dir)
    place, kind = place_of_report(folder, out)
    if (folder.path / "study.toml").exists():
        raise RunFolderError(f"{folder.path}: holds a study, no search. Use kmlp.write_report.")
    search = load_search(run_dir)
    return write_search(
        folder, search.record, search.config.dataset, place, kind, search.config.data
    )


def write_search(
    folder: RunFolder,
    results: SearchResults,
    dataset: str,
    place: Path,
    kind: Kind,
    table: DataConfig | None = None,
) -> Path:
    """Writes the report of results that were made from a folder.

    Args:
        folder: the search's.
        results: as `Search.record`.
        dataset: the data set's name or path.
        place: where to write.
        kind: what that folder is.
        table: of a table's file, what its columns are to the search.
    """
    best = (
        best_study_file(results, dataset, table, place).to_toml()
        if results.picked is not None
        else None
    )
    report = search_report(results, read_environment(folder), folder.path, best)
    page = write_files(place, kind, report, csv_tables(results))
    if best:
        RunFolder(place).write_text("best.toml", best)
    return page
