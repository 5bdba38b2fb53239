"""What the stacked layers draw: the right share, anew each step, each member's own."""

import numpy as np
import pytest
from keras import ops

from kmlp.engine.stack import build_stack, extract_member
from kmlp.nn import backend
from kmlp.nn.stacked_layers import StackedDropout
from tests.twins import make_member


def masked_kernels(layer, features: int, num_calls: int = 1) -> np.ndarray:
    """The masks of a DropConnect layer with a kernel of ones, read off with unit vectors.

    Returns:
        `(num_calls, k, features, units)`: rows of what each input reaches.
    """
    k = layer.kernel.shape[0]
    layer.kernel.assign(ops.ones(layer.kernel.shape))
    layer.bias.assign(ops.zeros(layer.bias.shape))
    unit_vectors = ops.convert_to_tensor(np.broadcast_to(np.eye(features), (k, features, features)))
    inputs = ops.cast(unit_vectors, "float32")
    return np.stack([ops.convert_to_numpy(layer(inputs, training=True)) for _ in range(num_calls)])


def drop_connect_layer(tiny, rates, mask="batch", units=400):
    members = [
        make_member(tiny, s, drop_connect=rate, drop_connect_mask=mask, hidden_units=(units,))
        for s, rate in enumerate(rates)
    ]
    return build_stack(members, tiny.spec).model.get_layer("hidden_1")


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_drop_connect_keeps_the_expected_share_and_mean(tiny, mask):
    """Rates 0.3 and 0 side by side: 0.3 of the weights are dropped, what is kept is scaled."""
    masks = masked_kernels(drop_connect_layer(tiny, (0.3, 0.0), mask), 12, num_calls=5)
    dropped, rate = masks[:, 0] == 0, 0.3
    assert abs(dropped.mean() - rate) < 4 * (rate * (1 - rate) / dropped.size) ** 0.5
    np.testing.assert_allclose(masks[:, 0][~dropped], 1 / (1 - rate), rtol=1e-6)
    assert (masks[:, 1] == 1).all()


def test_drop_connect_masks_differ_by_step_and_member(tiny):
    first, second = masked_kernels(drop_connect_layer(tiny, (0.5, 0.5)), 12, num_calls=2) > 0
    draws = [first[0], first[1], second[0], second[1]]
    for i, a in enumerate(draws):
        for b in draws[i + 1 :]:
            assert 0.4 < (a == b).mean() < 0.6


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_a_mask_for_a_batch_or_for_each_example(tiny, mask):
    """Ten equal rows meet one mask, or ten."""
    layer = drop_connect_layer(tiny, (0.5,), mask)
    layer.kernel.assign(ops.ones(layer.kernel.shape))
    out = ops.convert_to_numpy(layer(ops.ones((1, 10, 12)), training=True))[0]
    assert len(np.unique(out, axis=0)) == (1 if mask == "batch" else 10)


def test_biases_are_dropped_with_their_weights(tiny):
    layer = drop_connect_layer(tiny, (0.5,), units=2000)
    layer.bias.assign(ops.ones(layer.bias.shape))
    out = ops.convert_to_numpy(layer(ops.zeros((1, 1, 12)), training=True)).ravel()
    assert 0.45 < (out == 0).mean() < 0.55
    np.testing.assert_allclose(out[out > 0], 2.0, rtol=1e-6)


@pytest.mark.parametrize("inference", ["mean", "moments"])
def test_inference_is_that_of_the_plain_layer(tiny, inference):
    """The formula stands in `DropConnectDense`, whose own tests hold it to sampled masks."""
    options = {"drop_connect_inference": inference, "hidden_units": (30, 20)}
    members = [make_member(tiny, s, drop_connect=0.25 * s, **options) for s in range(3)]
    stack = build_stack(members, tiny.spec)
    x = np.broadcast_to(tiny.x_test, (3, *tiny.x_test.shape))
    together = ops.convert_to_numpy(ops.softmax(stack.model(x)))
    for k in range(3):
        alone = extract_member(stack, k).predict(tiny.x_test, verbose=0)
        np.testing.assert_allclose(together[k], alone, atol=1e-6)


def test_moments_and_mean_weights_differ_where_weights_are_dropped(tiny):
    stacks = [
        build_stack(
            [make_member(tiny, 0, drop_connect=0.5, drop_connect_inference=inference)], tiny.spec
        )
        for inference in ("mean", "moments")
    ]
    mean, moments = (extract_member(stack, 0).predict(tiny.x_test, verbose=0) for stack in stacks)
    assert abs(mean - moments).max() > 0.01


def test_inputs_and_hidden_units_are_dropped_each_at_its_own_rate(tiny):
    member = make_member(tiny, input_dropout=0.25, dropout=0.5, hidden_units=(400,))
    model = build_stack([member], tiny.spec).model
    shares = {}
    for name, units in (("dropout_0", 12), ("dropout_1", 400)):
        out = ops.convert_to_numpy(model.get_layer(name)(ops.ones((1, 500, units)), training=True))
        shares[name] = (out == 0).mean()
    assert shares["dropout_0"] == pytest.approx(0.25, abs=0.03)
    assert shares["dropout_1"] == pytest.approx(0.5, abs=0.01)


