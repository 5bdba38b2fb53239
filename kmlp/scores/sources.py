"""Several sources of scores in, one table out: files, and the run folders of studies."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kmlp.data.tables import Table, read_table
from kmlp.errors import ConfigError, DataError
from kmlp.study.loading import Study, load_study


def gather_scores(sources: Sequence[Path], *, score: str | None = None) -> Table:
    """The scores of all sources, a row each.

    Of a run folder they are its networks' test scores: the variant is the method. Studies of
    different data are data sets of their own; of studies of the same data the folder's name stands
    before the variant's.

    Args:
        sources: files that `read_scores` reads, and run folders.
        score: the files' column of scores, where it is not called like the studies' metric.

    Raises:
        ConfigError: no source.
        DataError: the sources' scores are not the same metric, or their columns differ.
        RunFolderError: a damaged run folder.
    """
    if not sources:
        raise ConfigError("compare needs a file of scores, or a run folder.")
    studies = [load_study(path) for path in sources if path.is_dir()]
    tables = [read_table(path) for path in sources if not path.is_dir()]
    if not studies and len(tables) == 1:
        return tables[0]
    metric = _common_metric(studies)
    frames = [_of_study(study, metric or "", studies) for study in studies]
    frames += [_of_file(table, metric, score) for table in tables]
    return Table(_together(frames), name=" + ".join(path.name for path in sources))


def baseline_of(sources: Sequence[Path]) -> str | None:
    """The baseline of a single study, or of all studies of different data; else None."""
    studies = [load_study(path) for path in sources if path.is_dir()]
    names = {study.record.baseline for study in studies}
    return names.pop() if len(names) == 1 and _are_of_different_data(studies) else None


def scores_of_studies(studies: Sequence[Study]) -> Table:
    """As `gather_scores`, of studies that were read.

    Raises:
        DataError: their metrics differ.
    """
    metric = _common_metric(studies) or ""
    return Table(_together([_of_study(study, metric, studies) for study in studies]), "the studies")


def _are_of_different_data(studies: Sequence[Study]) -> bool:
    return len({study.record.dataset.sha256 for study in studies}) == len(studies)


def _common_metric(studies: Sequence[Study]) -> str | None:
    names = {study.record.metric.name for study in studies}
    if len(names) > 1:
        raise DataError(
            f"the studies have different metrics, {' and '.join(sorted(names))}: their scores "
            "cannot be compared."
        )
    return next(iter(names), None)


def _of_study(study: Study, metric: str, studies: Sequence[Study]) -> pl.DataFrame:
    done, is_one = study.record.finished(), _are_of_different_data(studies)
    before = "" if is_one else f"{study.run_dir.resolve().name}/"
    columns: dict[str, list[object]] = {
        "method": [before + m.variant for m in done],
        "seed": [str(m.seed) for m in done],
        metric: [m.score("test", metric) for m in done],
    }
    if len({s.record.dataset.sha256 for s in studies}) > 1:
        columns["dataset"] = [_name_of_data(study, studies)] * len(done)
    return pl.DataFrame(columns)


def _name_of_data(study: Study, studies: Sequence[Study]) -> str:
    """The data set's name, with its hash where another one is called alike."""
    data = study.record.dataset
    others = {s.record.dataset.sha256 for s in studies if s.record.dataset.name == data.name}
    return data.name if len(others) == 1 else f"{data.name} {data.sha256[:6]}"


def _of_file(table: Table, metric: str | None, score: str | None) -> pl.DataFrame:
    """Its columns in small letters, the scores called like the studies' metric."""
    frame = table.frame.rename({c: c.strip().lower() for c in table.frame.columns})
    name = (score or "score").strip().lower()
    if metric and name in frame.columns and metric not in frame.columns:
        frame = frame.rename({name: metric})
    if metric and metric not in frame.columns:
        raise DataError(
            f"{table.name} has no column {metric!r}, the metric of the study beside it, and none "
            f"called {name!r}. Its columns: {', '.join(table.frame.columns)}."
        )
    keys = [c for c in frame.columns if c in ("seed", "fold", "dataset")]
    return frame.with_columns(pl.col(keys).cast(pl.String)) if keys else frame


def _together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    columns = [set(frame.columns) for frame in frames]
    shared = set.intersection(*columns)
    roles = {"method", "seed", "fold", "dataset"}
    for found in columns:
        if lacking := (set.union(*columns) - found) & roles:
            raise DataError(
                f"a source lacks the column {', '.join(sorted(lacking))} that another one has. "
                "Add it, or leave it out everywhere."
            )
    order = [c for c in frames[0].columns if c in shared]
    return pl.concat([frame.select(order) for frame in frames], how="vertical_relaxed")
