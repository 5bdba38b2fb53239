"""What the code knows of a metric."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

CLASSES, NUMBERS = ("binary", "multiclass"), ("regression",)
TASKS = (*CLASSES, *NUMBERS)
MetricUnit = Literal["percent", "nats", "target", "variance", "log", "none"]
"""Of a metric's values. "target": its own or its square, of any size; "variance": of the training
targets, which is what a regression knows while it trains; "log": the logarithm of an error."""


@dataclass(frozen=True, kw_only=True)
class MetricRecord:
    """One metric.

    Attributes:
        name: in `results.json`, tables and configs.
        title: in words.
        short: in a table's heading, where the title is too long for one.
        tasks: those that are scored by it.
        score: its formula, from `PredictedClasses` or `PredictedNumbers`.
        by_row: from the same, `(n,)` numbers whose mean is the score; None where it has none, as
            an AUC, and then no interval counts other test rows.
        is_root: whether the score is the root of that mean.
        is_square: whether its error, as a mean of squares, has an error's square for its unit: a
            network with half the error has a quarter of it.
        higher_is_better: the direction.
        unit: of its values.
        least, most: what it can be: intervals end there.
        logged_in: its unit in the epoch logs; None where they lack it: it cannot be monitored.
        is_loss: whether it is what training minimizes, without penalty, weight or smoothing.
        on_card: whether the card beside an exported model tells it.
    """

    name: str
    title: str
    short: str = ""
    tasks: tuple[str, ...]
    score: Callable[[Any], float]
    by_row: Callable[[Any], np.ndarray] | None = None
    is_root: bool = False
    is_square: bool = False
    higher_is_better: bool
    unit: MetricUnit = "none"
    least: float = 0.0
    most: float = 1.0
    logged_in: MetricUnit | None = None
    is_loss: bool = False
    on_card: bool = False

    def error(self, score: float) -> float:
        """What less of is better: the score, or how much it lacks of the most there can be."""
        return self.most - score if self.higher_is_better else score
