"""What people hand over as arrays: used rightly, or refused with what to write."""

import logging
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from kmlp.data import Dataset
from kmlp.data.dataset import DataSpec
from kmlp.data.rows.checks import checked_data
from kmlp.errors import DataError

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 3))
Y = (X[:, 0] > 0).astype(int)
U = rng.random(400)
FRAME = pd.DataFrame(X, columns=list("abc"))


def of(x, y=Y, **options) -> Dataset:
    return Dataset.from_arrays(x, y, x, y, **options)


def raw_train(data: Dataset) -> np.ndarray:
    """The training rows as they came, read back from what is stored."""
    columns = data.spec.columns
    return np.stack(
        [
            np.ldexp(data.x_train[:, i].astype(float), c.exponent) + c.offset
            for i, c in enumerate(columns)
        ],
        axis=1,
    )


def test_two_dimensional_bytes_are_a_table():
    codes = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (400, 3))].reshape(400, 12)
    data = of(codes)
    assert data.spec.input_dtype == "float32"
    np.testing.assert_array_equal(data.x_train, codes)
    assert data.provenance.sha256 == of(codes.astype(np.float32)).provenance.sha256


def test_dim_images_are_told_and_bright_ones_are_not(caplog):
    images = np.zeros((400, 2, 2), np.uint8)
    for brightest, told in ((0, False), (16, True), (255, False)):
        images[0] = brightest
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert of(images).spec.input_dtype == "uint8"
        assert ("values up to 16, which are divided by 255" in caplog.text) == told


@pytest.mark.parametrize("offset", [1e9, -1e9, 1e15])
def test_a_large_offset_leaves_the_digits(offset):
    x = offset + np.rint(U[:, None] * 1000)
    data = of(x.astype(np.int64) if offset == 1e15 else x)
    np.testing.assert_allclose(raw_train(data), x, rtol=0, atol=1e-3)
    assert np.abs(data.x_train).max() <= 1000
    np.testing.assert_array_equal(data.raw_test, raw_train(data))


@pytest.mark.parametrize("factor", [1e20, 1e39, 1e250, 1e-30])
def test_huge_and_tiny_values_are_as_unscaled(factor):
    data = of(X * factor)
    assert np.isfinite(data.x_train).all()
    assert 0.1 < data.x_train.std() < 10
    np.testing.assert_allclose(raw_train(data), X * factor, rtol=1e-6)
    np.testing.assert_allclose(data.raw_test, X * factor, rtol=1e-6)


def test_huge_values_of_float32_are_scaled_too():
    data = of((X * 1e20).astype(np.float32))
    assert 0.1 < data.x_train.std() < 10


@pytest.mark.parametrize(
    "x",
    [
        X,
        X.astype(np.float32) + np.float32(5000),
        np.hstack([X, np.ones((400, 1))]),
        np.hstack([X, np.full((400, 1), 1e12)]),
        rng.integers(1990, 2020, (400, 3)),
    ],
)
def test_what_float32_holds_is_stored_as_before(x):
    data = of(x)
    np.testing.assert_array_equal(data.x_train, x.astype(np.float32))
    assert (data.spec.columns, data.spec.target) == ((), None)


def test_the_scale_is_part_of_the_hash():
    one, other = (of(offset + np.rint(U[:, None] * 1000)) for offset in (1e9, 2e9))
    np.testing.assert_array_equal(one.x_train, other.x_train)
    assert one.provenance.sha256 != other.provenance.sha256


def test_images_of_floats_that_lose_their_digits_are_refused():
    images = 1e9 + rng.random((400, 2, 2))
    with pytest.raises(DataError, match=r"x_train holds values from 1e\+09 to 1e\+09, of which"):
        of(images)
    assert of(images - 1e9).spec.input_shape == (2, 2)


@pytest.mark.parametrize("offset", [1e9, -3e12])
def test_a_target_with_an_offset_comes_back_in_its_unit(offset):
    data = of(X, offset + U)
    assert data.spec.task == "regression"
    assert data.y_train.std() > 0.1
    back = data.spec.in_unit(data.y_train)
    assert back.dtype == np.float64
    np.testing.assert_allclose(back - offset, U, atol=1e-3 if offset == -3e12 else 1e-6)
    assert DataSpec.from_dict(data.spec.to_dict()) == data.spec


