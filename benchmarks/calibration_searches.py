"""What a search makes of its trials, by simulation: false verdicts and the price of its pick; part
of `calibration.py`."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats
from simulated import percent, share, table

from tuning.results.choice import Candidate, Choice, choose, standard_error

NUM_TRIALS, NUM_SEEDS = 20, 3
SD = 0.4
"""Of a network's score round its trial's mean, in points."""
NUM_FOLDS = 5
SEEDS_TRIED = (2, 3, 5)

_EQUAL = np.zeros(NUM_TRIALS)
_HALF = np.where(np.arange(NUM_TRIALS) < NUM_TRIALS // 2, 0.0, -1.0)
_CASES: dict[str, tuple[np.ndarray, str]] = {
    "20 equal trials": (_EQUAL, "normal"),
    "5 equal trials": (_EQUAL[:5], "normal"),
    "50 equal trials": (np.zeros(50), "normal"),
    "10 equal, 10 a point worse": (_HALF, "normal"),
    "10 equal, 10 far worse": (9 * _HALF, "normal"),
    "10 pairs, 0.5 points apart": (-0.5 * (np.arange(NUM_TRIALS) // 2), "normal"),
    "20 equal trials, skewed": (_EQUAL, "exponential"),
    "20 equal trials, heavy tails": (_EQUAL, "t of 4 degrees"),
    "2 pairs of twins": (_EQUAL[:4], "twins"),
    "2 pairs of near twins": (_EQUAL[:4], "near twins"),
    "2 times 10 near twins": (np.zeros(20), "two kinds"),
    "11 equal trials, one spreads 5 times as much": (_EQUAL[:11], "one jumps"),
}


def _kinds(
    rng: np.random.Generator, shape: tuple[int, ...], of_each: int, apart: float
) -> np.ndarray:
    """Trials of which so many at a time score alike but for a little, as with an L2 too small to
    change an answer."""
    alike = rng.normal(size=(shape[0] // of_each, shape[1])).repeat(of_each, axis=0)
    return alike + apart * rng.normal(size=shape)


def _rest(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(size=(shape[0] - 1, shape[1]))


_NOISE: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "t of 4 degrees": lambda rng, shape: rng.standard_t(4, size=shape) / 2**0.5,
    "twins": lambda rng, shape: _kinds(rng, shape, 2, 0.0),
    "near twins": lambda rng, shape: _kinds(rng, shape, 2, 0.05),
    "two kinds": lambda rng, shape: _kinds(rng, shape, 10, 0.05),
    "one jumps": lambda rng, shape: np.r_[rng.normal(size=(1, shape[1])) * 5, _rest(rng, shape)],
}


def search_false_verdicts(studies: int) -> dict[str, dict[str, float]]:
    """The share of searches that tell any trial from the best which is as good: by case and number
    of seeds, and as if each pair stood alone, at 95 % for itself."""
    found: dict[str, dict[str, float]] = {}
    for name, (means, noise) in _CASES.items():
        found[name] = {str(n): _false_share(means, noise, n, studies // 2) for n in SEEDS_TRIED}
        found[name]["pair by pair"] = _false_share(
            means, noise, NUM_SEEDS, studies // 2, ties=_pair_by_pair
        )
    return found


def _false_share(
    means: np.ndarray,
    noise: str,
    num_seeds: int,
    searches: int,
    ties: Callable[[np.ndarray], set[int]] | None = None,
) -> float:
    rng, wrong = np.random.default_rng(num_seeds), []
    for _ in range(searches):
        scores = _scores(rng, means, num_seeds, noise)
        best = int(scores.mean(axis=1).argmax())
        told = {*range(len(means))} - (ties or _ties)(scores)
        wrong.append(any(means[number] >= means[best] for number in told))
    return share(wrong)


def fold_false_verdicts(studies: int) -> dict[str, float]:
    """The same of 20 equal trials over 5 folds, which depend on each other by the share of the rows
    that is held out: with Nadeau and Bengio's correction and without it; and with it where all
    folds share one seed, whose luck spreads by half as much."""
    held_out, shares = 1 / NUM_FOLDS, {}
    corrected = held_out / (1 - held_out)
    for name, overlap, luck in (
        ("corrected", corrected, 0.0),
        ("uncorrected", 0.0, 0.0),
        ("one seed for all folds", corrected, 0.5),
    ):
        rng, wrong = np.random.default_rng(NUM_FOLDS), []
        for _ in range(studies // 2):
            own = rng.normal(size=(NUM_TRIALS, NUM_FOLDS)) * (1 - held_out) ** 0.5
            shared = rng.normal(size=(NUM_TRIALS, 1)) * (held_out + luck**2) ** 0.5
            wrong.append(len(_ties(own + shared, overlap)) < NUM_TRIALS)
        shares[name] = share(wrong)
    return shares


def search_choice(studies: int) -> dict[str, dict[str, dict[str, float]]]:
    """What a pick costs, and saves: sd of the trials' true means -> rule -> points that it lies
    below the best true trial, and its weights, over those of the trial with the best mean.

    Of 20 trials of 3 seeds; their weights are lognormal and say nothing of their scores.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for spread in (0.2, 0.5, 1.0):
        rng, lost, size = np.random.default_rng(0), [], []
        for _ in range(studies):
            means, weights = rng.normal(0, spread, NUM_TRIALS), rng.lognormal(size=NUM_TRIALS)
            picks = _picks(_scores(rng, means, NUM_SEEDS), weights)
            lost.append([means.max() - means[number] for number in picks.values()])
            size.append([np.log(weights[n] / weights[picks["luckiest"]]) for n in picks.values()])
        columns = zip(picks, np.mean(lost, axis=0), np.exp(np.mean(size, axis=0)), strict=True)
        found[str(spread)] = {
            rule: {"points": round(float(points), 3), "weights": round(float(weights), 3)}
            for rule, points, weights in columns
        }
    return found


