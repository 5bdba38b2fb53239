"""The forms in which labels and classes' names come: several columns, bytes, mappings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.data.arrays.given import is_frame
from kmlp.errors import DataError
from kmlp.text import shown


def listed_names(names: Any) -> tuple[str, ...] | None:
    """In the order of the classes; a mapping may go either way."""
    if names is None:
        return None
    if isinstance(names, Mapping):
        by_number = names if all(map(_is_index, names)) else {v: k for k, v in names.items()}
        if names and set(by_number) == set(range(len(names))):
            return tuple(str(by_number[i]) for i in range(len(names)))
    elif not isinstance(names, str | bytes | set | frozenset):
        return tuple(map(str, names))
    raise DataError(
        "class_names must be a list, the name of class 0 first, or a mapping such as "
        f'{{0: "no", 1: "yes"}}. Received: class_names={shown(names)}.'
    )


def _is_index(key: Any) -> bool:
    return isinstance(key, int | np.integer) and not isinstance(key, bool)


def other_shape(values: Any, y: np.ndarray, num_rows: int, which: str) -> DataError:
    """The refusal of labels that are not `(n,)`: what they are, and what to write."""
    name = f"y_{which}"
    if y.ndim != 2 or len(y) != num_rows:
        return DataError(
            f"x_{which} and {name} differ in number: {num_rows} examples, "
            f"labels of shape {y.shape}."
        )
    said = f"{name} must be (n,). Received: shape {y.shape}."
    if y.shape[1] == 1:
        first = f"{name}.iloc[:, 0]" if is_frame(values) else f"{name}[:, 0]"
        return DataError(f"{said} Write {first}.")
    if _is_one_hot(y):
        own = f"np.asarray({name})" if is_frame(values) else name
        return DataError(f"{said} Write {own}.argmax(axis=1).")
    kind = "multi-label" if _is_all_of(y, (0, 1)) else "multi-output"
    first = f"{name}.iloc[:, 0]" if is_frame(values) else f"{name}[:, 0]"
    return DataError(
        f"{said} That is {kind}, several targets at once: kmlp predicts one. Make a data set for "
        f"each of them, the first with {first}."
    )


def _is_one_hot(y: np.ndarray) -> bool:
    return _is_all_of(y, (0, 1)) and bool((y.astype(np.float64).sum(axis=1) == 1).all())


def _is_all_of(y: np.ndarray, values: tuple[int, ...]) -> bool:
    return y.dtype.kind in "biuf" and bool(np.isin(y, values).all())


def decoded(values: list[bytes], name: str) -> np.ndarray:
    """Words from bytes."""
    try:
        return np.array([value.decode() for value in values], dtype=str)
    except UnicodeDecodeError as error:
        raise DataError(
            f'{name} holds bytes that are no UTF-8. Decode them: np.char.decode({name}, "latin-1").'
        ) from error
