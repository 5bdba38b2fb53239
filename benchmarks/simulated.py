"""What the simulations draw from, and how they are written down."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

NUM_VARIANTS = 8
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def lognormal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.lognormal(size=shape) - np.exp(0.5)


DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "lognormal": lognormal,
}


def null_scores(name: str, rng: np.random.Generator, num_seeds: int) -> np.ndarray:
    """`(8, num_seeds)` scores of variants that do not differ in their mean; seeds are shared."""
    shape = (NUM_VARIANTS, num_seeds)
    if name == "tied accuracies":
        chance = 0.88 + 0.01 * rng.normal(size=num_seeds)
        return rng.binomial(1000, np.broadcast_to(chance, shape)) / 1000
    by_seed = rng.normal(size=num_seeds)
    if name == "baseline alone skewed":
        scores = 0.5 * rng.normal(size=shape)
        scores[0] = lognormal(rng, (num_seeds,))
        return by_seed + scores
    return by_seed + DISTRIBUTIONS[name](rng, shape)


def share(events: Iterable[bool]) -> float:
    return round(float(np.mean(list(events))), 4)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"**{title}**", "", f"| | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
