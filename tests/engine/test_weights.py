"""Weights of rows, in plain Keras's and scikit-learn's sense: equal ones change nothing, and 2 is
the row twice."""

import dataclasses

import keras
import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.stack import build_stack, extract_member
from kmlp.engine.stack_training import DeviceData
from kmlp.engine.trainer import MemberResult
from kmlp.nn.losses import class_weights
from tests.twins import make_member

NUM_ROWS, NUM_TEST = 90, 40


def arrays(task: str) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(NUM_ROWS + NUM_TEST, 6)).astype("float32")
    y = x[:, 0] + x[:, 1] ** 2 + 0.1 * rng.normal(size=len(x))
    y = y.astype("float32") if task == "regression" else (y > 1).astype(int)
    return x[:NUM_ROWS], y[:NUM_ROWS], x[NUM_ROWS:], y[NUM_ROWS:]


WEIGHT = np.random.default_rng(1).integers(1, 4, NUM_ROWS).astype(float)
VAL_WEIGHT = np.random.default_rng(2).integers(1, 4, NUM_TEST).astype(float)


def data_of(task: str, *, weighted: bool, equal: float | None = None) -> Dataset:
    """With test rows that validate as well, and weights, or with each row as often as it weighs."""
    x, y, x_test, y_test = arrays(task)
    if weighted:
        w, v = (WEIGHT, VAL_WEIGHT) if equal is None else (np.full(n, equal) for n in (90, 40))
        more = {"sample_weight": (w, v), "validation": (x_test, y_test, v)}
        return Dataset.from_arrays(x, y, x_test, y_test, **more)
    if equal is None:
        x, y = (np.repeat(a, WEIGHT.astype(int), axis=0) for a in (x, y))
        x_test, y_test = (np.repeat(a, VAL_WEIGHT.astype(int), axis=0) for a in (x_test, y_test))
    return Dataset.from_arrays(x, y, x_test, y_test, validation=(x_test, y_test))


def trained(data: Dataset, **settings) -> list[MemberResult]:
    known = {"batch_size": "full", "max_epochs": 4, "input_scaling": "none", "l2": 1e-3}
    members = [make_member(data, seed, **known | settings) for seed in range(2)]
    return fit_stack(build_stack(members, data.spec), DeviceData(data))


def distance(some: list[MemberResult], others: list[MemberResult]) -> float:
    """The largest difference of any weight, curve or metric of the members; of what is above 1,
    relative to it."""
    found = []
    for one, other in zip(some, others, strict=True):
        assert one.weights.keys() == other.weights.keys()
        found += [_apart(one.weights[k], other.weights[k]) for k in one.weights]
        found += [_apart(one.curves[k], other.curves[k]) for k in one.curves]
        found += [
            _apart(value, other.metrics[part][name])
            for part, scores in one.metrics.items()
            for name, value in scores.items()
        ]
    return float(max(found))


def _apart(some, others) -> float:
    return np.max(np.abs(some - others) / np.maximum(1.0, np.abs(some)))


@pytest.fixture(scope="module")
def results() -> dict[str, list[MemberResult]]:
    """Each way of saying weights, trained by a whole batch: then all is a matter of sums."""
    kinds = {
        "weighted": data_of("binary", weighted=True),
        "twice": data_of("binary", weighted=False),
        "equal": data_of("binary", weighted=True, equal=0.3),
        "plain": data_of("binary", weighted=False, equal=1.0),
    }
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "class_weight": "balanced"}
    return {name: trained(data, **settings) for name, data in kinds.items()}


def test_equal_weights_change_nothing(results):
    assert distance(results["equal"], results["plain"]) < 1e-6


def test_equal_weights_change_nothing_of_a_regression():
    """In batches, by Adam."""
    equal = data_of("regression", weighted=True, equal=0.3)
    plain = data_of("regression", weighted=False, equal=1.0)
    assert distance(trained(equal, batch_size=32), trained(plain, batch_size=32)) < 1e-5


def test_a_weight_of_two_is_the_row_twice_of_a_regression():
    """Its targets' mean and spread, which are the unit of its loss, included."""
    settings = {"optimizer": "sgd", "learning_rate": 0.1}
    weighted = trained(data_of("regression", weighted=True), **settings)
    assert distance(weighted, trained(data_of("regression", weighted=False), **settings)) < 1e-6


@pytest.mark.slow
def test_a_weight_of_two_is_the_row_twice(results):
    assert distance(results["weighted"], results["twice"]) < 2e-6
    assert distance(results["weighted"], results["plain"]) > 1e-3


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_an_epoch_is_plain_keras_with_sample_weight(task):
    """In batches, of which the last is smaller, by Keras's own `train_on_batch`."""
    data = data_of(task, weighted=True)
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 32, "max_epochs": 1}
    member = make_member(data, 3, input_scaling="none", **settings)
    stack = build_stack([member], data.spec)
    model = extract_member(stack, 0)
    rows, _ = member.split(data.rows)
    weight = data.rows.weight / data.rows.weight[rows].mean()
    y, logits = data.y_train, _trainable(model, task)
    if task == "regression":
        mean = np.average(y[rows], weights=weight[rows])
        y = (y - mean) / np.average(np.square(y[rows] - mean), weights=weight[rows]) ** 0.5
    order = member.epoch_order(rows, 0)
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        logits.train_on_batch(data.x_train[batch], y[batch], sample_weight=weight[batch])
    result = fit_stack(stack, DeviceData(data))[0]
    for variable in model.trainable_variables:
        np.testing.assert_allclose(variable.numpy(), result.weights[variable.path], atol=2e-6)


def _trainable(model: keras.Model, task: str) -> keras.Model:
    """The plain model, compiled on what the loss is taken of."""
    if task == "regression":
        inner = keras.Model(model.inputs, model.layers[-1].input)
        inner.compile(keras.optimizers.SGD(0.1), keras.losses.MeanSquaredError())
        return inner
    model.compile(keras.optimizers.SGD(0.1), keras.losses.BinaryCrossentropy())
    return model


def test_validation_is_weighed_by_the_sum_of_weights():
    data = data_of("binary", weighted=True)
    result = trained(data, early_stopping=False)[0]
    assert result.curves["val_cross_entropy"][-1] == pytest.approx(
        result.metrics["val"]["cross_entropy"], rel=1e-5
    )
    assert result.curves["val_accuracy"][-1] == pytest.approx(
        result.metrics["val"]["accuracy"], rel=1e-5
    )


def test_a_run_without_weights_compiles_what_it_did(tiny):
    """Its program takes the targets alone: nothing is multiplied that was not."""
    assert not tiny.spec.is_weighted
    assert not isinstance(DeviceData(tiny).y_train, tuple)
    stack = build_stack([make_member(tiny)], tiny.spec)
    stack.adapt(tiny, np.arange(20)[None])
    assert stack.state["targets"] == {}
    program = stack.program
    assert program._row_weights(stack.state, None, None) is None


def test_balanced_classes_are_balanced_by_weight(tiny):
    spec = dataclasses.replace(tiny.spec, num_classes=2, class_names=("a", "b"))
    found = class_weights("balanced", spec, np.array([0, 0, 1]), np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(found, [1.0, 1.0])
    np.testing.assert_allclose(class_weights("balanced", spec, np.array([0, 0, 1])), [0.75, 1.5])
