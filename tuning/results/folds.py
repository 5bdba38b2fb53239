"""What each network of a trial is scored on, and what trials are compared by: seeds, or folds."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from kmlp.data.sampling import Sample
from kmlp.stats import summaries
from kmlp.stats.cross_validation import corrected_variance


class Asked(Protocol):
    """What a search's settings say of seeds and folds."""

    @property
    def seeds(self) -> range: ...
    @property
    def num_seeds(self) -> int: ...
    @property
    def folds(self) -> int | None: ...
    @property
    def repeats(self) -> int: ...
    @property
    def validation_fraction(self) -> float: ...


def places(asked: Asked) -> list[tuple[int, Sample | None]]:
    """What a trial trains, in this order: a network a seed; with folds as many for each, repeat by
    repeat, round by round.

    Every network has a seed of its own: were it the folds' of a repeat in common, its luck would be
    in all of their scores, and in no interval. The cut of a repeat follows from its number.
    """
    if asked.folds is None:
        return [(seed, None) for seed in asked.seeds]
    first, cuts = asked.seeds[0], asked.repeats * asked.folds
    samples = [
        Sample(kind="folds", index=fold, of=asked.folds, seed=first + repeat)
        for repeat in range(asked.repeats)
        for fold in range(asked.folds)
    ]
    return [(seed, samples[(seed - first) % cuts]) for seed in asked.seeds]


def compared(scores: Sequence[float], asked: Asked) -> np.ndarray:
    """What trials are compared by, `(num_scores,)`: each seed's score; with folds each fold's mean
    over its seeds, repeat by repeat.

    Args:
        scores: in the order of `places`.
        asked: the search's settings.
    """
    x = np.asarray(scores, float)
    if asked.folds is None:
        return x
    return x.reshape(asked.num_seeds, asked.repeats * asked.folds).mean(axis=0)


def overlap(asked: Asked) -> float:
    """The rows of a fold over those that a network's weights are fitted to; 0 of seeds."""
    if asked.folds is None:
        return 0.0
    return 1 / ((asked.folds - 1) * (1 - asked.validation_fraction))


def error_of_mean(scores: Sequence[float], asked: Asked) -> float | None:
    """The standard error of a trial's own mean, of folds with the corrected variance; None of one
    score.

    Args:
        scores: in the order of `places`.
        asked: the search's settings.
    """
    x = compared(scores, asked)
    if asked.folds is None:
        return summaries.summarize(x).se
    return corrected_variance(x, num_train=1, num_test=overlap(asked)) ** 0.5


def adjective(asked: Asked) -> str:
    """What a trial's score is called by."""
    return "validation" if asked.folds is None else "cross-validated"


def in_words(asked: Asked) -> str:
    """What a trial trains: "3 seeds", "5 folds of 3 seeds", "2 x 5 folds of 1 seed"."""
    seeds = f"{asked.num_seeds} seed{'s' * (asked.num_seeds > 1)}"
    if asked.folds is None:
        return seeds
    times = f"{asked.repeats} x " if asked.repeats > 1 else ""
    return f"{times}{asked.folds} folds of {seeds}"
