"""Which trial to take: on validation alone, and not the luckiest but the simplest of the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from kmlp.errors import ConfigError

LEVEL = 0.95


_HARDLY_MORE = 1.05
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A finished trial.

    Attributes:
        number: of the trial.
        scores: `(num_scores,)`, of every trial in the same order: of seeds, or of folds.
        num_weights: of its network.
    """

    number: int
    scores: Sequence[float]
    num_weights: int


@dataclass(frozen=True)
class Choice:
    """What a search found.

    Attributes:
        best: the trial with the best mean score; of equals the one with fewer weights.
        ties: the trials that cannot be told apart from it, the best first.
        picked: of those within one standard error of the best, the pooled one or their own if it
            is larger, the one with the fewest weights; of those with hardly more, the one that
            scores best.
        least_difference: what a trial must lose to the best to be told apart from it, in the
            score's unit, and more where it differs from the best by more on some scores than on
            others; None of one score or one trial, and where the trials that are pooled differ by
            the same on every score, or not at all.
        standard_error: of a trial's mean, pooled over trials; None as above.
    """

    best: int
    ties: tuple[int, ...]
    picked: int
    least_difference: float | None
    standard_error: float | None


def choose(
    candidates: Sequence[Candidate], *, higher_is_better: bool, overlap: float = 0.0
) -> Choice:
    """Chooses among finished trials.

    A trial is told apart from the best if it loses more than `least_differences` says. To pick the
    simplest of all that are open would cost much: little is known of them. Within one
    standard error it costs little (Breiman et al. 1984, Classification and Regression Trees,
    3.4.3); `benchmarks/calibration.py` says how little.

    Args:
        candidates: at least one with scores that are all finite; what has another cannot be
            compared, and is left out.
        higher_is_better: of the score.
        overlap: of folds, the held-out rows over those that a network is fitted to: what makes
            folds' scores depend on each other. 0 of seeds.

    Raises:
        ConfigError: no trial has only finite scores.

    Example:
        >>> a = Candidate(0, (0.90, 0.91, 0.92), 100_000)
        >>> b = Candidate(1, (0.90, 0.912, 0.917), 20_000)
        >>> c = Candidate(2, (0.70, 0.71, 0.72), 1_000)
        >>> choose([a, b, c], higher_is_better=True).picked
        1
    """
    sign = 1 if higher_is_better else -1
    known = [c for c in candidates if np.isfinite(c.scores).all()]
    if not known:
        raise ConfigError(
            "no trial has a finite score of each seed or fold, so none can be chosen. Search on "
            "another metric, or let trials train with a smaller learning rate."
        )
    ranked = sorted(known, key=lambda c: (-sign * float(np.mean(c.scores)), c.num_weights))
    scores = sign * np.array([c.scores for c in ranked])
    lost = scores[0].mean() - scores.mean(axis=1)
    error, errors, least = _errors(scores, lost, overlap)
    ties = tuple(
        c.number for c, d, at_most in zip(ranked, lost, least, strict=True) if d <= at_most
    )
    near = [c for c, d, at_most in zip(ranked, lost, errors, strict=True) if d <= at_most]
    # A few hundred weights of a normalization make no network less simple.
    smallest = min(c.num_weights for c in near)
    picked = next(c for c in near if c.num_weights <= _HARDLY_MORE * smallest)
    least_difference = None if error is None else float(least[0])
    return Choice(ranked[0].number, ties, picked.number, least_difference, error)


def _errors(
    scores: np.ndarray, lost: np.ndarray, overlap: float
) -> tuple[float | None, np.ndarray, np.ndarray]:
    """A mean's standard error, each trial's beside the best, and what each may lose and still be
    open.

    Of one score or one trial nothing is known, and its equals alone are open beside the best. A
    spread of 0 is luck, no certainty: it tells no trial apart.
    """
    none = np.zeros(len(scores))
    if min(scores.shape) < 2 or len(_distinct(scores)) < 2:
        return None, none, none
    error, df = standard_error(scores, overlap)
    errors = np.maximum(error, errors_beside_best(scores, overlap))
    spreads = errors > _ROUNDING * np.abs(scores).max()
    least = least_differences(lost, np.where(spreads, errors, np.inf), df)
    # The best differs from itself by nothing: its error is the pooled one.
    return (error, errors, least) if spreads[0] else (None, none, least)


