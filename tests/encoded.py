"""A small encoded table of every kind of column, and its `Dataset`, made by hand."""

import dataclasses

import numpy as np

from kmlp.data.columns import Column
from kmlp.data.dataset import Dataset, DataSpec, Provenance

NAN = np.nan
COLUMNS = (
    Column(name="age", kind="number", source="age", has_missing=True),
    Column(name="city", kind="category", source="city", values=("a", "b", "c"), has_missing=True),
    Column(name="income", kind="number", source="income"),
    Column(name="member", kind="boolean", source="member", values=("no", "yes"), has_missing=True),
    Column(name="zip", kind="category", source="zip", values=tuple(map(str, range(12)))),
    Column(name="sex", kind="category", source="sex", values=("f", "m")),
)
AGE, CITY, INCOME, MEMBER, ZIP, SEX = range(6)


def matrix(num_rows: int, seed: int = 0) -> np.ndarray:
    """Rows of `COLUMNS` with gaps, `(num_rows, 6)` `float32`."""
    rng = np.random.default_rng(seed)
    x = np.empty((num_rows, len(COLUMNS)), np.float32)
    x[:, AGE] = rng.normal(40, 12, num_rows)
    x[:, CITY] = rng.integers(0, 3, num_rows)
    x[:, INCOME] = rng.lognormal(3, 1, num_rows)
    x[:, MEMBER] = rng.integers(0, 2, num_rows)
    x[:, ZIP] = rng.integers(0, 12, num_rows)
    x[:, SEX] = rng.integers(0, 2, num_rows)
    for place in (AGE, CITY, MEMBER, ZIP):
        x[rng.random(num_rows) < 0.2, place] = NAN
    return x


def encoded_table(num_train: int = 120, num_test: int = 30, task: str = "binary") -> Dataset:
    """A `Dataset` of such rows, whose target hangs on age, city and zip."""
    x = matrix(num_train + num_test)
    filled = np.nan_to_num(x)
    score = (filled[:, AGE] - 30) / 12 + (filled[:, CITY] == 1) - (filled[:, ZIP] > 6)
    is_number = task == "regression"
    y = (40 + 7 * score).astype(np.float32) if is_number else (score > 0).astype(np.int32)
    names = () if is_number else ("no", "yes")
    return Dataset(
        name="encoded",
        x_train=x[:num_train],
        y_train=y[:num_train],
        x_test=x[num_train:],
        y_test=y[num_train:],
        spec=DataSpec(
            task=task,
            input_shape=(len(COLUMNS),),
            input_dtype="float32",
            num_classes=len(names),
            class_names=names,
            columns=COLUMNS,
        ),
        provenance=Provenance(source="arrays", location="memory", sha256="0" * 64),
    )


def with_rows(data: Dataset, x_train: np.ndarray) -> Dataset:
    """The same, but for its training rows' features."""
    return dataclasses.replace(data, x_train=x_train)
