"""Scores from anywhere beside a study: each method against the study's best variant."""

from shlex import quote
from typing import Any

import polars as pl

from kmlp.data.tables import Table, as_table
from kmlp.errors import DataError
from kmlp.scores.comparison import Comparison, compare
from kmlp.scores.sources import columns_beside
from kmlp.stats.formatting import listed
from kmlp.stats.metrics import BY_NAME
from kmlp.study.loading import Study
from kmlp.study.results.baseline import in_words

_KEYS = ("seed", "fold", "dataset")


def beside_study(study: Study, source: Any) -> Comparison | None:
    """Methods that others trained, against the best variant of a study.

    The best variant is what validation chose; methods from outside are never chosen. Scores with a
    seed are paired with the study's of the same seed; those without are compared unpaired. Holm's
    correction is over the methods from outside, a family of their own.

    Args:
        study: whose test scores of the named metric they stand beside.
        source: a file or a frame, as `kmlp.compare` reads it, of scores on the same test rows; of
            several data sets those of the study's are taken.

    Returns:
        None where no network of the study has finished.

    Raises:
        DataError: the scores are not of the study's metric, nothing pairs them, or the study is
            judged by folds.
    """
    results = study.record
    if results.best is None:
        return None
    if results.basis == "folds":
        raise DataError(
            f"{study.run_dir} is judged by folds of its rows, not on test rows of their own: other "
            "scores have nothing to stand beside. Write kmlp compare "
            f"{quote(str(study.run_dir))} FILE, with the columns seed, which is the repeat, and "
            "fold."
        )
    table, metric = as_table(source), results.metric.name
    theirs = _of_this_data(columns_beside(table, metric), table, results.dataset.name)
    _refuse_other_values(table, metric, theirs[metric].to_list())
    ours = pl.DataFrame(
        {
            "method": results.best.variant,
            "seed": [str(m.seed) for m in results.finished(results.best.variant)],
            metric: list(results.by_seed(results.best.variant).values()),
        }
    )
    _refuse_clashes(table, theirs, results.best.variant)
    if "seed" in theirs.columns:
        _refuse_unpaired(table, theirs, ours["seed"].to_list())
    ours = ours.select([c for c in ours.columns if c in theirs.columns])
    both = pl.concat([ours, theirs.select(ours.columns)], how="vertical_relaxed")
    named = both.with_columns(pl.lit(results.dataset.name).alias("dataset"))
    found = compare(
        Table(named, name=table.name),
        baseline=results.best.variant,
        higher_is_better=None if metric in BY_NAME else results.metric.higher_is_better,
        equivalence=study.config.equivalence,
    )
    return found.calling_baseline(in_words(results.variant(results.best.variant), results))


def _of_this_data(found: pl.DataFrame, table: Table, name: str) -> pl.DataFrame:
    """The rows of the study's data set, where the scores name one."""
    if "fold" in found.columns:
        raise DataError(
            f"{table.name}: its scores are of folds, and a study's report has scores on the test "
            "rows. Compare folds with kmlp compare, or leave out the column fold."
        )
    if "dataset" not in found.columns:
        return found
    own = found.filter(pl.col("dataset") == name)
    if own.is_empty():
        there = sorted(set(found["dataset"].to_list()))
        raise DataError(
            f"{table.name}: no row is of the study's data set, {name}. Its data sets: "
            f"{', '.join(there)}. Rename it there, or leave out the column."
        )
    return own.drop("dataset")


def _refuse_other_values(table: Table, metric: str, values: list[float]) -> None:
    """What the study's metric cannot be: percent for a share, a negated error."""
    known = BY_NAME.get(metric)  # None of one that the user wrote, whose bounds nobody knows
    outside = [v for v in values if known and not known.least <= v <= known.most]
    if not outside or known is None:
        return
    turned = "; scikit-learn's scorers negate errors: turn the sign round" * (max(values) <= 0)
    percent = "; write shares, not percent" * (known.most == 1 and max(values) > 1)
    bounds = (
        f"at least {known.least:g}"
        if known.most == float("inf")
        else (f"from {known.least:g} to {known.most:g}")
    )
    raise DataError(
        f"{table.name}: the study's metric is {metric}, which is {bounds}, and the scores reach "
        f"{outside[0]:g}{turned}{percent}."
    )


def _refuse_clashes(table: Table, theirs: pl.DataFrame, best: str) -> None:
    if best in theirs["method"].to_list():
        raise DataError(
            f"{table.name}: a method is called {best}, as the study's best variant is. Rename it."
        )


def _refuse_unpaired(table: Table, theirs: pl.DataFrame, seeds: list[str]) -> None:
    methods = dict.fromkeys(theirs["method"].to_list())
    alone = [
        m
        for m in methods
        if not set(theirs.filter(pl.col("method") == m)["seed"].to_list()) & set(seeds)
    ]
    if alone:
        raise DataError(
            f"{table.name}: no seed of {listed(alone)} is one of the study's, {', '.join(seeds)}. "
            "Score the same seeds; or leave out the column seed, and the scores are compared "
            "unpaired."
        )
