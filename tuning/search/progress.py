"""Progress of a search: its trials, the best first, and how far the others are."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from kmlp.engine.member import Member
from kmlp.stats.formatting import Unit, unit_of
from kmlp.study.live_display import LiveDisplay, Standing
from tuning.results.folds import adjective, error_of_mean, in_words
from tuning.results.search_folder import Trial
from tuning.results.trials import settings_in_words
from tuning.space.config import SearchConfig

if TYPE_CHECKING:
    from kmlp.engine.trainer import MemberResult

_BEST, _ROWS = 5, 12


class SearchProgress(LiveDisplay):
    """Shows how far a search is; use it as a context manager.

    Example:
        with SearchProgress() as progress:
            tune("fashion_mnist", "runs/t", progress=progress)
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._unit: Unit = unit_of("accuracy")
        self._config: SearchConfig | None = None
        self._total = 0
        self._trials: dict[int, Trial] = {}
        self._scores: dict[int, Sequence[float]] = {}
        self._members: dict[int, Sequence[str]] = {}
        self._epoch: dict[str, int] = {}
        self._finished: set[str] = set()
        self._seeds_of_ended: dict[int, int] = {}
        self._done_before = 0
        self._draws_all_at_once = False

    def start(self, config: SearchConfig, trials: Sequence[Trial]) -> None:
        """What is searched, and the trials that the folder holds already."""
        over = [t for t in trials if t.status != "running"]
        with self._lock:
            self._unit, self._config = unit_of(config.metric), config
            # How many trials Hyperband has depends on its brackets: they are counted as drawn.
            self._total = 0 if config.tuner == "hyperband" else config.max_trials
            self._trials = {t.number: t for t in over}
            self._done_before = len(over)
            self._draws_all_at_once = config.tuner in ("grid", "random") and not trials
            self._started = time.monotonic()
        kept = f"; {len(over)} trials have ended before" if over else ""
        most = "up to " * self._draws_all_at_once
        wanted = f"{most}{config.max_trials} trials" if self._total else "rounds of trials"
        shown = f"{adjective(config)} {self._unit.title}"
        self._say(
            f"Searching with {config.tuner}: {wanted} of {in_words(config)}{kept}. Each is shown "
            f"with its mean {shown} ± its standard error."
        )

    def drawn(self, trials: Sequence[Trial], executions: Mapping[int, Sequence[str]]) -> None:
        """What is tried next, and the members of each trial."""
        with self._lock:
            self._trials |= {t.number: t for t in trials if t.number not in self._trials}
            self._members |= executions
            # A later round of Hyperband's trains the same members on.
            again = {id for ids in executions.values() for id in ids}
            self._finished -= again
            self._epoch = {id: epoch for id, epoch in self._epoch.items() if id not in again}
            has_fewer = self._draws_all_at_once and len(self._trials) < self._total
            self._total = len(self._trials) if has_fewer else self._total
        if has_fewer:
            self._say(f"The space holds {self._total} configurations.")

    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        """One epoch of one stack."""
        with self._lock:
            self._epoch |= dict.fromkeys((m.id for m in members), epoch)

    def finished(self, results: Sequence["MemberResult"]) -> None:
        """One stack is done."""
        with self._lock:
            self._finished |= {r.member.id for r in results}

    def ended(self, trial: Trial, scores: Sequence[float]) -> None:
        """One trial is done, or failed."""
        with self._lock:
            self._trials[trial.number] = trial
            self._scores[trial.number] = scores
            self._seeds_of_ended[trial.number] = self._num_finished(trial)
        if not self._live:
            self._say(f"{self._line(trial)}; {self._time()}")

    def seconds_left(self) -> float | None:
        """From the pace of the trials that ended since the start, and of the networks that others
        have; None before the first, and where nobody knows how many there will be."""
        done = self._num_trained()
        total = max(self._total, len(self._trials))
        if not self._scores or not self._total:
            return None
        return (time.monotonic() - self._started) / done * (total - self._done_before - done)

    def _num_trained(self) -> float:
        """Trials since the start; one that trains counts by its networks that are done: side by
        side they end together, and the first to be told of is no sign that others take as long."""
        open_ = [t for t in self._trials.values() if t.status == "running" and self._ids(t)]
        return len(self._scores) + sum(self._num_finished(t) / len(self._ids(t)) for t in open_)

    def _line(self, trial: Trial) -> str:
        title = "" if trial.score is None else f"{self._unit.title} "
        score = f"{title}{self._score(trial)}"
        return f"trial {trial.number}: {score}  {settings_in_words(trial.values)}"

    def _score(self, trial: Trial) -> str:
        if trial.score is None:
            return trial.message or trial.status.replace("_", " ")
        scores = self._scores.get(trial.number, ())
        se = error_of_mean(scores, self._config) if scores and self._config else None
        unit = unit_of(self._unit.record, [trial.score])
        return unit.with_unit(trial.score) + ("" if se is None else f" ± {unit.value(se)}")

    def _standing(self) -> Standing:
        return Standing(
            headings=("trial", self._networks(), "epoch", self._unit.title + " ± SE", "what"),
            rows=[self._row(trial) for trial in self._shown()],
            left="what",
            num_done=sum(t.status != "running" for t in self._trials.values()),
            total=max(self._total, len(self._trials), 1),
            what="trials",
        )

    def _shown(self) -> list[Trial]:
        """The best so far, then those in training, then as many that wait as there is room for."""
        done = [t for t in self._trials.values() if t.score is not None]
        best = sorted(done, key=lambda t: -self._unit.gain(t.score or 0.0))[:_BEST]
        open_ = [t for t in self._trials.values() if t.status == "running"]
        started = [t for t in open_ if any(m in self._epoch for m in self._ids(t))]
        waiting = [t for t in open_ if t not in started]
        return [*best, *started, *waiting[: max(0, _ROWS - len(best) - len(started))]]

    def _networks(self) -> str:
        return "networks" if self._config and self._config.folds else "seeds"

    def _row(self, trial: Trial) -> tuple[str, ...]:
        ids = self._ids(trial)
        open_ = [i for i in ids if i not in self._finished] if trial.status == "running" else []
        running = [self._epoch[i] for i in open_ if i in self._epoch]
        epochs = (
            " to ".join(dict.fromkeys((str(min(running)), str(max(running))))) if running else ""
        )
        score = self._score(trial) if trial.status != "running" else ""
        num_finished = self._seeds_of_ended.get(trial.number, self._num_finished(trial))
        seeds = f"{num_finished}/{len(ids)}" if ids else ""
        return (str(trial.number), seeds, epochs, score, settings_in_words(trial.values))

    def _num_finished(self, trial: Trial) -> int:
        return sum(id in self._finished for id in self._ids(trial))

    def _ids(self, trial: Trial) -> Sequence[str]:
        return self._members.get(trial.number, ())
