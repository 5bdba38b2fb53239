"""Real data sets that ship with scikit-learn: at hand without a file, a download or a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A data set of scikit-learn's.

    Attributes:
        loader: its name in `sklearn.datasets`.
        target: what its target is called here; empty for images.
        task: "binary", "multiclass" or "regression".
        size: in words.
    """

    loader: str
    target: str = ""
    task: str
    size: str

    def load(self) -> Any:
        """What scikit-learn gives."""
        import sklearn.datasets

        load: Callable[[], Any] = getattr(sklearn.datasets, self.loader)
        return load()


SHIPPED = {
    "breast_cancer": Shipped(
        loader="load_breast_cancer",
        target="diagnosis",
        task="binary",
        size="569 rows x 30 columns",
    ),
    "wine": Shipped(
        loader="load_wine", target="cultivar", task="multiclass", size="178 rows x 13 columns"
    ),
    "diabetes": Shipped(
        loader="load_diabetes",
        target="progression",
        task="regression",
        size="442 rows x 10 columns",
    ),
    "digits": Shipped(loader="load_digits", task="multiclass", size="1,797 images of 8 x 8"),
}


def shipped_table(name: str) -> pl.DataFrame:
    """A set as a table, the target last; classes by their names.

    Example:
        >>> shipped_table("wine")["cultivar"][0]
        'class_0'
    """
    import polars as pl

    about = SHIPPED[name]
    found = about.load()
    columns = {key: found.data[:, i] for i, key in enumerate(found.feature_names)}
    labels = found.target
    if about.task != "regression":
        labels = np.asarray(found.target_names)[labels]
    return pl.DataFrame({**columns, about.target: labels})


def shipped_images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A set of images, `uint8 (n, height, width)` from 0 to 255, and their classes `(n,)`."""
    found = SHIPPED[name].load()
    grey = found.images * (255 / found.images.max())
    return np.rint(grey).astype(np.uint8), found.target
