"""Labels of any kind in, the task and checked arrays out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from kmlp.data.arrays.given import to_array
from kmlp.data.arrays.label_forms import decoded, listed_names, other_shape
from kmlp.data.columns import Column
from kmlp.data.features import scale_with_digits, within_float32
from kmlp.errors import DataError
from kmlp.stats.metrics import TASKS

_FEW = 20
_MANY = 100
_REPEATED = 5
_MOST = 1e150  # squares of errors are to stay finite


@dataclass(frozen=True, kw_only=True)
class Labels:
    """The labels of both sets.

    Attributes:
        task: "binary", "multiclass" or "regression".
        train, test: `(n,)`: `int32` class indices, or `float32` targets.
        class_names: one name a class; empty for regression.
        target: how a regression's targets are stored; None where they are as they are.
    """

    task: str
    train: np.ndarray
    test: np.ndarray
    class_names: tuple[str, ...]
    target: Column | None = None


def read_labels(
    y_train: Any,
    y_test: Any,
    *,
    num_rows: tuple[int, int],
    task: str = "auto",
    class_names: Sequence[str] | Mapping[int, str] | None = None,
) -> Labels:
    """Reads the task from the labels, or checks them against the one that is said.

    Whole numbers, truth values and strings are classes: two are binary, more are multiclass.
    Floating-point numbers are regression's targets.

    Args:
        y_train, y_test: `(n,)`.
        num_rows: how many examples the training and the test set hold.
        task: "auto", "binary", "multiclass" or "regression".
        class_names: one name a class, or a mapping of the numbers to names; of strings, their
            order.

    Raises:
        DataError: what is wrong with which array, and what to write instead.

    Example:
        >>> read_labels(["no", "yes", "no"], ["yes"], num_rows=(3, 1)).class_names
        ('no', 'yes')
    """
    if task not in ("auto", *TASKS):
        raise DataError(f"task must be auto, {', '.join(TASKS)}. Received: task={task!r}.")
    class_names = listed_names(class_names)
    train = _plain(y_train, num_rows[0], "train")
    test = _plain(y_test, num_rows[1], "test")
    if task == "regression" or (task == "auto" and train.dtype.kind == "f"):
        if task == "auto":
            _refuse_doubtful(train, test)
        if class_names is not None:
            raise DataError(
                f"regression has no classes. Received: class_names={tuple(class_names)!r}. "
                "Leave them out, or convert the labels to integers."
            )
        return _targets(train, test)
    return _classes(train, test, task, class_names)


def class_indices(y: Any, names: Sequence[str], label: str) -> np.ndarray:
    """Labels as places among classes that are known, of which they may lack some.

    Args:
        y: `(n,)` names of classes, or their numbers.
        names: of the classes; where there are none, the numbers are taken as they are.
        label: what messages call the labels.

    Raises:
        DataError: a label that is no class.

    Example:
        >>> class_indices(["c", "a"], ("a", "b", "c"), "y").tolist()
        [2, 0]
    """
    read = to_array(y, label)
    found = _plain(read, read.shape[0] if read.ndim else 0, "test", label)
    if found.dtype.kind == "U":
        return _indices(found, tuple(names), label)
    texts = found.astype(str)
    # Classes that are called by other numbers, such as 1 to 26, are meant by these.
    if names and set(texts.tolist()) <= set(names):
        return _indices(texts, tuple(names), label)
    numbers = _as_int32(found, label)
    if names and numbers.max() >= len(names):
        raise DataError(
            f"{label} holds class {numbers.max()}; the classes are 0 to {len(names) - 1}."
        )
    return numbers


def target_values(y: Any, label: str) -> np.ndarray:
    """Targets as `float64` numbers `(n,)`.

    Args:
        y: `(n,)` numbers.
        label: what messages call them.

    Raises:
        DataError: one is missing, infinite or no number.

    Example:
        >>> target_values([1, 2.5], "y").tolist()
        [1.0, 2.5]
    """
    read = to_array(y, label)
    found = _plain(read, read.shape[0] if read.ndim else 0, "test", label)
    return _numbers(found, label).astype(np.float64)


def _plain(values: Any, num_rows: int, which: str, name: str = "") -> np.ndarray:
    """One-dimensional, and of a kind: objects become the strings or numbers that they are."""
    name = name or f"y_{which}"
    y = to_array(values, name)
    if y.dtype.names:
        first = f'{name}["{y.dtype.names[0]}"]'
        raise DataError(f"{name} must be (n,). Received: records. Write {first}.")
    if y.shape != (num_rows,):
        raise other_shape(values, y, num_rows, which)
    if isinstance(y, np.ma.MaskedArray):
        if np.ma.getmaskarray(y).any():
            _refuse_missing(int(np.ma.getmaskarray(y).sum()), name)
        y = np.ma.getdata(y)
    if y.dtype.kind == "S":
        y = decoded(y.tolist(), name)
    if y.dtype.kind in "OT":
        y = _from_objects(y.tolist(), name)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        _refuse_missing(int((~np.isfinite(y)).sum()), name)
    return y


def _from_objects(values: list[Any], name: str) -> np.ndarray:
    missing = sum(map(_is_missing, values))
    if missing:
        _refuse_missing(missing, name)
    if all(isinstance(v, str) for v in values):
        return np.array(values, dtype=str)
    if all(isinstance(v, bytes) for v in values):
        return decoded(values, name)
    if all(isinstance(v, Real | np.bool_) for v in values):
        return np.array(values)
    kinds = ", ".join(sorted({type(v).__name__ for v in values}))
    raise DataError(f"{name} must hold numbers or strings, not both. Received: {kinds}.")


def _is_missing(value: Any) -> bool:
    """None, NaN, and what pandas writes instead."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _refuse_missing(num_rows: int, name: str) -> None:
    raise DataError(f"{name} holds NaN or infinite values in {num_rows} rows. Drop those rows.")


