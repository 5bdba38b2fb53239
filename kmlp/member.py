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
from kmlp.rows import Sample, stratified_order

# Fields that came later: left out of the id where they say nothing.
_LATER = ("sample", "num_train")


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
        sample: which sample of the training set it sees; None is all of it.
        num_train: at most so many training rows, stratified; the first n of a draw by
            `seeds.split`, so that fewer rows are among more. None is all of them.
    """

    model: MLPConfig
    train: TrainConfig
    seeds: Seeds
    validation_fraction: float
    data_sha256: str
    sample: Sample | None = None
    num_train: int | None = None

    @property
    def id(self) -> str:
        """16 hexadecimal digits that stand for all of the above, and for nothing else."""
        fields = dataclasses.asdict(self)
        stated = {k: v for k, v in fields.items() if v is not None or k not in _LATER}
        canonical = json.dumps(stated, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def split(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation rows: sorted `int32` indices.

        A fold is set aside first. Then the validation rows are drawn. A part or a draw is taken of
        what is left, and has no row that is validated on; at last `num_train` rows of it.

        Args:
            y: `(n,)` class indices, by which all is stratified but a bootstrap draw, or floating
                targets.
        """
        labels, rows = _labels(y), np.arange(len(y), dtype=np.int32)
        sample = self.sample
        if sample and sample.kind == "folds":
            rows = sample.take(rows, labels)
        rng = generator(self.seeds.split, "split")
        kept, held_out = stratified_split(labels[rows], self.validation_fraction, rng)
        kept, held_out = rows[kept], rows[held_out]
        if sample and sample.kind != "folds":
            kept = sample.take(kept, labels[kept])
        if self.num_train is not None:
            order = stratified_order(labels[kept], generator(self.seeds.split, "split", 1))
            kept = np.sort(kept[order[: self.num_train]])
        return kept, held_out

    def fold(self, y: np.ndarray) -> np.ndarray:
        """The rows that are held out to score it: a sorted fold, or none; `y` as for `split`."""
        rows = np.arange(len(y), dtype=np.int32)
        return self.sample.held_out(rows, _labels(y)) if self.sample else rows[:0]

    def epoch_order(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        """The training rows in the order in which this epoch (from 0) visits them."""
        return generator(self.seeds.order, "order", epoch).permutation(rows)


def _labels(y: np.ndarray) -> np.ndarray:
    """What rows are stratified by: floating targets are all of one class."""
    return y if np.issubdtype(y.dtype, np.integer) else np.zeros(len(y), int)


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
