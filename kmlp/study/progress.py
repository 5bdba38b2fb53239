"""Progress of a study on stderr: a live table on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from kmlp.engine.member import Member
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import RECORDS
from kmlp.stats.monitoring import direction
from kmlp.study.pace import Pace
from kmlp.terminal import PlainConsole

if TYPE_CHECKING:
    from kmlp.engine.trainer import MemberResult, Need

_LINE_EVERY_SECONDS = 10.0
_SHORT = {"validation": "val.", "training": "train."}


class StudyProgress:
    """Collects what the stacks' threads tell and shows it; use it as a context manager.

    Example:
        with StudyProgress() as progress:
            run_study(config, "runs/a", progress=progress)
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or PlainConsole(stderr=True, soft_wrap=True)
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._variant_of: dict[str, str] = {}
        self._epoch: dict[str, int] = {}
        self._name, self._part = "accuracy", "validation"
        self._best: dict[str, float] = {}
        self._stopped: dict[str, int] = {}
        self._pace = Pace()
        self._done_before: frozenset[str] = frozenset()
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> "StudyProgress":
        if self.console.is_terminal:
            # The clock must go on while an epoch lasts, so the table is made anew at each refresh.
            self._live = Live(
                get_renderable=self._render,
                console=self.console,
                refresh_per_second=2,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live:
            self._live.stop()

    def start(self, variant_of: dict[str, str], done: Collection[str], title: str = "") -> None:
        """The study's members by id, those of them that need no training, and what it is."""
        with self._lock:
            self._variant_of, self._done_before = variant_of, frozenset(done)
            self._epoch, self._best, self._stopped = {}, {}, {}
            self._pace.start(variant_of, done)
            self._started = time.monotonic()
        missing = len(variant_of) - len(done)
        kept = f"; {len(done)} of {len(variant_of)} were already done" if done else ""
        self.console.print(f"{title}Training {missing} networks{kept}.", highlight=False)

    def need(self, memory: "Need") -> None:
        """What the stacks that are about to be trained take."""
        self.console.print(str(memory), highlight=False)

    def compiling(self, number: int, total: int) -> None:
        """A stack is about to train whose program is compiled first."""
        self.console.print(f"Compiling {number} of {total} programs.", highlight=False)

    def epoch(self, members: Sequence[Member], epoch: int, logs: dict[str, np.ndarray]) -> None:
        """One epoch of one stack."""
        name, part, values = _shown(logs)
        better = _better(name)
        with self._lock:
            self._name, self._part = name, part
            self._pace.epoch([m.id for m in members], epoch)
            for member, value in zip(members, values, strict=True):
                self._epoch[member.id] = epoch
                if np.isfinite(value):
                    self._best[member.id] = better(self._best.get(member.id, value), float(value))
            due = not self._live and time.monotonic() - self._last_line > _LINE_EVERY_SECONDS
            if due:
                self._last_line = time.monotonic()
                self.console.print(self._line(), highlight=False)

    def finished(self, results: Sequence["MemberResult"]) -> None:
        """One stack is done."""
        with self._lock:
            for result in results:
                self._stopped[result.member.id] = result.stopped_epoch
                self._epoch[result.member.id] = result.stopped_epoch
            self._pace.finished({r.member.id: r.stopped_epoch for r in results})

    def seconds_left(self) -> float | None:
        """From what each variant's epochs took so far; None until a network has stopped."""
        return self._pace.seconds_left()

    def _line(self) -> str:
        finished, total = len(self._stopped) + len(self._done_before), len(self._variant_of)
        running = len(self._epoch) - len(self._stopped)
        epochs = [e for id, e in self._epoch.items() if id not in self._stopped]
        at = f", {running} running at epoch {min(epochs)} to {max(epochs)}" if epochs else ""
        best = ""
        if self._best:
            value = _write(self._name, _better(self._name)(self._best.values()))
            best = f", best {self._part} {unit_of(self._name).logged_title} {value}"
        return f"{finished} of {total} networks done{at}{best}, {self._time()}"

    def _time(self) -> str:
        elapsed = clock(time.monotonic() - self._started)
        left = self.seconds_left()
        return f"{elapsed} so far" + (f", about {clock(left)} left" if left is not None else "")

    def _render(self) -> Group:
        with self._lock:
            table = Table(box=None, pad_edge=False, header_style="dim")
            best = f"best {_SHORT[self._part]} {unit_of(self._name).logged_title}"
            for heading in ("variant", "done", "running", "epoch", best):
                table.add_column(heading, justify="left" if heading == "variant" else "right")
            for variant in dict.fromkeys(self._variant_of.values()):
                table.add_row(*self._row(variant))
            finished, total = len(self._stopped) + len(self._done_before), len(self._variant_of)
            bar = ProgressBar(total=total or 1, completed=finished, width=40)
            return Group(table, bar, f"{finished} of {total} networks, {self._time()}")

    def _row(self, variant: str) -> tuple[str, ...]:
        ids = [id for id, name in self._variant_of.items() if name == variant]
        running = [id for id in ids if id in self._epoch and id not in self._stopped]
        epochs = [self._epoch[id] for id in running]
        best = [self._best[id] for id in ids if id in self._best]
        return (
            variant,
            f"{sum(id in self._stopped or id in self._done_before for id in ids)}/{len(ids)}",
            str(len(running) or ""),
            f"{min(epochs)} to {max(epochs)}" if epochs else "",
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


def _better(name: str) -> Callable[..., float]:
    """Takes the better of two values, or the best of many."""
    return max if direction(name) == "max" else min


def _write(name: str, value: float) -> str:
    """While it trains, a regression knows standardized targets only: 1 is what their mean would
    get."""
    unit = unit_of(name)
    return f"{value:.3f}" if unit.is_standardized else unit.with_unit(value)


def clock(seconds: float) -> str:
    """Minutes and seconds: "3:07"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
