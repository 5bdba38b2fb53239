"""Studies of different metrics on one scale: by how many percent errors differ."""

import math
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from kmlp.data.tables import Table
from kmlp.scores.comparison import Comparison
from kmlp.scores.judging import judge
from kmlp.scores.sources import scores_of
from kmlp.scores.table import read_scores
from kmlp.stats.metrics.own import own_record
from kmlp.stats.metrics.record import MetricRecord
from kmlp.study.loading import Study

LOG_ERROR = replace(own_record("log_error", higher_is_better=False), title="log error", unit="log")


def compare_errors(studies: Sequence[Study], *, baseline: str) -> Comparison | None:
    """The variants over data sets by the logarithms of their errors.

    An error is what less of is better, an RMSE; of what more of is better, as accuracy, how much is
    lacking of the most there can be. The mean over data sets of the logarithms' differences is the
    geometric mean of the errors' ratios: no data set outweighs the others by its unit. Of squares,
    as an MSE, it is the root: RMSE and MSE of the same networks say the same.

    A data set of which an error has no logarithm, for one network has none or its metric no
    greatest value, is left out, and named in the notes.

    Args:
        studies: of different data.
        baseline: a variant of all of them.

    Returns:
        None where fewer than two data sets are left, or no variant is on two of these.
    """
    frames = [_log_errors(study, studies) for study in studies if _has_ratios(study)]
    if len(frames) < 2:
        return None
    table = Table(pl.concat(frames, how="diagonal_relaxed"), "the studies")
    read = read_scores(table, score=LOG_ERROR.name, higher_is_better=False)
    noted = replace(read, metric=LOG_ERROR, notes=(*read.notes, *left_out(studies)))
    found = judge(noted, baseline=baseline)
    if not any(len(method.differences) > 1 for method in found.across):
        return None
    return Comparison(found, LOG_ERROR, baseline).calling_baseline(baseline)


def _log_errors(study: Study, studies: Sequence[Study]) -> pl.DataFrame:
    metric = study.record.metric.known
    scores = scores_of(study, metric.name, studies)
    return scores.with_columns(
        pl.Series(LOG_ERROR.name, [_log_error(s, metric) for s in scores[metric.name]])
    ).drop(metric.name)


def left_out(studies: Sequence[Study]) -> list[str]:
    """Sentences of the data sets that have no ratios of errors, and why."""
    without = [study.record for study in studies if not _has_ratios(study)]
    said = [
        f"{record.dataset.name} is left out of what is said over data sets: by its "
        f"{record.metric.known.title} a network's error is zero or not known, and has no ratio to "
        "another."
        for record in without
    ]
    if said and len(studies) - len(said) < 2:
        said.append("Fewer than two data sets are left, so nothing is said over them.")
    return said


def _has_ratios(study: Study) -> bool:
    return all(map(math.isfinite, _log_errors(study, [study])[LOG_ERROR.name]))


def _log_error(score: float, metric: MetricRecord) -> float:
    """Not finite where there is none.

    Example:
        >>> from kmlp.stats.metrics import BY_NAME
        >>> round(_log_error(0.9, BY_NAME["accuracy"]), 6) == round(math.log(0.1), 6)
        True
        >>> round(_log_error(0.25, BY_NAME["mse"]), 6) == round(math.log(0.5), 6)
        True
    """
    error = metric.error(score)
    return math.log(error) / (2 if metric.is_square else 1) if error > 0 else -math.inf
