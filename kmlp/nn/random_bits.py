"""Random numbers keyed by member, place and step: the same bits on every backend.

A counter-based generator (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405) is a pure
function of a key and a counter: no state to carry, and what a member draws depends on its own
key and step alone. Threefry is made of additions, rotations and exclusive ors, which vectorize on
any processor.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from kmlp.nn import backend

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_NUM_GROUPS = 5


def random_words(key: Any, step: Any, size: int) -> Any:
    """Uniform random words, `(k, size)` `uint32`; member i's depend on `key[i]`, `step[i]` alone.

    Args:
        key: `(k, 2)` `int32`.
        step: `(k,)` `int32`.
        size: static, below 2^31.
    """
    key, step = ops.cast(key, "uint32"), ops.cast(step, "uint32")
    # Counted by the device: an array would be a constant of that size in every program.
    place = ops.cast(ops.arange(size, dtype="int32"), "uint32")[None]
    return _first_words(key[:, :1], key[:, 1:], place, ops.expand_dims(step, 1))


def uniform(key: Any, step: Any, shape: tuple[int, ...]) -> Any:
    """Multiples of 2^-24 in [0, 1), `(k, *shape)` `float32`, keyed as `random_words`."""
    words = random_words(key, step, math.prod(shape))
    values = ops.cast(ops.cast(ops.right_shift(words, _word(8)), "int32"), "float32") * 2.0**-24
    return ops.reshape(values, (-1, *shape))


def where_any(strength: Any, change: Callable[[Any, Any], Any], value: Any) -> Any:
    """A value changed by what is drawn where any member's strength is not 0, else as it is.

    Nothing is drawn then. A member with a strength of 0 must get the same either way.

    Args:
        strength: `(k,)`.
        change: of the value and a zero to be added to the step that is drawn at.
        value: a tensor, or some in a list.
    """
    # A loop of one turn or none: of a condition XLA computes both branches, and selects. What does
    # not depend on the turn it would compute before the loop.
    turns = ops.cast(ops.any(ops.not_equal(strength, 0)), "int32")
    return ops.fori_loop(0, turns, lambda turn, value: change(value, turn), value)


def threefry(key_0: Any, key_1: Any, word_0: Any, word_1: Any) -> tuple[Any, Any]:
    """Threefry-2x32 of 20 rounds: a key and a counter of two `uint32` words each to two words.

    Args:
        key_0, key_1, word_0, word_1: `uint32` tensors of shapes that broadcast.
    """
    parity = ops.bitwise_xor(ops.bitwise_xor(key_0, key_1), _word(_PARITY))
    keys = (key_0, key_1, parity)
    word_0, word_1 = word_0 + key_0, word_1 + key_1
    for group in range(_NUM_GROUPS):
        for rotation in _ROTATIONS[group % 2]:
            word_0 = word_0 + word_1
            word_1 = ops.bitwise_xor(_rotated(word_1, rotation), word_0)
        word_0 = word_0 + keys[(group + 1) % 3]
        word_1 = word_1 + keys[(group + 2) % 3] + _word(group + 1)
    return word_0, word_1


def _rotated(words: Any, bits: int) -> Any:
    left, right = ops.left_shift(words, _word(bits)), ops.right_shift(words, _word(32 - bits))
    return ops.bitwise_or(left, right)


# A second word a counter would halve the work and, laid beside the first, undo the vectors.
_first_words = backend.fuse(lambda *words: threefry(*words)[0])


def _word(value: int) -> Any:
    """A Python integer would be another dtype on some backends."""
    return ops.convert_to_tensor(np.uint32(value))
