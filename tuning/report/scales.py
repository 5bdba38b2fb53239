"""Where the values of a hyperparameter, or the scores, lie on an axis from 0 to 1."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from tuning.results.records.search import SearchedParameter
from tuning.results.records.trials import TrialResult
from tuning.results.trials import formatted

OFF = -0.11
"""Where a value is drawn that was not active."""
_INCH_A_LETTER = 0.066
_WORST_SHOWN = 2.5  # times the extent of the best three trials in four

Ticks = list[tuple[float, str]]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The axis of one hyperparameter: linear, logarithmic, or one place a category.

    Attributes:
        name: of the hyperparameter.
        low, high: the ends of its range; None where it has categories.
        is_log: whether it was sampled by its logarithm.
        is_whole: whether it has whole numbers only.
        categories: in their order on the axis.
        has_off: whether some trials have it not active.
        is_score: whether low and high are but the ends of what is shown, and need no label.
        is_reversed: whether low stands at 1.

    Example:
        >>> scale = Scale(name="learning_rate", low=1e-4, high=0.1, is_log=True)
        >>> round(scale.place(0.01), 3), [label for _, label in scale.ticks(width=6)]
        (0.667, ['0.0001', '0.001', '0.01', '0.1'])
    """

    name: str
    low: float | None = None
    high: float | None = None
    is_log: bool = False
    is_whole: bool = False
    categories: tuple[Any, ...] = ()
    has_off: bool = False
    is_score: bool = False
    is_reversed: bool = False

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest value; None of what has no order, or two values only."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        is_ordered = all(type(c) in (int, float) for c in self.categories)
        if not is_ordered or len(self.categories) < 3:
            return None
        return self.categories[0], self.categories[-1]

    def place(self, value: Any) -> float:
        """Between 0 and 1; `OFF` where the hyperparameter was not active."""
        if value is None:
            return OFF
        if self.low is None or self.high is None:
            return (self.categories.index(value) + 0.5) / len(self.categories)
        if self.low == self.high:
            return 0.5
        value, low, high = (math.log(x) if self.is_log else x for x in (value, self.low, self.high))
        place = (value - low) / (high - low)
        return 1 - place if self.is_reversed else place

    def ticks(self, width: float) -> Ticks:
        """Places and labels in their order, those numbers left out that have no room.

        Args:
            width: of the axis in inches.
        """
        if self.low is None or self.high is None:
            ticks = [(self.place(c), formatted(c)) for c in self.categories]
        else:
            ticks = sorted((self.place(v), _short(v)) for v in self._numbers(self.low, self.high))
            ticks = _fitting(ticks, width)
        return [(OFF, "off"), *ticks] if self.has_off else ticks

    def _numbers(self, low: float, high: float) -> list[float]:
        if self.is_log:
            exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
            inner = [10.0**e for e in exponents]
        else:
            locator = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=self.is_whole)
            inner = [float(v) for v in locator.tick_values(low, high)]
        inner = [v for v in inner if low < v < high]
        return inner if self.is_score and inner else [low, *inner, high]


def scale_of(parameter: SearchedParameter, trials: Sequence[TrialResult] = ()) -> Scale:
    """The axis of a hyperparameter, with a place for "off" where trials need it."""
    name = parameter.name
    has_off = any(name not in trial.values for trial in trials)
    if parameter.min is not None and parameter.max is not None:
        return Scale(
            name=name,
            low=float(parameter.min),
            high=float(parameter.max),
            is_log=parameter.sampling == "log",
            is_whole=parameter.kind == "int",
            has_off=has_off,
        )
    values = [False, True] if parameter.kind == "bool" else list(parameter.values)
    if all(isinstance(v, int | float) for v in values):
        values = sorted(values)
    return Scale(name=name, categories=tuple(values), has_off=has_off)


def readable_limits(
    scores: Sequence[float] | np.ndarray, *, higher_is_better: bool
) -> tuple[float, float]:
    """An axis that holds the better trials well: a few hopeless ones would squeeze all others.

    Args:
        scores: of the finished trials, one or more.
        higher_is_better: which end is never cut.
    """
    gains = np.sort(scores if higher_is_better else -np.asarray(scores))
    usual = gains[-1] - np.quantile(gains, 0.25)
    low = max(gains[0], gains[-1] - _WORST_SHOWN * usual) if usual else gains[0]
    margin = 0.08 * (gains[-1] - low) or 0.01 * abs(low) or 0.1
    low, high = float(low - margin), float(gains[-1] + margin)
    return (low, high) if higher_is_better else (-high, -low)


def is_crowded(ticks: Ticks, width: float) -> bool:
    """Whether labels side by side need more inches than an axis has."""
    return any(_gap(a, b, width) < 0 for a, b in itertools.pairwise(ticks))


def _fitting(ticks: Ticks, width: float) -> Ticks:
    """The first, the last, and of those between the ones that have room."""
    kept = ticks[:1]
    for tick in ticks[1:-1]:
        if _gap(kept[-1], tick, width) >= 0 and _gap(tick, ticks[-1], width) >= 0:
            kept.append(tick)
    return kept + ticks[1:][-1:]


def _gap(left: tuple[float, str], right: tuple[float, str], width: float) -> float:
    """Inches between two labels that are centred on their places."""
    letters = (len(left[1]) + len(right[1])) / 2 + 1
    return (right[0] - left[0]) * width - letters * _INCH_A_LETTER


def _short(value: float) -> str:
    """ "0.001", "55k", "1.2M"."""
    if value >= 1e6:
        return f"{value / 1e6:.3g}M"
    return f"{value / 1e3:.3g}k" if value >= 1e4 else f"{value:.4g}"
