"""The noise on gradients, and the edges of clipping and bounds.

The update rules themselves are held to Keras's in `test_equality`.
"""

import numpy as np
import pytest
from keras import ops
from scipy import stats

from kmlp.engine.stack import build_stack
from kmlp.nn import random_bits
from kmlp.nn.update_rules import clip_by_norm, constrain, gaussian, noise_stddev
from tests.twins import make_member


def column(*values: float):
    """`(k, 1, 1)` hyperparameters."""
    return ops.reshape(ops.convert_to_tensor(values, "float32"), (-1, 1, 1))


def test_words_become_standard_normal_values():
    """200,000 draws against the normal distribution: Kolmogorov-Smirnov, mean, tails."""
    key = np.array([[3, 4]], "int32")
    words = random_bits.random_words(key, np.zeros(1, "int32"), 200_000)
    z = ops.convert_to_numpy(gaussian(words, (1, 200_000), "float32"))[0]
    assert stats.kstest(z, "norm").pvalue > 0.01
    assert abs(z.mean()) < 4 / len(z) ** 0.5
    assert z.std() == pytest.approx(1, abs=4 / (2 * len(z)) ** 0.5)
    assert 3.5 < abs(z).max() < 6


def test_the_smallest_and_largest_words_are_finite_and_symmetric():
    words = ops.convert_to_tensor(np.array([[0, 2**32 - 1]], "uint32"))
    low, high = ops.convert_to_numpy(gaussian(words, (1, 2), "float32"))[0]
    assert np.isfinite(high)
    assert low == -high


def noise_of_steps(tiny, stddevs, decays, num_steps: int) -> np.ndarray:
    """What a step of plain gradient descent at rate 1 adds to zero gradients is -noise.

    Returns:
        `(num_steps, k, number of weights)`.
    """
    members = [
        make_member(
            tiny,
            seed,
            hidden_units=(100, 50),
            optimizer="sgd",
            learning_rate=1.0,
            gradient_noise=stddev,
            gradient_noise_decay=decay,
        )
        for seed, (stddev, decay) in enumerate(zip(stddevs, decays, strict=True))
    ]
    stack = build_stack(members, tiny.spec)
    program, state, found = stack.program, stack.state, []
    zeros = [ops.zeros_like(w) for w in state["weights"]]
    for t in range(num_steps):
        step = ops.full((len(members),), t, "int32")
        key = state["keys"]["gradient_noise"]
        moved, _ = program._update(zeros, zeros, state["slots"], step, state["hyper"], key)
        flat = [ops.convert_to_numpy(w).reshape(len(members), -1) for w in moved]
        found.append(np.concatenate(flat, axis=1))
    return np.stack(found)


def test_noise_has_mean_zero_and_each_members_stddev_at_each_step(tiny):
    noise = noise_of_steps(tiny, (0.3, 0.01, 0.0), (0.55, 0.0, 0.0), num_steps=20)
    n = noise.shape[2]
    assert n == 12 * 100 + 100 + 100 * 50 + 50 + 50 * 3 + 3
    for t in (0, 1, 19):
        expected = np.array([0.3 / (1 + t) ** (0.55 / 2), 0.01])
        np.testing.assert_allclose(noise[t, :2].std(axis=1), expected, rtol=4 / (2 * n) ** 0.5)
        assert (abs(noise[t, :2].mean(axis=1)) < 4 * expected / n**0.5).all()
    assert (noise[:, 2] == 0).all(), "a stddev of 0 beside others adds nothing"


def test_noise_is_independent_over_steps_members_and_weights(tiny):
    """Correlations of 6,000 values stay below 5 / sqrt(n); no value comes twice in a row."""
    noise = noise_of_steps(tiny, (1.0, 1.0), (0.0, 0.0), num_steps=3)
    num_weights = noise.shape[2]
    rows = noise.reshape(6, num_weights)
    off_diagonal = np.corrcoef(rows) - np.eye(6)
    assert abs(off_diagonal).max() < 5 / num_weights**0.5
    first, second = rows[0, :1200], rows[0, 1300 : 1300 + 1200]
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / 1200**0.5
    assert abs(np.corrcoef(rows[0, 1:], rows[0, :-1])[0, 1]) < 5 / num_weights**0.5


def test_the_stddev_follows_the_paper():
    hyper = {"gradient_noise": column(0.3, 1.0), "gradient_noise_decay": column(0.55, 0.0)}
    stddev = noise_stddev(ops.full((2, 1, 1), 99, "int32"), hyper)
    np.testing.assert_allclose(np.ravel(stddev), [(0.09 / 100**0.55) ** 0.5, 1.0], rtol=1e-5)


def test_clipping_is_by_member_and_leaves_small_and_zero_gradients_alone():
    gradient = np.zeros((4, 3, 2), "float32")
    gradient[0], gradient[1], gradient[2] = 10.0, 10.0, 0.1
    hyper = {"clipnorm": column(1.0, np.inf, 1.0, 1.0)}
    clipped = ops.convert_to_numpy(clip_by_norm(ops.convert_to_tensor(gradient), hyper))
    assert np.linalg.norm(clipped[0]) == pytest.approx(1)
    np.testing.assert_array_equal(clipped[1:], gradient[1:])


def test_a_bound_holds_each_units_incoming_weights():
    """Columns of norm 5 and 0.5, bounds 2 and none."""
    kernel = np.array([[3.0, 0.3], [4.0, 0.4]], "float32")
    kernels = ops.convert_to_tensor(np.stack([kernel, kernel]))
    bounded = ops.convert_to_numpy(constrain(kernels, {"max_norm": column(2.0, np.inf)}))
    np.testing.assert_allclose(np.linalg.norm(bounded[0], axis=0), [2, 0.5], rtol=1e-5)
    np.testing.assert_array_equal(bounded[1], kernel)


def test_the_noisy_gradient_is_clipped(tiny):
    """As `GradientNoise` round an optimizer with clipnorm: noise first. The bound holds."""
    member = make_member(tiny, optimizer="sgd", learning_rate=1.0, gradient_noise=1.0, clipnorm=0.5)
    stack = build_stack([member], tiny.spec)
    program, state = stack.program, stack.state
    zeros = [ops.zeros_like(w) for w in state["weights"]]
    drawn_by = (state["step"], state["hyper"], state["keys"]["gradient_noise"])
    moved, _ = program._update(zeros, zeros, state["slots"], *drawn_by)
    norms = [np.linalg.norm(ops.convert_to_numpy(w)) for w in moved]
    np.testing.assert_allclose(norms, 0.5, rtol=1e-5)
