"""What becomes of a table's columns inside a network: which features there are, and how many."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from kmlp.config.network import MLPConfig
from kmlp.config.network_checks import resolved_scaling
from kmlp.config.records import records_of
from kmlp.data.columns import Column
from kmlp.data.dataset import DataSpec

DEFAULTS = {name: r.default for name, r in records_of(MLPConfig).items() if r.of_columns}
"""Fields of `MLPConfig` that say something of columns only, and their defaults."""
TRAINED = ("embeddings", "frequencies", "phases", "mixing", "offsets")
"""What is trained of all that a network holds of columns, by name."""
NUM_KNOTS = 1024
"""Places for a column's quantiles: a power of 2 that holds all of them and one more."""


class Encodes(Protocol):
    """What the features follow from: a config's or a stack's shared signature."""

    @property
    def input_scaling(self) -> str: ...
    @property
    def input_clip(self) -> float | None: ...
    @property
    def scaled_one_hot(self) -> bool: ...
    @property
    def missing_indicators(self) -> bool: ...
    @property
    def max_one_hot(self) -> int: ...
    @property
    def embedding_dim(self) -> int: ...
    @property
    def number_embedding(self) -> str: ...
    @property
    def number_embedding_dim(self) -> int: ...
    @property
    def num_frequencies(self) -> int: ...
    @property
    def frequency_stddev(self) -> float: ...
    @property
    def num_bins(self) -> int: ...
    @property
    def embedding_stddev(self) -> float | None: ...
    @property
    def max_categories(self) -> int: ...
    @property
    def min_category_count(self) -> int: ...


@dataclass(frozen=True)
class Categories:
    """A column of categories.

    Attributes:
        place: of the column in the encoded matrix.
        num_values: categories of its vocabulary; their codes are 0 to `num_values - 1`, any
            other code is an unseen one's.
        num_kept: categories that a network may tell apart; one more slot is "other".
    """

    place: int
    num_values: int
    num_kept: int

    @property
    def num_slots(self) -> int:
        return self.num_kept + 1

    @property
    def is_pair(self) -> bool:
        """Whether one feature of two signs tells its categories apart."""
        return self.num_values == self.num_kept == 2

    @property
    def num_codes(self) -> int:
        """Those of the vocabulary, of unseen categories, and of a missing one."""
        return self.num_values + 2


