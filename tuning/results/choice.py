"""Which trial to take: on validation alone, and not the luckiest but the simplest of the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95


_HARDLY_MORE = 1.05


@dataclass(frozen=True)
class Candidate:
    """A finished trial.

    Attributes:
        number: of the trial.
        scores: `(num_seeds,)`, every trial's seeds in the same order.
        num_weights: of its network.
    """

    number: int
    scores: Sequence[float]
    num_weights: int


@dataclass(frozen=True)
class Choice:
    """What a search found.

    Attributes:
        best: the trial with the best mean score.
        ties: the trials that cannot be told apart from it, the best first.
        picked: the one of them with the fewest weights; of those with hardly more, the one that
            scores best.
        least_difference: what a trial must lose to the best to be told apart from it, in the
            score's unit; None of one seed or one trial.
    """

    best: int
    ties: tuple[int, ...]
    picked: int
    least_difference: float | None


def choose(candidates: Sequence[Candidate], *, higher_is_better: bool) -> Choice:
    """Chooses among finished trials.

    A trial is told apart from the best if it loses more than `least_difference`.

    Args:
        candidates: at least one.
        higher_is_better: of the score.

    Example:
        >>> a = Candidate(0, (0.90, 0.91, 0.92), 100_000)
        >>> b = Candidate(1, (0.90, 0.91, 0.91), 20_000)
        >>> c = Candidate(2, (0.70, 0.71, 0.72), 1_000)
        >>> choose([a, b, c], higher_is_better=True).picked
        1
    """
    sign = 1 if higher_is_better else -1
    ranked = sorted(candidates, key=lambda c: -sign * float(np.mean(c.scores)))
    scores = sign * np.array([c.scores for c in ranked])
    least = least_difference(scores)
    lost = scores[0].mean() - scores.mean(axis=1)
    ties = [c for c, d in zip(ranked, lost, strict=True) if d <= (least or 0.0)]
    # A few hundred weights of a normalization make no network less simple.
    smallest = min(c.num_weights for c in ties)
    picked = next(c for c in ties if c.num_weights <= _HARDLY_MORE * smallest)
    return Choice(ranked[0].number, tuple(c.number for c in ties), picked.number, least)


def least_difference(scores: np.ndarray) -> float | None:
    """What two means over the same seeds must differ by, at 95 %, to be told apart.

    With three seeds no sign-flip test can tell anything apart, and a pair's own t interval, on two
    degrees of freedom, is as wide as the search. But trials share their seeds and much of their
    spread: what is left of the scores after each trial's and each seed's mean (a two-way table
    without interaction) is pooled over the better half of the trials, at least two, and
    gives t(df) * s * sqrt(2 / k), df = (m - 1)(k - 1). Worse trials spread more and have no say.
    It holds for one pair; the best of many is flattered, so ties are found too seldom rather
    than too often, and the follow-up study has the last word.

    Args:
        scores: `(num_trials, num_seeds)`, the best trial first.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = least_difference(rng.normal(scale=0.1, size=(40, 3)))
        >>> 0.1 < found < 0.25
        True
    """
    m, k = max(2, -(-len(scores) // 2)), scores.shape[1]
    if len(scores) < 2 or k < 2:
        return None
    table = scores[:m]
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    df = (m - 1) * (k - 1)
    spread = float(np.sqrt(np.square(rest).sum() / df))
    return float(stats.t.ppf((1 + LEVEL) / 2, df)) * spread * (2 / k) ** 0.5
