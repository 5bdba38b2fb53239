"""Test rows are the same ones each time, and hold each class in its share."""

import numpy as np
import polars as pl
import pytest

from kmlp.data.holdout import draw_test_rows, split_test
from kmlp.errors import DataError


def test_the_test_rows_are_fixed_and_hold_each_class_in_its_share():
    frame = pl.DataFrame({"x": range(1000), "y": ["a"] * 700 + ["b"] * 250 + ["c"] * 50})
    train, test = split_test(frame, "y", 0.2)
    assert test.frame["y"].value_counts().sort("y")["count"].to_list() == [140, 50, 10]
    assert sorted([*train.frame["x"], *test.frame["x"]]) == list(range(1000))
    assert split_test(frame, "y", 0.2)[1].frame.equals(test.frame)
    assert not split_test(frame, "y", 0.2, seed=1)[1].frame.equals(test.frame)
    assert test.place(0) == f"row {test.frame['x'][0]}"


def test_many_small_classes_add_up_to_the_share():
    strata = np.repeat(np.arange(300), 3)
    assert draw_test_rows(strata, 0.2).sum() == 180
    assert draw_test_rows(np.zeros(9, int), 0.2).sum() == 2
    with pytest.raises(DataError, match=r"2 rows cannot be parted with test=0\.1"):
        draw_test_rows(np.zeros(2, int), 0.1)


def test_a_column_or_a_table_says_which_rows_test(tmp_path):
    frame = {"x": [1, 2, 3], "y": ["a", "b", "a"], "part": ["train", "Test", "train"]}
    train, test = split_test(frame, "y", "part")
    assert train.frame.rows() == [(1, "a"), (3, "a")]
    assert test.frame.rows() == [(2, "b")]
    assert test.place(0) == "row 1"
    path = tmp_path / "test.csv"
    path.write_text("y,x\nb,5\n")
    assert split_test(frame, "y", str(path))[1].frame.rows() == [("b", 5)]
    for marks, said in (
        (["train", "valid", "test"], "row 1: 'valid' is no mark of test"),
        (["train", "train", "train"], "marks no row as a test row"),
    ):
        with pytest.raises(DataError, match=said):
            split_test(frame | {"part": marks}, "y", "part")
    for test_rows, said in (
        (1.5, "between 0 and 1"),
        ("nothing.csv", "neither a share, nor a file, nor a column"),
        ({"x": [1]}, "no column 'y'; a file without it serves kmlp predict"),
    ):
        with pytest.raises(DataError, match=said):
            split_test(frame, "y", test_rows)
