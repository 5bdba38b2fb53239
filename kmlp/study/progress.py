"""Progress of a study: its variants, and how far their networks are."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from kmlp.engine.member import Member
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import RECORDS
from kmlp.stats.monitoring import direction
from kmlp.study.live_display import LiveDisplay, Standing
from kmlp.study.pace import Pace

if TYPE_CHECKING:
    from kmlp.engine.trainer import MemberResult, Need

_LINE_EVERY_SECONDS = 10.0
_SHORT = {"validation": "val.", "training": "train."}


class StudyProgress(LiveDisplay):
    """Shows how far a study is; use it as a context manager.

    Example:
        with StudyProgress() as progress:
            run_study(config, "runs/a", progress=progress)
    """

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._variant_of: dict[str, str] = {}
        self._epoch: dict[str, int] = {}
        self._name, self._part = "accuracy", "validation"
        self._best: dict[str, float] = {}
        self._stopped: dict[str, int] = {}
        self._pace = Pace()
        self._reference, self._references_follow, self._beyond = "", False, ""
        self._done_before: frozenset[str] = frozenset()
        self._last_line = self._started

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str = "") -> None:
        """The study's members by id, those of them that need no training, and what it is."""
        with self._lock:
            self._variant_of, self._done_before = variant_of, frozenset(done)
            self._epoch, self._best, self._stopped, self._beyond = {}, {}, {}, ""
            self._pace.start(variant_of, done)
            self._started = time.monotonic()
        missing = len(variant_of) - len(done)
        kept = f"; {len(done)} of {len(variant_of)} were already done" if done else ""
        self._say(f"{title}Training {missing} networks{kept}.")

    def references_follow(self, are_some: bool) -> None:
        """Whether models that are no networks are trained after them: these take time, too."""
        self._references_follow = are_some

    def need(self, memory: "Need") -> None:
        """What the stacks that are about to be trained take."""
        self._say(str(memory))

    def compiling(self, number: int, total: int) -> None:
        """A stack is about to train whose program is compiled first."""
        with self._lock:
            self._pace.compiling(number, total)
        self._say(f"Compiling {number} of {total} programs.")

    def reference(self, name: str, number: int, total: int) -> None:
        """A model that is no network is about to be trained."""
        words = f"reference {number} of {total}: {name.replace('_', ' ')}"
        with self._lock:
            self._beyond = words
        if name != self._reference:
            self._reference = name
            self._say(f"Training {words}.")

    def importance(self, model: str, num_columns: int) -> None:
        """The columns of a trained model are about to be shuffled."""
        with self._lock:
            self._beyond = f"shuffling the columns of {model}"
        self._say(f"Shuffling {num_columns} columns, to see what {model} leans on.")

    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        """One epoch of one stack."""
        name, part, values = _shown(logs)
        better = _better(name)
        # As in results, what diverged counts in no mean; its accuracy is a number still.
        finite = np.isfinite(np.stack(list(logs.values()))).all(axis=0)
        with self._lock:
            self._name, self._part = name, part
            self._pace.epoch([m.id for m in members], epoch)
            for member, value, is_finite in zip(members, values, finite, strict=True):
                self._epoch[member.id] = epoch
                if is_finite:
                    self._best[member.id] = better(self._best.get(member.id, value), float(value))
                else:
                    self._best.pop(member.id, None)
            due = not self._live and time.monotonic() - self._last_line > _LINE_EVERY_SECONDS
            if due:
                self._last_line = time.monotonic()
                self._say(self._line())

    def finished(self, results: Sequence["MemberResult"]) -> None:
        """One stack is done."""
        with self._lock:
            for result in results:
                self._stopped[result.member.id] = result.stopped_epoch
                self._epoch[result.member.id] = result.stopped_epoch
            self._pace.finished({r.member.id: r.stopped_epoch for r in results})

    def seconds_left(self) -> float | None:
        """Of the networks, from what each variant's epochs took so far; None until one has stopped,
        and once all have."""
        return None if self._beyond else self._pace.seconds_left()

    @property
    def left_is(self) -> str:
        return "left for the networks" + ", then references" * self._references_follow

    def _time(self) -> str:
        return super()._time() + (f", {self._beyond}" if self._beyond else "")

    @property
    def _num_done(self) -> int:
        return len(self._stopped) + len(self._done_before)

    def _line(self) -> str:
        running = len(self._epoch) - len(self._stopped)
        epochs = [e for id, e in self._epoch.items() if id not in self._stopped]
        at = f", {running} running at epoch {_span(epochs)}" if epochs else ""
        best = ""
        if self._best:
            value = _write(self._name, float(np.mean(list(self._best.values()))))
            title = f"{self._part} {unit_of(self._name).title}"
            best = f", best {title} {value}{self._of_mean}, mean of networks"
        total = len(self._variant_of)
        return f"{self._num_done} of {total} networks done{at}{best}, {self._time()}"

    @property
    def _of_mean(self) -> str:
        """While it trains, a regression is scored in units of the training targets' variance."""
        return " (predicting the mean: 1)" if unit_of(self._name).is_standardized else ""

    def _standing(self) -> Standing:
        best = f"best {_SHORT[self._part]} {unit_of(self._name).title}{self._of_mean}"
        return Standing(
            headings=("variant", "done", "running", "epoch", best),
            rows=[self._row(variant) for variant in dict.fromkeys(self._variant_of.values())],
            left="variant",
            num_done=self._num_done,
            total=len(self._variant_of),
            what="networks",
        )

    def _row(self, variant: str) -> tuple[str, ...]:
        ids = [id for id, name in self._variant_of.items() if name == variant]
        running = [id for id in ids if id in self._epoch and id not in self._stopped]
        epochs = [self._epoch[id] for id in running]
        best = [self._best[id] for id in ids if id in self._best]
        return (
            variant,
            f"{sum(id in self._stopped or id in self._done_before for id in ids)}/{len(ids)}",
            str(len(running) or ""),
            _span(epochs) if epochs else "",
            _write(self._name, float(np.mean(best))) if best else "",
        )


def _shown(logs: dict[str, np.ndarray]) -> tuple[str, str, np.ndarray]:
    """What is told of an epoch: the score's name, the rows' part and the values.

    The validation rows' where there are any, else the training rows'.
    """
    name = next(m.name for m in RECORDS if m.logged_in and m.name in logs)
    if f"val_{name}" in logs:
        return name, "validation", logs[f"val_{name}"]
    return name, "training", logs[name]


def _span(epochs: Sequence[int]) -> str:
    first, last = min(epochs), max(epochs)
    return str(first) if first == last else f"{first} to {last}"


def _better(name: str) -> Callable[..., float]:
    """Takes the better of two values."""
    return max if direction(name) == "max" else min


def _write(name: str, value: float) -> str:
    """While it trains, a regression knows standardized targets only: 1 is what their mean would
    get."""
    unit = unit_of(name)
    return f"{value:.3f}" if unit.is_standardized else unit.with_unit(value)
