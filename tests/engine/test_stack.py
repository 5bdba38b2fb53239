"""A stack's member equals the same member alone, and a plain Keras model trained alone."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.utils.class_weight import compute_class_weight

from kmlp.data import Dataset
from kmlp.engine.stack import build_stack, extract_member
from kmlp.errors import ConfigError
from kmlp.nn.losses import class_weights
from tests.twins import (
    assert_same_as_keras,
    assert_same_weights,
    make_member,
    train,
    train_alone_in_keras,
)

NUM_STEPS = 50
# Under JAX Keras rounds more on its way.
ATOL = 1e-7 if keras.backend.backend() == "jax" else 1e-8


# Keras rounds some numbers to float32 first: these are exact there, so float64 agrees to 1e-8.
OPTIMIZERS = [
    {"optimizer": "sgd", "learning_rate": 0.0625},
    {"optimizer": "sgd", "learning_rate": 0.0625, "momentum": 0.875},
    {"optimizer": "sgd", "learning_rate": 0.0625, "momentum": 0.875, "nesterov": True},
    {"optimizer": "adam", "learning_rate": 0.00390625},
]
# Nesterov's moments hold the others' but for Adam's, which tests/engine/test_equality.py tries.
EACH = [
    pytest.param(o, id="-".join(map(str, o.values())), marks=[pytest.mark.slow] * (i != 2))
    for i, o in enumerate(OPTIMIZERS)
]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("optimizer", EACH)
def test_each_member_equals_a_plain_keras_model_trained_alone(tiny, optimizer):
    """Different rates, penalties and seeds in one stack; 56 steps, the smaller batches included."""
    rate = optimizer["learning_rate"]
    strengths = [
        {"learning_rate": rate},
        {"learning_rate": rate / 4, "l1": 2**-10},
        {"learning_rate": rate * 2, "l2": 2**-7},
        {"learning_rate": rate, "l1": 2**-13, "l2": 2**-10},
    ]
    members = [
        make_member(tiny, seed, batch_size=32, **{**optimizer, **strength})
        for seed, strength in enumerate(strengths)
    ]
    num_epochs = -(-NUM_STEPS // 8)
    stack = train(build_stack(members, tiny.spec), tiny, num_epochs)
    for k, member in enumerate(members):
        alone = train_alone_in_keras(member, tiny, num_epochs)
        assert_same_as_keras(stack, k, alone, ATOL)
        np.testing.assert_allclose(
            extract_member(stack, k).predict(tiny.x_test, verbose=0),
            alone.predict(tiny.x_test, verbose=0),
            rtol=10 * ATOL,
            atol=ATOL,
        )


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
def test_dropout_is_the_same_alone_in_any_company_and_position(tiny):
    subject = make_member(tiny, 3, dropout=0.4, l2=1e-3)
    others = [make_member(tiny, s, dropout=0.1 * (s % 4)) for s in range(10, 19)]
    alone = train(build_stack([subject], tiny.spec), tiny, 4)
    of_three = train(build_stack([others[0], subject, others[1]], tiny.spec), tiny, 4)
    of_ten = train(build_stack([*others, subject], tiny.spec), tiny, 4)
    assert_same_weights(of_three.weights_of(1), alone.weights_of(0), atol=1e-12)
    assert_same_weights(of_ten.weights_of(9), alone.weights_of(0), atol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
def test_dropout_is_the_same_after_compaction(tiny):
    members = [make_member(tiny, s, dropout=0.3) for s in range(5)]
    whole = train(build_stack(members, tiny.spec), tiny, 4)
    stack = train(build_stack(members, tiny.spec), tiny, 2).take([1, 4])
    train(stack, tiny, 2, first_epoch=2)
    assert_same_weights(stack.weights_of(0), whole.weights_of(1), atol=1e-12)
    assert_same_weights(stack.weights_of(1), whole.weights_of(4), atol=1e-12)


def test_the_weights_of_all_members_are_those_of_each(tiny):
    stack = build_stack([make_member(tiny, s) for s in range(3)], tiny.spec)
    for k, weights in enumerate(stack.all_weights()):
        assert_same_weights(weights, stack.weights_of(k), atol=0)


def test_uint8_images_train_as_in_keras(tiny):
    """Scaling is inside both models; in float32 they agree to rounding."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (120, 6, 6)).astype(np.uint8)
    labels = np.arange(120) % 3
    data = Dataset.from_arrays(images, labels, images[:30], labels[:30])
    member = make_member(data, input_scaling="auto", optimizer="sgd", learning_rate=0.05)
    stack = train(build_stack([member], data.spec), data, 2)
    assert_same_as_keras(stack, 0, train_alone_in_keras(member, data, 2), 1e-5)