def _refuse_doubtful(train: np.ndarray, test: np.ndarray) -> None:
    """Whole numbers stored as floats that repeat may be classes as well as quantities."""
    if not (_are_whole(train) and _are_whole(test)):
        return
    count = len(np.unique(train))
    repeats = count <= _MANY and len(train) >= _REPEATED * count
    if count <= _FEW or repeats:
        raise DataError(
            f"y_train holds {count} different whole numbers as {train.dtype}: classes or "
            'quantities? Say task="regression", or convert the labels to integers: '
            "y_train.astype(int)."
        )


def _are_whole(y: np.ndarray) -> bool:
    return y.dtype.kind in "iub" or (y.dtype.kind == "f" and bool((y == np.rint(y)).all()))


def _targets(train: np.ndarray, test: np.ndarray) -> Labels:
    train, test = _numbers(train, "y_train"), _numbers(test, "y_test")
    if train.min() == train.max():
        raise DataError(
            f"y_train is constant, {train[0]:g} in every row: there is nothing to predict."
        )
    offset, exponent = scale_with_digits(train)
    if not (offset or exponent):
        train, test = train.astype(np.float32), within_float32(test)
        return Labels(task="regression", train=train, test=test, class_names=())
    from kmlp.data.encoder import scaled

    column = Column(
        name="target",
        kind="number",
        source="target",
        offset=offset,
        exponent=exponent,
        low=float(train.min()),
        high=float(train.max()),
    )
    train, test = (scaled(y.astype(np.float64), offset, exponent) for y in (train, test))
    return Labels(task="regression", train=train, test=test, class_names=(), target=column)


