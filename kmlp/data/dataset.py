"""Arrays with what must be known of them: the task, the shapes, the names, the origin."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kmlp.errors import DataError


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """What a network must know of its data; plain values, no arrays.

    Attributes:
        task: "multiclass".
        input_shape: shape of one example, such as (28, 28).
        input_dtype: "uint8" for raw images, "float32" for features.
        num_classes: number of classes.
        class_names: one name a class.
    """

    task: str
    input_shape: tuple[int, ...]
    input_dtype: str
    num_classes: int
    class_names: tuple[str, ...]

    @property
    def num_features(self) -> int:
        """Number of values in one example."""
        return int(np.prod(self.input_shape))


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the data came from: "full", "sample" or "arrays"; the place; the content's hash."""

    source: str
    location: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test set.

    Attributes:
        name: what reports call it.
        x_train, x_test: `(n, *input_shape)`, `uint8` images or `float32` features.
        y_train, y_test: `(n,)` `int32` class indices.
        spec: see `DataSpec`.
        provenance: see `Provenance`.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    spec: DataSpec
    provenance: Provenance

    @classmethod
    def from_arrays(
        cls,
        x_train: Any,
        y_train: Any,
        x_test: Any,
        y_test: Any,
        *,
        name: str = "arrays",
        class_names: Sequence[str] | None = None,
        provenance: Provenance | None = None,
    ) -> Self:
        """Checks arrays and wraps them.

        Args:
            x_train, x_test: `(n, ...)`, `uint8` or floating point, the same trailing shape.
            y_train, y_test: `(n,)` whole numbers from 0 to `num_classes - 1`; at least three
                classes, each of them in the training set.
            name: what reports call it.
            class_names: one name a class; the numbers where omitted.
            provenance: where it came from; hashed from the arrays where omitted.

        Raises:
            DataError: what is wrong with which array.

        Example:
            >>> x, y = np.zeros((6, 4), "float32"), np.arange(6) % 3
            >>> Dataset.from_arrays(x, y, x, y).spec.num_classes
            3
        """
        x_train, x_test = _inputs(x_train, "x_train"), _inputs(x_test, "x_test")
        y_train = _labels(y_train, len(x_train), "train")
        y_test = _labels(y_test, len(x_test), "test")
        if x_train.shape[1:] != x_test.shape[1:] or x_train.dtype != x_test.dtype:
            raise DataError(
                "x_train and x_test must hold examples of one shape and dtype. Received: "
                f"{x_train.shape[1:]} {x_train.dtype} and {x_test.shape[1:]} {x_test.dtype}."
            )
        num_classes = _num_classes(y_train, y_test)
        names = tuple(map(str, range(num_classes)) if class_names is None else class_names)
        if len(names) != num_classes:
            raise DataError(f"{num_classes} classes need as many names. Received: {names}.")
        spec = DataSpec(
            task="multiclass",
            input_shape=x_train.shape[1:],
            input_dtype=str(x_train.dtype),
            num_classes=num_classes,
            class_names=names,
        )
        arrays = (x_train, y_train, x_test, y_test)
        provenance = provenance or Provenance(
            source="arrays", location="memory", sha256=_sha256(*arrays)
        )
        return cls(name, *arrays, spec, provenance)


def _inputs(values: Any, name: str) -> np.ndarray:
    x = np.asarray(values)
    if x.ndim < 2 or not len(x):
        raise DataError(f"{name} must be (n, ...) with n > 0. Received: shape {x.shape}.")
    if x.dtype == np.uint8:
        return x
    if not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
        raise DataError(f"{name} must hold real numbers. Received: dtype {x.dtype}.")
    x = x.astype(np.float32)
    if not np.isfinite(x).all():
        rows = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        raise DataError(f"{name} holds NaN or infinite values in {rows} rows. Fill or drop them.")
    return x


def _labels(values: Any, num_rows: int, which: str) -> np.ndarray:
    y = np.asarray(values)
    name = f"y_{which}"
    if y.shape != (num_rows,):
        raise DataError(
            f"x_{which} and {name} differ in number: {num_rows} examples, "
            f"labels of shape {y.shape}."
        )
    if not np.issubdtype(y.dtype, np.integer):
        raise DataError(
            f"{name} must hold whole numbers, the classes 0, 1, 2, ... Received: dtype {y.dtype}."
        )
    if y.min() < 0:
        raise DataError(f"{name} must start at 0. Received: a smallest label of {y.min()}.")
    if y.max() > np.iinfo(np.int32).max:
        raise DataError(
            f"{name} must hold the classes 0, 1, 2, ... Received: a largest label of {y.max()}."
        )
    return y.astype(np.int32)


def _num_classes(y_train: np.ndarray, y_test: np.ndarray) -> int:
    present = np.unique(y_train)
    num_classes = int(present[-1]) + 1
    # Labels may be numbers as large as an account's: look no further than what is named.
    expected = np.arange(min(num_classes, len(present) + 10))
    absent = np.setdiff1d(np.union1d(expected, y_test), present)
    if len(absent):
        more = " and others" if len(absent) > 10 or num_classes > len(expected) else ""
        listed = ", ".join(map(str, absent[:10].tolist()))
        raise DataError(f"y_train holds no example of class {listed}{more}.")
    if num_classes < 3:
        raise DataError(
            f"at least three classes are needed in this version of kmlp. Received: {num_classes}."
        )
    return num_classes


def _sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