def test_units_are_dropped_at_the_rate_of_their_layer(tiny):
    """Of a member with a rate for each layer beside one with one rate for all of them."""
    common = {"hidden_units": (400, 300)}
    members = [
        make_member(tiny, 0, layer_dropout=(0.5, 0.1), **common),
        make_member(tiny, 1, dropout=0.3, **common),
        make_member(tiny, 2, **common),
    ]
    model = build_stack(members, tiny.spec).model
    for name, units, rates in (
        ("dropout_1", 400, (0.5, 0.3, 0)),
        ("dropout_2", 300, (0.1, 0.3, 0)),
    ):
        layer = model.get_layer(name)
        out = ops.convert_to_numpy(layer(ops.ones((3, 200, units)), training=True))
        assert (out == 0).mean(axis=(1, 2)) == pytest.approx(rates, abs=0.01)


def test_a_parametric_relu_passes_a_gradient_on_where_its_output_is_0(tiny):
    """After relu a mask's gradient is read off the product's zeros; here 0 is no sign of that."""
    plain, own = (
        build_stack([make_member(tiny, dropout=0.2, parametric_activation=p)], tiny.spec).model
        for p in (False, True)
    )
    assert plain.get_layer("dropout_1").after_relu
    assert not own.get_layer("dropout_1").after_relu


def test_input_noise_has_each_members_own_stddev_and_is_new_each_step(tiny):
    """60,000 values: mean 0 and stddev 0.5 within four standard errors; beside it, none at all."""
    members = [make_member(tiny, s, input_noise=noise) for s, noise in enumerate((0.5, 0.0, 0.5))]
    layer = build_stack(members, tiny.spec).model.get_layer("noise_0")
    ones = ops.ones((3, 5000, 12))
    first, second = (ops.convert_to_numpy(layer(ones, training=True)) - 1 for _ in range(2))
    n = first[0].size
    assert abs(first[0].mean()) < 4 * 0.5 / n**0.5
    assert abs(first[0].std() - 0.5) < 4 * 0.5 / (2 * n) ** 0.5
    assert (first[1] == 0).all()
    for other in (first[2], second[0]):
        assert abs(np.corrcoef(first[0].ravel(), other.ravel())[0, 1]) < 4 / n**0.5
    np.testing.assert_array_equal(layer(ones, training=False), ones)


def test_members_of_a_stack_have_batch_statistics_of_their_own(tiny):
    """One member sees large inputs: the others' moving statistics do not notice."""
    members = [make_member(tiny, s, normalization="batch") for s in range(2)]
    layer = build_stack(members, tiny.spec).model.get_layer("normalization_1")
    rng = np.random.default_rng(0)
    calm = rng.normal(size=(1, 64, 16)).astype("float32")
    out = layer(np.concatenate([calm, 1000 * calm + 7]), training=True)
    out = ops.convert_to_numpy(out)
    np.testing.assert_allclose(out.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=1), 1, atol=1e-2)
    moving = ops.convert_to_numpy(layer.moving_variance)
    np.testing.assert_allclose(moving[0, 0], 0.99 + 0.01 * calm[0].var(axis=0), rtol=1e-4)
    assert (moving[1] > 1000).all()


@pytest.mark.parametrize("after_relu", [False, True])
def test_dropout_scaled_in_inference_leaves_what_it_keeps(after_relu):
    layer = StackedDropout("dropout", after_relu=after_relu, scaling="inference")
    ones = ops.ones((2, 40, 8))
    layer.build(ones.shape)
    layer.strength.assign([0.25, 0.0])
    layer.key.assign([[1, 2], [3, 4]])
    trained = ops.convert_to_numpy(layer(ones, training=True))
    assert set(np.unique(trained[0])) == {0.0, 1.0}
    assert (trained[1] == 1).all()
    evaluated = ops.convert_to_numpy(layer(ones, training=False))
    np.testing.assert_array_equal(evaluated, [[[0.75] * 8] * 40, [[1.0] * 8] * 40])


def test_dropout_after_relu_passes_on_the_gradient_of_the_mask():
    """It reads the mask off its outputs: of units that relu switched on, and with rate 0 too."""
    rng = np.random.default_rng(0)
    active = np.maximum(rng.normal(size=(2, 64, 32)), 0).astype("float32")
    upstream = rng.normal(size=active.shape).astype("float32")

    def gradient(after_relu: bool) -> np.ndarray:
        layer = StackedDropout("dropout", after_relu=after_relu)
        layer.build(active.shape)
        layer.strength.assign([0.3, 0.0])
        layer.key.assign([[1, 2], [3, 4]])

        def weighted_sum(weights: list) -> tuple:
            state = [v.value for v in layer.non_trainable_variables]
            outputs, _ = layer.stateless_call([], state, weights[0], training=True)
            return ops.sum(outputs * upstream), None

        inputs = [ops.convert_to_tensor(active)]
        return ops.convert_to_numpy(backend.value_and_gradients(weighted_sum, inputs)[1][0])

    expected, found = gradient(after_relu=False), gradient(after_relu=True)
    assert (expected[0][active[0] > 0] == 0).any()
    np.testing.assert_array_equal(found[active > 0], expected[active > 0])
