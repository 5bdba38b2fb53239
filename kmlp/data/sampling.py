"""Which rows of a training set a member trains on: samples of them, and how each is drawn.

All draws follow from a seed and a place, so that a sample is the same rows for every member that
names it. Parts are cut from one stratified order, so that each holds its share of every class.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.data.rows.grouping import deal_groups, draw_groups
from kmlp.data.rows.record import Rows
from kmlp.errors import ConfigError, DataError
from kmlp.text import shown

MOST_SAMPLES = 10_000


FOLDS = "cv"
"""What `test` says where no row is set aside: each is held out once a repeat, in its fold."""
FEW_ROWS = 2_000
"""With fewer, the error of a fifth that tests would outweigh all that is to be told apart."""
TEST_SHARE = 0.2


KINDS = ("splits", "bootstrap", "folds")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample of a training set.

    Attributes:
        kind: "splits": one of `of` disjoint parts of equal size, what is left over (fewer than
            `of` rows) is in none; "bootstrap": as many rows as there are, drawn with replacement;
            "folds": all rows but one of `of` folds, which is held out to be scored.
        index: which part, draw or fold, from 0.
        of: how many parts or folds there are; 0 for draws, of which there may always be more.
        seed: seeds the draw; members that share it share their rows.

    Raises:
        ConfigError: no such kind, or no such part.

    Example:
        >>> Sample(kind="splits", index=0, of=5, seed=0).of
        5
    """

    kind: str
    index: int
    of: int = 0
    seed: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"a sample is one of {', '.join(KINDS)}. Received: {self.kind!r}.")
        if self.kind == "bootstrap":
            if self.of or self.index < 0:
                raise ConfigError(f"a bootstrap draw is numbered from 0 of any. Received: {self}.")
        elif self.of < 2 or not 0 <= self.index < self.of:
            raise ConfigError(f"{self.kind} are two or more, numbered from 0. Received: {self}.")

    @property
    def of_equal_size(self) -> tuple[str, int]:
        """Samples that agree in this have equally many rows; a draw has as many as all."""
        return ("all", 0) if self.kind == "bootstrap" else (self.kind, self.of)

    def take(self, rows: np.ndarray, known: Rows) -> np.ndarray:
        """The sample of `(n,)` rows, sorted; a row that is drawn twice stands there twice.

        Args:
            rows: indices of rows.
            known: by what rows are parted; groups stay whole, and folds are the given ones.
        """
        if self.kind == "bootstrap":
            return np.sort(self._drawn(rows, known))
        parts = self._parts(rows, known)
        if self.kind == "splits":
            return np.sort(parts[self.index])
        rest = np.concatenate([parts[i] for i in self._others()])
        if not known.are_uneven:
            # The folds may differ by a row; what is trained on must not, for they share a stack.
            rest = rest[: len(rows) - -(-len(rows) // self.of)]
        return np.sort(rest)

    def held_out(self, rows: np.ndarray, known: Rows) -> np.ndarray:
        """The fold that is to be scored, sorted; no rows for another kind. See `take`."""
        return np.sort(self._parts(rows, known)[self.index]) if self.kind == "folds" else rows[:0]

    def _drawn(self, rows: np.ndarray, known: Rows) -> np.ndarray:
        rng = self._generator()
        if known.groups is None:
            return rng.choice(rows, len(rows))
        return draw_groups(rows, known.groups[rows], rng)

    def _parts(self, rows: np.ndarray, known: Rows) -> list[np.ndarray]:
        """All folds, or all parts of equal size."""
        if self.kind == "folds" and known.folds is not None:
            return [rows[known.folds[rows] == fold] for fold in range(self.of)]
        rng = self._generator()
        if known.groups is not None:
            return deal_groups(rows, known, self.of, rng)
        ordered = rows[stratified_order(known.strata[rows], rng)]
        if self.kind == "splits":
            ordered = ordered[: len(rows) // self.of * self.of]
        return np.array_split(ordered, self.of)

    def _others(self) -> list[int]:
        return [i for i in range(self.of) if i != self.index]

    def _generator(self) -> np.random.Generator:
        # The parts of one cut share its order; draws share nothing.
        place = (KINDS.index(self.kind), self.of or self.index)
        return np.random.default_rng(
            np.random.SeedSequence(entropy=self.seed, spawn_key=(_SAMPLES, *place))
        )


# Beside the streams' own keys, which are small numbers.
_SAMPLES = 1000


def stratified_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random order whose every stretch holds each class in its share, give or take a row or two.

    The i-th of a class's n shuffled rows stands at (i + 1/2) / n of the way; equals are shuffled.

    Args:
        labels: `(n,)` classes.
        rng: where the order comes from.

    Returns:
        `(n,)` positions.

    Example:
        >>> order = stratified_order(np.repeat([0, 1], 50), np.random.default_rng(0))
        >>> np.bincount(np.repeat([0, 1], 50)[order[:10]]).tolist()
        [5, 5]
    """
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, counts = np.unique(labels, return_counts=True)
    place = np.concatenate([(np.arange(n) + 0.5) / n for n in counts])
    return by_class[np.lexsort((rng.permutation(len(labels)), place))]


def chosen_test(test: Any, num_rows: int) -> Any:
    """What tests: what was said, else folds of few rows and a fifth of many.

    Args:
        test: as users say it; None where they do not.
        num_rows: that there are.

    Example:
        >>> chosen_test(None, 569), chosen_test(None, 5000), chosen_test(0.3, 569)
        ('cv', 0.2, 0.3)
    """
    if test is not None:
        return test
    return FOLDS if num_rows < FEW_ROWS else TEST_SHARE


def is_folds(test: Any) -> bool:
    """Whether no row is set aside; a frame is no word."""
    return isinstance(test, str) and test == FOLDS


def checked_share(test: Any) -> float:
    """A share of rows that test.

    Raises:
        DataError: it is none.
    """
    if isinstance(test, bool) or not isinstance(test, int | float) or not 0 < test < 1:
        raise DataError(
            f"test must be between 0 and 1, such as 0.2, or {FOLDS!r}. Received: test={test!r}."
        )
    return float(test)


def parse_resample(text: str, seed: int) -> tuple[Sample, ...]:
    """The samples that "splits:5" or "bootstrap:20" stand for.

    Raises:
        ConfigError: it says something else.

    Example:
        >>> [sample.index for sample in parse_resample("bootstrap:3", seed=0)]
        [0, 1, 2]
    """
    kind, _, count = text.partition(":") if isinstance(text, str) else ("", "", "")
    is_count = count.isdecimal() and len(count) <= 5 and 2 <= int(count) <= MOST_SAMPLES
    if kind not in ("splits", "bootstrap") or not is_count:
        raise ConfigError(
            "resample is splits:R, R disjoint parts of the training rows, or bootstrap:R, R draws "
            f"with replacement, for R from 2 to {MOST_SAMPLES:,}, as splits:5. Received: "
            f"resample={shown(text)}."
        )
    of = int(count) if kind == "splits" else 0
    return tuple(Sample(kind=kind, index=i, of=of, seed=seed) for i in range(int(count)))


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
