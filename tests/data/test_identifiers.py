"""Whose rows there are several of is told, and no ordinary category is taken for somebody."""

import numpy as np
import polars as pl
import pytest

from kmlp.data import Dataset
from kmlp.data.inference.identifiers import repeated_identifiers
from kmlp.data.reading.shipped import SHIPPED, shipped_table
from kmlp.data.tables import Table

NUM_ROWS = 120


def told(name: str, values) -> list[str]:
    return repeated_identifiers(Table(pl.DataFrame({name: values}), "t"), ())


THRICE = np.arange(NUM_ROWS) % 40


@pytest.mark.parametrize(
    "name", ["id", "ID", "person_id", "Individual ID", "case.id", "userId", "Patient", "nr"]
)
@pytest.mark.parametrize("values", [THRICE, THRICE.astype(float), [f"p{i}" for i in THRICE]])
def test_a_repeated_identifier_is_told_with_the_option(name, values):
    (said,) = told(name, values)
    assert f"{name!r} has 40 values in 120 rows" in said
    assert f"group_on={name!r}" in said


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", np.arange(NUM_ROWS)),  # each its own
        ("store_id", np.arange(NUM_ROWS) % 8),  # kinds of something
        ("acid", THRICE),  # ends like one
        ("valid", THRICE),
        ("students", THRICE),  # a number of them
        ("no_of_visits", THRICE),
        ("neighborhood", [f"n{i}" for i in THRICE]),
        ("fluid_id_share", THRICE + 0.5),  # measured
    ],
)
def test_what_is_no_repeated_identifier_is_not(name, values):
    assert not told(name, values)


@pytest.mark.parametrize("name", [n for n, s in SHIPPED.items() if s.target])
def test_nothing_is_said_of_the_tables_at_hand(name):
    assert not repeated_identifiers(Table(shipped_table(name), name), ())


def table() -> dict[str, list]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=NUM_ROWS), np.arange(NUM_ROWS) % 3 == 0
    return {"patient": THRICE.tolist(), "x": x.tolist(), "y": y.tolist(), "w": [1.0] * NUM_ROWS}


def of_patients(data: Dataset) -> list[str]:
    return [w for w in data.warnings if "resemble each other" in w]


@pytest.mark.parametrize("drop", [(), ("patient",)])
def test_it_is_told_whether_the_column_is_an_input_or_not(drop):
    assert len(of_patients(Dataset.from_table(table(), "y", drop=drop))) == 1


@pytest.mark.parametrize("options", [{"group_on": "patient"}, {"weight_on": "patient"}])
def test_who_says_what_the_column_is_is_told_nothing(options):
    assert not of_patients(Dataset.from_table(table(), "y", **options))


def test_the_target_is_nobody():
    assert not of_patients(Dataset.from_table(table(), "patient", task="regression"))
