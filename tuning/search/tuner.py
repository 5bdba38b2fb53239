"""Draws trials, trains each over several seeds, and tells the oracle their mean."""

import dataclasses
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.signature import Signature
from kmlp.engine.trainer import MemberResult, Need, Room, Stacks, Trainer
from kmlp.errors import ConfigError, KmlpError, MemoryLimitError, RunFolderError
from kmlp.study.runner import train_missing
from tuning.results.executions import Execution, Executions
from tuning.results.search_folder import SearchFolder, Trial
from tuning.space.config import SearchConfig

if TYPE_CHECKING:
    from tuning.search.oracles import Oracle

logger = logging.getLogger(__name__)

Drawn = Mapping[str, Any]
"""What KerasTuner draws: a trial's values, and what Hyperband says of its place."""
PARTS = ("train", "val", "fold")
"""What a search keeps the metrics of: it never reads the test set."""
_HYPERBAND = "tuner/"
_EVERY_TRIAL = 2**31
_CHUNK = 2000


class SearchWatcher(Protocol):
    """Who is told how far a search is; all calls but `start` may come from stacks' threads."""

    def start(self, config: SearchConfig, trials: Sequence[Trial]) -> None: ...
    def drawn(self, trials: Sequence[Trial], executions: Mapping[int, Sequence[str]]) -> None: ...
    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None: ...
    def finished(self, results: Sequence[MemberResult]) -> None: ...
    def ended(self, trial: Trial, scores: Sequence[float]) -> None: ...


