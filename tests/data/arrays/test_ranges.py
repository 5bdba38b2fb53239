"""Values in another unit than the training rows' are refused, rescaled or told; never silent."""

import logging

import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.data.arrays.ranges import in_trained_scale
from kmlp.data.columns import DataSpec
from kmlp.errors import DataError

rng = np.random.default_rng(0)
BYTES = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)
UNIT = BYTES / np.float32(255)
Y = np.arange(20) % 2


def test_the_range_of_plain_floats_travels_and_is_in_no_hash():
    spec = Dataset.from_arrays(UNIT, Y, UNIT, Y).spec
    assert spec.value_range == (0.0, 1.0)
    assert DataSpec.from_dict(spec.to_dict()) == spec
    assert Dataset.from_arrays(BYTES, Y, BYTES, Y).spec.value_range is None
    gaps = np.ma.masked_array(UNIT.reshape(20, -1), BYTES.reshape(20, -1) < 9)
    assert Dataset.from_arrays(gaps, Y, gaps, Y).spec.value_range is None


@pytest.mark.parametrize(
    "x",
    [BYTES.astype(float), BYTES.reshape(20, 64), BYTES.reshape(20, 64).astype(np.float32)],
    ids=["images", "flat bytes", "flat"],
)
def test_pixels_of_another_scale_are_refused(x):
    message = (
        r"^inputs hold values from 0 to 255; the training rows lie between 0 and 1\. Bring them to "
        r"the same scale, such as x / 255\.$"
    )
    with pytest.raises(DataError, match=message):
        in_trained_scale(x, (0.0, 1.0), "inputs")


def test_a_test_set_of_another_scale_than_the_training_set_is_refused():
    with pytest.raises(DataError, match=r"the rows of x_test hold values from 0 to 255; the train"):
        Dataset.from_arrays(UNIT, Y, BYTES.astype(np.float32), Y)


def test_bytes_for_a_network_of_unit_images_are_divided_and_told(caplog):
    scaled = in_trained_scale(BYTES, (0.0, 1.0), "inputs")
    np.testing.assert_array_equal(scaled, UNIT)
    assert caplog.messages == [
        "inputs are pixels from 0 to 255 and were divided by 255: the training rows lie between 0 "
        "and 1"
    ]
    binary = (BYTES > 99).astype(np.uint8)
    assert in_trained_scale(binary, (0.0, 1.0), "inputs") is binary
    with pytest.raises(DataError, match=r"Bring them to the same scale\.$"):
        in_trained_scale(BYTES, (-2.0, 2.0), "inputs")


def test_unit_images_for_a_network_of_pixels_are_told(caplog):
    with caplog.at_level(logging.WARNING):
        assert in_trained_scale(UNIT, (0.0, 255.0), "inputs") is UNIT
    assert "up to 1; the training rows reach 255: is the unit the same?" in caplog.text


def test_an_outlier_in_a_table_is_told_and_used(caplog):
    x = rng.normal(size=(50, 4))
    x[7, 2] = 1e4
    assert in_trained_scale(x, (-4.0, 4.0), "inputs") is x
    assert "1 of 50 rows lie far outside; is the unit the same?" in caplog.text


@pytest.mark.parametrize("trained", [None, (-300.0, 300.0), (0.0, 60.0), (0.0, 0.0)])
def test_nothing_is_told_of_what_lies_near(trained, caplog):
    x = np.zeros((3, 8, 8)) if trained == (0.0, 0.0) else BYTES.astype(float)
    assert in_trained_scale(x, trained, "inputs") is x
    assert caplog.messages == []
