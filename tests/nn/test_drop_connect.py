"""DropConnect's masks and moments against counting, sampling and the formulas, on both backends."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import ndtr

from kmlp.errors import ConfigError
from kmlp.nn.drop_connect import _LEAKY_RELU_SLOPE, DropConnectDense, _quadrature, mean_activation

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def masks_of(layer: DropConnectDense, features: int, batch: int) -> np.ndarray:
    """The scaled masks `(batch, features, units)` that meet each row of one training step."""
    if not layer.built:
        layer.build((batch, features))
    layer.set_weights([np.ones((features, layer.units)), *layer.get_weights()[1:]])
    # A basis vector at each position of the middle axis reads one row of the kernel.
    basis = np.broadcast_to(np.eye(features, dtype="float32"), (batch, features, features))
    return ops.convert_to_numpy(layer(basis, training=True))


def array(x) -> np.ndarray:
    return ops.convert_to_numpy(x)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("mask", ["batch", "example"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_masks_drop_the_rate_and_keep_the_mean(rate, mask):
    drawn = masks_of(DropConnectDense(150, rate, mask=mask, seed=1), features=100, batch=2)
    assert sorted(set(drawn.ravel().tolist())) == pytest.approx([0, 1 / (1 - rate)])
    n = drawn[0].size
    assert (drawn[0] == 0).mean() == pytest.approx(rate, abs=4 * (rate * (1 - rate) / n) ** 0.5)
    assert drawn[0].mean() == pytest.approx(1, abs=4 * (rate / (1 - rate) / n) ** 0.5)


@pytest.mark.parametrize(("mask", "same"), [("batch", True), ("example", False)])
def test_examples_share_a_mask_or_have_their_own(mask, same):
    drawn = masks_of(DropConnectDense(40, 0.5, mask=mask, seed=1), features=30, batch=2)
    agreement = (drawn[0] == drawn[1]).mean()
    assert agreement == 1 if same else agreement == pytest.approx(0.5, abs=4 * 0.5 / 1200**0.5)


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_biases_are_dropped_too(mask):
    layer = DropConnectDense(3000, 0.25, mask=mask, seed=1, bias_initializer="ones")
    drawn = array(layer(np.zeros((2, 4), "float32"), training=True))
    assert sorted(set(drawn.ravel().tolist())) == pytest.approx([0, 4 / 3])
    assert (drawn[0] == 0).mean() == pytest.approx(0.25, abs=4 * (0.1875 / 3000) ** 0.5)
    assert (drawn[0] == drawn[1]).all() == (mask == "batch")


def test_every_step_and_every_seed_has_its_own_masks():
    layers = [DropConnectDense(40, 0.5, seed=seed) for seed in (1, 1, 2)]
    first = [masks_of(layer, features=30, batch=1) for layer in layers]
    second = masks_of(layers[0], features=30, batch=1)
    assert (first[0] == first[1]).all()
    for other in (first[2], second):
        assert (first[0] == other).mean() == pytest.approx(0.5, abs=4 * 0.5 / 1200**0.5)


@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_inference_by_mean_is_the_plain_layer(activation, rate):
    x = random(5, 7)
    layer = DropConnectDense(4, rate, activation=activation, bias_initializer="ones")
    plain = keras.layers.Dense(4, activation=activation)
    expected = plain(x)
    layer.build(x.shape)
    plain.set_weights(layer.get_weights())
    expected = array(plain(x))
    assert (array(layer(x)) == expected).all()
    assert (array(layer(x, training=False)) == expected).all()


@pytest.mark.parametrize("inference", ["mean", "moments"])
@pytest.mark.parametrize("mask", ["batch", "example"])
def test_a_rate_of_zero_is_the_plain_layer(mask, inference):
    x = random(5, 7)
    layer = DropConnectDense(4, 0.0, mask=mask, inference=inference, activation="tanh")
    assert (array(layer(x, training=True)) == array(layer(x))).all()


@pytest.mark.parametrize("use_bias", [True, False])
def test_moments_of_the_pre_activation_are_the_formulas(use_bias):
    """Over 20,000 masks, and in inference, where the mean of a square tells of the variance."""
    rate, v = 0.3, random(12)
    layer = DropConnectDense(3, rate, mask="example", seed=1, use_bias=use_bias)
    layer.build((1, 12))
    layer.set_weights([random(12, 3), np.ones(3)][: 1 + use_bias])
    sampled = array(layer(np.tile(v, (20_000, 1)), training=True)).astype("float64")
    kernel, *bias = layer.get_weights()
    b = bias[0] if use_bias else np.zeros(3)
    mean = v @ kernel + b
    variance = rate / (1 - rate) * (v**2 @ kernel**2 + b**2)
    np.testing.assert_allclose(sampled.mean(0), mean, atol=4 * (variance.max() / 20_000) ** 0.5)
    np.testing.assert_allclose(sampled.var(0), variance, rtol=0.05)

    def square(z):
        return z * z

    moments = DropConnectDense(3, rate, inference="moments", activation=square, use_bias=use_bias)
    moments.build((1, 12))
    moments.set_weights(layer.get_weights())
    np.testing.assert_allclose(array(moments(v[None]))[0], mean**2 + variance, rtol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "selu"])
def test_inference_by_moments_is_the_mean_over_masks(activation):
    """Of 300 inputs the sum is close to Gaussian; the plain layer is further from the mean."""
    x, n = random(1, 300), 4000
    layer = DropConnectDense(
        5, 0.5, mask="example", inference="moments", activation=activation, seed=3
    )
    layer.build(x.shape)
    layer.set_weights([random(300, 5) / 300**0.5, np.zeros(5)])
    sampled = array(layer(np.tile(x, (n, 1)), training=True))
    error = 4 * sampled.std(0).max() / n**0.5
    np.testing.assert_allclose(array(layer(x))[0], sampled.mean(0), atol=error + 0.005)
    plain = keras.layers.Dense(5, activation=activation)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    assert abs(array(plain(x))[0] - sampled.mean(0)).max() > error + 0.005


REFERENCES = {
    "linear": (lambda z: z, 1e-6),
    "relu": (lambda z: np.maximum(z, 0), 1e-6),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.2 * z), 1e-6),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), 1e-6),
    "tanh": (np.tanh, 2e-4),
    "gelu": (lambda z: z * ndtr(z), 1e-6),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), 2e-3),
    "selu": (
        lambda z: (
            1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
        ),
        3e-3,
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_the_mean_of_an_activation_is_the_integral(name):
    """Against the trapezoidal rule on 20,001 nodes, at the errors that the docstring states."""
    function, tolerance = REFERENCES[name]
    nodes = np.linspace(-9, 9, 20_001)
    weights = np.exp(-(nodes**2) / 2)
    weights /= weights.sum()
    means = np.linspace(-4, 4, 17, dtype="float32")
    for stddev in (0.01, 0.3, 1.0, 3.0):
        expected = function(means[:, None].astype("float64") + stddev * nodes) @ weights
        found = array(mean_activation(name, means, np.full(17, stddev**2, "float32")))
        allowed = tolerance if stddev > 1 else min(tolerance, 3e-4 if "elu" in name else 1e-6)
        np.testing.assert_allclose(found, expected, atol=allowed, rtol=1e-6)


def test_relu_in_closed_form_by_quadrature_and_by_sampling():
    mean, stddev = np.array([-1.0, 0.0, 0.5], "float32"), np.array([0.5, 1.0, 2.0], "float32")
    closed = array(mean_activation("relu", mean, stddev**2))
    by_nodes = array(_quadrature(keras.activations.relu, mean, stddev))
    draws = mean + stddev * np.random.default_rng(0).normal(size=(200_000, 3))
    sampled = np.maximum(draws, 0)
    np.testing.assert_allclose(closed, by_nodes, atol=0.01)
    assert (abs(closed - sampled.mean(0)) < 4 * sampled.std(0) / 200_000**0.5).all()


@pytest.mark.parametrize("name", REFERENCES)
def test_no_variance_is_the_plain_activation(name):
    """Exactly, and with no NaN where next to it there is some."""
    mean = np.array([[-2.0, -0.0, 0.0, 1e-20, 3.0]] * 2, "float32")
    variance = np.array([[0.0] * 5, [1e-40, 1e-30, 1e-12, 1.0, 1e12]], "float32")
    found = array(mean_activation(name, mean, variance))
    assert (found[0] == array(keras.activations.get(name)(mean))[0]).all()
    assert np.isfinite(found).all()


def test_the_slope_is_keras_own():
    """The closed form holds the number; should Keras change its default, this tells."""
    assert float(keras.activations.leaky_relu(-1.0)) == pytest.approx(-_LEAKY_RELU_SLOPE)


def test_any_shape_broadcasts_and_the_dtype_stays():
    mean = ops.cast(random(3, 4, 2), "bfloat16")
    found = mean_activation("tanh", mean, np.ones((3, 1, 2), "float32"))
    assert tuple(found.shape) == (3, 4, 2)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"


@pytest.mark.parametrize("rate", [1, 1.0, 1.2, -0.1, float("nan"), "0.5", None])
def test_a_rate_that_cannot_be_is_refused(rate):
    with pytest.raises(ConfigError) as error:
        DropConnectDense(3, rate)
    assert str(error.value) == (
        f"rate must be in [0, 1). Received: rate={rate!r}. "
        "Did you mean a keep probability? Use 1 - p."
    )


def test_what_is_no_choice_is_refused():
    with pytest.raises(
        ConfigError, match=r"mask must be one of batch, example. Received: mask='x'"
    ):
        DropConnectDense(3, 0.5, mask="x")
    with pytest.raises(ConfigError, match=r"inference must be one of mean, moments. Received"):
        DropConnectDense(3, 0.5, inference="x")
    with pytest.raises(ConfigError, match=r"Received: softmax. .* or write inference='mean'"):
        DropConnectDense(3, 0.5, inference="moments", activation="softmax")
    with pytest.raises(ConfigError, match=r"elementwise activation. Received: softmax"):
        mean_activation("softmax", np.zeros(2), np.ones(2))


def test_the_config_makes_the_same_layer():
    layer = DropConnectDense(
        4, 0.3, mask="example", inference="moments", activation="leaky_relu", seed=5, name="d",
        use_bias=False, kernel_regularizer=keras.regularizers.L2(0.1), kernel_constraint="max_norm",
    )  # fmt: skip
    config = layer.get_config()
    again = DropConnectDense.from_config(config)
    assert again.get_config() == config
    assert {k: config[k] for k in ("units", "rate", "mask", "inference", "seed", "use_bias")} == {
        "units": 4, "rate": 0.3, "mask": "example", "inference": "moments", "seed": 5,
        "use_bias": False,
    }  # fmt: skip
    x = random(6, 3)
    for each in (layer, again):
        each.build(x.shape)
    again.set_weights(layer.get_weights())
    assert (array(layer(x, training=True)) == array(again(x, training=True))).all()
    assert float(layer.losses[0]) == pytest.approx(0.1 * (layer.get_weights()[0] ** 2).sum())


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_a_saved_model_predicts_the_same(tmp_path, mask):
    inputs = keras.Input((6,))
    hidden = DropConnectDense(5, 0.4, mask=mask, inference="moments", activation="tanh")(inputs)
    model = keras.Model(inputs, DropConnectDense(2, 0.2, mask=mask)(hidden))
    model.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), random(8, 6)
    assert (model.predict(x, verbose=0) == loaded.predict(x, verbose=0)).all()
    assert [type(layer) for layer in loaded.layers[1:]] == [DropConnectDense] * 2


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_shapes_of_any_rank(mask):
    layer = DropConnectDense(3, 0.5, mask=mask)
    assert layer.compute_output_shape((None, 7, 2)) == (None, 7, 3)
    assert layer(random(4, 7, 5, 2), training=True).shape == (4, 7, 5, 3)
    assert layer(keras.Input((7, 2))).shape == (None, 7, 3)


def test_half_precision_keeps_the_share_and_survives_raw_pixels():
    """bfloat16 would round a rate of 0.3, and 255 squared is beyond float16."""
    drawn = masks_of(DropConnectDense(300, 0.301, seed=1, dtype="mixed_bfloat16"), 200, batch=1)
    share = (drawn.astype("float32") == 0).mean()
    assert share == pytest.approx(0.301, abs=4 * (0.21 / 60_000) ** 0.5)
    layer = DropConnectDense(3, 0.5, inference="moments", activation="relu", dtype="mixed_float16")
    found = array(layer(np.full((1, 100), 255.0)))
    assert found.dtype == "float16"
    assert np.isfinite(found).all()


@pytest.mark.parametrize("mask", ["batch", "example"])
def test_gradients_flow_through_the_masks(mask):
    """With SGD at rate 1 the weights move by the mean of the masked inputs, in a compiled step."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, DropConnectDense(50, 0.5, mask=mask, seed=1)(inputs))
    model.compile(keras.optimizers.SGD(1.0), loss=lambda _, y: ops.sum(y, axis=-1))
    x, moved = np.ones((4, 4), "float32"), []
    for _ in range(2):
        before = model.get_weights()
        model.train_on_batch(x, np.zeros((4, 50)))
        moved += [[a - b for a, b in zip(before, model.get_weights(), strict=True)]]
    values = {round(float(v), 4) for v in np.concatenate([m.ravel() for m in moved[0]])}
    assert values == ({0.0, 2.0} if mask == "batch" else {0.0, 0.5, 1.0, 1.5, 2.0})
    assert all(0.8 < m.mean() < 1.2 for m in (moved[0][0], moved[1][0]))
    assert (moved[0][0] != moved[1][0]).any()


@pytest.mark.skipif(not ON_TENSORFLOW, reason="starts the other backend")
@pytest.mark.slow
def test_the_core_of_this_holds_on_jax():
    """Not all, because JAX compiles every operation anew for every shape."""
    core = "share_a_mask or formulas or gradients or saved or (integral and tanh)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", core]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert "9 passed" in found.stdout
