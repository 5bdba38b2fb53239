"""Rows mixed with their neighbours in the batch (Zhang et al. 2018,
https://arxiv.org/abs/1710.09412)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.nn import random_bits

# Uniform values are multiples of 2^-24, 0 included: this is the middle of their cells.
_HALF_A_CELL = 2.0**-25
_SMALLEST = 1e-37


@keras.saving.register_keras_serializable("kmlp")
class StackedMixup(keras.layers.Layer):
    """In training each row becomes lambda times itself plus 1 - lambda times the row after it.

    Rows come in an order drawn anew for every epoch, so the row after one is a random one. Lambda
    is drawn once a batch and member, by `shares`. The loss must be mixed by the same lambda:
    `partners` are whose targets it takes.

    Attributes:
        field: of `TrainConfig`, whose value is the strength: alpha of the Beta distribution.

    Shape:
        input and output `(k, batch, features)`; `strength`, `step`, `last` `(k,)`, where `last` is
        the place of a batch's last row, those behind it standing in; `key` `(k, 2)`.
    """

    field = "mixup"

    def build(self, input_shape: tuple[int, ...]) -> None:
        k = input_shape[0]
        options: dict[str, Any] = {"trainable": False, "autocast": False}
        self.strength = self.add_weight((k,), "zeros", **options, name="strength")
        whole = {**options, "dtype": "int32"}
        self.key = self.add_weight((k, 2), "zeros", **whole, name="key")
        self.step = self.add_weight((k,), "zeros", **whole, name="step")
        self.last = self.add_weight((k,), "zeros", **whole, name="last")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        held = (self.strength, self.key, self.step, self.last)
        strength, key, step, last = map(ops.convert_to_tensor, held)
        share = ops.reshape(shares(strength, key, step), (-1, 1, 1))
        x = ops.cast(inputs, self.variable_dtype)
        self.step.assign(step + 1)
        return ops.cast(share * x + (1 - share) * partners(x, last), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


def shares(alpha: Any, key: Any, step: Any) -> Any:
    """What each member's rows keep of themselves in one step, `(k,)`: the larger of lambda and
    1 - lambda, lambda from Beta(alpha, alpha), and 1 where alpha is 0.

    The larger one, so that a row's own target stays the likelier one; which of two random rows is
    called the other makes no difference. Of two uniform values u and v,
    1/2 + 1/2 cos(2 pi v) sqrt((1 - r) / (r + (1 - r) cos(2 pi v)^2)), r = u^(1 / alpha), is from
    Beta(alpha, alpha): of Student's t with 2 alpha degrees of freedom (Bailey 1994,
    https://doi.org/10.1090/S0025-5718-1994-1219702-8).

    Args:
        alpha: `(k,)`.
        key: `(k, 2)` `int32`.
        step: `(k,)` `int32`.
    """
    drawn = random_bits.uniform(key, step, (2,)) + _HALF_A_CELL
    u, v = (ops.cast(drawn[:, i], alpha.dtype) for i in (0, 1))
    is_on = alpha > 0
    r = ops.power(u, 1 / ops.where(is_on, alpha, 1))
    cosine = ops.cos(2 * np.pi * v)
    divisor = ops.maximum(r + (1 - r) * ops.square(cosine), _SMALLEST)
    larger = 0.5 + 0.5 * ops.abs(cosine) * ops.sqrt((1 - r) / divisor)
    return ops.where(is_on, larger, 1)


def partners(values: Any, last: Any) -> Any:
    """Of each row the one after it, and of the last one the first: `(k, batch, ...)`.

    Args:
        values: `(k, batch, ...)`; what stands behind the last row is nobody's partner.
        last: `(k,)`, the place of each batch's last row.
    """
    first, axes = values[:, :1], (1,) * (len(values.shape) - 2)
    after = ops.concatenate([values[:, 1:], first], axis=1)
    places = ops.reshape(ops.arange(ops.shape(values)[1], dtype="int32"), (1, -1, *axes))
    return ops.where(places == ops.reshape(last, (-1, 1, *axes)), first, after)
