"""The generator is the published one, and what members draw has nothing to do with each other."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from kmlp.nn.random_bits import random_words, threefry, uniform, where_any


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_known_answers_of_random123(key, counter, words):
    """From the vectors that the authors publish with Threefry-2x32 of 20 rounds."""
    tensors = [ops.convert_to_tensor(np.array([[v]], np.uint32)) for v in (*key, *counter)]
    found = tuple(int(ops.convert_to_numpy(w)[0, 0]) for w in threefry(*tensors))
    assert found == words


def test_a_member_draws_the_same_in_any_company():
    keys, steps = np.array([[1, -2], [3, 4], [-5, 6]], "int32"), np.array([0, 7, 9], "int32")
    together = ops.convert_to_numpy(random_words(keys, steps, 100))
    for k in range(3):
        alone = ops.convert_to_numpy(random_words(keys[k : k + 1], steps[k : k + 1], 100))
        np.testing.assert_array_equal(together[k], alone[0])


def test_draws_are_uniform_and_uncorrelated_across_keys_and_steps():
    """Neighbouring keys and steps: 21 pairs of 20,000 draws, within chance of no correlation."""
    keys = np.array([[0, 0], [0, 1], [1, 0], [0, 0], [0, 0], [2**31 - 1, 5]], "int32")
    steps = np.array([0, 0, 0, 1, 2, 0], "int32")
    drawn = ops.convert_to_numpy(uniform(keys, steps, (100, 200))).reshape(6, -1)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    for row in drawn:
        assert stats.kstest(row, "uniform").pvalue > 1e-3
    correlations = np.corrcoef(np.concatenate([drawn, np.roll(drawn[:1], 1, axis=1)]))
    assert abs(correlations[np.triu_indices(7, 1)]).max() < 4 / 20_000**0.5


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a graph is TensorFlow's")
def test_a_program_that_draws_holds_no_array_of_what_it_draws():
    """4 MB as a constant; with a mask for each example it would be some 50."""
    import tensorflow as tf

    program = tf.function(lambda key, step: random_words(key, step, 10**6), autograph=False)
    shapes = tf.TensorSpec((2, 2), tf.int32), tf.TensorSpec((2,), tf.int32)
    graph = program.get_concrete_function(*shapes).graph.as_graph_def()
    assert graph.ByteSize() < 10**5


@pytest.mark.parametrize(("strength", "found"), [([0.0, 0.0], 5.0), ([0.0, 0.2], 8.0)])
def test_what_nobody_asks_for_changes_nothing(strength, found):
    """The zero that a change gets is one; with it, it is drawn at the step that it says."""
    drawn = where_any(
        ops.convert_to_tensor(np.array(strength, "float32")),
        lambda values, zero: [values[0] + 3.0 + ops.cast(zero, "float32"), values[1]],
        [ops.full((2, 3), 5.0), ops.zeros((2,))],
    )
    np.testing.assert_array_equal(drawn[0], np.full((2, 3), found))
