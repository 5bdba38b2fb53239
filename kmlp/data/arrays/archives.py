"""Data sets in `.npz` files: x_train, y_train, x_test, y_test; or x and y, parted here."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.arrays.npy import array_names, listed, open_array, open_npz
from kmlp.data.arrays.streams import CHUNK, open_regular, reading
from kmlp.data.sampling import FOLDS, chosen_test, is_folds
from kmlp.errors import DataError

PARTS = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")
Parts = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]
"""x_train, y_train, x_test, y_test; no test rows where folds test."""


def read_archive(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of a data set by their names, and the file's sha256.

    Raises:
        DataError: what is wrong with the file, or which arrays are wanted.
    """
    with reading(path), open_npz(path) as archive:
        names = array_names(archive)
        called = {name.lower(): name for name in names}
        wanted = next((p for p in (PARTS, WHOLE) if set(p) <= set(called)), None)
        if wanted is None:
            raise ValueError(
                f"a data set holds {', '.join(PARTS)}, or x and y; it holds {listed(names)}. "
                "Examples alone serve kmlp predict"
            )
        arrays = {}
        for key in wanted:
            with open_array(archive, called[key]) as array:
                arrays[key] = array.read()
    return arrays, _sha256(path)


def has_test_part(path: Path) -> bool:
    """Whether an archive holds test rows of its own.

    Raises:
        DataError: it cannot be read.
    """
    with reading(path), open_npz(path) as archive:
        return set(PARTS) <= {name.lower() for name in array_names(archive)}


def part_arrays(arrays: dict[str, np.ndarray], path: Path, test: Any) -> Parts:
    """x_train, y_train, x_test, y_test; of x and y by what tests.

    Raises:
        DataError: there are test rows already, no such share, or x and y differ in number.
    """
    if "x_train" in arrays:
        if test is not None:
            raise DataError(f"{path} has test rows of its own. Received: test={test!r}.")
        x_train, y_train, x_test, y_test = (arrays[key] for key in PARTS)
        return x_train, y_train, x_test, y_test
    x, y = arrays["x"], arrays["y"]
    if y.shape != (len(x),):
        raise DataError(f"{path}: x holds {len(x)} examples, y is of shape {y.shape}.")
    return parted(x, y, test)


def parted(x: np.ndarray, y: np.ndarray, test: Any) -> Parts:
    """x_train, y_train, x_test, y_test by the share of each class that tests; see `chosen_test`.

    Raises:
        DataError: no such share.
    """
    from kmlp.data.holdout import draw_test_rows

    share = chosen_test(test, len(x))
    if is_folds(share):
        return x, y, None, None
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise DataError(
            f"test of arrays and images is a share, such as 0.2, or {FOLDS!r}. Received: "
            f"test={test!r}."
        )
    mask = draw_test_rows(_strata(y), share)
    return x[~mask], y[~mask], x[mask], y[mask]


def _strata(y: np.ndarray) -> np.ndarray:
    """Classes each by itself; quantities, of which hardly two are equal, together."""
    values, places = np.unique(y, return_inverse=True)
    return places if len(values) <= max(2, len(y) // 4) else np.zeros(len(y), np.int64)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while content := file.read(CHUNK):
            digest.update(content)
    return digest.hexdigest()
