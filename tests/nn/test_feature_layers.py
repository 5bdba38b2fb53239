"""What acts on each feature or unit alone is its formula, for one network and for a stack's."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.nn.feature_layers import LearnedScale, ParametricActivation, SmoothClip, smoothly_clipped


def test_a_smooth_clip_is_the_papers_formula():
    """x / sqrt(1 + (x / 3)^2), in float64 by NumPy; nearly the identity around 0."""
    x = np.linspace(-50, 50, 1001).astype(np.float32)
    ours = ops.convert_to_numpy(smoothly_clipped(x, 3.0))
    np.testing.assert_allclose(ours, x / np.sqrt(1 + np.square(x.astype(float) / 3)), rtol=1e-6)
    np.testing.assert_allclose(smoothly_clipped(np.float32(0.01), 3.0), 0.01, rtol=1e-5)


@pytest.mark.parametrize("size", [1e4, 1e20, 3e38])
def test_what_is_huge_comes_near_the_bound(size):
    """The formula as it is written would square it to infinity, and give 0."""
    layer = SmoothClip(3.0)
    np.testing.assert_allclose(layer(np.array([size, -size], np.float32)), [3, -3], rtol=1e-6)


@pytest.mark.parametrize(("shape", "expected"), [((5, 4), (4,)), ((2, 5, 4), (2, 1, 4))])
def test_a_learned_scale_is_a_factor_a_feature_and_changes_nothing_at_first(shape, expected):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = LearnedScale()
    np.testing.assert_array_equal(layer(x), x)
    assert tuple(layer.each.shape) == expected
    factors = np.arange(1, 1 + np.prod(expected)).reshape(expected).astype("float32")
    layer.each.assign(factors)
    np.testing.assert_array_equal(layer(x), x * factors)


def mish(x: np.ndarray) -> np.ndarray:
    """x tanh(ln(1 + e^x)) (Misra 2019)."""
    return x * np.tanh(np.log1p(np.exp(x)))


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


@pytest.mark.parametrize("f", [mish, silu])
def test_an_activation_is_its_formula_and_a_parametric_one_mixes_it_with_the_identity(f):
    """The authors' x + (f(x) - x) * alpha, with an alpha of each unit."""
    x = np.linspace(-6, 6, 60).reshape(20, 3)
    plain = ops.convert_to_numpy(keras.activations.get(f.__name__)(x.astype("float32")))
    np.testing.assert_allclose(plain, f(x), rtol=2e-6, atol=1e-6)
    layer = ParametricActivation(f.__name__)
    np.testing.assert_allclose(layer(x.astype("float32")), f(x), rtol=2e-6, atol=2e-6)
    alpha = np.array([1.5, 0.0, -0.5])
    layer.each.assign(alpha)
    np.testing.assert_allclose(
        layer(x.astype("float32")), x + (f(x) - x) * alpha, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "layer", [SmoothClip(2.0), LearnedScale(), ParametricActivation("mish")], ids=lambda x: x.name
)
def test_layers_are_the_same_after_saving(layer, tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layer(inputs))
    for weight in layer.weights:
        weight.assign([0.5, 2.0, -1.0])
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "m.keras")(x), model(x))
