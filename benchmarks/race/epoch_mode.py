"""Marginal seconds per member-epoch: what one more epoch of one member costs each side.

Every side trains its members for one epoch and then, from the start again, for 1 + E epochs;
the difference is E epochs. So what is done once (building, compiling, copying the data, final
scores) counts for nobody, and what is done each epoch (validation, shuffling, callbacks, the
logs) counts for all. The sides take turns, in another order each round.
"""

import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kmlp.machine import num_cores
from race.process import Side, SideFailed
from race.setting import VALIDATION_FRACTION, Setting, training_flops, validation_flops
from race.sides import SIDES

_SETTLE_SECONDS = 0.3


@dataclass
class Timing:
    """What was measured of one side.

    Attributes:
        name: the side's.
        count: members that were trained; a loop's few stand for all.
        cold: seconds of the very first call, one epoch of `count` members, compilation included.
        once: by round, seconds a member of what is done once, warm.
        marginal: by round, seconds per member-epoch.
        cpu: by round, the same in CPU seconds of all its threads.
        accuracy: mean validation accuracy after the last epoch.
        peak_bytes: growth of the process's memory.
        choice: what the side chose.
        foreign_cores: by round, CPU seconds a second that others took: a quiet machine has 0.
    """

    name: str
    count: int
    choice: str
    cold: float = 0.0
    once: list[float] = field(default_factory=list)
    marginal: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    accuracy: float | None = None
    peak_bytes: int = 0
    foreign_cores: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.marginal)


@dataclass
class EpochRun:
    """One setting's timings, and what was left out.

    Attributes:
        flops, flops_with_validation: of the products of one member-epoch.
        num_rows: training rows of a member, validation rows of a member.
    """

    setting: Setting
    epochs: int
    num_rows: tuple[int, int]
    flops: int
    flops_with_validation: int
    timings: dict[str, Timing] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def ratios(self, name: str, reference: str = "kmlp") -> list[float]:
        """By round, how many times the reference's time a side takes."""
        pairs = zip(self.timings[name].marginal, self.timings[reference].marginal, strict=True)
        return [mine / theirs for mine, theirs in pairs]

    @property
    def floor(self) -> Timing | None:
        """The fastest of the floors."""
        floors = [t for t in self.timings.values() if SIDES[t.name].is_floor]
        return min(floors, key=lambda t: t.median, default=None)


def run_epochs(
    setting: Setting, names: Sequence[str], *, epochs: int, rounds: int, loop_members: int
) -> EpochRun:
    """Measures one setting.

    Args:
        setting: what to train.
        names: the sides; those that cannot take part are named in the notices.
        epochs: how many more than one the longer call trains.
        rounds: how often every side has its turn, after a warm-up.
        loop_members: how many members a loop trains.
    """
    data = setting.load()
    num_val = round(VALIDATION_FRACTION * len(data.y_train))
    num_rows, widths = (len(data.y_train) - num_val, num_val), setting.widths(data)
    flops = training_flops(widths, num_rows[0])
    run = EpochRun(setting, epochs, num_rows, flops, flops + validation_flops(widths, num_rows[1]))
    sides: dict[str, Side] = {}
    try:
        for name in names:
            _warm_up(run, sides, name, loop_members)
        for round_ in range(rounds):
            for name in in_turn(sides, round_):
                _take_turn(run, sides[name], run.timings[name])
    finally:
        for side in sides.values():
            side.close()
    return run


def in_turn(names: Iterable[str], round_: int) -> list[str]:
    """The sides' order in a round, turned round each time: none always goes first."""
    order = list(names)
    return order if round_ % 2 == 0 else order[::-1]


def _warm_up(run: EpochRun, sides: dict[str, Side], name: str, loop_members: int) -> None:
    """Starts a side, lets it choose and compile; a side that fails is left out, and says why."""
    info, setting = SIDES[name], run.setting
    reason = _reason_to_skip(name, setting)
    if reason:
        run.notices.append(f"{info.title} left out: {reason}")
        return
    tell(f"warming up {name}")
    side = None
    try:
        side = Side(name, setting)
        cores = num_cores()
        few = max(loop_members, cores if info.per_core or name == "torch_loop" else 1)
        count = min(setting.num_members, few) if info.is_loop else setting.num_members
        timing = Timing(name, count, side.choice)
        timing.cold = side.call(range(count), 1).seconds
        side.call(range(count), 1 + run.epochs)
    except SideFailed as error:
        run.notices.append(f"{info.title} left out: {error}")
        if side:
            side.close()
        return
    sides[name], run.timings[name] = side, timing


def _reason_to_skip(name: str, setting: Setting) -> str:
    info = SIDES[name]
    if missing := info.missing():
        return f"{', '.join(missing)} not installed"
    if info.float32_only and setting.dtype != "float32":
        return "float32 only"
    if info.per_core and min(num_cores(), setting.num_members) == 1:
        return "one member or one core"
    return ""


def _take_turn(run: EpochRun, side: Side, timing: Timing) -> None:
    seeds = range(timing.count)
    time.sleep(_SETTLE_SECONDS)
    short = side.call(seeds, 1)
    long = side.call(seeds, 1 + run.epochs)
    num_epochs = run.epochs * timing.count
    marginal = (long.seconds - short.seconds) / num_epochs
    timing.marginal.append(marginal)
    timing.cpu.append((long.cpu_seconds - short.cpu_seconds) / num_epochs)
    timing.once.append(short.seconds / timing.count - marginal)
    timing.accuracy, timing.peak_bytes = long.mean("accuracy"), long.peak_bytes
    timing.foreign_cores.append(max(short.foreign_cores, long.foreign_cores))
    tell(f"round {len(timing.marginal)}  {timing.name:18} {marginal:8.4f} s per member-epoch")


def tell(text: Any) -> None:
    """Progress; results go to stdout."""
    print(text, file=sys.stderr, flush=True)
