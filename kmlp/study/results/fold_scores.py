"""Scores on folds that were held out, laid out by repeat and fold; summed up, and compared.

A repeat counts once every fold of it has a score. Folds share training rows: every variance is
corrected for that (`kmlp.stats.cross_validation`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.cross_validation import FoldComparison, compare_folds, summarize_folds
from kmlp.stats.equivalence import MeanDifference
from kmlp.stats.metrics import within_range
from kmlp.stats.metrics.record import MetricRecord
from kmlp.stats.summaries import Summary
from kmlp.study.results.records.base import Scores
from kmlp.study.results.records.folds import FoldPlan
from kmlp.study.results.records.members import Extra

Tables = Mapping[str, np.ndarray]
"""By metric `(num_repeats, num_folds)`; NaN where there is no score."""


@dataclass(frozen=True, kw_only=True)
class FoldScores:
    """The scores of variants, or of references, on the same folds.

    Attributes:
        planned: how the rows are cut.
        metric: that is named: it decides which repeats are whole.
        higher_is_better: its direction.
        num_train: name -> rows that its weights are fitted to. Those that it validates on do not
            count: fewer rows, wider intervals.
        tables: name -> its scores; without those of which no repeat is whole.
    """

    planned: FoldPlan
    metric: str
    higher_is_better: bool
    num_train: Mapping[str, int]
    tables: Mapping[str, Tables]

    def whole(self, name: str) -> np.ndarray:
        """`(num_repeats,)` booleans: whether every fold of a repeat has a score."""
        return _whole(self.tables[name][self.metric])

    def scores(self, name: str, metric: str = "") -> np.ndarray:
        """`(whole repeats, num_folds)`."""
        return self.tables[name][metric or self.metric][self.whole(name)]

    def summaries(self, name: str) -> dict[str, Summary]:
        """By metric, without what some fold cannot tell, as an AUC of one class."""
        if name not in self.tables:
            return {}
        found = {metric: self.scores(name, metric) for metric in self.tables[name]}
        return {
            metric: self._summary(name, metric, table)
            for metric, table in found.items()
            if np.isfinite(table).all()
        }

    def _summary(self, name: str, metric: str, table: np.ndarray) -> Summary:
        """The interval and the standard error are corrected."""
        sizes = {"num_train": self.num_train[name], "num_held_out": self.planned.num_held_out}
        found = summarize_folds(table, **sizes)
        se = MeanDifference.of_folds(
            table, num_train=self.num_train[name], num_test=self.planned.num_held_out
        ).se
        return Summary(
            mean=found.mean,
            sd=float(table.std(ddof=1)),
            se=se,
            ci95=within_range(metric, found.ci95),
            min=float(table.min()),
            max=float(table.max()),
        )

    def compare(
        self, name: str, other: str, among: "FoldScores | None" = None
    ) -> FoldComparison | None:
        """A variant minus another on the repeats that are whole in both; None without any.

        Args:
            name: the first.
            other: the second.
            among: where the second is; here where omitted.
        """
        theirs = among or self
        pair = self._pair(name, other, theirs)
        return pair and compare_folds(
            *pair,
            num_train=self._fewest_rows(name, other, theirs),
            num_held_out=self.planned.num_held_out,
            higher_is_better=self.higher_is_better,
        )

    def difference(self, name: str, other: str) -> MeanDifference | None:
        """The same as an estimate with its standard error."""
        pair = self._pair(name, other, self)
        return pair and MeanDifference.of_folds(
            pair[0] - pair[1],
            num_train=self._fewest_rows(name, other, self),
            num_test=self.planned.num_held_out,
        )

    def _pair(
        self, name: str, other: str, theirs: "FoldScores"
    ) -> tuple[np.ndarray, np.ndarray] | None:
        if name not in self.tables or other not in theirs.tables:
            return None
        common = self.whole(name) & theirs.whole(other)
        if not common.any():
            return None
        return self.tables[name][self.metric][common], theirs.tables[other][self.metric][common]

    def _fewest_rows(self, name: str, other: str, theirs: "FoldScores") -> int:
        return min(self.num_train[name], theirs.num_train[other])


def fold_scores(
    extras: Sequence[Extra],
    planned: FoldPlan,
    *,
    seeds: Sequence[int],
    metric: MetricRecord,
    metrics: Sequence[str],
    num_train: Mapping[str, int | None],
) -> FoldScores:
    """The scores of a study's variants on its folds.

    Args:
        extras: the members beside the ordinary ones.
        planned: how the rows are cut.
        seeds: one a repeat, of all that are planned: what lacks moves none to another's place.
        metric: that is named.
        metrics: all that are told.
        num_train: variant -> how many rows it is given; None of all.
    """
    done = [m for m in extras if m.group == "folds" and m.status == "done"]
    scores = {
        name: {(seeds.index(m.seed), m.place): m.fold for m in done if m.variant == name}
        for name in num_train
    }
    return of_tables(
        {name: as_tables(of_fold, planned, metrics) for name, of_fold in scores.items()},
        planned,
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        num_train=num_train,
    )


def of_tables(
    tables: Mapping[str, Tables],
    planned: FoldPlan,
    *,
    metric: str,
    higher_is_better: bool,
    num_train: Mapping[str, int | None],
) -> FoldScores:
    """Tables of scores, those left out of which no repeat is whole."""
    return FoldScores(
        planned=planned,
        metric=metric,
        higher_is_better=higher_is_better,
        num_train={name: given or planned.num_train for name, given in num_train.items()},
        tables={name: found for name, found in tables.items() if _whole(found[metric]).any()},
    )


def as_tables(
    scores: Mapping[tuple[int, int], Scores], planned: FoldPlan, metrics: Sequence[str]
) -> dict[str, np.ndarray]:
    """By metric, a table of what is known of each repeat and fold, both from 0."""
    tables = {m: np.full((planned.num_repeats, planned.num_folds), np.nan) for m in metrics}
    for place, by_metric in scores.items():
        for metric, table in tables.items():
            value = by_metric.get(metric)
            table[place] = np.nan if value is None else value
    return tables


def _whole(table: np.ndarray) -> np.ndarray:
    return np.isfinite(table).all(axis=1)
