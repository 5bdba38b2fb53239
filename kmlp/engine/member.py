"""A member: one model to train, with its seeds and the rows it trains and validates on.

Everything that a member draws is keyed by its own seed, the stream and the place, so that its
result does not depend on the stack it is trained in.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.records import described, identity
from kmlp.config.seeds import Seeds, generator
from kmlp.config.settings import setting
from kmlp.data.rows.holding_out import calibration_rows, evened, hold_out
from kmlp.data.rows.record import Rows, as_rows
from kmlp.data.sampling import Sample, stratified_order


@dataclass(frozen=True, kw_only=True)
class Member:
    """One model to train.

    Attributes:
        model, train: what to build and how to train it.
        seeds: see `Seeds`.
        validation_fraction: fraction of the training rows held out, drawn by `seeds.split`.
        data_sha256: hash of the data's content.
        sample: which sample of the training set it sees; None is all of it.
        calibration_fraction: fraction of the training rows that it neither trains nor validates
            on, the same rows for every seed; validation rows are a fraction of the others.
        num_train: at most so many training rows, stratified; the first n of a draw by
            `seeds.split`, so that fewer rows are among more. None is all of them.
        counts: how many rows it trains and validates on, where that does not follow from the
            above; see `counted`. No part of what it is.
    """

    model: MLPConfig
    train: TrainConfig
    seeds: Seeds
    validation_fraction: float
    data_sha256: str
    sample: Sample | None = described(None, since="0.1.0")
    num_train: int | None = described(None, since="0.1.0")
    calibration_fraction: float = described(0.0, since="0.2.0")
    counts: tuple[int, int] | None = field(default=None, compare=False)

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits that stand for all of the above, and for nothing else."""
        said = {name: value for name, value in identity(self).items() if name != "counts"}
        canonical = json.dumps(said, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def setting(self, name: str) -> Any:
        """The value of a field of either config."""
        return setting(name, self.model, self.train)

    def strength(self, field: str, place: int) -> float:
        """That of a field's draws in the layer at a place; those of hidden layers count from 1."""
        if field == "dropout" and self.model.layer_dropout:
            return self.model.layer_dropout[place - 1]
        return self.setting(field)

    def split(self, rows: Rows | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation rows: sorted `int32` indices.

        Calibration rows are set aside first, then a fold. Then the validation rows are drawn, where
        none are given. A part
        or a draw is taken of what is left, and has no row that is validated on; at last
        `num_train` rows of it.

        Args:
            rows: what is known of the training rows: `Dataset.rows`; `(n,)` class indices, by
                which all is stratified but a bootstrap draw, or floating targets.
        """
        known = as_rows(rows)
        rng = generator(self.seeds.split, "split")
        kept, held_out = self._parted(known, rng)
        if self.sample and self.sample.kind != "folds":
            kept = self.sample.take(kept, known)
        if known.are_uneven:
            kept = evened(kept, rng)
        if self.num_train is not None:
            order = stratified_order(known.strata[kept], generator(self.seeds.split, "split", 1))
            kept = np.sort(kept[order[: self.num_train]])
        return kept, held_out

    def _parted(self, known: Rows, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows that may be trained on, and those that validate; a fold is among neither."""
        rows = self.usable(known)
        if self.sample and self.sample.kind == "folds":
            rows = self.sample.take(rows, known)
        if known.is_validation is not None:
            return rows, known.given_validation
        kept, held_out = hold_out(rows, known, self.validation_fraction, rng)
        return kept, evened(held_out, rng) if known.are_uneven else held_out

    def fold(self, rows: Rows | np.ndarray) -> np.ndarray:
        """The rows that are held out to score it: a sorted fold, or none; as for `split`."""
        known = as_rows(rows)
        rows = self.usable(known)
        return self.sample.held_out(rows, known) if self.sample else rows[:0]

    def calibration(self, rows: Rows | np.ndarray) -> np.ndarray:
        """The rows that are kept for what is found out once it is trained; sorted, as for
        `split`."""
        return calibration_rows(as_rows(rows), self.calibration_fraction)

    def usable(self, known: Rows) -> np.ndarray:
        """Rows that are neither given to validate nor kept to calibrate, sorted."""
        kept = self.calibration(known)
        if not len(kept):
            return known.others
        return np.setdiff1d(known.others, kept, assume_unique=True).astype(np.int32)

    def epoch_order(self, rows: np.ndarray, epoch: int) -> np.ndarray:
        """The training rows in the order in which this epoch (from 0) visits them."""
        return generator(self.seeds.order, "order", epoch).permutation(rows)


def splits_of(
    members: Sequence[Member], rows: Rows | np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each member's split; those that a study pairs share a draw, which is made once."""
    drawn: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
    found = []
    for member in members:
        shares = (member.validation_fraction, member.calibration_fraction)
        draw = (member.sample, member.seeds.split, shares, member.num_train)
        if draw not in drawn:
            drawn[draw] = member.split(rows)
        found.append(drawn[draw])
    return found


def counted(members: Sequence[Member], rows: Rows) -> list[Member]:
    """The same members with what their stacks must know of their rows: how many there are."""
    splits = splits_of(members, rows)
    return [
        replace(member, counts=(len(kept), len(held_out)))
        for member, (kept, held_out) in zip(members, splits, strict=True)
    ]
