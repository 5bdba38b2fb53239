"""Groups, weights and validation rows beside arrays: used, or refused with what to write."""

import numpy as np
import polars as pl
import pytest

from kmlp.data import Dataset
from kmlp.errors import DataError

X, Y = np.arange(24.0).reshape(12, 2) / 8, np.arange(12) % 2
TEST = (X[:4] + 1, Y[:4])
OWN = (X[:3] + 2, Y[:3])


def made(**said) -> Dataset:
    return Dataset.from_arrays(X, Y, *TEST, **said)


def test_validation_rows_stand_after_the_training_rows():
    data = made(validation=OWN)
    np.testing.assert_array_equal(data.x_train, np.concatenate([X, OWN[0]]))
    np.testing.assert_array_equal(data.y_train, np.concatenate([Y, OWN[1]]))
    np.testing.assert_array_equal(data.x_test, TEST[0])
    np.testing.assert_array_equal(data.rows.given_validation, [12, 13, 14])
    np.testing.assert_array_equal(data.rows.others, np.arange(12))


def test_validation_rows_are_matched_as_test_rows_are():
    """A frame's columns by name; digits are taken off as of the training rows."""
    names = ("a", "b")
    frames = [pl.DataFrame(dict(zip(names, 1e9 + x.T, strict=True))) for x in (X, TEST[0], OWN[0])]
    train, test, own = frames
    data = Dataset.from_arrays(train, Y, test, TEST[1], validation=(own[["b", "a"]], OWN[1]))
    exact = Dataset.from_arrays(train, Y, own, OWN[1])
    np.testing.assert_array_equal(data.x_train[12:], exact.x_test)
    assert data.spec.columns[0].offset == exact.spec.columns[0].offset > 1e8


def test_words_are_labels_of_validation_rows_too():
    words = np.array(["no", "yes"])
    data = Dataset.from_arrays(
        X, words[Y], TEST[0], words[TEST[1]], validation=(OWN[0], words[OWN[1]])
    )
    np.testing.assert_array_equal(data.y_train[12:], OWN[1])


def test_weights_are_in_units_of_their_mean_and_test_rows_count_alike_unless_said():
    weight = np.arange(1.0, 13.0)
    data = made(sample_weight=weight)
    np.testing.assert_allclose(data.rows.weight, weight / 6.5, rtol=1e-6)
    assert len(set(data.test_weight.tolist())) == 1
    assert data.spec.is_weighted
    assert data.rows.notes == ("weights: from 1 to 12, 6.5 on average",)
    data = made(sample_weight=(weight, [0, 1, 2, 3]))
    np.testing.assert_allclose(data.test_weight, np.arange(4) / 6.5, rtol=1e-6)
    data = made(sample_weight=weight, validation=(*OWN, [1, 1, 4]))
    np.testing.assert_allclose(data.rows.weight[12:] * 84 / 15, [1, 1, 4], rtol=1e-6)


def test_groups_are_of_training_rows_and_given_validation_rows_are_of_none():
    data = made(groups=list("aabbccddeeff"), validation=OWN)
    assert data.rows.notes == ("groups: 6 in the training rows; none is parted",)
    assert data.rows.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, -1, -1, -1]


def test_what_is_said_of_rows_is_part_of_the_data():
    said = (
        {},
        {"groups": np.arange(12)},
        {"groups": np.arange(12) // 2},
        {"sample_weight": np.arange(1, 13)},
        {"sample_weight": (np.arange(1, 13), np.arange(1, 5))},
        {"validation": OWN},
    )
    assert len({made(**each).provenance.sha256 for each in said}) == len(said)
    assert made().given_rows is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"groups": [1, 2]}, "groups must be (n,) for 12 training rows. Received: shape (2,)"),
        ({"groups": np.array(["NaT"] * 12, "datetime64[D]")}, "groups: row 0 is of no group"),
        ({"sample_weight": [1, 2]}, "sample_weight must be (n,) numbers for 12 rows"),
        ({"sample_weight": -np.ones(12)}, "must be finite, 0 or more, and not 0 in every row"),
        ({"sample_weight": np.zeros(12)}, "must be finite, 0 or more, and not 0 in every row"),
        ({"sample_weight": (np.ones(12), np.ones(3))}, "the test rows' sample_weight must be (n,)"),
        ({"sample_weight": np.ma.masked_less(np.arange(12), 3)}, "sample_weight must be finite"),
        ({"groups": [0.0, *[np.nan] * 2, *range(9)]}, "groups: row 1 is of no group, as are 2"),
        ({"groups": ["a"] * 11 + [None]}, "groups: row 11 is of no group"),
        ({"groups": np.ma.masked_equal(np.arange(12), 5)}, "groups: row 5 is of no group"),
        ({"validation": X}, "validation must be (x, y), or (x, y, sample_weight). Received: nd"),
        ({"validation": (OWN[0], [1])}, "y_validation must be (n,) for 3 rows"),
        ({"validation": (OWN[0][:, :1], OWN[1])}, "x_train and x_validation must hold examples"),
        ({"validation": (OWN[0], ["a", "b", "a"])}, "must hold labels of one kind. Received"),
        ({"validation": OWN, "sample_weight": np.ones(12)}, "of training and validation rows, or"),
        ({"validation": (*OWN, np.ones(3))}, "of training and validation rows, or of neither"),
    ],
)
def test_what_does_not_fit_is_refused(said, message):
    with pytest.raises(DataError) as error:
        made(**said)
    assert message in str(error.value)
