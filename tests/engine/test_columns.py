"""Tables in training: a stack's member is the plain model alone, and nothing leaks into it."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.config.tables.encoding import DEFAULTS
from kmlp.data import Dataset
from kmlp.engine.compatibility import check_member
from kmlp.engine.planning.sizes import weight_bytes
from kmlp.engine.planning.stacks import stack_size
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.stack import Stack, build_stack, extract_member
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.errors import ConfigError
from kmlp.nn.mlp import build_mlp, load_member_weights
from kmlp.nn.topology import num_kernel_weights
from tests.encoded import CITY, COLUMNS, NAN, ZIP, encoded_table
from tests.twins import (
    assert_same_as_keras,
    assert_same_weights,
    make_member,
    train,
    train_alone_in_keras,
)

ON_JAX = keras.backend.backend() == "jax"
# 96 of 120 rows train.
SMALL = {"hidden_units": (6,), "batch_size": 32, "input_scaling": "auto"}
SGD = {**SMALL, "optimizer": "sgd", "learning_rate": 2.0**-4}
INPUTS = {
    **{"input_scaling": "robust", "input_clip": 3.0, "scaled_one_hot": True},
    "learned_scale": True,
}


def trained(data: Dataset, *strengths: dict, epochs: int = 2) -> Stack:
    members = [make_member(data, seed, **each) for seed, each in enumerate(strengths)]
    return train(build_stack(members, data.spec), data, epochs)


KERAS = {
    "sgd": ("binary", [{**SGD, "l2": 2.0**-5}, {**SGD, "max_norm": 0.5, "l1": 2.0**-7}]),
    "adam": (
        "regression",
        [{**SMALL, "input_scaling": "robust"}, {**SMALL, "input_scaling": "robust", "l2": 0.01}],
    ),
    "realmlp": ("binary", [{**SGD, **INPUTS}, {**SGD, **INPUTS, "weight_decay": 0.25}]),
    "periodic": (
        "regression",
        [
            {**SGD, "number_embedding": "periodic", "l2": 0.01},
            {**SGD, "number_embedding": "periodic", "weight_decay": 0.25, "clipnorm": 0.1},
        ],
    ),
    "bins": ("binary", [{**SGD, "number_embedding": "piecewise_linear", "num_bins": 5}]),
    "quantile": ("binary", [{**SGD, "input_scaling": "quantile", "input_clip": 2.0}]),
    "mean": (
        "binary",
        [{**SGD, "l2": 1.0, "penalty_reduction": "mean", "weight_decay": 0.01, "clipnorm": 0.1}],
    ),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", KERAS)
def test_a_member_of_a_stack_is_keras_own_model_alone(case):
    """Penalties, bounds, decay, clipping and both optimizers, embeddings included."""
    task, strengths = KERAS[case]
    data = encoded_table(task=task)
    stack = trained(data, *strengths, epochs=3)
    for k, member in enumerate(stack.members[:1] if ON_JAX else stack.members):
        alone = train_alone_in_keras(member, data, 3)
        assert_same_as_keras(stack, k, alone, atol=1e-6)
        ours, theirs = (
            ops.convert_to_numpy(m(data.x_test)) for m in (extract_member(stack, k), alone)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_member_does_not_depend_on_its_company():
    """With masks on the encoded features and noise on every weight."""
    data = encoded_table()
    drawn = {"input_dropout": 0.2, "dropout": 0.1, "gradient_noise": 0.1, "drop_connect": 0.2}
    own = {**SMALL, **INPUTS, "number_embedding": "periodic"}
    together = trained(data, own, {**own, **drawn}, {**own, "l2": 0.01})
    member = together.members[1]
    alone = train(build_stack([member], data.spec), data, 2)
    assert_same_weights(alone.weights_of(0), together.weights_of(1), atol=1e-6)


def permuted(data: Dataset, which: str, member) -> Dataset:
    """The features of the validation or of the test rows change hands."""
    rng = np.random.default_rng(1)
    if which == "test":
        return dataclasses.replace(data, x_test=rng.permutation(data.x_test))
    rows, x = member.split(data.y_train)[1], data.x_train.copy()
    x[rows] = rng.permuted(x[rows], axis=0)
    return dataclasses.replace(data, x_train=x)


@pytest.mark.parametrize("which", ["validation", "test"])
def test_features_of_rows_that_are_not_trained_on_change_no_weight(which):
    data = encoded_table()
    member = make_member(data, **SMALL, max_epochs=2, early_stopping=False)
    other = permuted(data, which, member)
    results = [fit_stack(build_stack([member], d.spec), DeviceData(d))[0] for d in (data, other)]
    for path, weight in results[0].weights.items():
        np.testing.assert_array_equal(weight, results[1].weights[path], err_msg=path)
    part = "val" if which == "validation" else "test"
    first, second = (r.metrics[part]["cross_entropy"] for r in results)
    assert first != second


def test_a_category_of_validation_rows_alone_is_other_for_that_member():
    data = encoded_table()
    members = [make_member(data, seed, **SMALL) for seed in range(2)]
    train_rows, val_rows = members[0].split(data.y_train)
    x = data.x_train.copy()
    x[train_rows, CITY] = np.where(x[train_rows, CITY] == 2, 1, x[train_rows, CITY])
    x[val_rows, CITY] = 2
    data = dataclasses.replace(data, x_train=x)
    stack = train(build_stack(members, data.spec), data, 0)
    row = data.x_test[:1].copy()
    row[0, CITY] = 2
    slots = []
    for k in range(2):
        model = extract_member(stack, k)
        features = model.get_layer("encoding")(row)
        slots.append(ops.convert_to_numpy(features)[0, 5:9].tolist())
    assert slots == [[0, 0, 0, 1], [0, 0, 1, 0]]


def test_a_column_without_a_value_in_one_members_rows_leaves_it_finite():
    data = encoded_table()
    members = [make_member(data, seed, **SMALL, max_epochs=1) for seed in range(2)]
    rows = members[0].split(data.y_train)[0]
    x = data.x_train.copy()
    x[np.ix_(rows, [0, ZIP])] = NAN
    results = fit_stack(
        build_stack(members, data.spec), DeviceData(dataclasses.replace(data, x_train=x))
    )
    assert results[0].weights["encoding/gain"][0] == 0 < results[1].weights["encoding/gain"][0]
    assert [r.status for r in results] == ["done", "done"]
    assert all(np.isfinite(r.predictions).all() for r in results)


def test_results_carry_what_a_plain_model_needs():
    """Statistics and embeddings are among the weights by path, and the best epoch's."""
    data = encoded_table()
    member = make_member(data, **SMALL, max_epochs=3)
    result = fit_stack(build_stack([member], data.spec), DeviceData(data))[0]
    plain = build_mlp(member.model, data.spec)
    load_member_weights(plain, result.weights)
    theirs = ops.convert_to_numpy(plain(data.x_test))[:, 0]
    np.testing.assert_allclose(np.exp(result.predictions[:, 1]), theirs, rtol=1e-5, atol=1e-6)
    again = build_stack([member], data.spec)
    again.load([result.weights])
    assert_same_weights(again.weights_of(0), result.weights, atol=0)


