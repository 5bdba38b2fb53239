"""What all sides train: the network, the members and the data, the same for each of them."""

import dataclasses
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import Dataset, load_dataset
from kmlp.engine.member import Member

DROPOUT, L2, VALIDATION_FRACTION = 0.2, 5e-4, 1 / 6
RATES = (1e-3, 7e-4, 1.4e-3, 8e-4, 1.2e-3)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One row of the benchmark.

    Attributes:
        data: a name, a folder of IDX files, or an .npz with x_train, y_train, x_test, y_test.
        rows: how many of the training rows are used, validation rows included; None is all.
        hidden_units, batch_size, num_members: of the members.
        dtype: float32 or mixed_bfloat16.
        variants, num_seeds, max_epochs: of the study, in that mode.
    """

    data: str = "fashion_mnist"
    rows: int | None = None
    hidden_units: tuple[int, ...] = (128, 64)
    batch_size: int = 128
    num_members: int = 10
    dtype: str = "float32"
    variants: tuple[str, ...] = ()
    num_seeds: int = 0
    max_epochs: int = 0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def load(self) -> Dataset:
        """The data, with all of the test rows and `rows` of the training rows."""
        path = Path(self.data)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                data = Dataset.from_arrays(
                    *(arrays[key] for key in ("x_train", "y_train", "x_test", "y_test"))
                )
        else:
            data = load_dataset(self.data)
        if self.rows is None:
            return data
        x, y = data.x_train[: self.rows], data.y_train[: self.rows]
        return Dataset.from_arrays(
            x, y, data.x_test, data.y_test, class_names=data.spec.class_names
        )

    def member(self, seed: int, data: Dataset, epochs: int = 1, dtype: str = "float32") -> Member:
        """The member of a seed: its own learning rate, every epoch trained.

        Only kmlp reads the precision there; the others set it by their own means.
        """
        return Member(
            model=MLPConfig(hidden_units=self.hidden_units, dropout=DROPOUT, l2=L2),
            train=TrainConfig(
                learning_rate=RATES[seed % len(RATES)],
                batch_size=self.batch_size,
                max_epochs=epochs,
                early_stopping=False,
                dtype_policy=dtype,
            ),
            seeds=Seeds.all(seed),
            validation_fraction=VALIDATION_FRACTION,
            data_sha256=data.provenance.sha256,
        )

    def widths(self, data: Dataset) -> tuple[int, ...]:
        """From the number of features to the number of classes."""
        return (data.spec.num_features, *self.hidden_units, data.spec.num_outputs)


def training_flops(widths: tuple[int, ...], num_rows: int) -> int:
    """Operations of the products of one member's epoch of training.

    Two a weight and row forward, two for the weights' gradient, two for the inputs' gradient,
    which the first layer does not need.
    """
    weights = [a * b for a, b in pairwise(widths)]
    return (6 * sum(weights) - 2 * weights[0]) * num_rows


def validation_flops(widths: tuple[int, ...], num_rows: int) -> int:
    """Operations of the products of one member's validation."""
    return 2 * sum(a * b for a, b in pairwise(widths)) * num_rows


def scaled(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As people prepare them: `(n, features)` `float32` in [0, 1], and `int64` labels."""
    flat = x.reshape(len(x), -1).astype(np.float32)
    return (flat / 255 if x.dtype == np.uint8 else flat), y.astype(np.int64)
