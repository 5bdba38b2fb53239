"""KerasTuner's oracles, made repeatable: what they draw next follows from the seed and from what
has ended, so that a search can be told its past and goes on as if never interrupted.

They keep nothing on disk: the search's ledger does. KerasTuner's own JSON files are written in
place, the oracle's and the trial's one after the other, so that a kill between the two loses or
repeats a trial.
"""

import contextlib
import math
import sys
import warnings
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner import oracles
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from tuning.space.parameter import Values
from tuning.space.space import Space

_IDLE: dict[str, Any] = {"status": "IDLE", "values": None}
_STOPPED: dict[str, Any] = {"status": "STOPPED", "values": None}


class Oracle(keras_tuner.Oracle):
    """What the oracles share; mixed in before one of KerasTuner's.

    Args:
        space: what is searched.
        objective: a metric's name, such as "val_accuracy".
        direction: "max" or "min".
        seed: of the draws; 0 is one like any other, which KerasTuner takes for none.
        options: the oracle's own.
    """

    trials: dict[str, Any]
    ongoing_trials: dict[str, Any]

    def __init__(
        self, space: Space, objective: str, direction: str, seed: int, **options: Any
    ) -> None:
        hyperparameters = keras_tuner.HyperParameters()
        space.declare(hyperparameters)
        self._own_seed = seed
        super().__init__(
            objective=keras_tuner.Objective(objective, direction),
            hyperparameters=hyperparameters,
            # A condition that holds for no drawn value yet must not bring in something new.
            allow_new_entries=False,
            seed=_key(seed),
            max_consecutive_failed_trials=sys.maxsize,
            **options,
        )
        # The search counts its trials itself, so that it can be given more later.
        self.max_trials, self.verbose = None, 0
        self._past: dict[int, Values] = {}

    def draw(self, number: int, past: Values | None = None) -> dict[str, Any] | None:
        """The values of the next trial; None where none can be drawn now.

        Args:
            number: of the trial, from 0.
            past: what it was, if it has been drawn before.
        """
        if past is not None:
            self._past[number] = past
        trial = self.create_trial(f"trial-{number}")
        return dict(trial.hyperparameters.values) if trial.status == "RUNNING" else None

    def tell(self, number: int, score: float | None) -> None:
        """How a trial ended: with a score, or without one."""
        trial = self.ongoing_trials[f"trial-{number}"]
        if score is not None:
            self.update_trial(trial.trial_id, {self.objective.name: score})
        trial.status = "COMPLETED" if score is not None else "FAILED"
        self.end_trial(trial)

    def let_go(self) -> None:
        """No more is drawn: KerasTuner has a lock for each oracle, and would keep both for good."""
        # There is no public way to them, and a search does not need it.
        with contextlib.suppress(ImportError, AttributeError):
            from keras_tuner.src.engine import oracle

            oracle.LOCKS.pop(self, None)
            oracle.THREADS.pop(self, None)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        self._seed_state = _key(self._own_seed, int(trial_id))
        return super().populate_space(trial_id)

    def save(self) -> None:
        """Nothing: the ledger is the truth."""

    def _save_trial(self, trial: Any) -> None:
        """Nothing, as `save`."""


class RandomOracle(Oracle, oracles.RandomSearchOracle):
    """Random search."""


