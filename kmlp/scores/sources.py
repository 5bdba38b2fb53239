"""Several sources of scores in, one table out: files, and the run folders of studies."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from kmlp.data.tables import Table, read_table
from kmlp.errors import ConfigError, DataError
from kmlp.scores.metric import plain_name
from kmlp.scores.table import numbers_of, role_columns, texts_of
from kmlp.stats.formatting import listed
from kmlp.study.loading import Study, load_study


def gather_scores(
    sources: Sequence[Path], *, method: str | None = None, score: str | None = None
) -> Table:
    """The scores of all sources, a row each.

    Of a run folder they are its networks' test scores: the variant is the method, of several
    folders of the same data with the folder's name before it. Names of data sets are kept where a
    file names them, or where the studies saw different data.

    Args:
        sources: files that `read_scores` reads, and run folders.
        method, score: the files' columns, where they are called otherwise.

    Raises:
        ConfigError: no source, or one twice.
        DataError: the sources' scores are not the same metric, or their columns differ.
        RunFolderError: a damaged run folder.
    """
    if not sources:
        raise ConfigError("compare needs a file of scores, or a run folder.")
    _refuse_twice(sources)
    studies = [load_study(path) for path in sources if path.is_dir()]
    tables = [read_table(path) for path in sources if not path.is_dir()]
    if not studies and len(tables) == 1:
        return tables[0]
    metric = _common_metric(studies)
    frames = [_of_study(study, metric or "", studies) for study in studies]
    frames += [_of_file(table, metric, method, score) for table in tables]
    return Table(_together(frames), name=" + ".join(path.name for path in sources))


def baseline_of(sources: Sequence[Path]) -> str | None:
    """The baseline of a single study; None of anything else."""
    studies = [path for path in sources if path.is_dir()]
    return load_study(studies[0]).results["baseline"] if len(studies) == 1 else None


def missing_from(sources: Sequence[Path]) -> list[str]:
    """What run folders lack, a sentence each: networks that are not trained yet, or diverged."""
    studies = [load_study(path) for path in sources if path.is_dir()]
    said = []
    for study in studies:
        diverged = sum(m.status != "done" for m in study.record.members)
        if study.num_missing:
            said.append(f"{study.run_dir}: networks that are not trained yet: {study.num_missing}.")
        if diverged:
            said.append(f"{study.run_dir}: networks that diverged and have no score: {diverged}.")
    return said


def _refuse_twice(sources: Sequence[Path]) -> None:
    path, number = Counter(path.resolve() for path in sources).most_common(1)[0]
    if number > 1:
        raise ConfigError(f"{path} is named {number} times. Name each source once.")


def _common_metric(studies: Sequence[Study]) -> str | None:
    names = {study.results["metric"]["name"] for study in studies}
    if len(names) > 1:
        raise DataError(
            f"the studies have different metrics, {' and '.join(sorted(names))}: their scores "
            "cannot be compared."
        )
    return next(iter(names), None)


def _of_study(study: Study, metric: str, studies: Sequence[Study]) -> pl.DataFrame:
    done = [m for m in study.results["members"] if m["status"] == "done"]
    before = _before(study, studies)
    columns: dict[str, list[object]] = {
        "method": [before + m["variant"] for m in done],
        "seed": [str(m["seed"]) for m in done],
        metric: [m["test"][metric] for m in done],
    }
    if len({_data(s) for s in studies}) > 1:
        columns["dataset"] = [_data_name(study, studies)] * len(done)
    return pl.DataFrame(columns)


def _data(study: Study) -> str:
    return str(study.results["dataset"]["sha256"])


def _before(study: Study, studies: Sequence[Study]) -> str:
    """The folder's name before a variant's, where another study is of the same data."""
    same = [s.run_dir.resolve() for s in studies if _data(s) == _data(study)]
    if len(same) < 2:
        return ""
    own, names = study.run_dir.resolve().name, [path.name for path in same]
    return f"{own}/" if names.count(own) == 1 else f"{study.run_dir}/"


def _data_name(study: Study, studies: Sequence[Study]) -> str:
    """The data set's name, with its hash where others are called alike."""
    name = str(study.results["dataset"]["name"])
    alike = {_data(s) for s in studies if s.results["dataset"]["name"] == name}
    return name if len(alike) == 1 else f"{name} ({_data(study)[:8]})"


def _of_file(
    table: Table, metric: str | None, method: str | None, score: str | None
) -> pl.DataFrame:
    """Its columns by their roles, the scores called like the studies' metric."""
    names = role_columns(table, method, score or _column_of(table, metric))
    name = plain_name(names["score"])
    if metric and not score and name not in (metric, "score"):
        raise DataError(
            f"{table.name} has no column {metric!r}, the metric of the study beside it, and none "
            f"called 'score'. Its columns: {', '.join(table.columns)}."
        )
    keys = {role: texts_of(table, column) for role, column in names.items() if role != "score"}
    return pl.DataFrame({**keys, metric or name: numbers_of(table, names["score"])})


def _column_of(table: Table, metric: str | None) -> str | None:
    """The column called like a metric, if there is one."""
    return next((c for c in table.columns if metric and plain_name(c) == metric), None)


def _together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    roles = {"method", "seed", "fold", "dataset"}
    columns = [set(frame.columns) & roles for frame in frames]
    for found in columns:
        if lacking := set.union(*columns) - found:
            raise DataError(
                f"a source lacks the column {', '.join(sorted(lacking))} that another one has. "
                "Add it, or leave it out everywhere."
            )
    scores = list(dict.fromkeys(c for frame in frames for c in frame.columns if c not in roles))
    if len(scores) > 1:
        raise DataError(
            f"the sources have different scores, {listed(scores)}. If they are the same, call them "
            "alike, or say --score COLUMN."
        )
    order = frames[0].columns
    return pl.concat([frame.select(order) for frame in frames], how="vertical_relaxed")
