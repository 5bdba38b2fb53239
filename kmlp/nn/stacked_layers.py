"""The stacked layers: Keras layers whose every weight carries a leading member axis `k`.

They compute what Keras's own layers compute for each member alone. What a layer draws is keyed
by its members' `key` and `step`, so that it does not depend on a member's company.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from kmlp.nn import random_bits
from kmlp.nn.drop_connect import mean_activation
from kmlp.nn.steps.products import rounded_product
from kmlp.nn.update_rules import gaussian


class Stacked(keras.layers.Layer):
    """What the stacked layers share: weights `(k, ...)`, outputs shaped like the inputs.

    Attributes:
        field: of `MLPConfig`, whose value is the strength of what the layer draws, if it does.
        is_optional: whether members may all have a strength of 0, and nothing is drawn then.
        rounds_products: whether what is multiplied with a kernel is rounded to bfloat16.
    """

    field: str | None = None
    is_optional = False
    rounds_products = False

    def add_vector(self, name: str, num_members: int, dtype: str | None = None) -> Any:
        """A value of each member's own that is not trained, in full precision: `(k,)`."""
        return self.add_weight(
            (num_members,), "zeros", dtype=dtype, trainable=False, autocast=False, name=name
        )

    def add_draws(self, num_members: int) -> None:
        """The strength `(k,)` of each member's draws, their key `(k, 2)` and step `(k,)`."""
        self.strength = self.add_vector("strength", num_members)
        self.key = self.add_weight(
            (num_members, 2), "zeros", dtype="int32", trainable=False, name="key"
        )
        self.step = self.add_vector("step", num_members, "int32")

    def widened(self, x: Any) -> Any:
        """In the precision of the weights: statistics need it."""
        return ops.cast(x, self.variable_dtype)

    def draw_mask(self, shape: tuple[int, ...]) -> Any:
        """0 for what is dropped, 1 / (1 - strength) for what is kept: `(k, *shape)`."""
        ones = ops.ones((self.strength.shape[0], *shape), self.compute_dtype)
        return self.next_step(self.where_wanted(lambda _, zero: self.mask_of(shape, zero), ones))

    def mask_of(self, shape: tuple[int, ...], zero: Any) -> Any:
        """As `draw_mask`, whether or not a member asks for it; counts no step."""
        rate = ops.reshape(self.strength, (-1,) + (1,) * len(shape))
        drawn = random_bits.uniform(self.key, self.step + zero, shape)
        kept = ops.where(ops.cast(drawn, rate.dtype) < rate, 0, 1 / (1 - rate))
        return ops.cast(kept, self.compute_dtype)

    def where_wanted(self, change: Callable[[Any, Any], Any], value: Any) -> Any:
        """A value changed by what is drawn; as it is where no member asks for it."""
        if not self.is_optional:
            return change(value, 0)
        return random_bits.where_any(self.strength, change, value)

    def next_step(self, drawn: Any) -> Any:
        """What was drawn; the next step draws something else."""
        self.step.assign(self.step + 1)
        return drawn

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return input_shape