class GridOracle(Oracle, oracles.GridSearchOracle):
    """Grid search, in KerasTuner's order: the last parameter varies fastest."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        response = super().populate_space(trial_id)
        if response["status"] == "RUNNING":
            # The space is known in full: the next point need not wait until this one has ended.
            self._populate_next.append(trial_id)
        return response


class BayesianOracle(Oracle, oracles.BayesianOptimizationOracle):
    """A Gaussian process with an upper confidence bound.

    It begins with random trials: as many as the space has parameters, 5 to 10. (KerasTuner's
    three times as many would leave little of a usual budget.) Scores are means of a few seeds: a
    tenth of their spread over the trials counts as noise.
    """

    NOISE_VARIANCE = 0.1**2

    def __init__(self, space: Space, *args: Any, **options: Any) -> None:
        self.num_random = int(np.clip(len(space.parameters), 5, 10))
        super().__init__(space, *args, num_initial_points=self.num_random, **options)
        self.alpha = self.NOISE_VARIANCE
        self.gpr = self._make_gpr()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if (past := self._past.get(int(trial_id))) is not None:
            return {"status": "RUNNING", "values": dict(past)}
        key = _key(self._own_seed, int(trial_id))
        self._random_state = np.random.RandomState(key)
        done = [t for t in self.trials.values() if t.status == "COMPLETED"]
        # The matrices are tiny: threads would only wait for each other.
        with threadpool_limits(1), warnings.catch_warnings():
            # A length scale at its bound: a parameter that does not matter.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if len(done) >= self.num_random and self.ongoing_trials:
                self._fit()
            response = super().populate_space(trial_id)
        if response["status"] == "RUNNING" and self._duplicate(response["values"]):
            # The same again would only be found again.
            self._seed_state = key
            return self._random_populate_space()
        return response

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        """Failed trials with the worst score of any other: KerasTuner leaves them out, and the
        process would look again where they failed."""
        scores = [t.score for t in self.trials.values() if t.status == "COMPLETED"]
        failed = [t for t in self.trials.values() if t.status == "FAILED" and scores]
        for trial in failed:
            trial.status = "COMPLETED"
            trial.score = min(scores) if self.objective.direction == "max" else max(scores)
        found = super()._vectorize_trials()
        for trial in failed:
            trial.status, trial.score = "FAILED", None
        return found

    def _fit(self) -> None:
        """KerasTuner imagines the scores of trials in progress by the last fit, of fewer trials or
        of none; the next draw would depend on what this process has fitted before."""
        trials, ongoing = self.trials, self.ongoing_trials
        ended = {k: t for k, t in trials.items() if t.status in ("COMPLETED", "FAILED")}
        self.trials, self.ongoing_trials = ended, {}
        self.gpr.fit(*self._vectorize_trials())
        self.trials, self.ongoing_trials = trials, ongoing


_WORST = sys.float_info.max


class _BudgetSpent(Exception):
    """No further bracket is begun."""


class HyperbandOracle(Oracle, oracles.HyperbandOracle):
    """Hyperband (Li et al. 2018, https://jmlr.org/papers/v18/16-558.html), round by round.

    A trial without a score ranks last, so that every round fills. Where the space has no more
    points than a part of a first round, the later rounds shrink alike.

    Args:
        max_trials: the budget in full trainings: as many brackets, from the one that halves most,
            as cost no more epochs, at least one; after the last one it begins anew.
        max_epochs: of a full training.
        options: those of `Oracle`.
    """

    _size_of_short: int | None

    def __init__(self, *args: Any, max_trials: int, max_epochs: int, **options: Any) -> None:
        self._epochs_left, self._is_first = float(max_trials * max_epochs), True
        super().__init__(*args, max_epochs=max_epochs, hyperband_iterations=sys.maxsize, **options)

    def tell(self, number: int, score: float | None) -> None:
        worst = -_WORST if self.objective.direction == "max" else _WORST
        super().tell(number, worst if score is None else score)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.ongoing_trials and not self._is_open():
            # The next round wants this one's scores, and another bracket would not wait for them.
            return _IDLE
        if not self.ongoing_trials:
            self._close_first_round()
        try:
            response = super().populate_space(trial_id)
        except _BudgetSpent:
            return _STOPPED
        if response["status"] == "RUNNING":
            # KerasTuner writes the bracket that was begun last.
            bracket, round_ = self._place_of(trial_id)
            response["values"] |= {"tuner/bracket": bracket["bracket_num"], "tuner/round": round_}
        return response

    def _start_new_bracket(self) -> None:
        self._size_of_short = None
        cost = self._cost(self._current_bracket)
        if cost > self._epochs_left and not self._is_first:
            raise _BudgetSpent
        self._epochs_left, self._is_first = self._epochs_left - cost, False
        super()._start_new_bracket()

    def _close_first_round(self) -> None:
        """A first round that has ended with trials missing: the space holds no more.

        Told by what has ended, not by the draw that failed, which no replay repeats.
        """
        first = self._brackets[-1]["rounds"][0] if self._brackets else []
        if 0 < len(first) < self._get_size(self._brackets[-1]["bracket_num"], 0):
            self._size_of_short = len(first)

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        size = super()._get_size(bracket_num, round_num)
        if self._size_of_short is None:
            return size
        return math.ceil(self._size_of_short * size / super()._get_size(bracket_num, 0))

    def _cost(self, bracket: int) -> int:
        """Epochs of all trials of a bracket; later rounds go on from earlier ones."""
        ends = [0, *(self._get_epochs(bracket, r) for r in range(bracket + 1))]
        return sum(self._get_size(bracket, r) * (ends[r + 1] - ends[r]) for r in range(bracket + 1))

    def _is_open(self) -> bool:
        """Whether the round that is being drawn lacks trials."""
        last = next(reversed(self.ongoing_trials.values()))
        bracket, round_ = self._place_of(last.trial_id)
        return len(bracket["rounds"][round_]) < self._get_size(bracket["bracket_num"], round_)

    def _place_of(self, trial_id: str) -> tuple[dict[str, Any], int]:
        for bracket in self._brackets:
            for round_, drawn in enumerate(bracket["rounds"]):
                if any(info["id"] == trial_id for info in drawn):
                    return bracket, round_
        raise AssertionError(trial_id)


def _key(*words: int) -> int:
    """A seed above 0 that neighbours share nothing with."""
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1) + 1