def test_huge_targets_are_scaled():
    data = of(X, U * 1e60)
    np.testing.assert_allclose(data.spec.in_unit(data.y_test), U * 1e60, rtol=1e-6)


def test_whole_numbers_that_float64_cannot_tell_apart_are_refused():
    with pytest.raises(DataError, match=r"as float64\. Take a constant off"):
        of(2**60 + np.arange(400)[:, None])


def test_masked_cells_are_missing_whatever_stands_beneath():
    mask = rng.random(X.shape) < 0.2
    masked = np.ma.masked_array(X.copy(), mask)
    masked.data[mask] = -9999
    data = of(masked)
    np.testing.assert_array_equal(np.isnan(data.x_train), mask)
    np.testing.assert_array_equal(data.x_train[~mask], X[~mask].astype(np.float32))
    assert all(column.has_missing for column in data.spec.columns)
    assert of(np.ma.masked_array(X)).spec.columns == ()


def test_masked_images_and_labels_are_refused():
    mask = np.zeros((400, 2, 2), bool)
    mask[3] = True
    with pytest.raises(DataError, match="missing values, which only tables"):
        of(np.ma.masked_array(np.ones((400, 2, 2)), mask))
    with pytest.raises(DataError, match="y_train holds NaN or infinite values in 1 rows"):
        of(X, np.ma.masked_array(Y, np.arange(400) == 2))


def test_a_plain_nan_is_refused_with_how_to_say_that_it_is_missing():
    gaps = np.where(X > 2, np.nan, X)
    message = "Fill or drop them. If NaN is a missing value, say so: np.ma.masked_invalid(x_train)"
    with pytest.raises(DataError, match=re.escape(message)):
        of(gaps)
    assert of(np.ma.masked_invalid(gaps)).spec.columns[0].has_missing


def test_columns_without_any_value_are_refused():
    with pytest.raises(DataError, match="column 'b' has no values at all"):
        of(FRAME.assign(b=np.nan))


@pytest.mark.parametrize("turn", [lambda f: f, pl.from_pandas, lambda f: f.to_records(index=False)])
def test_columns_are_matched_by_their_names(turn):
    train, test = FRAME[:300], FRAME[300:]
    data = Dataset.from_arrays(turn(train), Y[:300], turn(test[list("cba")]), Y[300:])
    np.testing.assert_array_equal(data.x_test, X[300:].astype(np.float32))
    assert data.spec.feature_names == ("a", "b", "c")
    assert data.provenance == Dataset.from_arrays(X[:300], Y[:300], X[300:], Y[300:]).provenance


def test_columns_that_cannot_be_matched_are_named():
    with pytest.raises(DataError, match="x_test lacks 'c' and has 'd' besides"):
        Dataset.from_arrays(FRAME, Y, FRAME.rename(columns={"c": "d"}), Y)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (np.arange(400) % 2 == 0, np.arange(400) % 2 == 0),
        (pd.array(range(400), "Int64"), np.arange(400)),
        (pd.array(range(400), "Float64"), np.arange(400)),
        (pd.array([True, False] * 200, "boolean"), [1, 0] * 200),
        (pd.Series(range(400), dtype=object), np.arange(400)),
        (True, np.ones(400)),
    ],
)
def test_columns_of_pandas_become_numbers(column, values):
    data = of(FRAME.assign(e=column))
    np.testing.assert_array_equal(data.x_train[:, 3], np.asarray(values, np.float32))
    assert data.spec.columns == ()


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Categorical(["u", "v"] * 200), "categories, such as 'u'"),
        (["u", "v"] * 200, "text, such as 'u'"),
        (pd.date_range("2020-01-01", periods=400), "dates, such as '2020-01-01"),
        (pd.Series(["u", 1] * 200, dtype=object), "text, such as 'u'"),
    ],
)
def test_columns_that_are_no_numbers_are_named_with_the_remedy(column, kind):
    message = re.escape(f"x_train: column 'e' holds {kind}") + ".*Dataset.from_table"
    with pytest.raises(DataError, match=message):
        of(FRAME.assign(e=column))


def test_gaps_of_a_frame_are_missing_values():
    data = of(FRAME.assign(e=pd.array([None, 1] * 200, "Int64")))
    assert [c.has_missing for c in data.spec.columns] == [False, False, False, True]
    assert np.isnan(data.x_train[:, 3]).sum() == 200