@keras.saving.register_keras_serializable("kmlp")
class StackedScaling(Stacked):
    """Casts raw inputs to the compute dtype and multiplies them.

    Shape:
        input `(k, batch, features)`, any dtype; output the same shape, compute dtype.
    """

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Keras would cast uint8 inputs on its own and lose nothing, but only once is enough.
        self.autocast = False
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        return ops.cast(self.widened(inputs) * self.scale, self.compute_dtype)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("kmlp")
class StackedStandardization(StackedScaling):
    """Subtracts each member's own mean and divides by its standard deviation, by feature.

    Shape:
        input and output `(k, batch, features)`; `mean`, `variance` `(k, 1, features)`.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = (input_shape[0], 1, input_shape[2])
        options: dict[str, Any] = {"trainable": False, "autocast": False}
        self.mean = self.add_weight(shape, "zeros", **options, name="mean")
        self.variance = self.add_weight(shape, "ones", **options, name="variance")

    def call(self, inputs: Any) -> Any:
        standardized = (self.widened(inputs) - self.mean) / ops.sqrt(self.variance)
        return ops.cast(standardized, self.compute_dtype)


@keras.saving.register_keras_serializable("kmlp")
class StackedDense(Stacked):
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
        return self.product(inputs, self.kernel) + self.bias

    def product(self, inputs: Any, kernel: Any) -> Any:
        """`(k, batch, units)`."""
        return (rounded_product if self.rounds_products else ops.matmul)(inputs, kernel)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("kmlp")
class StackedDropConnectDense(StackedDense):
    """`DropConnectDense` for many members, with a rate, a key and a step of each member's own.

    The kernel and, as its last row, the bias share a mask (Wan et al. 2013,
    https://proceedings.mlr.press/v28/wan13.html).

    Args:
        units, activation: of each member's layer.
        mask: one a "batch" or an "example".
        inference: by "mean" weights or matched "moments".

    Shape:
        as `StackedDense`; `strength`, `step` `(k,)`; `key` `(k, 2)`.
    """

    field = "drop_connect"

    def __init__(
        self, units: int, mask: str, inference: str, activation: str, **kwargs: Any
    ) -> None:
        super().__init__(units, **kwargs)
        self.mask, self.inference, self.activation = mask, inference, activation

    def build(self, input_shape: tuple[int, ...]) -> None:
        super().build(input_shape)
        self.add_draws(input_shape[0])

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            return self._activate(self._masked(inputs))
        mean = super().call(inputs)
        if self.inference == "mean":
            return self._activate(mean)
        rate = ops.reshape(self.strength, (-1, 1, 1))
        squares = ops.matmul(ops.square(inputs), ops.square(self.kernel)) + ops.square(self.bias)
        return mean_activation(self.activation, mean, rate / (1 - rate) * squares)

    def _activate(self, outputs: Any) -> Any:
        return keras.activations.get(self.activation)(outputs)

    def _masked(self, inputs: Any) -> Any:
        _, batch, features = inputs.shape
        if self.mask == "batch":
            mask = self.draw_mask((features + 1, self.units))
            kernel, bias = self.kernel * mask[:, :-1], self.bias * mask[:, -1:]
            return self.product(inputs, kernel) + bias
        mask = self.draw_mask((batch, features + 1, self.units))
        kernel = ops.expand_dims(self.kernel, 1) * mask[:, :, :-1]
        product = ops.matmul(ops.expand_dims(inputs, 2), kernel)
        return ops.squeeze(product, 2) + self.bias * mask[:, :, -1]

    def get_config(self) -> dict[str, Any]:
        own = {"mask": self.mask, "inference": self.inference, "activation": self.activation}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("kmlp")
class StackedDropout(Stacked):
    """Dropout with a rate, a key and a step of each member's own (Srivastava et al. 2014,
    https://jmlr.org/papers/v15/srivastava14a.html).

    Args:
        field: "dropout" or "input_dropout".
        after_relu: whether the inputs are relu's outputs, which spares the gradient the mask.
        scaling: `MLPConfig.dropout_scaling`.

    Shape:
        input and output `(k, batch, units)`; `strength`, `step` `(k,)`; `key` `(k, 2)`.
    """

    def __init__(
        self, field: str, *, after_relu: bool = False, scaling: str = "training", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.field, self.after_relu, self.scaling = field, after_relu, scaling

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_draws(input_shape[0])

    def call(self, inputs: Any, training: bool = False) -> Any:
        outputs = self._masked(inputs) if training else inputs
        kept = ops.reshape(ops.cast(1 - self.strength, self.compute_dtype), (-1, 1, 1))
        return outputs if self.scaling == "training" else outputs * kept

    def _masked(self, inputs: Any) -> Any:
        shape = tuple(inputs.shape[1:])
        if not self.after_relu:
            return inputs * self.draw_mask(shape)
        return self.next_step(
            self._masked_relu(inputs, lambda x, zero: x * self.mask_of(shape, zero))
        )

    def _masked_relu(self, activations: Any, masked: Callable[[Any, Any], Any]) -> Any:
        """The product with the mask, whose gradient is read off the product itself.

        Where the product is 0 the unit was dropped, or relu passes no gradient on anyway. Otherwise
        XLA would draw the mask again: 5 % of a step.
        """
        kept = ops.reshape(ops.cast(1 / (1 - self.strength), self.compute_dtype), (-1, 1, 1))

        @ops.custom_gradient
        def product(activations: Any) -> tuple[Any, Callable]:
            outputs = self.where_wanted(masked, activations)

            def gradient(*args: Any, upstream: Any = None) -> Any:
                (upstream,) = args or (upstream,)
                return upstream * ops.where(outputs == 0, 0, kept)

            return outputs, gradient

        return product(activations)

    def get_config(self) -> dict[str, Any]:
        own = {"field": self.field, "after_relu": self.after_relu, "scaling": self.scaling}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("kmlp")
class StackedGaussianNoise(Stacked):
    """Keras's `GaussianNoise` on the inputs in training, with a standard deviation, a key and a
    step of each member's own (Bishop 1995, https://doi.org/10.1162/neco.1995.7.1.108).

    Shape:
        input and output `(k, batch, features)`; `strength`, `step` `(k,)`; `key` `(k, 2)`.
    """

    field = "input_noise"

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_draws(input_shape[0])

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs

        def noise(_: Any, zero: Any) -> Any:
            words = random_bits.random_words(
                self.key, self.step + zero, math.prod(inputs.shape[1:])
            )
            values = gaussian(words, inputs.shape, self.variable_dtype)
            return ops.cast(ops.reshape(self.strength, (-1, 1, 1)) * values, self.compute_dtype)

        # Not drawn onto the inputs: what comes before may train, and no gradient passes a loop.
        none = ops.zeros(inputs.shape, self.compute_dtype)
        return inputs + self.next_step(self.where_wanted(noise, none))
