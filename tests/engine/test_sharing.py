"""Members that are many networks in one, in a stack and alone."""

import numpy as np
import pytest
from keras import ops

from kmlp.data import Dataset
from kmlp.engine.prediction import predictor
from kmlp.engine.stack import build_stack, extract_member
from tests.engine.test_equality import (
    ADAM,
    RESIDUAL,
    SGD,
    assert_each_is_keras,
    called,
    predictions,
    trained,
)
from tests.twins import assert_same_weights, make_member

pytestmark = pytest.mark.usefixtures("float64")

SMALL = {"num_subnetworks": 3}
OPTIONS = {
    "batch_ensemble": [
        {**SGD, "weight_sharing": "batch_ensemble", "l2": 0.01, "clipnorm": 0.5},
        {**SGD, "weight_sharing": "batch_ensemble", "momentum": 0.875, "weight_decay": 0.125},
    ],
    "tabm": [
        {**ADAM, "weight_sharing": "tabm", "bias_initializer": "normal"},
        {**ADAM, "weight_sharing": "tabm", "l1": 0.01, "bias_rate_factor": 0.125},
    ],
    "tabm_mini": [
        {**SGD, "weight_sharing": "tabm_mini", "normalization": "layer", "label_smoothing": 0.25},
        {**SGD, "weight_sharing": "tabm_mini", "normalization": "layer", "l2": 0.01},
    ],
    "ntk": [{**SGD, "weight_sharing": "tabm", "parametrization": "ntk", "class_weight": {0: 3.0}}],
    # Without a normalization probabilities become so small that Keras clips them.
    "residual": [{**SGD, **RESIDUAL, "weight_sharing": "tabm", "learned_scale": True}],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_a_stack_trains_each_member_as_keras_does(tiny, name):
    assert_each_is_keras(tiny, [{**SMALL, **each} for each in OPTIONS[name]], atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_other_tasks_are_trained_as_keras_does(tiny, task):
    y = {"binary": tiny.y_train // 2, "regression": 40 + 7.0 * np.sin(tiny.x_train[:, 0])}[task]
    data = Dataset.from_arrays(tiny.x_train, y, tiny.x_test, y[:90])
    common = {**SMALL, **SGD, "weight_sharing": "tabm"}
    if task == "regression":
        common |= {"clamped_predictions": True, "input_scaling": "standard"}
    assert_each_is_keras(data, [common, {**common, "l2": 2.0**-7}], atol=1e-6)


DRAWS = [
    {},
    {"dropout": 0.3, "input_noise": 0.2, "gradient_noise": 0.1},
    {"mixup": 0.4, "ema_momentum": 0.9, "class_weight": "balanced", "label_smoothing": 0.1},
]


@pytest.mark.slow
def test_a_mixed_stack_holds_every_member_as_if_alone(tiny):
    """240 rows in batches of 32: rows that stand in count in no sub-network."""
    common = {**SMALL, "weight_sharing": "tabm", "batch_size": 32}
    members = [make_member(tiny, s, **common, **own) for s, own in enumerate(DRAWS)]
    together = trained(members, tiny)
    for k, member in enumerate(members):
        alone = trained([member], tiny)
        assert_same_weights(together.weights_of(k), alone.weights_of(0), atol=1e-11)
        plain = called(extract_member(together, k), tiny.x_test)
        np.testing.assert_allclose(np.exp(predictions(together, tiny)[k]), plain, atol=1e-6)


@pytest.mark.long
def test_masks_differ_by_sub_network(tiny):
    """With the same weights they would say the same but for their masks."""
    own = {"weight_sharing": "tabm", "dropout": 0.5, "num_subnetworks": 4}
    stack = build_stack([make_member(tiny, **own)], tiny.spec)
    weights = stack.weights_of(0)
    for path, value in weights.items():
        if path == "output/kernel":
            weights[path] = np.tile(np.split(value, 4)[0], (4, 1))
        elif path.endswith("_factors"):
            weights[path] = np.ones_like(value)
    stack.load([weights])
    x = ops.convert_to_tensor(tiny.x_train[None, :30])
    each = ops.reshape(stack.model(x, training=True), (4, 30, 3))
    assert np.std(ops.convert_to_numpy(each), axis=0).max() > 0.01
    together, alone = (stack.model(x, training=False), extract_member(stack, 0)(x[0]))
    np.testing.assert_allclose(ops.softmax(together)[0], alone, atol=1e-12)


@pytest.mark.slow
def test_what_is_logged_of_training_is_the_mean_prediction_and_the_mean_loss(tiny):
    """At a rate of 0 nothing moves: both follow from what each sub-network says."""
    member = make_member(tiny, weight_sharing="tabm", learning_rate=1e-300, l2=0.5, **SMALL)
    stack = build_stack([member], tiny.spec)
    rows = np.stack([member.split(tiny.y_train)[0]])
    stack.adapt(tiny, rows)
    order = ops.convert_to_tensor(rows)
    held_out = ops.convert_to_tensor(np.arange(20)[None])
    _, logs = stack.program.train_epoch(
        *(stack.state, ops.convert_to_tensor(tiny.x_train), ops.convert_to_tensor(tiny.y_train)),
        *(order, held_out, ops.convert_to_tensor(1, "int32")),
    )
    plain, weights = extract_member(stack, 0), stack.weights_of(0)
    x, y = tiny.x_train[rows[0]], tiny.y_train[rows[0]]
    each = ops.convert_to_numpy(plain(x, training=True))
    mean, places = each.mean(axis=1), np.arange(len(y))
    penalty = 0.5 * sum((w**2).sum() for path, w in weights.items() if path.endswith("/kernel"))
    losses = -np.log(each[places, :, y]).mean()
    found = {name: float(ops.convert_to_numpy(value)[0]) for name, value in logs.items()}
    np.testing.assert_allclose(found["loss"], losses + penalty, rtol=1e-9)
    np.testing.assert_allclose(found["cross_entropy"], -np.log(mean[places, y]).mean(), rtol=1e-9)
    np.testing.assert_allclose(found["accuracy"], (mean.argmax(1) == y).mean(), rtol=1e-9)
    said = called(plain, tiny.x_train[:20])[np.arange(20), tiny.y_train[:20]]
    np.testing.assert_allclose(found["val_cross_entropy"], -np.log(said).mean(), rtol=1e-9)
    assert found["cross_entropy"] < losses, "by Jensen's inequality"


def test_trained_networks_say_the_same_side_by_side(tiny):
    members = [make_member(tiny, s, weight_sharing="tabm_mini", **SMALL) for s in range(2)]
    stack = build_stack(members, tiny.spec)
    predict = predictor(members[0].model, tiny.spec, stack.all_weights())
    x = np.stack([tiny.x_test] * 2)
    for k, said in enumerate(predict(x)):
        plain = called(extract_member(stack, k), tiny.x_test)
        np.testing.assert_allclose(np.exp(said), plain, atol=1e-6)
