"""Seeds, one a stream of randomness, and what is drawn by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

STREAMS = ("init", "order", "noise", "split")


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed a stream of randomness: initial weights, data order, masks and noise, split."""

    init: int
    order: int
    noise: int
    split: int

    @classmethod
    def all(cls, seed: int, fixed: Mapping[str, int] | None = None) -> Self:
        """One number for every stream but those that are fixed; the streams are independent all
        the same."""
        return cls(**{**dict.fromkeys(STREAMS, seed), **(fixed or {})})


def seed_words(seed: int, stream: str, *place: int, count: int = 2) -> np.ndarray:
    """`count` `uint32` words keyed by a seed, a stream and a place in it.

    NumPy's `SeedSequence` mixes them, so neighbouring seeds and places share nothing.
    """
    key = (STREAMS.index(stream), *place)
    return np.random.SeedSequence(entropy=seed, spawn_key=key).generate_state(count)


def generator(seed: int, stream: str, *place: int) -> np.random.Generator:
    """A NumPy generator of its own for a seed, a stream and a place."""
    key = (STREAMS.index(stream), *place)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))
