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
    geometric mean of the errors' ratios: no data set outweighs the others by its unit.

    Args:
        studies: of different data.
        baseline: a variant of all of them.

    Returns:
        None where an error has no logarithm: one network has none, or its metric no greatest value.
    """
    frames = [_log_errors(study, studies) for study in studies]
    if any(not math.isfinite(e) for frame in frames for e in frame[LOG_ERROR.name]):
        return None
    table = Table(pl.concat(frames, how="diagonal_relaxed"), "the studies")
    read = read_scores(table, score=LOG_ERROR.name, higher_is_better=False)
    found = judge(replace(read, metric=LOG_ERROR), baseline=baseline)
    return Comparison(found, LOG_ERROR, baseline).calling_baseline(baseline)


def _log_errors(study: Study, studies: Sequence[Study]) -> pl.DataFrame:
    metric = study.record.metric.known
    scores = scores_of(study, metric.name, studies)
    return scores.with_columns(
        pl.Series(LOG_ERROR.name, [_log_error(s, metric) for s in scores[metric.name]])
    ).drop(metric.name)


def _log_error(score: float, metric: MetricRecord) -> float:
    """Not finite where there is none.

    Example:
        >>> from kmlp.stats.metrics import BY_NAME
        >>> round(_log_error(0.9, BY_NAME["accuracy"]), 6) == round(math.log(0.1), 6)
        True
    """
    error = metric.most - score if metric.higher_is_better else score
    return math.log(error) if error > 0 else -math.inf