def _numbers(y: np.ndarray, name: str) -> np.ndarray:
    if y.dtype.kind not in "iuf":
        raise DataError(f"{name} must hold numbers for regression. Received: dtype {y.dtype}.")
    largest = float(np.abs(y.astype(np.float64)).max())
    if largest > _MOST:
        raise DataError(
            f"{name} must hold numbers up to {_MOST:g}. Received: values up to {largest:g}. Write "
            "them in another unit."
        )
    return y


def _classes(
    train: np.ndarray, test: np.ndarray, task: str, class_names: Sequence[str] | None
) -> Labels:
    names = None if class_names is None else tuple(class_names)
    if train.dtype.kind == "U":
        names = names or tuple(map(str, np.unique(train)))
        train, test = _indices(train, names, "y_train"), _indices(test, names, "y_test")
    elif train.dtype.kind == "b" and names is None:
        names = ("False", "True")
    y_train, y_test = _as_int32(train, "y_train"), _as_int32(test, "y_test")
    num_classes = _num_classes(y_train, y_test, names)
    names = tuple(map(str, range(num_classes))) if names is None else names
    if len(names) != num_classes:
        raise DataError(f"{num_classes} classes need as many names. Received: {names}.")
    read = "binary" if num_classes == 2 else "multiclass"
    if task not in ("auto", read):
        wanted = "two classes" if task == "binary" else "three classes or more"
        raise DataError(
            f"task={task!r} needs {wanted}. Received: {num_classes} classes. Say task={read!r}."
        )
    return Labels(task=read, train=y_train, test=y_test, class_names=names)


def _indices(y: np.ndarray, names: tuple[str, ...], label: str) -> np.ndarray:
    """Each string's place among the names."""
    if y.dtype.kind != "U":
        raise DataError(f"{label} must hold the classes' names. Received: dtype {y.dtype}.")
    place = {name: i for i, name in enumerate(names)}
    unknown = sorted(set(y.tolist()) - set(place))
    if unknown:
        listed = ", ".join(map(repr, unknown[:5]))
        raise DataError(f"{label} holds {listed}, not among the classes {', '.join(names[:20])}.")
    return np.array([place[value] for value in y.tolist()])


def _as_int32(y: np.ndarray, name: str) -> np.ndarray:
    if y.dtype.kind not in "iub":
        hint = ""
        if y.dtype.kind == "f":
            whole = f"Write {name}.astype(int)."
            hint = f" {whole}" if _are_whole(y) else ' If they are quantities: task="regression".'
        raise DataError(
            f"{name} must hold whole numbers, the classes 0, 1, 2, ... "
            f"Received: dtype {y.dtype}.{hint}"
        )
    if y.min() < 0:
        raise DataError(
            f"{name} must start at 0. Received: a smallest label of {y.min()}. {_renumber(name)}"
        )
    if y.max() > np.iinfo(np.int32).max:
        raise DataError(
            f"{name} must hold the classes 0, 1, 2, ... Received: a largest label of {y.max()}."
        )
    return y.astype(np.int32)


def _num_classes(y_train: np.ndarray, y_test: np.ndarray, names: tuple[str, ...] | None) -> int:
    present = np.unique(y_train)
    num_classes = int(present[-1]) + 1
    # Labels may be numbers as large as an account's: look no further than what is named.
    expected = np.arange(min(num_classes, len(present) + 10))
    absent = np.setdiff1d(np.union1d(expected, y_test), present)
    if len(absent):
        more = " and others" if len(absent) > 10 or num_classes > len(expected) else ""
        listed = ", ".join(names[i] if names and i < len(names) else str(i) for i in absent[:10])
        hint = "" if names else f" {_renumber('y_train')}"
        raise DataError(f"y_train holds no example of class {listed}{more}.{hint}")
    if num_classes < 2:
        raise DataError(f"at least two classes are needed. Received: {num_classes}.")
    return num_classes


def _renumber(name: str) -> str:
    return (
        "Number the classes from 0 without gaps, or write "
        f'{name}.astype(str) to name them; if they are quantities, say task="regression".'
    )
