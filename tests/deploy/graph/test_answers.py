"""What is added to a graph's answers: by hand, for logits that are given."""

import numpy as np
import pytest
import tensorflow as tf

from kmlp.data.columns import Column
from kmlp.data.dataset import DataSpec
from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.graph.answers import AnswersGraph, out_of_range
from kmlp.stats.calibration.temperature import scaled_log_probabilities

CLASSES = DataSpec(
    task="binary",
    input_shape=(2,),
    input_dtype="float32",
    num_classes=2,
    class_names=("no", "yes"),
    value_range=(-9.0, 9.0),
)
LOGITS = np.array([[2.0, 0.0], [0.1, 0.0], [0.0, 3.0]], np.float32)


class Given(tf.Module):
    """Logits, or predictions, that are its inputs."""

    def predict(self, inputs):
        p = tf.nn.softmax(inputs)
        label = tf.argmax(p, axis=-1, output_type=tf.int32)
        return {"probabilities": p, "label": label, "entropy": tf.zeros(len(p)), "stddev": p}

    def logits(self, inputs):
        return {"logits": inputs}


class Number(tf.Module):
    def predict(self, inputs):
        return {"prediction": inputs[:, 0]}


def answers(calibration, spec=CLASSES):
    outputs = AnswersGraph(Given(), spec, calibration).predict(tf.constant(LOGITS))
    return {name: value.numpy() for name, value in outputs.items()}


def softmax(logits, temperature=1.0):
    return np.exp(scaled_log_probabilities(logits, temperature))


def test_probabilities_are_at_the_temperature_and_logits_as_they_were():
    found = answers(Calibration(rows="reserved", num_rows=9, temperature=2.5))
    p = softmax(LOGITS, 2.5)
    np.testing.assert_allclose(found["probabilities"], p, atol=1e-6)
    np.testing.assert_allclose(found["entropy"], -(p * np.log(p)).sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(found["stddev"], softmax(LOGITS), atol=1e-6)
    assert found["label"].tolist() == [0, 0, 1]
    graph = AnswersGraph(Given(), CLASSES, Calibration(rows="reserved", num_rows=9))
    np.testing.assert_array_equal(graph.logits(LOGITS)["logits"], LOGITS)


def test_a_probability_of_zero_stays_none():
    outputs = AnswersGraph(
        Given(), CLASSES, Calibration(rows="reserved", num_rows=9, temperature=2.0)
    ).predict(tf.constant([[500.0, 0.0]]))
    p = outputs["probabilities"].numpy()
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p, [[1.0, 0.0]], atol=1e-18)


def test_sets_are_of_the_networks_own_probabilities():
    """At any temperature the same: that was fitted on the rows that the bound is of."""
    own = {"rows": "reserved", "num_rows": 99, "coverage": 0.9, "least_probability": 0.4}
    for temperature in (None, 0.3, 5.0):
        found = answers(Calibration(**own, temperature=temperature))
        assert found["set"].tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    ("threshold", "labels"), [(0.1, [1, 1, 1]), (0.3, [0, 1, 1]), (0.97, [0, 0, 0])]
)
def test_the_label_follows_the_threshold(threshold, labels):
    found = answers(Calibration(rows="none", num_rows=0, threshold=threshold))
    assert (found["label"].tolist(), found["label"].dtype) == (labels, np.int32)


def test_the_threshold_is_of_calibrated_probabilities():
    """0.119 of the first row is 0.397 at temperature 4.77."""
    told = {"rows": "reserved", "num_rows": 99, "threshold": 0.35}
    assert answers(Calibration(**told))["label"][0] == 0
    assert answers(Calibration(**told, temperature=4.77))["label"][0] == 1


