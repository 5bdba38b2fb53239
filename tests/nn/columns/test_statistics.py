"""What is learned of columns before training: scikit-learn's numbers, and what it leaves open."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import RobustScaler, StandardScaler

from kmlp.config import MLPConfig
from kmlp.config.tables.encoding import Categories, Encoding
from kmlp.nn.columns.statistics import column_statistics
from tests.encoded import AGE, COLUMNS, MEMBER, NAN, ZIP, encoded_table, matrix

SCALERS = {"standard": StandardScaler, "robust": RobustScaler}


def numbers_only(scaling: str, num_columns: int = 1) -> Encoding:
    return Encoding(tuple(range(num_columns)), (), (), (), 8, scaling, 1)


def slots_of(codes: list[float], num_values: int, num_kept: int, min_count: int = 1) -> list[int]:
    plan = Encoding((), (), (Categories(0, num_values, num_kept),), (), 8, "none", min_count)
    return column_statistics(plan, np.array(codes, np.float32)[:, None])["remap"].tolist()


@pytest.mark.parametrize("scaling", SCALERS)
def test_they_are_those_of_the_imputed_column_in_scikit_learn(scaling):
    data, rows = encoded_table(), np.arange(10, 90)
    plan = Encoding.of(MLPConfig(input_scaling=scaling), data.spec)
    found = column_statistics(plan, data.x_train, rows)
    numbers = data.x_train[np.ix_(rows, plan.numbers)].astype(np.float64)
    imputer = SimpleImputer(strategy="median").fit(numbers)
    scaler = SCALERS[scaling]().fit(imputer.transform(numbers))
    center = scaler.mean_ if scaling == "standard" else scaler.center_
    np.testing.assert_allclose(found["median"], imputer.statistics_, rtol=1e-7)
    np.testing.assert_allclose(found["center"], center, rtol=1e-7)
    np.testing.assert_allclose(found["gain"], 1 / scaler.scale_, rtol=1e-7)


def test_rows_that_are_not_asked_for_change_nothing():
    plan, rows = Encoding.of(MLPConfig(), encoded_table().spec), np.arange(40)
    x, other = matrix(60), matrix(60)
    other[40:] = NAN
    for name, value in column_statistics(plan, x, rows).items():
        np.testing.assert_array_equal(value, column_statistics(plan, other, rows)[name])
        assert not np.array_equal(value, column_statistics(plan, x)[name])


@pytest.mark.parametrize("scaling", ["none", "standard", "robust"])
def test_a_column_without_any_value_becomes_0_whatever_comes(scaling):
    found = column_statistics(numbers_only(scaling), np.full((5, 1), NAN, np.float32))
    assert [found[name].tolist() for name in ("median", "center", "gain")] == [[0], [0], [0]]


@pytest.mark.parametrize(("scaling", "gain"), [("standard", 1), ("robust", 0)])
def test_a_column_that_does_not_vary_is_centered(scaling, gain):
    x = np.array([[0.1], [NAN], [0.1], [0.1]], np.float32)
    found = column_statistics(numbers_only(scaling), x)
    assert (found["center"], found["gain"]) == (pytest.approx(np.float32(0.1)), gain)


def test_rounding_of_a_large_mean_is_no_variation():
    x = np.full((1001, 1), 123456.7, np.float32)
    assert column_statistics(numbers_only("standard"), x)["gain"] == 1


def test_robust_scaling_takes_half_the_range_where_most_values_are_the_same():
    x = np.array([[0.0]] * 9 + [[50.0]], np.float32)
    found = column_statistics(numbers_only("robust"), x)
    assert (found["center"], found["gain"]) == (0, 1 / 25)


def test_a_spread_that_float32_cannot_divide_by_is_none():
    x = np.array([[0.0], [1e-38], [2e-38]], np.float32)
    for scaling in SCALERS:
        assert np.isfinite(column_statistics(numbers_only(scaling), x)["gain"].astype("float32"))


def test_truth_values_are_numbers():
    plan = Encoding.of(MLPConfig(), encoded_table().spec)
    x = np.zeros((4, len(COLUMNS)), np.float32)
    x[:, MEMBER] = [0, 1, 1, NAN]
    place = plan.numbers.index(MEMBER)
    assert column_statistics(plan, x)["median"][place] == 1
    assert column_statistics(plan, x)["center"][place] == 0.75


def test_every_category_has_a_slot_and_unseen_ones_the_last():
    assert slots_of([0, 1, 2, 2, NAN], 3, 3) == [0, 1, 2, 3, -1]


def test_a_category_without_a_row_is_other():
    assert slots_of([0, 2, 2], 3, 3) == [0, 3, 2, 3, -1]
    assert slots_of([NAN, NAN], 2, 2) == [2, 2, 2, -1]


def test_a_category_of_few_rows_is_other():
    assert slots_of([0, 0, 1, 2, 2, 2], 3, 3, min_count=2) == [0, 3, 2, 3, -1]


def test_the_most_frequent_categories_are_told_apart():
    # By count 3 and 0; of equal counts the first of the vocabulary.
    assert slots_of([0, 0, 1, 2, 3, 3, 3], 4, 2) == [0, 2, 2, 1, 2, -1]
    assert slots_of([0, 1, 2], 3, 2) == [0, 1, 2, 2, -1]


def test_codes_of_test_rows_that_training_never_met_are_counted_as_unseen():
    assert slots_of([0, 1, 2, 2], 2, 2) == [0, 1, 2, -1]


def test_slots_of_embeddings_are_counted_on_their_own():
    plan = Encoding.of(MLPConfig(), encoded_table().spec)
    remap = column_statistics(plan, matrix(500))["remap"]
    assert [c.place for c in plan.embedded] == [ZIP]
    first = plan.first_codes[len(plan.one_hot)]
    assert remap[:first].tolist() == [0, 1, 2, 3, -1, 4, 5, 6, -1]
    assert remap[first:].tolist() == [*range(13), -1]


def test_a_gap_counts_for_no_category():
    assert slots_of([NAN] * 9 + [1], 2, 2) == [2, 1, 2, -1]


def test_the_median_is_of_the_known_values():
    x = matrix(50)
    known = x[:, AGE][~np.isnan(x[:, AGE])]
    plan = Encoding.of(MLPConfig(), encoded_table().spec)
    assert column_statistics(plan, x)["median"][0] == np.float32(np.median(known.astype(float)))