def test_a_run_goes_on_from_its_snapshot():
    data = encoded_table()
    members = [make_member(data, seed, **SMALL, max_epochs=4) for seed in range(2)]
    whole, halves = (StackRun(build_stack(members, data.spec), DeviceData(data)) for _ in range(2))
    halves.train_epoch()
    saved = halves.snapshot()
    resumed = StackRun(build_stack(members, data.spec), DeviceData(data))
    resumed.restore(saved)
    for run, epochs in ((whole, 2), (resumed, 1)):
        for _ in range(epochs):
            run.train_epoch()
    for k in range(2):
        assert_same_weights(whole.stack.weights_of(k), resumed.stack.weights_of(k), atol=0)


def test_half_precision_leaves_statistics_and_codes_whole():
    data = encoded_table()
    member = make_member(data, **SMALL, dtype_policy="mixed_bfloat16")
    stack = train(build_stack([member], data.spec), data, 1)
    whole = train(build_stack([make_member(data, **SMALL)], data.spec), data, 1)
    for name in ("median", "center", "gain", "remap"):
        path = f"encoding/{name}"
        np.testing.assert_array_equal(stack.weights_of(0)[path], whole.weights_of(0)[path])
    assert_same_weights(stack.weights_of(0), whole.weights_of(0), atol=0.02)


@pytest.mark.parametrize("field", DEFAULTS)
def test_what_acts_on_columns_is_refused_without_them(field):
    data = encoded_table()
    other = {bool: not DEFAULTS[field], str: "periodic"}
    value = other.get(type(DEFAULTS[field]), 3)
    member = make_member(data, **SMALL, **{field: value})
    check_member(member, data.spec)
    with pytest.raises(ConfigError, match=f"{field} is for the columns of a table.*Leave it out"):
        check_member(member, dataclasses.replace(data.spec, columns=()))


def test_widths_and_bytes_count_encoded_features_and_embeddings():
    data = encoded_table()
    column = dataclasses.replace(COLUMNS[ZIP], values=tuple(map(str, range(900))))
    wide = dataclasses.replace(
        data, spec=dataclasses.replace(data.spec, columns=(*COLUMNS[:ZIP], column, COLUMNS[5]))
    )
    member = make_member(data, **SMALL)
    features = 3 + 2 + 4 + 3 + 8
    assert num_kernel_weights(member.model, wide.spec) == features * 6 + 6
    assert weight_bytes(member, 2, wide) == 2 * 4 * (features * 6 + 6 + 901 * 8)
    one_hot = make_member(data, **{**SMALL, "hidden_units": (256,)}, max_one_hot=900)
    assert stack_size(one_hot, wide.spec) < stack_size(one_hot, data.spec)
