"""All that a search's `results.json` holds: the verdict follows from the findings."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from kmlp.errors import SelectionError
from kmlp.stats.formatting import Unit, unit_of
from kmlp.study.results.records.base import (
    Count,
    Plain,
    Positive,
    Probability,
    Record,
    unless_none,
)
from kmlp.study.results.records.study import DataFacts
from tuning.results.choice import errors_beside_best
from tuning.results.folds import adjective, compared, overlap
from tuning.results.records.fresh import FollowUp, Fresh, ScoresOnTest
from tuning.results.records.trials import FinishedTrial, TrialResult, UnfinishedTrial

Number = int | float


class Objective(Record):
    """What trials are ranked by.

    Attributes:
        name: a validation metric, as "val_accuracy".
        direction: which scores are better.
    """

    name: str
    direction: Literal["max", "min"]

    @property
    def metric(self) -> str:
        """Its name without the `val_`."""
        return self.name.removeprefix("val_")

    @property
    def higher_is_better(self) -> bool:
        return self.direction == "max"


class Settings(Record):
    """What was asked, as in a `SearchConfig`; the base configs with what the space holds fixed.

    Attributes:
        folds: of the training rows, on which trials were scored; nothing where on validation rows.
        repeats: how often they were cut; left out where once.
    """

    tuner: Literal["random", "grid", "bayesian", "hyperband"]
    max_trials: Positive
    num_seeds: Positive
    first_seed: Count
    folds: Annotated[int, Field(ge=2)] | None = unless_none()
    repeats: Positive = Field(default=1, exclude_if=lambda times: times == 1)
    seed: Count
    parallel_trials: Positive
    validation_fraction: float
    objective: Objective
    model: Plain
    train: Plain

    @property
    def is_hyperband(self) -> bool:
        """Whether `max_trials` is a budget in full trainings, not the number of trials."""
        return self.tuner == "hyperband"

    @property
    def seeds(self) -> range:
        """Of every network; with folds each of their networks has its own."""
        num_networks = self.num_seeds * self.repeats * (self.folds or 1)
        return range(self.first_seed, self.first_seed + num_networks)

    @property
    def base(self) -> dict[str, Any]:
        """All fields of the configuration that the search starts from."""
        return {**self.model, **self.train}


class Condition(Record):
    """Another parameter that must have one of these values.

    Attributes:
        name: the other parameter's.
        values: any of which will do.
    """

    name: str
    values: tuple[Any, ...]


class SearchedParameter(Record):
    """One hyperparameter: what could be chosen, and when it counts.

    Attributes:
        name: unique in the space.
        kind: "float" and "int" have a range, "choice" has values, "bool" is true or false, "fixed"
            has one value.
        min: the lower end of a range.
        max: the upper end, included.
        step: between neighbours; null is any value.
        sampling: where a range is even.
        values: of what has no range.
        default: what holds where it is not active.
        conditions: all of which must hold for it to count.
    """

    name: str
    kind: Literal["float", "int", "choice", "bool", "fixed"]
    min: Number | None
    max: Number | None
    step: Number | None
    sampling: Literal["linear", "log"] | None
    values: tuple[Any, ...]
    default: Any
    conditions: tuple[Condition, ...]


class Importance(Record):
    """What one hyperparameter explains.

    Attributes:
        name: the hyperparameter's.
        importance: its share of the scores' variance, by itself.
        sd: over the forest's trees.
    """

    name: str
    importance: float
    sd: float


class Budget(Record):
    """What was spent.

    Attributes:
        seconds: of wall time.
        member_epochs: epochs, each of one network over its training rows.
        trials: that were drawn.
    """

    seconds: float
    member_epochs: Count
    trials: Count


class SearchFindings(Record):
    """What was tried, and what was chosen.

    Attributes:
        version: of this form, `schema` in the file.
        kind: tells a search from a study.
        dataset: as a study's.
        space: what was searched, and what was held.
        commonest_share: of the training rows, of their commonest class; left out of a regression,
            of rows that weigh differently, and by earlier releases.
        trials: in the order of drawing.
        ties: trials that cannot be told apart from the best, the best first.
        picked: the simplest within one standard error of the best, the pooled one or its own if
            that is larger; null where no trial has finished.
        best: the trial with the best mean score; of equals the one with fewer weights.
        least_difference: what a trial must lose to the best to be told apart from it, at 95 % for
            all trials together, and more where its scores differ from the best's unevenly; null of
            one seed or one trial, and where the best differ by the same on every score, or not
            at all.
        standard_error: of a trial's mean beside others' over the same seeds, pooled; null as above.
        followup: null where no study has followed.
        fresh: null without a follow-up study of the picked trial.
        test: null where the test set was not read.
        importance: the greatest first; null of too few trials.
    """

    version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["search"] = "search"
    dataset: DataFacts
    settings: Settings
    space: tuple[SearchedParameter, ...]
    commonest_share: Probability | None = unless_none()
    trials: tuple[Annotated[TrialResult, Field(discriminator="status")], ...]
    ties: tuple[int, ...]
    picked: int | None
    best: int | None
    least_difference: float | None
    standard_error: float | None = unless_none()
    followup: FollowUp | None
    fresh: Fresh | None
    test: ScoresOnTest | None
    importance: tuple[Importance, ...] | None
    budget: Budget

    @property
    def picked_trial(self) -> FinishedTrial:
        """The simplest within one standard error of the best.

        Raises:
            SelectionError: none has finished.
        """
        return self._trial(self.picked)

    @property
    def best_trial(self) -> FinishedTrial:
        """The trial with the best mean score.

        Raises:
            SelectionError: none has finished.
        """
        return self._trial(self.best)

    @property
    def kind_of_score(self) -> str:
        """What a trial's score is called by: "validation", or "cross-validated"."""
        return adjective(self.settings)

    @property
    def candidates(self) -> list[FinishedTrial]:
        """The finished trials that could be chosen."""
        return [t for t in self.finished if t.is_candidate]

    @property
    def open_trials(self) -> frozenset[int]:
        """Numbers of the candidates that cannot be told apart from the best; of one seed a trial
        nothing tells any of them."""
        if self.best is None:
            return frozenset()
        of_one_score = self.best_trial.se is None
        found = (t.number for t in self.candidates) if of_one_score else self.ties
        return frozenset(found) - {self.best}

    @property
    def uneven_ties(self) -> tuple[int, ...]:
        """Those of the ties that lose more than the least difference: their own scores differ too
        much from the best's, now more and now less, which is no sign that they are as good."""
        if self.least_difference is None:
            return ()
        lost = self._lost_by_ties()
        return tuple(n for n, size in lost.items() if size > self.least_difference)

    @property
    def near_best(self) -> list[FinishedTrial]:
        """Those of the ties that lie within one standard error of the best, which is the first."""
        errors, trials = self.errors_of_ties, {t.number: t for t in self.finished}
        return [trials[n] for n, lost in self._lost_by_ties().items() if lost <= errors[n]]

    @property
    def errors_of_ties(self) -> dict[int, float]:
        """By number, what each of the ties may lose to the best to lie within one standard error:
        the pooled one, or its own beside the best if that is larger; 0 where none is known."""
        if self.standard_error is None:
            return dict.fromkeys(self.ties, 0.0)
        trials = {t.number: t for t in self.finished}
        scores = np.array([compared(trials[n].scores, self.settings) for n in self.ties])
        own = errors_beside_best(scores, overlap(self.settings))
        errors = np.maximum(self.standard_error, own).tolist()
        return dict(zip(self.ties, errors, strict=True))

    @property
    def finished(self) -> list[FinishedTrial]:
        """The trials that have a score, in the order of their numbers."""
        return [t for t in self.trials if isinstance(t, FinishedTrial)]

    @property
    def unit(self) -> Unit:
        """How the scores are written: the unit of the metric that was searched on."""
        # Digits to suit small errors, which are the good ones, not those of a hopeless trial.
        least = min((abs(t.score) for t in self.finished), default=0.0)
        return unit_of(self.settings.objective.metric, [least])

    @property
    def unfinished(self) -> list[UnfinishedTrial]:
        """The trials that failed, were given up, or were running when this was written."""
        return [t for t in self.trials if isinstance(t, UnfinishedTrial)]

    @property
    def concluded(self) -> list[FinishedTrial]:
        """The finished trials that no other goes on from: Hyperband's last word on a
        configuration."""
        resumed = {t.resumed_from for t in self.finished}
        return [t for t in self.finished if t.number not in resumed]

    @property
    def ranked(self) -> list[FinishedTrial]:
        """The finished trials, best score first; of equals the one with fewer weights."""
        unit = self.unit
        return sorted(self.finished, key=lambda t: (-unit.gain(t.score), t.num_weights))

    @property
    def varied(self) -> list[SearchedParameter]:
        """The hyperparameters that the search could choose, in the order of the space."""
        return [p for p in self.space if p.kind != "fixed"]

    def trial(self, number: int) -> FinishedTrial:
        """A finished one by its number; there must be one."""
        return next(t for t in self.finished if t.number == number)

    def _lost_by_ties(self) -> dict[int, float]:
        """What each of the ties loses to the best, by its number."""
        unit, scores = self.unit, {t.number: t.score for t in self.finished}
        return {n: unit.gain(scores[self.ties[0]] - scores[n]) for n in self.ties}

    def _trial(self, number: int | None) -> FinishedTrial:
        if number is None:
            raise SelectionError("no trial has finished: there is none to choose.")
        return self.trial(number)


class SearchResults(SearchFindings):
    """All that `results.json` holds.

    Attributes:
        verdict: the findings in sentences.
    """

    verdict: tuple[str, ...]
