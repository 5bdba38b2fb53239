"""A whole study: every variant over every seed, with early stopping, scores and what is kept.

The sides take turns, in another order each round. Each starts in a fresh process; importing
libraries and loading the data are not timed, compiling is. A loop may be timed on some seeds only:
the first seed of each variant as it was, the others' mean for all the rest.
"""

import statistics
from dataclasses import dataclass, field

from race.epoch_mode import in_turn, tell
from race.process import Side, SideFailed
from race.setting import Setting
from race.sides import SIDES


@dataclass
class StudyTiming:
    """What was measured of one side: by round, seconds of the whole study.

    Attributes:
        num_seeds: seeds that were trained; fewer than the study's where it is extrapolated.
        epochs: mean number of epochs of a member.
        accuracy: mean test accuracy over all members.
        peak_bytes: growth of the process's memory.
        foreign_cores: by round, CPU seconds a second that others took.
    """

    name: str
    num_seeds: int
    seconds: list[float] = field(default_factory=list)
    epochs: float = 0.0
    accuracy: float = 0.0
    peak_bytes: int = 0
    foreign_cores: list[float] = field(default_factory=list)


@dataclass
class StudyRun:
    setting: Setting
    timings: dict[str, StudyTiming] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def ratios(self, name: str) -> list[float]:
        """By round, how many times the stacked study's time a loop takes."""
        pairs = zip(self.timings[name].seconds, self.timings["study_kmlp"].seconds, strict=True)
        return [mine / theirs for mine, theirs in pairs]

    def median(self, name: str) -> float:
        return statistics.median(self.timings[name].seconds)


def run_studies(setting: Setting, names: list[str], *, rounds: int, loop_seeds: int) -> StudyRun:
    """Measures whole studies.

    Args:
        setting: with its variants, seeds and epochs.
        names: the sides.
        rounds: how often every side has its turn.
        loop_seeds: how many seeds a loop trains; at least 2, or all.
    """
    run = StudyRun(setting)
    taking_part = []
    for name in names:
        if missing := SIDES[name].missing():
            run.notices.append(f"{SIDES[name].title} left out: {', '.join(missing)} not installed")
        else:
            taking_part.append(name)
    for round_ in range(rounds):
        for name in in_turn(taking_part, round_):
            try:
                _take_turn(run, name, loop_seeds)
            except SideFailed as error:
                run.notices.append(f"{SIDES[name].title} left out: {error}")
                taking_part.remove(name)
                run.timings.pop(name, None)
                continue
            tell(f"round {round_ + 1}  {name:12} {run.timings[name].seconds[-1]:8.1f} s")
    return run


def _take_turn(run: StudyRun, name: str, loop_seeds: int) -> None:
    wanted = run.setting.num_seeds
    count = min(loop_seeds, wanted) if SIDES[name].is_loop else wanted
    timing = run.timings.setdefault(name, StudyTiming(name, count))
    side = Side(name, run.setting)
    try:
        answer = side.call(range(count), run.setting.max_epochs)
    finally:
        side.close()
    outcome = answer.outcomes[0]
    seconds = answer.seconds
    if count < wanted:
        # First seeds hold what is done once a variant.
        first = sum(by_seed[0] for by_seed in outcome["seconds"])
        others = sum(statistics.fmean(by_seed[1:]) for by_seed in outcome["seconds"])
        seconds = first + others * (wanted - 1)
    timing.seconds.append(seconds)
    timing.epochs, timing.accuracy = outcome["epochs"], outcome["accuracy"]
    timing.peak_bytes = answer.peak_bytes
    timing.foreign_cores.append(answer.foreign_cores)
