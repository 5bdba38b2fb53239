"""What acts on each feature or unit alone is its formula, for one network and for a stack's."""

import numpy as np
import pytest
from keras import ops

from kmlp.nn.feature_layers import LearnedScale, SmoothClip, smoothly_clipped


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
    assert tuple(layer.scale.shape) == expected
    factors = np.arange(1, 1 + np.prod(expected)).reshape(expected).astype("float32")
    layer.scale.assign(factors)
    np.testing.assert_array_equal(layer(x), x * factors)