def standard_error(scores: np.ndarray, overlap: float = 0.0) -> tuple[float, int]:
    """The standard error of a trial's mean beside others' over the same seeds, and its degrees.

    With three seeds a trial's own is on two degrees of freedom. But trials share their seeds and
    much of their spread: what is left of the scores after each trial's and each seed's mean (a
    two-way table without interaction) is pooled over the better half of the trials, at least two.
    Worse trials spread more and have no say. Trials that score alike on every seed, as with a
    penalty too small to change an answer, say no more than one of them, and count once. Of folds
    the variance is Nadeau and Bengio's.

    Args:
        scores: `(num_trials, num_scores)`, the best trial first; two or more of each, of which two
            differ.
        overlap: as of `choose`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> error, df = standard_error(rng.normal(scale=0.1, size=(40, 4)))
        >>> round(error, 2), df
        (0.05, 57)
    """
    table = _distinct(scores)
    m, k = max(2, -(-len(table) // 2)), scores.shape[1]
    table = table[:m]
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    df = (m - 1) * (k - 1)
    return float(np.sqrt(np.square(rest).sum() / df * (1 / k + overlap))), df


def errors_beside_best(scores: np.ndarray, overlap: float = 0.0) -> np.ndarray:
    """Each trial's standard error by its own differences from the best, `(num_trials,)`.

    What is pooled holds for trials that are alike. Near twins among the best make it small, and a
    trial of another kind would be told from them by next to nothing; and one whose scores jump is
    told from steady ones too soon. An own error has k - 1 degrees of freedom of k scores, fewer
    than the pooled one, by whose the quantile goes: where it is the larger of the two the quantile
    is too small for it, and of two or three scores more than 5 % of searches tell such a trial
    apart; `benchmarks/calibration.py` says how many.

    Args:
        scores: `(num_trials, num_scores)`, the best trial first; two or more scores.
        overlap: as of `choose`.

    Example:
        >>> scores = np.array([[0.5, 0.7, 0.9], [0.4, 0.6, 0.8], [0.3, 0.7, 0.5]])
        >>> errors_beside_best(scores).round(2)
        array([0.  , 0.  , 0.08])
    """
    between = (scores[0] - scores).var(axis=1, ddof=1) / 2
    return np.sqrt(between * (1 / scores.shape[1] + overlap))


def least_differences(lost: np.ndarray, errors: np.ndarray, df: int) -> np.ndarray:
    """What each trial must lose to the best of all to be told apart from it, `(num_trials,)`.

    The best was chosen by the same scores: of equal trials some lose much to it. So the quantile
    at 95 % is that of the studentized range (Tukey), for all trials together; those that are
    told apart leave the others fewer to be compared with, step by step. Of equal trials, in 95 %
    of searches none is told apart; `benchmarks/calibration.py` tries other cases.

    Args:
        lost: `(num_trials,)`, to the best, which is the first.
        errors: `(num_trials,)`, standard errors of their means beside the best's; infinite of what
            cannot be told apart.
        df: degrees of freedom of the pooled error; a trial's own has fewer.

    Example:
        >>> least_differences(np.array([0.0, 1.0]), np.ones(2), 20).round(2)
        array([2.95, 2.95])
        >>> least_differences(np.array([0.0, 1.0, 9.0]), np.array([1.0, 1.0, 2.0]), 20).round(2)
        array([2.95, 2.95, 5.9 ])
    """
    num, left = len(lost) + 1, len(lost)
    while left < num and left > 1:
        num, left = left, int((lost <= _range_quantile(left, df) * errors).sum())
    return _range_quantile(max(left, 2), df) * errors


def _distinct(scores: np.ndarray) -> np.ndarray:
    """Without the rows that say again what an earlier one says, in the same order."""
    return scores[np.sort(np.unique(scores, axis=0, return_index=True)[1])]


@cache
def _range_quantile(num_means: int, df: int) -> float:
    """Of the range of so many equal means, in standard errors of one: a second's tenth to find."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(LEVEL, num_means, df))
