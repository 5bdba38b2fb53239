"""What a run folder has of a study's ordinary members, read once: records, outputs, rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kmlp.errors import ConfigError
from kmlp.stats import resampling
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import AUTO, BY_NAME, METRICS
from kmlp.stats.metrics.predicted import PredictedClasses, PredictedNumbers
from kmlp.stats.metrics.record import NUMBERS, MetricRecord
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.plan import Plan
from kmlp.study.results.fold_scores import FoldScores
from kmlp.study.results.records.own_metric import OwnScores
from kmlp.study.run_folder.folder import MemberRecord, RunFolder

_ROWS = {"test": "test", "val": "validation", "fold": "held-out"}
Members = Mapping[int, MemberRecord]
"""Members of a variant by seed."""


@dataclass(frozen=True)
class RowScores:
    """What each test row says of each finished member.

    Attributes:
        index: member id -> its place on the first axis.
        values: `(num_members, num_rows)`; a member's score is the mean of its row.
        draws: `(num_members, num_draws)`, the scores on resampled rows, the same for all.
    """

    index: Mapping[str, int]
    values: np.ndarray
    draws: np.ndarray

    def interval(
        self, members: Sequence[MemberRecord], minus: Sequence[MemberRecord] = ()
    ) -> tuple[float, float] | None:
        """Of the members' mean score, or of its difference to others', paired in this order."""
        rows = [self.index[m.id] for m in members]
        values, draws = self.values[rows], self.draws[rows]
        if minus:
            rows = [self.index[m.id] for m in minus]
            values, draws = values - self.values[rows], draws - self.draws[rows]
        return resampling.two_way_interval(values, draws)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that scores and comparisons follow from.

    Attributes:
        task: of the data.
        metric: that the study is decided by.
        known: what is known of it.
        baseline: what all variants are compared with.
        records: variant -> its members that have a record, finished or diverged.
        outputs: finished member's id -> its outputs on the test set; empty where folds test.
        truth: `(n,)` labels or targets of the rows that test.
        weight: `(n,)`, how much each of these counts; None where all count alike.
        rows: None where no member finished, where the metric is no mean over rows, and where these
            count differently: an interval over other test rows is defined for equal ones.
        num_looks: how often scores were looked at to decide on more seeds: p counts them all.
        margin: the largest difference that does not matter, in the metric's own unit.
        folds: the scores on which all is compared where folds test; else None.
        has_planned_looks: whether all looks there will be are counted.
        ensembles: in a metric of the user's own, the scores of the variants' mean outputs.
    """

    task: str
    metric: str
    known: MetricRecord
    baseline: str
    records: Mapping[str, Members]
    outputs: Mapping[str, np.ndarray]
    truth: np.ndarray
    weight: np.ndarray | None
    rows: RowScores | None
    num_looks: int
    margin: float | None = None
    folds: FoldScores | None = None
    has_planned_looks: bool = False
    ensembles: Mapping[str, float] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that is told: the task's, and the user's own."""
        return tuple(dict.fromkeys((*METRICS[self.task], self.metric)))

    def done(self, variant: str) -> dict[int, MemberRecord]:
        """Those of a variant that finished."""
        return {s: r for s, r in self.records[variant].items() if r.status == "done"}

    def pairs(self, variant: str, other: str) -> tuple[list[MemberRecord], list[MemberRecord]]:
        """Those of the seeds that both have finished, in the same order."""
        mine, theirs = self.done(variant), self.done(other)
        seeds = [seed for seed in mine if seed in theirs]
        return [mine[seed] for seed in seeds], [theirs[seed] for seed in seeds]

    def scores(self, records: Sequence[MemberRecord], part: str = "test") -> np.ndarray:
        """`(num_members,)` of the named metric."""
        return np.array([record.metrics[part][self.metric] for record in records])


def read_evidence(
    plan: Plan,
    folder: RunFolder,
    records: Mapping[str, MemberRecord],
    task: str,
    num_looks: int,
    own: OwnScores | None = None,
    folds: FoldScores | None = None,
) -> Evidence:
    """Reads each finished member's outputs; its weights need far more memory and are let go.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    truth, weight = folder.test_labels(), folder.row_weights()
    known = own.known if own else BY_NAME[resolved_metric(plan.config.metric, task)]
    by_variant = {
        variant: {seed: records[id] for seed, id in ids.items() if id in records}
        for variant, ids in plan.ids.items()
    }
    found = [record for by_seed in by_variant.values() for record in by_seed.values()]
    if own or plan.config.metric != AUTO:
        held_out = [e.member.id for e in plan.extras if e.group == "folds"]
        _refuse_untold(known.name, [*found, *(records[id] for id in held_out if id in records)])
    done = [] if folds else [r.id for r in found if r.status == "done"]
    outputs = {id: folder.test_outputs(id) for id in done}
    return Evidence(
        task=task,
        metric=known.name,
        known=known,
        baseline=plan.config.baseline,
        records=by_variant,
        outputs=outputs,
        truth=truth,
        weight=weight,
        rows=row_scores(outputs, truth, known) if weight is None else None,
        num_looks=num_looks,
        has_planned_looks=not isinstance(plan.config.num_seeds, int),
        margin=unit_of(known).margin(plan.config.equivalence),
        ensembles=own.ensembles if own else {},
        folds=folds,
    )


def _refuse_untold(metric: str, records: Sequence[MemberRecord]) -> None:
    """A metric that some networks lack can decide nothing."""
    for record in records:
        lacking = [
            part
            for part, scores in record.metrics.items()
            if part in _ROWS and not np.isfinite(scores.get(metric, np.nan))
        ]
        if record.status == "done" and lacking:
            raise ConfigError(
                f"{metric} is not known of network {record.id} on its {_ROWS[lacking[0]]} rows: it "
                "cannot be told of them, or the network was scored before kmlp knew it. Choose "
                "another metric."
            )


def row_scores(
    outputs: Mapping[str, np.ndarray], truth: np.ndarray, record: MetricRecord
) -> RowScores | None:
    """Row by row, what the metric is the mean of; None where it is of no mean.

    Args:
        outputs: by member's id, on the test set.
        truth: `(n,)` labels or targets.
        record: of the metric.
    """
    if not outputs or record.by_row is None:
        return None
    checked = PredictedNumbers.checked if record.tasks == NUMBERS else PredictedClasses.checked
    values = np.stack([record.by_row(checked(truth, each)) for each in outputs.values()])
    if not np.isfinite(values).all():
        return None
    index = {id: place for place, id in enumerate(outputs)}
    means = resampling.resampled_means(values)
    if record.is_root:
        return RowScores(index, resampling.linear_rmse(values), np.sqrt(means))
    return RowScores(index, values, means)


def ensemble_outputs(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of several members' outputs, in float64: `(n,)` numbers, or the `(n, num_classes)`
    logarithms of mean probabilities."""
    stacked = np.stack(outputs).astype(np.float64)
    if stacked.ndim == 2:
        return stacked.mean(axis=0)
    return np.log(np.maximum(np.exp(stacked).mean(axis=0), np.finfo(np.float64).tiny))
