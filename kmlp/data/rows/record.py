"""What is known of training rows beside their inputs and targets."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """By what training rows are parted, and what they weigh; each `(n,)`, None where nothing is
    known.

    Attributes:
        strata: whole numbers; each part of a draw holds its share of every stratum.
        groups: whole numbers; rows of one group are never parted.
        time: numbers or moments; no row that is learned from is later than one that is scored.
        folds: which fold each row is in, from 0; cross-validation holds out these, none of its own.
        weight: how much each row counts, `float32` of mean 1.
        is_validation: which rows validate, whatever the seed.
        notes: what the columns say, a line each, for people.

    Example:
        >>> Rows.of(np.array([0.5, 1.5])).strata.tolist()
        [0, 0]
    """

    strata: np.ndarray
    groups: np.ndarray | None = None
    time: np.ndarray | None = None
    folds: np.ndarray | None = None
    weight: np.ndarray | None = None
    is_validation: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, y: np.ndarray) -> Self:
        """Rows of which only the targets are known: their classes are the strata, and floating
        targets are all of one."""
        return cls(strata=y if np.issubdtype(y.dtype, np.integer) else np.zeros(len(y), int))

    def __len__(self) -> int:
        return len(self.strata)

    @property
    def num_folds(self) -> int:
        """How many folds are given; 0 where none are."""
        return 0 if self.folds is None else int(self.folds.max()) + 1

    @property
    def are_uneven(self) -> bool:
        """Whether how many rows a part has does not follow from its share."""
        return self.groups is not None or self.folds is not None

    @property
    def differ_by_draw(self) -> bool:
        """Whether what holds of one seed's parts may not hold of another's: their rows of each
        class, and whether any of them counts."""
        return self.are_uneven or (self.weight is not None and not self.weight.all())

    @property
    def given_validation(self) -> np.ndarray:
        """The rows that validate whatever the seed, sorted `int32` indices."""
        return self._where(self.is_validation)

    @property
    def others(self) -> np.ndarray:
        """The other rows: all, where each seed draws its own."""
        return self._where(None if self.is_validation is None else ~self.is_validation, every=True)

    def _where(self, mask: np.ndarray | None, *, every: bool = False) -> np.ndarray:
        if mask is None:
            mask = np.full(len(self), every)
        return np.flatnonzero(mask).astype(np.int32)

    def parts(self) -> dict[str, np.ndarray]:
        """What is known, by name: plain arrays of which a hash can be taken."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}


def as_rows(rows: Rows | np.ndarray) -> Rows:
    """Rows as they are; targets stand for rows of which nothing else is known."""
    return rows if isinstance(rows, Rows) else Rows.of(rows)


def of_mean_one(weight: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Weights as `float32` in units of their mean, or of others' mean.

    Example:
        >>> of_mean_one(np.array([1.0, 3.0])).tolist()
        [0.5, 1.5]
    """
    return (weight / (weight if like is None else like).mean()).astype(np.float32)


def spread_of(weight: np.ndarray) -> str:
    """Weights in words.

    Example:
        >>> spread_of(np.array([1.0, 3.0]))
        'from 1 to 3, 2 on average'
    """
    return f"from {weight.min():g} to {weight.max():g}, {weight.mean():g} on average"
