"""Data without test rows: who gets them when nothing is said, and that no row is lost."""

import numpy as np
import pytest

from kmlp.data import Dataset, load_dataset
from kmlp.data.loading import has_own_test_rows
from kmlp.data.sampling import FEW_ROWS
from kmlp.errors import DataError

X = np.random.default_rng(0).normal(size=(30, 3))
TABLE = {"a": np.arange(30.0), "cv": np.arange(30) % 7, "y": ["no", "yes", "no"] * 10}


def table(num_rows: int) -> dict[str, list]:
    return {
        "a": [i % 37 / 2 for i in range(num_rows)],
        "y": [("no", "yes")[i % 2] for i in range(num_rows)],
    }


def test_few_rows_are_cross_validated_and_many_are_parted():
    few, many = (Dataset.from_table(table(n), "y") for n in (FEW_ROWS - 1, FEW_ROWS))
    assert (len(few.y_train), few.has_test_rows) == (FEW_ROWS - 1, False)
    assert (len(many.y_train), len(many.y_test)) == (FEW_ROWS * 4 // 5, FEW_ROWS // 5)


def test_what_is_said_is_done_whatever_the_number_of_rows():
    few, many = (
        Dataset.from_table(table(40), "y", test=0.25),
        Dataset.from_table(table(FEW_ROWS), "y", test="cv"),
    )
    assert (len(few.y_test), len(many.y_test), len(many.y_train)) == (10, 0, FEW_ROWS)


def test_arrays_without_test_rows_keep_every_row_as_it_is():
    data = Dataset.from_arrays(X, ["a", "b", "c"] * 10)
    np.testing.assert_array_equal(data.x_train, X.astype("float32"))
    assert (data.x_test.shape, data.y_test.dtype) == ((0, 3), data.y_train.dtype)
    assert data.y_train.tolist() == [0, 1, 2] * 10


def test_half_of_the_test_rows_is_refused():
    with pytest.raises(DataError, match=r"Received: x_test without y_test. Give both, or none"):
        Dataset.from_arrays(X, np.arange(30) % 2, X)


def test_a_column_called_cv_is_neither_shadowed_nor_taken_for_marks():
    assert "cv" in Dataset.from_table(TABLE, "y").schema.inputs
    with pytest.raises(DataError, match=r"has a column 'cv' as well. Rename the column"):
        Dataset.from_table(TABLE, "y", test="cv")


def test_a_file_called_cv_is_named_with_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cv").write_text("a,y\n")
    with pytest.raises(DataError, match=r"Say test='\./cv' for the file"):
        Dataset.from_table(table(30), "y", test="cv")


def test_rows_that_stand_there_twice_are_told():
    twice = {name: [*values, *values] for name, values in table(30).items()}
    told = Dataset.from_table({**twice, "b": np.tile(X[:, 0], 2)}, "y").schema.warnings
    assert any("60 of 60 rows stand there more than once" in line for line in told)
    assert not Dataset.from_arrays(X, ["a", "b", "c"] * 10).warnings[1:]


def test_whose_test_rows_are_its_own(tmp_path):
    whole = {"x": X, "y": np.arange(30) % 2}
    np.savez(tmp_path / "whole.npz", **whole)
    parts = {f"{name}_{part}": a for name, a in whole.items() for part in ("train", "test")}
    np.savez(tmp_path / "parted.npz", **parts)
    names = [tmp_path / "whole.npz", tmp_path / "parted.npz", "wine", "mnist", "churn.csv"]
    assert [has_own_test_rows(name) for name in names] == [False, True, False, True, False]
    assert not load_dataset(tmp_path / "whole.npz").has_test_rows
    assert load_dataset(tmp_path / "parted.npz").has_test_rows