def _picks(scores: np.ndarray, weights: np.ndarray) -> dict[str, int]:
    """Which trial each rule picks."""
    choice, paired = _choice(scores, weights), _pair_by_pair(scores)

    def simplest(numbers: set[int]) -> int:
        return min(numbers, key=lambda number: weights[number])

    return {
        "luckiest": choice.best,
        "one standard error": choice.picked,
        "simplest of the ties, pair by pair": simplest(paired),
        "simplest of the ties": simplest({*choice.ties}),
    }


def _scores(
    rng: np.random.Generator, means: np.ndarray, num_seeds: int, noise: str = "normal"
) -> np.ndarray:
    """`(num_trials, num_seeds)` points: a trial's mean, a seed's luck, and the rest."""
    rest = _NOISE[noise](rng, (len(means), num_seeds))
    return means[:, None] + SD * rng.normal(size=num_seeds) + SD * rest


def _choice(scores: np.ndarray, weights: np.ndarray | None = None, overlap: float = 0.0) -> Choice:
    sizes = np.ones(len(scores)) if weights is None else 1e6 * weights
    trials = [Candidate(i, s, int(w)) for i, (s, w) in enumerate(zip(scores, sizes, strict=True))]
    return choose(trials, higher_is_better=True, overlap=overlap)


def _ties(scores: np.ndarray, overlap: float = 0.0) -> set[int]:
    return {*_choice(scores, overlap=overlap).ties}


def _pair_by_pair(scores: np.ndarray) -> set[int]:
    """Who a paired t interval of the best and each by itself does not tell apart."""
    means = scores.mean(axis=1)
    error, df = standard_error(scores[np.argsort(-means)])
    least = float(stats.t.ppf(0.975, df)) * 2**0.5 * error
    return set(np.flatnonzero(means.max() - means <= least).tolist())


def search_tables(found: Mapping[str, Any]) -> list[str]:
    """What a search says falsely, and what its pick costs."""
    false, folds = found["search_false_verdicts"], found["fold_false_verdicts"]
    columns = [*(f"{n} seeds" for n in SEEDS_TRIED), f"{NUM_SEEDS} seeds, pair by pair"]
    choice = found["search_choice"]
    rules = list(next(iter(choice.values())))
    return [
        table(
            "Searches that tell any trial from the best which is as good",
            columns,
            [(name, *map(percent, shares.values())) for name, shares in false.items()],
        ),
        f"Of 20 equal trials over {NUM_FOLDS} folds: {percent(folds['corrected'])}; without the "
        f"correction of their variance {percent(folds['uncorrected'])}; with it, and one seed for "
        f"all folds, {percent(folds['one seed for all folds'])}: a search gives each its own.\n",
        table(
            f"Points below the best true trial (its weights over the luckiest's), of {NUM_TRIALS} "
            f"trials of {NUM_SEEDS} seeds with sd {SD}",
            rules,
            [
                (
                    f"true means of sd {spread}",
                    *(f"{by[r]['points']:.2f} ({by[r]['weights']:.2f})" for r in rules),
                )
                for spread, by in choice.items()
            ],
        ),
    ]