def test_dropout_keeps_the_expected_share_and_mean(tiny):
    """300,000 units at rate 0.3: 0.3 are dropped and the kept are scaled up to match."""
    member = make_member(tiny, dropout=0.3, hidden_units=(1000,))
    layer = build_stack([member], tiny.spec).model.get_layer("dropout_1")
    out = ops.convert_to_numpy(layer(ops.ones((1, 300, 1000)), training=True))
    rate, n = 0.3, out.size
    assert abs((out == 0).mean() - rate) < 4 * (rate * (1 - rate) / n) ** 0.5
    np.testing.assert_allclose(out[out > 0], 1 / (1 - rate), rtol=1e-6)


def test_dropout_masks_differ_by_step_layer_and_member(tiny):
    members = [make_member(tiny, s, dropout=0.5, hidden_units=(64, 64)) for s in (0, 1)]
    model = build_stack(members, tiny.spec).model
    ones = ops.ones((2, 20, 64))
    first, second = (model.get_layer(f"dropout_{i}") for i in (1, 2))
    masks = [
        ops.convert_to_numpy(layer(ones, training=True)) > 0 for layer in (first, first, second)
    ]
    draws = [mask[k].ravel() for mask in masks for k in (0, 1)]
    for i, a in enumerate(draws):
        for b in draws[i + 1 :]:
            assert 0.4 < (a == b).mean() < 0.6


def test_a_rate_of_zero_beside_a_rate_drops_nothing(tiny):
    members = [make_member(tiny, 0, dropout=0.0), make_member(tiny, 0, dropout=0.9)]
    layer = build_stack(members, tiny.spec).model.get_layer("dropout_1")
    out = ops.convert_to_numpy(layer(ops.ones((2, 50, 16)), training=True))
    assert (out[0] == 1).all()
    assert (out[1] == 0).mean() > 0.8


def test_one_seed_gives_every_variant_the_same_initial_weights(tiny):
    members = [make_member(tiny, 5), make_member(tiny, 5, dropout=0.5, l2=0.1)]
    stack = build_stack(members, tiny.spec)
    assert_same_weights(stack.weights_of(0), stack.weights_of(1), atol=0)


def test_initial_weights_have_the_fans_of_one_member(tiny):
    """He normal: variance 2 / fan_in, whatever the number of members."""
    members = [make_member(tiny, s, hidden_units=(400,)) for s in range(8)]
    kernel = ops.convert_to_numpy(build_stack(members, tiny.spec).state["weights"][0])
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), (2 / 12) ** 0.5, rtol=0.05)
    assert abs(np.corrcoef(kernel.reshape(8, -1)) - np.eye(8)).max() < 0.08


def test_an_extracted_member_carries_its_weights_and_its_config(tiny):
    stack = build_stack([make_member(tiny, s, dropout=0.1 * s) for s in range(3)], tiny.spec)
    model = extract_member(stack, 2)
    assert model.get_layer("dropout_1").rate == pytest.approx(0.2)
    for path, weight in stack.weights_of(2).items():
        layer, name = path.split("/")
        np.testing.assert_array_equal(weight, getattr(model.get_layer(layer), name))


def test_the_stack_is_a_functional_keras_model(tiny):
    """Its logits are the extracted members' probabilities before the softmax."""
    stack = build_stack([make_member(tiny, s) for s in range(3)], tiny.spec)
    x = np.broadcast_to(tiny.x_test, (3, *tiny.x_test.shape))
    together = ops.convert_to_numpy(ops.softmax(stack.model(x)))
    for k in range(3):
        alone = extract_member(stack, k).predict(tiny.x_test, verbose=0)
        np.testing.assert_allclose(together[k], alone, atol=1e-6)


def test_members_of_different_structure_are_refused_with_what_differs(tiny):
    members = [make_member(tiny), make_member(tiny, hidden_units=(32,), batch_size=16)]
    with pytest.raises(ConfigError, match=r"hidden_units \(\(16, 8\) and \(32,\)\), batch_size"):
        build_stack(members, tiny.spec)


def test_every_place_that_draws_has_a_key_of_its_own(tiny):
    """Dropout of inputs and units, DropConnect, noise of inputs and gradients, by layer and
    member."""
    options = {"dropout": 0.2, "input_dropout": 0.1, "drop_connect": 0.2, "gradient_noise": 0.1}
    options["input_noise"] = 0.1
    members = [make_member(tiny, seed, **options) for seed in range(2)]
    stack = build_stack(members, tiny.spec)
    layers = [layer for layer in stack.model.layers if hasattr(layer, "key")]
    assert len(layers) == 6
    keys = [ops.convert_to_numpy(layer.key) for layer in layers]
    keys.append(ops.convert_to_numpy(stack.state["keys"]["gradient_noise"]))
    assert len(np.unique(np.concatenate(keys), axis=0)) == 7 * 2


def test_balanced_weights_are_scikit_learns(tiny):
    labels = np.array([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(class_weights("balanced", tiny.spec, labels), expected)
    named = class_weights({"1": 3.0}, tiny.spec, labels)
    np.testing.assert_array_equal(named, [1, 3, 1])
