"""The stacked layers: Keras layers whose every weight carries a leading member axis `k`."""

from typing import Any

import keras
from keras import ops

from kmlp import backend


@keras.saving.register_keras_serializable("kmlp")
class StackedScaling(keras.layers.Layer):
    """Casts raw inputs to the compute dtype and scales them.

    Shape:
        input `(k, batch, features)`, any dtype; output the same shape, compute dtype.
    """

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Keras would cast uint8 inputs on its own and lose nothing, but only once is enough.
        self.autocast = False
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        return x if self.scale == 1.0 else x * self.scale

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("kmlp")
class StackedDense(keras.layers.Layer):
    """`num_members` dense layers side by side: member i's inputs meet member i's kernel only.

    Initial weights are zeros: each member's own are set from its seed, because an initializer
    called on the stacked shape would count `k` as a fan.

    Shape:
        input `(k, batch, in)`; kernel `(k, in, units)`; bias `(k, 1, units)`;
        output `(k, batch, units)`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int, ...]) -> None:
        k, _, features = input_shape
        self.kernel = self.add_weight((k, features, self.units), "zeros", name="kernel")
        self.bias = self.add_weight((k, 1, self.units), "zeros", name="bias")

    def call(self, inputs: Any) -> Any:
        return ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("kmlp")
class StackedDropout(keras.layers.Layer):
    """Dropout with a rate, a key and a step counter of each member's own.

    A mask is drawn from random bytes keyed by the member's `key` (its noise seed and this
    layer) and `step`, so it does not depend on the member's company. Bytes round the rate to
    1/256; the kept units are scaled by the rounded rate (Srivastava et al. 2014,
    https://jmlr.org/papers/v15/srivastava14a.html).

    Shape:
        input and output `(k, batch, units)`; `rate`, `step` `(k,)`; `key` `(k, 2)`.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        k = input_shape[0]
        self.rate = self.add_weight((k,), "zeros", trainable=False, name="rate")
        self.key = self.add_weight((k, 2), "zeros", dtype="int32", trainable=False, name="key")
        self.step = self.add_weight((k,), "zeros", dtype="int32", trainable=False, name="step")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        draws = backend.random_bytes(self.key, self.step, tuple(inputs.shape[1:]))
        self.step.assign_add(ops.ones_like(self.step))
        rate = ops.reshape(self.rate, (-1, 1, 1))
        dropped = ops.minimum(ops.round(rate * 256), 255)
        keep = ops.cast(draws >= ops.cast(dropped, "uint8"), inputs.dtype)
        return inputs * (keep * ops.cast(256 / (256 - dropped), inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape
