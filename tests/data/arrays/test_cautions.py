"""Rows in both sets, few rows and unequal classes are told of arrays as of tables."""

import numpy as np

from kmlp.data import Dataset
from kmlp.data.arrays.cautions import of_shared_rows, without_advice_taken

rng = np.random.default_rng(0)


def warnings_of(num_shared=0, counts=(400, 400)) -> tuple[str, ...]:
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.normal(size=(len(y) + 50, 3))
    test = np.concatenate([x[:num_shared], x[len(y) :]])
    labels = np.arange(len(test)) % len(counts)
    return Dataset.from_arrays(x[: len(y)], y, test, labels, name="mine").warnings


def test_nothing_is_told_of_what_is_right():
    assert warnings_of() == ()


def test_rows_in_both_sets_are_counted():
    (told,) = warnings_of(num_shared=7)
    assert told.startswith("7 of 57 test rows stand in the training rows, too")


def test_gaps_are_equal_to_gaps():
    x = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert of_shared_rows(x, x[:1])[0].startswith("1 of 1 test rows")


def test_a_table_that_was_pasted_twice_is_told():
    x = rng.normal(size=(100, 2))
    twice = rng.permutation(np.concatenate([x, x]))
    assert int(of_shared_rows(twice[:150], twice[150:])[0].split()[0]) > 25


def test_equal_rows_by_chance_are_not_told():
    codes = rng.integers(0, 3, (300, 2)).astype(float)
    assert of_shared_rows(codes[:200], codes[200:]) == ()


def test_few_and_unequal_rows_of_classes_are_told():
    few, skewed = warnings_of(counts=(5000, 5))
    assert few == "few rows for one class of 'mine': 1 (5); their scores will be uncertain"
    assert skewed == (
        "the classes of 'mine' are unequal, 1:1,000: accuracy says little, for who always answers "
        "0 is right on 99.9 % of the rows; compare by --metric balanced_accuracy or --metric "
        "average_precision, and try --class-weight balanced"
    )


def test_one_class_of_more_than_nine_tenths_is_told():
    assert warnings_of(counts=(270, 30)) == ()  # nine tenths, and no more
    (told,) = warnings_of(counts=(29, 271))
    # The average precision is of class 1, which is the common one here.
    assert "answers 1 is right on 90.3 % of the rows" in told
    assert "--metric balanced_accuracy or --metric auc," in told


def test_a_class_that_no_test_row_is_of_is_told():
    x = rng.normal(size=(90, 2))
    told = Dataset.from_arrays(x[:60], np.arange(60) % 3, x[60:], np.arange(30) % 2).warnings
    assert told == ("no test row is of class 2: the scores say nothing of it",)


def test_a_regression_has_no_classes_to_tell_of():
    x = rng.normal(size=(60, 2))
    assert Dataset.from_arrays(x[:40], x[:40, 0], x[40:], x[40:, 0]).warnings == ()


def test_advice_is_left_out_where_it_is_taken():
    _, skewed = warnings_of(counts=(5000, 5))
    assert without_advice_taken(skewed, "accuracy", None) == skewed
    told = without_advice_taken(skewed, "average_precision", None)
    assert told.endswith("99.9 % of the rows; try --class-weight balanced")
    assert without_advice_taken(skewed, "auc", "balanced").endswith("99.9 % of the rows")
