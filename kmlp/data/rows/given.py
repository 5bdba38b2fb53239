"""Arrays that say how rows are parted and what they weigh, beside arrays of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kmlp.data.arrays.given import is_missing, to_array
from kmlp.data.rows.record import Rows, of_mean_one, spread_of
from kmlp.errors import DataError

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Validation:
    """Rows that validate, as they were given; nothing where there are none.

    Attributes:
        x, y: as of the test rows.
        weight: how much each counts, if that was said.
    """

    x: Any = None
    y: Any = None
    weight: Any = None

    @classmethod
    def of(cls, given: Any) -> Self:
        """A pair, with weights three.

        Raises:
            DataError: something else.
        """
        if given is None:
            return cls()
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            size = f" of {len(given)}" if isinstance(given, Sequence) else ""
            raise DataError(
                "validation must be (x, y), or (x, y, sample_weight). Received: "
                f"{type(given).__name__}{size}."
            )
        return cls(*given)

    def num_rows(self, num_held_out: int) -> int:
        """How many of the rows that were read as held out are these.

        Raises:
            DataError: there are not as many labels.
        """
        if self.x is None:
            return 0
        number, labels = len(self.x), to_array(self.y, "y_validation")
        if labels.shape != (number,):
            raise DataError(
                f"y_validation must be (n,) for {number} rows. Received: shape {labels.shape}."
            )
        assert number < num_held_out
        return number

    def before(self, y_test: Any) -> Any:
        """The labels of these rows and of the test rows, one after the other.

        Raises:
            DataError: both are labels of different kinds.
        """
        if self.x is None:
            return y_test
        own, test = to_array(self.y, "y_validation"), to_array(y_test, "y_test")
        if own.ndim != test.ndim or (own.dtype.kind in "US") != (test.dtype.kind in "US"):
            raise DataError(
                "y_validation and y_test must hold labels of one kind. Received: "
                f"{own.dtype} {own.shape} and {test.dtype} {test.shape}."
            )
        return np.concatenate([own, test])


def moved(
    number: int,
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_held_out: np.ndarray,
    y_held_out: np.ndarray,
) -> Arrays:
    """x_train, y_train, x_test, y_test; the first so many held-out rows after the training rows."""
    if not number:
        return x_train, y_train, x_held_out, y_held_out
    pairs = ((x_train, x_held_out), (y_train, y_held_out))
    x_train, y_train = (np.concatenate([train, held[:number]]) for train, held in pairs)
    return x_train, y_train, x_held_out[number:], y_held_out[number:]


@dataclass(frozen=True)
class GivenRows:
    """What arrays say of rows; None where they say nothing."""

    rows: Rows | None = None
    test_weight: np.ndarray | None = None

    @classmethod
    def read(
        cls, arrays: Arrays, num_validation: int, groups: Any, sample_weight: Any, own_weight: Any
    ) -> Self:
        """Reads groups and weights.

        Args:
            arrays: x_train, y_train, x_test, y_test, the validation rows after the training rows.
            num_validation: how many validation rows there are.
            groups, sample_weight: as of `Dataset.from_arrays`.
            own_weight: the validation rows' weights.

        Raises:
            DataError: which array, and what to write instead.
        """
        num_train, num_test = len(arrays[1]) - num_validation, len(arrays[3])
        weight, test_weight = _weights(sample_weight, num_train, num_test)
        if groups is None and weight is None and not num_validation:
            return cls()
        if (own_weight is None) != (weight is None) and num_validation:
            raise DataError(
                "sample_weight is of training and validation rows, or of neither. Write "
                "validation=(x, y, sample_weight)."
            )
        if weight is not None and num_validation:
            own = _weight(own_weight, num_validation, "the validation rows' sample_weight")
            weight = np.concatenate([weight, own])
        rows = Rows(
            strata=Rows.of(arrays[1]).strata,
            groups=_groups(groups, num_train, num_validation),
            weight=None if weight is None else of_mean_one(weight),
            is_validation=np.arange(len(arrays[1])) >= num_train if num_validation else None,
            notes=_notes(groups, weight),
        )
        return cls(rows, None if weight is None else of_mean_one(test_weight, weight))


def _weights(given: Any, num_train: int, num_test: int) -> tuple[Any, Any]:
    """Of training and of test rows; None where nothing was said."""
    if given is None:
        return None, None
    is_pair = isinstance(given, tuple) and len(given) == 2 and np.ndim(given[0]) == 1
    train, test = given if is_pair else (given, np.ones(num_test))
    train = _weight(train, num_train, "sample_weight")
    return train, _weight(test, num_test, "the test rows' sample_weight")


def _weight(given: Any, num_rows: int, name: str) -> np.ndarray:
    weight = to_array(given, name)
    if weight.shape != (num_rows,) or weight.dtype.kind not in "biuf":
        raise DataError(
            f"{name} must be (n,) numbers for {num_rows} rows. Received: {weight.dtype}, shape "
            f"{weight.shape}."
        )
    # Under a mask there may be any number: it is refused, as NaN is.
    weight = np.ma.filled(weight.astype(np.float64), np.nan)
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise DataError(f"{name} must be finite, 0 or more, and not 0 in every row.")
    return weight


def _groups(given: Any, num_train: int, num_validation: int) -> np.ndarray | None:
    """Whole numbers; validation rows, which are parted already, are of no group."""
    if given is None:
        return None
    groups = to_array(given, "groups")
    if groups.shape != (num_train,):
        raise DataError(
            f"groups must be (n,) for {num_train} training rows. Received: shape {groups.shape}."
        )
    if lacking := [i for i, one in enumerate(groups.tolist()) if is_missing(one) or one != one]:
        raise DataError(
            f"groups: row {lacking[0]} is of no group, as are {len(lacking):,} in all. Rows of no "
            "group are none together: say which each is of, or give it one of its own."
        )
    _, codes = np.unique(groups.astype(str), return_inverse=True)
    return np.concatenate([codes, np.full(num_validation, -1)])


def _notes(groups: Any, weight: np.ndarray | None) -> tuple[str, ...]:
    """What is said of rows, for people."""
    found = []
    if groups is not None:
        number = len(np.unique(to_array(groups, "groups").astype(str)))
        found.append(f"groups: {number:,} in the training rows; none is parted")
    if weight is not None:
        found.append(f"weights: {spread_of(weight)}")
    return tuple(found)


def has_test_rows(x_test: Any, y_test: Any, validation: Any) -> bool:
    """Whether there are test rows: both of their arrays, or none."""
    if x_test is None and y_test is None and validation is not None:
        raise DataError(
            "validation is of data with test rows: rows that only validate would be in no fold. "
            "Give x_test and y_test, or leave validation out."
        )
    if (x_test is None) != (y_test is None):
        given, lacking = ("y_test", "x_test") if x_test is None else ("x_test", "y_test")
        raise DataError(
            f"test rows are x_test and y_test. Received: {given} without {lacking}. Give both, or "
            "none to cross-validate."
        )
    return x_test is not None
