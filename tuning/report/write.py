"""Where the report of a search goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmlp.errors import RunFolderError
from kmlp.ledger import RunFolder
from kmlp.report.write import place_of_report, write_files
from tuning.followup import best_study_file
from tuning.ledger import SearchFolder
from tuning.report.csv_tables import csv_tables
from tuning.report.search import search_report


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
        RunFolderError: no run folder, no results yet, or the results of a study; a
            `ForeignFolderError` if `out` is no report's.
    """
    folder = SearchFolder(run_dir)
    place, kind = place_of_report(folder, out)
    results, dataset = _results(folder)
    if results.get("kind") != "search":
        raise RunFolderError(
            f"{folder.path}: holds the results of a study, no search. Use kmlp.write_report."
        )
    has_pick = results["picked"] is not None
    best = best_study_file(results, dataset).to_toml() if has_pick else None
    report = search_report(results, folder.read_json("environment.json"), folder.path, best)
    page = write_files(place, kind, report, csv_tables(results))
    if best:
        RunFolder(place).write_text("best.toml", best)
    return page


def _results(folder: RunFolder) -> tuple[Mapping[str, Any], str]:
    """What has ended so far, and the data set's name or path; `results.json` is written only when a
    search ends."""
    if (folder.path / "search.toml").exists():
        from tuning.search import load_search

        search = load_search(folder.path)
        return search.results, search.config.dataset
    results = folder.read_json("results.json")
    return results, results["dataset"]["name"]
