"""The trials of a search, one record each."""

from typing import Any, Literal

from kmlp.study.results.records.base import Count, Plain, Record, Scores, unless_empty, unless_none


class ExecutionResult(Record):
    """One seed of a trial, or of one of its folds.

    Attributes:
        seed: of all its streams.
        fold: from 0, which was held out; left out in a search without folds.
        member: what it is recorded under.
        score: the objective, at the epoch that was kept; null where it is not finite.
        best_epoch: whose weights it has, from 1.
        stopped_epoch: the last that it trained.
        status: "missing" where nothing is recorded.
        val: by metric, at the same epoch.
        held_out: by metric, on the fold; left out in a search without folds.
        train: by metric.
    """

    seed: Count
    fold: Count | None = unless_none()
    member: str
    score: float | None
    best_epoch: int | None
    stopped_epoch: int | None
    status: Literal["done", "diverged", "missing"]
    val: Scores
    held_out: Scores = unless_empty()
    train: Scores


class _Trial(Record):
    """One configuration, over all seeds.

    Attributes:
        number: in the order of drawing, from 0.
        id: the same in four digits.
        batch: trials of one batch were drawn without each other's scores.
        values: of the parameters that count, by name.
        status: how it ended.
        message: why it failed.
        score: mean of its executions' objective, once done.
        se: its standard error, of folds with the corrected variance; null of one seed.
        num_weights: trainable ones; null where the values make no network.
        epochs: that each seed trained.
        seconds: of all seeds, without those of the trial that it goes on from.
        until: Hyperband's: trained up to this epoch; null is to the end.
        bracket: Hyperband's.
        round: in its bracket.
        resumed_from: the trial whose networks this one trains on.
        model: an `MLPConfig`; null where the values make none.
        train: a `TrainConfig`.
        executions: seed by seed, and with folds fold by fold of each.
    """

    number: Count
    id: str
    batch: Count
    values: Plain
    status: str
    message: str | None
    score: float | None
    se: float | None
    num_weights: int | None
    epochs: tuple[int, ...]
    seconds: float
    until: int | None
    bracket: int | None
    round: int | None
    resumed_from: int | None
    model: Plain | None
    train: Plain | None
    executions: tuple[ExecutionResult, ...]

    @property
    def config(self) -> dict[str, Any]:
        """All fields of its configuration; none where the values make none."""
        return {**(self.model or {}), **(self.train or {})}


class FinishedTrial(_Trial):
    """One configuration, over all seeds, of which each has a score."""

    status: Literal["done"]
    score: float
    num_weights: int
    model: Plain
    train: Plain

    @property
    def is_candidate(self) -> bool:
        """Whether it may be chosen: a network that Hyperband paused early has a score that is not
        what its configuration gets."""
        return self.until in (None, self.train["max_epochs"])

    @property
    def scores(self) -> list[float]:
        """Seed by seed, and with folds fold by fold of each."""
        return [e.score for e in self.executions if e.score is not None]


class UnfinishedTrial(_Trial):
    """One configuration without a score: it failed, was given up, or is running."""

    status: Literal["running", "failed", "given_up"]


TrialResult = FinishedTrial | UnfinishedTrial
