"""What rows keep of themselves is from a Beta distribution; whose partner is whose."""

import numpy as np
import pytest
from keras import ops
from scipy import stats

from kmlp.nn.steps.mixup import StackedMixup, partners, shares

NUM_STEPS = 20_000


def drawn(alpha: float) -> np.ndarray:
    """The shares of one member in many steps."""
    steps = np.arange(NUM_STEPS, dtype="int32")
    key = np.tile(np.array([[3, 4]], "int32"), (NUM_STEPS, 1))
    alphas = ops.convert_to_tensor(np.full(NUM_STEPS, alpha, "float32"))
    return ops.convert_to_numpy(shares(alphas, ops.convert_to_tensor(key), steps))


@pytest.mark.parametrize("alpha", [0.1, 0.4, 0.5, 1.0, 8.0])
def test_shares_are_the_larger_of_two_of_a_beta_distribution(alpha):
    """20,000 draws against scipy's distribution, folded at a half: Kolmogorov-Smirnov, tails."""
    found = drawn(alpha)
    assert found.min() >= 0.5
    assert found.max() <= 1
    beta = stats.beta(alpha, alpha)
    # Shares near 1 are 1 in float32: there the folded distribution has a step.
    folded = found[found < 1 - 1e-6]
    all_below = 2 * beta.cdf(1 - 1e-6) - 1
    assert len(folded) / NUM_STEPS == pytest.approx(all_below, abs=0.015)
    at = stats.kstest(folded, lambda x: (2 * beta.cdf(x) - 1) / all_below)
    assert at.pvalue > 0.01
    expected = 0.5 + np.mean(np.abs(beta.rvs(200_000, random_state=0) - 0.5))
    assert found.mean() == pytest.approx(expected, abs=0.01)


def test_an_alpha_of_zero_keeps_all():
    assert (drawn(0.0) == 1).all()


def test_each_row_meets_the_one_after_it_and_the_last_the_first():
    """Rows behind the last one, which stand in, are nobody's partners."""
    values = ops.convert_to_tensor(np.arange(10.0).reshape(2, 5))
    found = ops.convert_to_numpy(partners(values, np.array([4, 2], "int32")))
    np.testing.assert_array_equal(found[0], [1, 2, 3, 4, 0])
    np.testing.assert_array_equal(found[1, :3], [6, 7, 5])
    wide = ops.convert_to_numpy(partners(values[..., None], np.array([4, 2], "int32")))
    np.testing.assert_array_equal(wide[..., 0], found)


def test_the_layer_mixes_in_training_only_and_counts_its_steps():
    layer = StackedMixup()
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), x)
    layer.strength.assign([0.5, 0.0])
    layer.key.assign([[1, 2], [3, 4]])
    layer.last.assign([5, 5])
    share = ops.convert_to_numpy(
        shares(layer.strength.value, layer.key.value, np.zeros(2, "int32"))
    )
    mixed = ops.convert_to_numpy(layer(x, training=True))
    expected = share[0] * x[0] + (1 - share[0]) * np.roll(x[0], -1, axis=0)
    np.testing.assert_allclose(mixed[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mixed[1], x[1])
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.step), [1, 1])
