"""Arrays with what must be known of them: the task, the shapes, the names, the origin."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kmlp.data.columns import Column
from kmlp.data.labels import read_labels
from kmlp.errors import DataError
from kmlp.text import name_trouble, shown


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """What a network must know of its data; plain values, no arrays.

    Attributes:
        task: "binary", "multiclass" or "regression".
        input_shape: shape of one example, such as (28, 28).
        input_dtype: "uint8" for raw images, "float32" for features.
        num_classes: number of classes; 0 for regression.
        class_names: one name a class; empty for regression.
        columns: of a table, what each value of an example is; NaN is missing there. Empty for
            other data.
    """

    task: str
    input_shape: tuple[int, ...]
    input_dtype: str
    num_classes: int
    class_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()

    @property
    def num_features(self) -> int:
        """Number of values in one example."""
        return int(np.prod(self.input_shape))

    @property
    def num_outputs(self) -> int:
        """Number of values that a network gives for one example, before softmax or sigmoid."""
        return self.num_classes if self.task == "multiclass" else 1

    def class_index(self, key: str) -> int | None:
        """The index of a class that is given by its name or its number; None for no class."""
        if key in self.class_names:
            return self.class_names.index(key)
        is_number = key.isdecimal() and len(key) <= 10
        return int(key) if is_number and int(key) < self.num_classes else None


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
        y_train, y_test: `(n,)`, `int32` class indices or `float32` targets of a regression.
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

    def __post_init__(self) -> None:
        called = {"the data set": self.name}
        called |= {f"class {i}": name for i, name in enumerate(self.spec.class_names)}
        for what, name in called.items():
            if trouble := name_trouble(name):
                raise DataError(f"the name of {what}: {trouble} Received: {shown(name)}.")

    @classmethod
    def from_arrays(
        cls,
        x_train: Any,
        y_train: Any,
        x_test: Any,
        y_test: Any,
        *,
        task: str = "auto",
        name: str = "arrays",
        class_names: Sequence[str] | None = None,
        provenance: Provenance | None = None,
    ) -> Self:
        """Checks arrays and wraps them.

        Args:
            x_train, x_test: `(n, ...)`, `uint8` or floating point, the same trailing shape.
            y_train, y_test: `(n,)`. Classes: whole numbers from 0 to `num_classes - 1`, truth
                values or strings, each class in the training set. Regression: numbers.
            task: "binary", "multiclass" or "regression"; "auto" reads it from the labels:
                floating-point numbers mean regression, anything else classes.
            name: what reports call it.
            class_names: one name a class, for strings in the order wanted; the numbers, or the
                sorted strings, where omitted.
            provenance: where it came from; hashed from the arrays where omitted.

        Raises:
            DataError: what is wrong with which array or name, and what to write instead.

        Example:
            >>> x = np.zeros((6, 4), "float32")
            >>> Dataset.from_arrays(x, np.arange(6) % 3, x, np.arange(6) % 3).spec.task
            'multiclass'
            >>> Dataset.from_arrays(x, np.arange(6) / 4, x, np.arange(6) / 4).spec.task
            'regression'
        """
        x_train, x_test = _inputs(x_train, "x_train"), _inputs(x_test, "x_test")
        labels = read_labels(
            y_train,
            y_test,
            num_rows=(len(x_train), len(x_test)),
            task=task,
            class_names=class_names,
        )
        if x_train.shape[1:] != x_test.shape[1:] or x_train.dtype != x_test.dtype:
            raise DataError(
                "x_train and x_test must hold examples of one shape and dtype. Received: "
                f"{x_train.shape[1:]} {x_train.dtype} and {x_test.shape[1:]} {x_test.dtype}."
            )
        spec = DataSpec(
            task=labels.task,
            input_shape=x_train.shape[1:],
            input_dtype=str(x_train.dtype),
            num_classes=len(labels.class_names),
            class_names=labels.class_names,
        )
        arrays = (x_train, labels.train, x_test, labels.test)
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
    with np.errstate(over="ignore"):
        x = x.astype(np.float32)
    if not np.isfinite(x).all():
        rows = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
        raise DataError(f"{name} holds NaN or infinite values in {rows} rows. Fill or drop them.")
    return x


def _sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