class Tuner:
    """Runs a search in its folder: what that holds is replayed, the rest is drawn and trained.

    Args:
        config: the search, `for_data`.
        folder: being written.
        data: the data set.
        trainer: what trains the networks.
        progress: told of everything.
    """

    def __init__(
        self,
        config: SearchConfig,
        folder: SearchFolder,
        data: Dataset,
        trainer: Trainer,
        progress: SearchWatcher | None = None,
    ) -> None:
        self.config, self.folder, self.trainer, self.progress = config, folder, trainer, progress
        self.data = without_test_rows(data)
        self.executions = Executions(config, data.spec, data.provenance.sha256)
        self.trials = folder.trials()
        self.oracle = make_oracle(config, self.executions)
        self._lock = threading.Lock()
        self._running: dict[int, list[Execution]] = {}

    def run(self) -> list[Trial]:
        """Every trial of the search, each ended."""
        if self.progress:
            self.progress.start(self.config, self.trials)
        try:
            self._run_batches()
        finally:
            self.oracle.let_go()
        self._train_damaged()
        return self.trials

    def _run_batches(self) -> None:
        batch = 0
        while numbers := self._replayed(batch) or self._drawn(batch):
            if open_ := [self.trials[n] for n in numbers if self.trials[n].status == "running"]:
                self._train(open_)
            for n in numbers:
                self.oracle.tell(n, self.trials[n].score)
            batch += 1

    def _replayed(self, batch: int) -> list[int]:
        """The trials that the ledger holds of a batch, drawn again for the oracle to know them."""
        past = [t for t in self.trials if t.batch == batch]
        for trial in past:
            values = self.oracle.draw(trial.number, trial.values)
            if values is None or _own(values) != dict(trial.values):
                raise RunFolderError(
                    f"{self.folder.path}: KerasTuner draws trial {trial.number} otherwise than "
                    "it did there: is it another version? Name another folder with --out."
                )
        return [t.number for t in past]

    def _drawn(self, batch: int) -> list[int]:
        """A new batch, written down before anything of it trains."""
        new: list[Trial] = []
        while len(new) < self._batch_size():
            number = len(self.trials) + len(new)
            values = self.oracle.draw(number)
            if values is None:
                break
            new.append(_new_trial(number, batch, values))
        if new:
            self.folder.write_trials(new)
            self.trials += new
        return [t.number for t in new]

    def _batch_size(self) -> int:
        """How many trials are drawn without each other's scores.

        Random and grid search need none. A Bayesian search begins with random trials, then draws
        a few at once. Hyperband's oracle says itself where a round ends.
        """
        if self.config.tuner == "hyperband":
            return _EVERY_TRIAL
        left = self.config.max_trials - len(self.trials)
        if self.config.tuner == "bayesian":
            at_random = self.oracle.num_random - len(self.trials)
            return min(left, max(at_random, self.config.parallel_trials))
        return left

    def _train(self, trials: Sequence[Trial]) -> None:
        """Trains what is missing of trials of one batch; each ends as soon as it can."""
        room = self.trainer.make_room(self.data)
        for trial in trials:
            if message := self._no_way_on(trial):
                self._end(dataclasses.replace(trial, status="failed", message=message))
                continue
            try:
                own = self.executions.of(trial)
                self.trainer.stack_size(own[0].member, self.data.spec, room)
                self._running[trial.number] = own
            except (ConfigError, MemoryLimitError) as error:
                self._end(dataclasses.replace(trial, status="failed", message=str(error)))
        if self.progress:
            ids = {n: [e.member.id for e in es] for n, es in self._running.items()}
            self.progress.drawn(trials, ids)
        for epochs in dict.fromkeys(t.epochs for t in trials):
            self._train_together([t for t in trials if t.epochs == epochs], epochs)
        self._end_what_can()
        assert not self._running, sorted(self._running)

    def _train_together(self, trials: Sequence[Trial], epochs: int | None) -> None:
        """Trains trials side by side; where that raises, one by one, for one to fail alone."""
        try:
            self._train_members(
                [e for t in trials for e in self._running.get(t.number, [])], epochs
            )
        except (KmlpError, OSError):
            # Of the folder or the data: no trial is to blame.
            raise
        except Exception as error:
            if len(trials) > 1:
                for trial in trials:
                    self._train_together([trial], epochs)
                return
            (trial,) = trials
            logger.warning("trial %d failed", trial.number, exc_info=error)
            message = f"{type(error).__name__}: {error}".splitlines()[0]
            with self._lock:
                self._running.pop(trial.number, None)
                self._end(dataclasses.replace(trial, status="failed", message=message))

    def _train_damaged(self) -> None:
        """Trains again what has lost its record or its arrays.

        The trials keep their scores, by which others were drawn: in another stack a network
        rounds otherwise.
        """
        records = self.folder.records()
        recorded = {
            e.id: (e, t.epochs)
            for t in self.trials
            for e in self._executions_of(t)
            if e.id in records or t.status == "done"
        }
        damaged = [recorded[id] for id in self.folder.damaged(list(recorded))]
        if damaged:
            # Hyperband's later rounds have ended: what they were paused at is of no more use.
            self.folder.stacks.forget()
        for epochs in dict.fromkeys(epochs for _, epochs in damaged):
            self._train_members([e for e, until in damaged if until == epochs], epochs)

    def _train_members(self, executions: Sequence[Execution], epochs: int | None) -> None:
        train_missing(
            self.folder,
            {e.id: e.member for e in executions},
            self.data,
            self,
            trainer=self.trainer,
            until=epochs,
            parts=PARTS,
            plan=self._plan,
        )

    def _executions_of(self, trial: Trial) -> list[Execution]:
        """A trial's executions; none where its values make no config."""
        try:
            return self.executions.of(trial)
        except ConfigError:
            return []

    def _no_way_on(self, trial: Trial) -> str | None:
        """Hyperband fills its rounds; what would go on from a trial without a score has failed."""
        if trial.resumed_from is None or self.trials[trial.resumed_from].score is not None:
            return None
        return f"trial {trial.resumed_from}, which it goes on from, has no score"

    def _plan(self, members: Sequence[Member], room: Room) -> Stacks:
        """Members of one signature side by side in a stack, whatever their trials.

        Hyperband's networks must find in a later round the stack that they were paused with: it
        holds one trial's, however many cores there are.
        """
        spec, plan_stacks = self.data.spec, self.trainer.plan_stacks
        if self.config.tuner == "hyperband":
            trials: dict[tuple, list[Member]] = {}
            for m in members:
                trials.setdefault((m.model, str(m.train)), []).append(m)
            each = trials.values()
            return [stack for own in each for stack in plan_stacks(own, spec, 1, room=room)]
        kinds: dict[Signature, list[Member]] = {}
        for m in members:
            kinds.setdefault(Signature.of(m), []).append(m)
        ordered = [m for own in kinds.values() for m in own]
        return plan_stacks(ordered, spec, room=room)

    def need(self, memory: Need) -> None:
        """What a batch of trials takes: too often to be said."""

    def compiling(self, number: int, total: int) -> None:
        """Nor what is compiled for it."""

    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        """A stack's epoch, from its thread."""
        if self.progress:
            self.progress.epoch(members, epoch, logs)

    def finished(self, results: Sequence[MemberResult]) -> None:
        """A stack's end, from its thread, once it is recorded."""
        if self.progress:
            self.progress.finished(results)
        self._end_what_can()

    def _end_what_can(self) -> None:
        with self._lock:
            records, lost = self.folder.records(), self.folder.stacks.given_up()
            for number, executions in list(self._running.items()):
                found = self.executions.ended(self.trials[number], executions, records, lost)
                if found.status != "running":
                    scores = [
                        self.executions.score(records[e.id]) for e in executions if e.id in records
                    ]
                    self._end(found, scores)
                    del self._running[number]

    def _end(self, trial: Trial, scores: Sequence[float] = ()) -> None:
        self.folder.write_trials([trial])
        self.trials[trial.number] = trial
        if self.progress:
            self.progress.ended(trial, scores)