@dataclass(frozen=True)
class Encoding:
    """How a network prepares the encoded matrix: plain values, no statistics.

    The features are, in this order: numbers and truth values, imputed and scaled; the embeddings of
    numbers, or their bins, which take their place; an indicator for each number that may be
    missing; the one-hot slots of each column of few categories; the embedding of each of many.

    Attributes:
        numbers: places of numbers and truth values in the encoded matrix.
        indicators: which of `numbers` have an indicator.
        one_hot, embedded: columns of few and of many categories.
        embedding_dim: width of an embedding.
        scaling: of the numbers: "none", "standard", "robust" or "quantile".
        min_count: training rows that a category needs to be told apart.
        clip: bound of what is scaled; None is none.
        scaled_one_hot: whether one-hot features are scaled as numbers are.
        waves: which of `numbers` have periodic embeddings.
        binned: which of `numbers` are piecewise linear.
        num_mixtures, num_frequencies, frequency_stddev: of a number's periodic embedding.
        num_bins: of a number that is binned.
        embedding_stddev: of embeddings at first; None is 1 / sqrt(embedding_dim).

    Example:
        >>> from kmlp.config import MLPConfig
        >>> age = Column(name="age", kind="number", source="age", has_missing=True)
        >>> sex = Column(name="sex", kind="category", source="sex", values=("f", "m"))
        >>> spec = DataSpec(task="binary", input_shape=(2,), input_dtype="float32",
        ...                 num_classes=2, class_names=("a", "b"), columns=(age, sex))
        >>> Encoding.of(MLPConfig(), spec).width  # age, its indicator, f, m, other
        5
    """

    numbers: tuple[int, ...]
    indicators: tuple[int, ...]
    one_hot: tuple[Categories, ...]
    embedded: tuple[Categories, ...]
    embedding_dim: int
    scaling: str
    min_count: int
    clip: float | None = None
    scaled_one_hot: bool = False
    waves: tuple[int, ...] = ()
    binned: tuple[int, ...] = ()
    num_mixtures: int = 3
    num_frequencies: int = 16
    frequency_stddev: float = 0.1
    num_bins: int = 48
    embedding_stddev: float | None = None

    @classmethod
    def of(cls, config: Encodes, spec: DataSpec) -> Self:
        """What a network with this config makes of these columns."""
        columns = spec.columns
        numbers = [i for i, c in enumerate(columns) if c.kind != "category"]
        shown = [j for j, i in enumerate(numbers) if columns[i].has_missing]
        embedded = tuple(j for j, i in enumerate(numbers) if columns[i].kind == "number")
        categories = _categories(columns, config.max_categories)
        return cls(
            numbers=tuple(numbers),
            indicators=tuple(shown) if config.missing_indicators else (),
            one_hot=tuple(c for c in categories if c.num_kept <= config.max_one_hot),
            embedded=tuple(c for c in categories if c.num_kept > config.max_one_hot),
            embedding_dim=config.embedding_dim,
            scaling=resolved_scaling(config.input_scaling, spec),
            min_count=config.min_category_count,
            clip=config.input_clip,
            scaled_one_hot=config.scaled_one_hot,
            waves=embedded if config.number_embedding == "periodic" else (),
            binned=embedded if config.number_embedding == "piecewise_linear" else (),
            num_mixtures=config.number_embedding_dim - 1,
            num_frequencies=config.num_frequencies,
            frequency_stddev=config.frequency_stddev,
            num_bins=config.num_bins,
            embedding_stddev=config.embedding_stddev,
        )

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, also after JSON."""
        names = ("numbers", "indicators", "waves", "binned")
        tuples: dict[str, Any] = {name: tuple(saved[name]) for name in names if name in saved}
        for name in ("one_hot", "embedded"):
            tuples[name] = tuple(Categories(**each) for each in saved[name])
        return cls(**saved | tuples)

    @property
    def categories(self) -> tuple[Categories, ...]:
        """All columns of categories, in the order of their codes and slots."""
        return self.one_hot + self.embedded

    @property
    def first_codes(self) -> list[int]:
        """Where each column's codes begin in one table of all codes, and how many there are."""
        return list(itertools.accumulate((c.num_codes for c in self.categories), initial=0))

    @property
    def one_hot_features(self) -> list[tuple[int, int, int]]:
        """Of each one-hot feature its column among `one_hot`, the slot at which it is 1, and that
        at which it is -1, which is -2 where there is none."""
        found: list[tuple[int, int, int]] = []
        first = 0
        for place, column in enumerate(self.one_hot):
            slots = range(first, first + column.num_slots)
            first += column.num_slots
            if self.scaled_one_hot and column.is_pair:
                found.append((place, slots[0], slots[1]))
            else:
                found += [(place, slot, -2) for slot in slots]
        return found

    @property
    def num_embeddings(self) -> int:
        """Rows of the one embedding table."""
        return sum(c.num_slots for c in self.embedded)

    @property
    def unbinned(self) -> tuple[int, ...]:
        """Which of `numbers` are features by themselves."""
        return tuple(j for j in range(len(self.numbers)) if j not in self.binned)

    @property
    def wave_shapes(self) -> dict[str, tuple[int, int]]:
        """The trained weights of periodic embeddings by name."""
        n, size = len(self.waves), self.num_frequencies
        return {
            "frequencies": (n, size),
            "phases": (n, size),
            "mixing": (n * size, self.num_mixtures),
            "offsets": (n, self.num_mixtures),
        }

    @property
    def columns_of_features(self) -> list[int]:
        """Of each feature a number, from 0, that it shares with those of its column; an indicator
        has its own."""
        n = len(self.numbers)
        found = [*self.unbinned]
        found += [j for j in self.waves for _ in range(self.num_mixtures)]
        found += [j for j in self.binned for _ in range(self.num_bins)]
        found += range(n, n + len(self.indicators))
        n += len(self.indicators)
        found += [n + place for place, _, _ in self.one_hot_features]
        n += len(self.one_hot)
        found += [n + i for i in range(len(self.embedded)) for _ in range(self.embedding_dim)]
        return found

    @property
    def width(self) -> int:
        """Number of features."""
        numbers = len(self.unbinned) + len(self.binned) * self.num_bins
        numbers += len(self.waves) * self.num_mixtures + len(self.indicators)
        return numbers + len(self.one_hot_features) + len(self.embedded) * self.embedding_dim


def encoded_width(config: Encodes, spec: DataSpec) -> int:
    """Number of features that the first dense layer of a network sees."""
    return Encoding.of(config, spec).width if spec.columns else spec.num_features


def num_embedding_weights(config: Encodes, spec: DataSpec) -> int:
    """Number of trained weights in the embeddings of categories and of numbers."""
    if not spec.columns:
        return 0
    plan = Encoding.of(config, spec)
    of_numbers = sum(rows * width for rows, width in plan.wave_shapes.values())
    return plan.num_embeddings * config.embedding_dim + of_numbers


def num_waves(config: Encodes, spec: DataSpec) -> int:
    """Values of one row in the periodic embeddings of its numbers, before they are mixed."""
    plan = Encoding.of(config, spec)
    return len(plan.waves) * plan.num_frequencies


def num_knots(config: Encodes, spec: DataSpec) -> int:
    """Values in the tables of quantile scaling."""
    if config.input_scaling != "quantile":
        return 0
    return 3 * NUM_KNOTS * len(Encoding.of(config, spec).numbers)


def _categories(columns: Sequence[Column], most: int) -> list[Categories]:
    return [
        Categories(place, len(column.values), min(len(column.values), most))
        for place, column in enumerate(columns)
        if column.kind == "category"
    ]
