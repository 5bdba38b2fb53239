"""Layers that act on each feature or unit by itself: of one network, or of a stack's."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def smoothly_clipped(x: Any, bound: float) -> Any:
    """x / sqrt(1 + (x / bound)^2), within (-bound, bound), whatever the size of x (Holzmueller et
    al. 2024, https://arxiv.org/abs/2407.04491)."""
    # Divided by the larger of both: the square of a large x would be infinite.
    unit = ops.maximum(ops.abs(x), bound)
    return bound * (x / unit) / ops.sqrt(ops.square(bound / unit) + ops.square(x / unit))


@keras.saving.register_keras_serializable("kmlp")
class SmoothClip(keras.layers.Layer):
    """`smoothly_clipped` as a layer.

    Args:
        bound: above 0.

    Example:
        >>> import numpy as np
        >>> clipped = SmoothClip(3.0)(np.array([0.0, 3.0, 1e30], "float32"))
        >>> [round(float(x), 3) for x in clipped]
        [0.0, 2.121, 3.0]
    """

    def __init__(self, bound: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bound = float(bound)

    def call(self, inputs: Any) -> Any:
        return smoothly_clipped(inputs, self.bound)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bound": self.bound}


@keras.saving.register_keras_serializable("kmlp")
class ClassDifference(keras.layers.Layer):
    """The logit of the second of two classes, of a logit of each: the sigmoid of their difference
    is their softmax.

    Shape:
        input `(..., 2)`, output `(..., 1)`.

    Example:
        >>> import numpy as np
        >>> ClassDifference()(np.array([[1.0, 3.0]], "float32")).numpy().tolist()
        [[2.0]]
    """

    def call(self, inputs: Any) -> Any:
        return inputs[..., 1:] - inputs[..., :1]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], 1)


@keras.saving.register_keras_serializable("kmlp")
class Clamp(keras.layers.Layer):
    """Holds predictions between two values once it does not train.

    Shape:
        input and output `(batch, outputs)`, `lowest` and `highest` `(outputs,)`; or, of a stack's
        members, `(k, batch, outputs)` and `(k, 1, outputs)`. Infinite until they are set.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = _each_shape(input_shape)
        self.lowest, self.highest = (
            self.add_weight(
                shape,
                keras.initializers.Constant(value),
                trainable=False,
                autocast=False,
                name=name,
            )
            for name, value in (("lowest", -float("inf")), ("highest", float("inf")))
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            return inputs
        clamped = ops.minimum(ops.maximum(inputs, self.lowest), self.highest)
        return ops.cast(clamped, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


def _each_shape(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of a value of each feature, and of each of a stack's members."""
    lead = (input_shape[0], 1) if len(input_shape) == 3 else ()
    return (*lead, input_shape[-1])


class _OfEach(keras.layers.Layer):
    """A trained value of each feature, 1 at first: `(features,)`, or of a stack `(k, 1, features)`.

    Attributes:
        held: the weight's name.
    """

    held = "scale"

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.each = self.add_weight(_each_shape(input_shape), "ones", name=self.held)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


@keras.saving.register_keras_serializable("kmlp")
class LearnedScale(_OfEach):
    """Multiplies each feature with a trained factor, 1 at first (the scaling layer of Holzmueller
    et al. 2024, https://arxiv.org/abs/2407.04491).

    Shape:
        input and output `(batch, features)`, `scale` `(features,)`; or, of a stack's members,
        `(k, batch, features)` and `(k, 1, features)`.

    Example:
        >>> import numpy as np
        >>> layer = LearnedScale()
        >>> layer(np.ones((2, 3), "float32")).shape == (2, 3), layer.count_params()
        (True, 3)
    """

    def call(self, inputs: Any) -> Any:
        return inputs * self.each


@keras.saving.register_keras_serializable("kmlp")
class ParametricActivation(_OfEach):
    """x + alpha (f(x) - x) with a trained alpha of each unit, 1 at first (Holzmueller et al. 2024,
    https://arxiv.org/abs/2407.04491).

    Args:
        activation: Keras's name of f, or a function of each value by itself.

    Shape:
        input and output `(batch, units)`, `alpha` `(units,)`; or, of a stack's members,
        `(k, batch, units)` and `(k, 1, units)`.

    Example:
        >>> import numpy as np
        >>> layer = ParametricActivation("relu")
        >>> layer(np.array([[-2.0, 2.0]], "float32")).numpy().tolist()
        [[0.0, 2.0]]
    """

    held = "alpha"

    def __init__(self, activation: str | Callable, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return inputs + self.each * (self.activation(inputs) - inputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable("kmlp")
class UnscaledDropout(keras.layers.Dropout):
    """Dropout as Srivastava et al. 2014 write it (https://jmlr.org/papers/v15/srivastava14a.html):
    what is kept stays as it is in training, and all is multiplied by 1 - `rate` afterwards.

    Keras divides by 1 - `rate` in training instead. Both give the same network for other weights,
    but not with the same bound of their norms, nor at the same learning rate.

    Args:
        rate: the part that is dropped, in [0, 1).

    Example:
        >>> import numpy as np
        >>> UnscaledDropout(0.25)(np.ones((1, 2), "float32"), training=False).numpy().tolist()
        [[0.75, 0.75]]
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        return super().call(inputs, training=training) * (1 - self.rate)
