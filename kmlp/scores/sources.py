"""Several sources of scores in, one table out: files, and the run folders of studies."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from kmlp.data.tables import Table, read_table
from kmlp.errors import ConfigError, DataError
from kmlp.scores.metric import one_word, plain_name
from kmlp.scores.numbers_of_rows import ROWS
from kmlp.scores.table import a_row_a_score, numbers_of, role_columns, texts_of
from kmlp.stats.formatting import listed
from kmlp.study.loading import Study, load_study
from kmlp.study.results.baseline import baseline_in_words


@dataclass(frozen=True)
class Sources:
    """What was named, read once: a run folder's arrays are hashed whenever it is loaded.

    Attributes:
        table: the scores of all, a row each.
        studies: those of the run folders.
    """

    table: Table
    studies: tuple[Study, ...] = ()

    @property
    def baseline(self) -> str | None:
        """The baseline of a single study, or of all studies of different data; else None."""
        names = {study.record.baseline for study in self.studies}
        is_one = len(names) == 1 and _are_of_different_data(self.studies)
        return names.pop() if is_one else None

    @property
    def baseline_in_words(self) -> str | None:
        """What sentences call it, where the studies agree."""
        words = {baseline_in_words(study.record) for study in self.studies}
        return words.pop() if self.baseline and len(words) == 1 else None

    @property
    def higher_is_better(self) -> bool | None:
        """The direction of studies' own metric; None where its name says it."""
        return direction_of(self.studies)

    @property
    def missing(self) -> list[str]:
        """What run folders lack, a sentence each: networks not trained yet, or diverged."""
        said = []
        for study in self.studies:
            place = study.run_dir
            folds = study.record.extra_members if study.record.basis == "folds" else ()
            diverged = sum(m.status != "done" for m in (*study.record.members, *folds))
            if study.num_missing:
                said.append(f"{place}: networks that are not trained yet: {study.num_missing}.")
            if diverged:
                said.append(f"{place}: networks that diverged and have no score: {diverged}.")
        return said


def read_sources(
    sources: Sequence[Path], *, method: str | None = None, score: str | None = None
) -> Sources:
    """The scores of all sources, a row each.

    Of a run folder they are its networks' test scores: the variant is the method. Studies of
    different data are data sets of their own; of studies of the same data the folder's name stands
    before the variant's.

    Args:
        sources: files that `read_scores` reads, and run folders.
        method, score: the files' columns, where they are called otherwise.

    Raises:
        ConfigError: no source, or one twice.
        DataError: the sources' scores are not the same metric, their columns differ, or folds test
            some of the studies and test rows others.
        RunFolderError: a damaged run folder.
    """
    if not sources:
        raise ConfigError("compare needs a file of scores, or a run folder.")
    _refuse_twice(sources)
    studies = tuple(load_study(path) for path in sources if path.is_dir())
    tables = [read_table(path) for path in sources if not path.is_dir()]
    if not studies and len(tables) == 1:
        return Sources(tables[0])
    metric = _common_metric(studies)
    _refuse_two_bases(studies)
    frames = {str(s.run_dir): scores_of(s, metric or "", studies) for s in studies}
    frames |= {table.name: _of_file(table, metric, method, score) for table in tables}
    name = " + ".join(path.name for path in sources)
    return Sources(Table(_together(frames), name=name), studies)


def scores_of_studies(studies: Sequence[Study]) -> Table:
    """As `read_sources`, of studies that were read.

    Raises:
        DataError: their metrics differ.
    """
    metric = _common_metric(studies) or ""
    frames = {str(s.run_dir): scores_of(s, metric, studies) for s in studies}
    return Table(_together(frames), "the studies")


def direction_of(studies: Sequence[Study]) -> bool | None:
    """As `Sources.higher_is_better`."""
    own = [s.record.metric for s in studies if s.record.metric.is_own]
    return own[0].higher_is_better if own else None


def _are_of_different_data(studies: Sequence[Study]) -> bool:
    return len({study.record.dataset.sha256 for study in studies}) == len(studies)


def _refuse_twice(sources: Sequence[Path]) -> None:
    path, number = Counter(path.resolve() for path in sources).most_common(1)[0]
    if number > 1:
        raise ConfigError(f"{path} is named {number} times. Name each source once.")


def _common_metric(studies: Sequence[Study]) -> str | None:
    names = {study.record.metric.name for study in studies}
    if len(names) > 1:
        raise DataError(
            f"the studies have different metrics, {' and '.join(sorted(names))}: their scores "
            "cannot be compared."
        )
    return next(iter(names), None)


def _refuse_two_bases(studies: Sequence[Study]) -> None:
    """Refuses scores of which some are of test rows that nobody trains on, and some of folds, on
    each of which others train."""
    one_of = {study.record.basis: study.run_dir for study in reversed(studies)}
    if len(one_of) > 1:
        raise DataError(
            f"folds test {one_of['folds']}, rows that were set aside test {one_of['test']}: seeds "
            "of one have no pair in the other, and their networks learnt from other rows. Run both "
            "alike, with --test cv or with --test 0.2."
        )