NO_ARRAYS = {
    "sparse": (scipy.sparse.csr_matrix(X), "sparse: write x_train.toarray()."),
    "tf.data": (SimpleNamespace(element_spec=1, unbatch=1), "data.unbatch().as_numpy_iterator()"),
    "generator": ((row for row in X), "generator. It gives its rows only once: write np.stack("),
    "one column": (X[:, 0], "Received: shape (400,). One feature is written x_train[:, None]"),
    "ragged": ([[1, 2], [3]] * 200, "ragged: row 0 holds 2 values, row 1 holds 1. Pad or cut"),
    "path": ("a.csv", "Received: str. A file is loaded by kmlp.load_dataset"),
    "nothing": (None, "Received: NoneType."),
    "mapping": ({"a": X[:, 0]}, "Received: dict. Columns with names are a table"),
    "text": (X.astype(str), "write x_train.astype(float)"),
    "dates": (np.full((400, 1), np.datetime64("2020-01-01")), "Make numbers of it, such as days"),
    "complex": (X + 1j, "np.concatenate([x_train.real, x_train.imag], axis=-1)"),
    "object": (object(), "Received: object."),
}


@pytest.mark.parametrize("case", NO_ARRAYS)
def test_what_is_no_array_is_named_with_its_conversion(case):
    given, message = NO_ARRAYS[case]
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        Dataset.from_arrays(given, Y, X, Y)
    assert "\n" not in str(caught.value)


def test_objects_that_are_numbers_and_truth_values_are_taken():
    np.testing.assert_array_equal(of(X.astype(object)).x_train, X.astype(np.float32))
    np.testing.assert_array_equal(of(X > 0).x_train, X > 0)


def test_labels_of_bytes_are_decoded():
    labels = np.array([b"no", b"yes"])[Y]
    for given in (labels, labels.astype(object)):
        assert of(X, given).spec.class_names == ("no", "yes")
    with pytest.raises(DataError, match=r"no UTF-8. Decode them: np.char.decode\(y_train"):
        of(X, np.array([b"\xff", b"yes"])[Y])


TARGETS = {
    "several labels": ((X > 0).astype(int), "That is multi-label, several targets at once"),
    "several numbers": (X, "That is multi-output, several targets at once"),
    "one-hot": (np.eye(3)[np.arange(400) % 3], "Write y_train.argmax(axis=1)."),
    "a frame's column": (pd.DataFrame({"y": Y}), "Write y_train.iloc[:, 0]."),
    "records": (pd.DataFrame({"y": Y}).to_records(index=False), 'Write y_train["y"].'),
    "sparse": (scipy.sparse.csr_matrix(Y), "y_train must be an array. Received: scipy"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_other_targets_are_named_for_what_they_are(case):
    given, message = TARGETS[case]
    with pytest.raises(DataError, match=re.escape(message)):
        of(X, given)


@pytest.mark.parametrize("num_classes", [20, 21, 26, 80])
def test_whole_doubles_that_repeat_are_asked_about(num_classes):
    labels = 1.0 + np.arange(400) % num_classes
    with pytest.raises(DataError, match=f"{num_classes} different whole numbers as float64"):
        of(X, labels)
    assert of(X, labels, task="regression").spec.task == "regression"


@pytest.mark.parametrize("names", [{0: "no", 1: "yes"}, {"yes": 1, "no": 0}, ["no", "yes"]])
def test_class_names_may_be_a_mapping(names):
    assert of(X, Y, class_names=names).spec.class_names == ("no", "yes")


@pytest.mark.parametrize("names", ["ny", {1: "a", 2: "b"}, {"no", "yes"}, {}])
def test_class_names_without_an_order_are_refused(names):
    with pytest.raises(DataError, match="class_names must be a list, the name of class 0 first"):
        of(X, Y, class_names=names)


def test_a_tuple_is_no_data_set():
    with pytest.raises(DataError, match=r"Write data=kmlp.Dataset.from_arrays\(x_train"):
        checked_data((X, Y, X, Y))
    with pytest.raises(DataError, match=r"must be a Dataset\. Received: DataFrame"):
        checked_data(FRAME)
