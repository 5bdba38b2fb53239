"""A member: one model to train, with its seeds and the rows it trains and validates on.

Everything that a member draws is keyed by its own seed, the stream and the place, so that its
result does not depend on the stack it is trained in.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.records import described, identity
from kmlp.config.seeds import Seeds, generator
from kmlp.config.settings import setting
from kmlp.data.sampling import Sample, stratified_order, stratified_split


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
    sample: Sample | None = described(None, since="0.1.0")
    num_train: int | None = described(None, since="0.1.0")

    @property
    def id(self) -> str:
        """16 hexadecimal digits that stand for all of the above, and for nothing else."""
        canonical = json.dumps(identity(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def setting(self, name: str) -> Any:
        """The value of a field of either config."""
        return setting(name, self.model, self.train)

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