def scores_of(study: Study, metric: str, studies: Sequence[Study]) -> pl.DataFrame:
    """One study's test scores, a row each, in a column called like the metric; names of methods
    and data are told apart from those of the other studies."""
    if study.record.basis == "folds":
        columns = _of_folds(study, metric, studies)
    else:
        done = study.record.finished()
        names = {v: _method(study, v, studies) for v in {m.variant for m in done}}
        columns = {
            "method": [names[m.variant] for m in done],
            "seed": [str(m.seed) for m in done],
            metric: [m.score("test", metric) for m in done],
        }
    if len({s.record.dataset.sha256 for s in studies}) > 1:
        columns["dataset"] = [_name_of_data(study, studies)] * len(columns["method"])
    return pl.DataFrame(columns)


def _of_folds(study: Study, metric: str, studies: Sequence[Study]) -> dict[str, list[object]]:
    """Of a study that folds test, those of the repeats that are whole; a repeat is a seed."""
    found = study.record.cross_validation
    if found is None:
        return {name: [] for name in ("method", "seed", "fold", metric, *ROWS)}
    rows = [
        (_method(study, entry.variant, studies), str(repeat), str(fold), score, entry.num_train)
        for entry in found.variants
        for repeat, of_folds in zip(entry.repeats, entry.scores, strict=True)
        for fold, score in enumerate(of_folds)
    ]
    names = ("method", "seed", "fold", metric, ROWS[0])
    columns: dict[str, list[object]] = {
        name: [row[place] for row in rows] for place, name in enumerate(names)
    }
    return {**columns, ROWS[1]: [found.num_held_out] * len(rows)}


def _method(study: Study, variant: str, studies: Sequence[Study]) -> str:
    """The variant's name, with its strength where another study has it at another one."""
    known = [v for s in studies for v in s.record.variants if v.name == variant]
    is_one = len({v.strength for v in known}) == 1
    return _before(study, studies) + (variant if is_one else study.record.variant(variant).label)


def _before(study: Study, studies: Sequence[Study]) -> str:
    """The folder's name before a variant's, where studies are of the same data."""
    if _are_of_different_data(studies):
        return ""
    own, names = study.run_dir.resolve().name, [s.run_dir.resolve().name for s in studies]
    return f"{own}/" if names.count(own) == 1 else f"{study.run_dir}/"


def _name_of_data(study: Study, studies: Sequence[Study]) -> str:
    """The data set's name, with its hash where another one is called alike."""
    data = study.record.dataset
    others = {s.record.dataset.sha256 for s in studies if s.record.dataset.name == data.name}
    return data.name if len(others) == 1 else f"{data.name} {data.sha256[:6]}"


def columns_beside(table: Table, metric: str) -> pl.DataFrame:
    """A table's columns by their roles, the scores called like a study's metric.

    Raises:
        DataError: it has no column of that metric, and none called "score".
    """
    return _of_file(table, metric, None, None)


def _of_file(
    table: Table, metric: str | None, method: str | None, score: str | None
) -> pl.DataFrame:
    """Its columns by their roles, the scores called like the studies' metric."""
    table, _ = a_row_a_score(table, method, score or metric)
    names = role_columns(table, method, score or _column_of(table, metric))
    name = plain_name(names["score"])
    if metric and not score and name not in (metric, "score"):
        raise DataError(
            f"{table.name} has no column {metric!r}, the metric of the study beside it, and none "
            f"called 'score'. Its columns: {', '.join(table.columns)}."
        )
    keys = {role: texts_of(table, column) for role, column in names.items() if role != "score"}
    rows = {word: table.frame[c] for c in table.columns if (word := one_word(c)) in ROWS}
    return pl.DataFrame({**keys, metric or name: numbers_of(table, names["score"]), **rows})


def _column_of(table: Table, metric: str | None) -> str | None:
    """The column called like a metric, if there is one."""
    return next((c for c in table.columns if metric and plain_name(c) == metric), None)


def _together(by_source: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    roles, frames = {"method", "seed", "fold", "dataset"}, [*by_source.values()]
    columns = {name: set(frame.columns) & roles for name, frame in by_source.items()}
    for name, found in columns.items():
        if lacking := sorted(set.union(*columns.values()) - found):
            other = next(one for one, own in columns.items() if set(lacking) & own)
            raise DataError(
                f"{name} lacks the column {', '.join(lacking)} that {other} has. Add it, or leave "
                "it out everywhere."
            )
    known = {*roles, *ROWS}
    scores = list(dict.fromkeys(c for frame in frames for c in frame.columns if c not in known))
    if len(scores) > 1:
        raise DataError(
            f"the sources have different scores, {listed(scores)}. If they are the same, call them "
            "alike, or say --score COLUMN."
        )
    return pl.concat(frames, how="diagonal_relaxed")