def without_test_rows(data: Dataset) -> Dataset:
    """The data as a search sees them: what does not have the test set cannot read it.

    Training rows stand in its place, one chunk of them, which no further program is traced for.
    """
    x, y = data.x_train[:_CHUNK], data.y_train[:_CHUNK]
    # Nobody reads how they score; of rows that all weigh 0 nothing could be told.
    weight = None if data.rows.weight is None else np.ones(len(y), np.float32)
    return dataclasses.replace(data, x_test=x, y_test=y, test_weight=weight)


def make_oracle(config: SearchConfig, executions: Executions) -> "Oracle":
    """The oracle of a search.

    Raises:
        ConfigError: Hyperband, which sets the epochs, over a space that searches them.
    """
    from tuning.search import oracles

    options: dict[str, Any] = {
        "objective": config.objective,
        "direction": config.direction,
        "seed": config.seed,
    }
    space = executions.space
    if config.tuner != "hyperband":
        kinds: dict[str, type[Oracle]] = {
            "random": oracles.RandomOracle,
            "grid": oracles.GridOracle,
            "bayesian": oracles.BayesianOracle,
        }
        return kinds[config.tuner](space, **options)
    if any(p.name == "max_epochs" for p in space.parameters):
        raise ConfigError(
            "Hyperband sets the epochs itself: fix max_epochs, or take another tuner."
        )
    max_epochs = space.configs({})[1].max_epochs
    return oracles.HyperbandOracle(
        space, max_trials=config.max_trials, max_epochs=max_epochs, **options
    )


def _new_trial(number: int, batch: int, values: Drawn) -> Trial:
    parent = values.get(f"{_HYPERBAND}trial_id")
    return Trial(
        number=number,
        batch=batch,
        values=_own(values),
        epochs=values.get(f"{_HYPERBAND}epochs"),
        bracket=values.get(f"{_HYPERBAND}bracket"),
        round=values.get(f"{_HYPERBAND}round"),
        resumed_from=None if parent is None else int(parent),
    )


def _own(values: Drawn) -> dict[str, Any]:
    """Without what Hyperband adds."""
    return {k: v for k, v in values.items() if not k.startswith(_HYPERBAND)}
