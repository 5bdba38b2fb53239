"""A member: one model to train, with its seeds and the rows it trains and validates on.

Everything that a member draws is keyed by its own seed, the stream and the place, so that its
result does not depend on the stack it is trained in.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from kmlp.config import STREAMS, MLPConfig, TrainConfig


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


@dataclass(frozen=True, kw_only=True)
class Member:
    """One model to train.

    Attributes:
        model, train: what to build and how to train it.
        seeds: see `Seeds`.
        validation_fraction: fraction of the training rows held out, drawn by `seeds.split`.
        data_sha256: hash of the data's content.
    """

    model: MLPConfig
    train: TrainConfig
    seeds: Seeds
    validation_fraction: float
    data_sha256: str

    @property
    def id(self) -> str:
        """16 hexadecimal digits that stand for all of the above, and for nothing else."""
        canonical = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def split(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation rows: sorted `int32` indices.

        Args:
            y: `(n,)` class indices, by which the split is stratified, or floating targets.
        """
        rng = generator(self.seeds.split, "split")
        labels = y if np.issubdtype(y.dtype, np.integer) else np.zeros(len(y), int)
        return stratified_split(labels, self.validation_fraction, rng)

    def epoch_order(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        """The training rows in the order in which this epoch (from 0) visits them."""
        return generator(self.seeds.order, "order", epoch).permutation(rows)


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


def stratified_split(
    labels: np.ndarray, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Splits rows so that every class gives the same fraction to the held-out part.

    The held-out part has `round(fraction * n)` rows whatever the classes' sizes: each class
    gives the whole part of its share, the largest remainders give one more.

    Args:
        labels: `(n,)` class indices.
        fraction: fraction of the rows to hold out, in [0, 1).
        rng: where the draw comes from.

    Returns:
        Kept and held-out rows: sorted `int32` indices.
    """
    classes, counts = np.unique(labels, return_counts=True)
    shares = fraction * counts
    quota = np.floor(shares).astype(int)
    missing = round(fraction * len(labels)) - quota.sum()
    quota[np.argsort(quota - shares, kind="stable")[:missing]] += 1
    held_out = [
        rng.permutation(np.flatnonzero(labels == c))[:q]
        for c, q in zip(classes, quota, strict=True)
    ]
    mask = np.zeros(len(labels), bool)
    mask[np.concatenate(held_out)] = True
    return np.flatnonzero(~mask).astype(np.int32), np.flatnonzero(mask).astype(np.int32)