def test_an_interval_is_in_the_unit_of_training():
    """A target in steps of 2 ** 3: the graph computes in steps, its signature in the own unit."""
    target = Column(name="y", kind="number", source="y", exponent=3, offset=100.0)
    spec = DataSpec(
        task="regression",
        input_shape=(1,),
        input_dtype="float32",
        num_classes=0,
        class_names=(),
        target=target,
    )
    calibration = Calibration(rows="reserved", num_rows=99, coverage=0.9, half_width=12.0)
    found = AnswersGraph(Number(), spec, calibration).predict(tf.constant([[1.0]]))
    assert {n: float(v[0]) for n, v in found.items()} == {
        "prediction": 1.0,
        "lower": -0.5,
        "upper": 2.5,
    }


COLUMNS = (
    Column(name="age", kind="number", source="age", low=20.0, high=30.0, offset=20.0, exponent=1),
    Column(name="city", kind="category", source="city", values=("a", "b"), has_missing=True),
    Column(name="pays", kind="boolean", source="pays", values=("no", "yes")),
    Column(name="day (elapsed)", kind="number", source="day", part="elapsed", low=0.0, high=9.0),
    Column(name="day (month)", kind="category", source="day", part="month", values=("1", "2")),
    Column(name="free", kind="number", source="free"),
)


def of_columns():
    return DataSpec(
        task="binary",
        input_shape=(6,),
        input_dtype="float32",
        num_classes=2,
        class_names=("no", "yes"),
        columns=COLUMNS,
    )


@pytest.mark.parametrize(
    ("row", "strange"),
    [
        ([0.0, 1.0, 0.0, 9.0, 1.0, 1e9], []),
        ([5.0, np.nan, 1.0, 0.0, 0.0, 0.0], []),
        ([5.1, 0.0, 1.0, 0.0, 0.0, 0.0], ["age"]),
        ([-0.1, 2.0, 1.0, 0.0, 0.0, 0.0], ["age", "city"]),
        ([0.0, 0.0, np.nan, 0.0, 0.0, 0.0], ["pays"]),
        ([0.0, 0.0, 0.0, 9.5, 0.0, 0.0], ["day"]),
        ([0.0, 0.0, 0.0, 0.0, 2.0, 0.0], ["day"]),
        ([0.0, 0.0, 0.0, np.nan, np.nan, np.nan], ["day", "free"]),
    ],
)
def test_by_column_what_training_did_not_see(row, strange):
    """The ends lie inside; a gap is strange where there was none; a date by any of its parts."""
    found = out_of_range(tf.constant([row], tf.float32), of_columns()).numpy()
    names = ("age", "city", "pays", "day", "free")
    assert [n for n, is_strange in zip(names, found[0], strict=True) if is_strange] == strange


def test_the_ends_of_a_scaled_column_lie_inside_however_they_are_rounded():
    column = Column(
        name="x", kind="number", source="x", low=0.1, high=0.7, offset=1 / 3, exponent=-5
    )
    from kmlp.data.encoder import scaled

    spec = DataSpec(
        task="binary",
        input_shape=(1,),
        input_dtype="float32",
        num_classes=2,
        class_names=("no", "yes"),
        columns=(column,),
    )
    cells = scaled(np.array([[0.1], [0.7], [0.0999], [0.7001]]), column.offset, column.exponent)
    assert out_of_range(tf.constant(cells), spec).numpy()[:, 0].tolist() == [0, 0, 1, 1]


def test_arrays_without_columns_are_flagged_by_row_and_bytes_not_at_all():
    images = DataSpec(
        task="binary",
        input_shape=(2, 2),
        input_dtype="float32",
        num_classes=2,
        class_names=("no", "yes"),
        value_range=(0.0, 1.0),
    )
    x = np.zeros((3, 2, 2), np.float32)
    x[1, 0, 1], x[2] = 1.0, 255.0
    assert out_of_range(tf.constant(x), images).numpy().tolist() == [False, False, True]
    raw = DataSpec(
        task="binary",
        input_shape=(2, 2),
        input_dtype="uint8",
        num_classes=2,
        class_names=("no", "yes"),
    )
    assert out_of_range(tf.zeros((1, 2, 2), tf.uint8), raw) is None
