"""A signature that is called with matrices gives what it gives of columns."""

import numpy as np
import pytest
import tensorflow as tf

from kmlp.deploy.graph.packing import packed


class Called(tf.Module):
    """Adds up numbers, counts words, and takes a matrix beside."""

    def __init__(self, num_numbers, num_words):
        super().__init__()
        specs = {f"n{i}": tf.TensorSpec((None,), tf.float64) for i in range(num_numbers)}
        specs |= {f"w{i}": tf.TensorSpec((None,), tf.string) for i in range(num_words)}
        specs["pixels"] = tf.TensorSpec((None, 3), tf.uint8)
        self.function = tf.function(self._call, autograph=False).get_concrete_function(**specs)

    def _call(self, **given):
        numbers = [2.0**i * given[name] for i, name in enumerate(sorted(given)) if name[0] == "n"]
        words = [given[name] for name in sorted(given) if name[0] == "w"]
        dark = tf.reduce_sum(tf.cast(given["pixels"], tf.float64), axis=1)
        with tf.control_dependencies([tf.debugging.assert_non_negative(dark - numbers[0])]):
            return {"sum": tf.add_n([*numbers, dark]), "text": tf.strings.join(words, ",")}


@pytest.mark.parametrize(("num_numbers", "num_words"), [(6, 5), (6, 2), (1, 1), (2, 7)])
def test_columns_are_not_mixed_up_whatever_stands_in_a_matrix(num_numbers, num_words):
    rng = np.random.default_rng(0)
    given = {f"w{i}": np.array([f"{i}a".encode(), b"", b"x"], object) for i in range(num_words)}
    given |= {f"n{i}": rng.normal(size=3) for i in reversed(range(num_numbers))}
    given["pixels"] = rng.integers(5, 9, (3, 3), np.uint8)
    function = Called(num_numbers, num_words).function
    wanted = function(**{name: tf.constant(values) for name, values in given.items()})
    found = packed(function)(given)
    np.testing.assert_array_equal(found["sum"], wanted["sum"])
    assert found["text"].tolist() == wanted["text"].numpy().tolist()


def test_a_refusal_comes_through():
    function = packed(Called(5, 5).function)
    given = {f"w{i}": np.array([b"a"], object) for i in range(5)}
    given |= {f"n{i}": np.array([100.0]) for i in range(5)}
    with pytest.raises(tf.errors.InvalidArgumentError):
        function(given | {"pixels": np.zeros((1, 3), np.uint8)})
