"""Layers of sub-networks, of one network's rows or of a stack's, which have an axis `k` in front.

Between `SubnetworkInputs` and `SubnetworkMean` the rows of the m sub-networks stand one after the
other, `(m * batch, units)` or `(k, m * batch, units)`: every other layer takes them for rows of a
network, and so all have its weights, but draw masks of their own.
"""

from typing import Any

import keras
from keras import ops

from kmlp.nn.losses import class_logits
from kmlp.nn.steps.products import rounded_product

INPUT_FACTORS, OUTPUT_FACTORS = "input_factors", "output_factors"


def spread(x: Any, num_subnetworks: int) -> Any:
    """`(k, m * batch, units)` as `(k, m, batch, units)`."""
    return ops.reshape(x, (x.shape[0], num_subnetworks, -1, x.shape[-1]))


def folded(x: Any) -> Any:
    """`(k, m, batch, units)` as `(k, m * batch, units)`."""
    return ops.reshape(x, (x.shape[0], -1, x.shape[-1]))


def mean_outputs(task: str, outputs: Any, num_subnetworks: int) -> Any:
    """What sub-networks say together: `(k, m * batch, num_outputs)` to `(k, batch, num_outputs)`.

    Logits of the mean of their probabilities, or the mean of their standardized predictions.
    """
    each = spread(outputs, num_subnetworks)
    if task == "regression":
        return ops.mean(each, axis=1)
    # Less the logarithm of m, which all classes share.
    mean = ops.logsumexp(ops.log_softmax(class_logits(task, each)), axis=1)
    return mean if task == "multiclass" else mean[..., 1:] - mean[..., :1]


class _OfSubnetworks(keras.layers.Layer):
    """What these layers share: whether they are of a stack shows from their inputs.

    Args:
        num_subnetworks: m.
    """

    def __init__(self, num_subnetworks: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_subnetworks = num_subnetworks

    def add_own(self, input_shape: tuple[int, ...], units: int, initializer: Any, name: str) -> Any:
        """A weight of each sub-network's own: `(m, units)` or `(k, m, units)`."""
        shape = (*input_shape[:-2], self.num_subnetworks, units)
        return self.add_weight(shape, initializer, name=name)

    def call(self, inputs: Any) -> Any:
        if len(inputs.shape) == 3:
            return self.compute(inputs)
        return self.compute(ops.expand_dims(inputs, 0))[0]

    def compute(self, x: Any) -> Any:
        """`(k, rows, units)` to `(k, rows, units)`."""
        raise NotImplementedError

    def by_member(self, weight: Any) -> Any:
        """A weight with the axis `k`, which it lacks in one network."""
        weight = ops.convert_to_tensor(weight)
        return weight if self.is_stacked else ops.expand_dims(weight, 0)

    def by_row(self, weight: Any) -> Any:
        """What is each sub-network's own, `(k, m, 1, units)`."""
        return ops.expand_dims(self.by_member(weight), 2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_subnetworks": self.num_subnetworks}


@keras.saving.register_keras_serializable("kmlp")
class SubnetworkInputs(_OfSubnetworks):
    """The same rows for each sub-network, times factors of its own (Wen et al. 2020,
    https://arxiv.org/abs/2002.06715).

    Args:
        num_subnetworks: m.
        initializer: of the factors of one network; a stack's members have theirs set.

    Shape:
        input `(batch, features)`, output `(m * batch, features)`, `input_factors`
        `(m, features)`; or with an axis `k` in front.

    Example:
        >>> import numpy as np
        >>> layer = SubnetworkInputs(2, "ones")
        >>> layer(np.array([[1.0, 2.0], [3.0, 4.0]], "float32")).numpy().tolist()
        [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, num_subnetworks: int, initializer: Any = "zeros", **kwargs: Any) -> None:
        super().__init__(num_subnetworks, **kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.is_stacked = len(input_shape) == 3
        self.factors = self.add_own(input_shape, input_shape[-1], self.initializer, INPUT_FACTORS)

    def compute(self, x: Any) -> Any:
        return folded(ops.expand_dims(x, 1) * self.by_row(self.factors))

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*input_shape[:-2], None, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        own = {"initializer": keras.initializers.serialize(self.initializer)}
        return {**super().get_config(), **own}


class _Dense(_OfSubnetworks):
    """A dense layer of sub-networks.

    Args:
        units, num_subnetworks: of each sub-network; how many there are.
        kernel_initializer, bias_initializer, kernel_regularizer: as Keras's `Dense`.
    """

    def __init__(
        self,
        units: int,
        num_subnetworks: int,
        kernel_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_subnetworks, **kwargs)
        self.units, self.rounds_products = units, False
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def add_kernel_and_bias(self, input_shape: tuple[int, ...], num_kernels: int = 1) -> None:
        """`kernel` of `num_kernels` one after the other, `bias` `(m, units)`."""
        self.is_stacked = len(input_shape) == 3
        self.kernel = self.add_weight(
            (*input_shape[:-2], num_kernels * input_shape[-1], self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.bias = self.add_own(input_shape, self.units, self.bias_initializer, "bias")

    def product(self, x: Any, kernel: Any) -> Any:
        """`(..., batch, units)`; see `Stacked.rounds_products`."""
        return (rounded_product if self.rounds_products else ops.matmul)(x, kernel)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@keras.saving.register_keras_serializable("kmlp")
class SharedDense(_Dense):
    """s_i * (W (r_i * x)) + b_i of each sub-network i: all have the kernel W (Wen et al. 2020,
    https://arxiv.org/abs/2002.06715).

    Args:
        units, num_subnetworks: of each sub-network; how many there are.
        scales_inputs: whether there is an r: the first layer's is that of `SubnetworkInputs`.
        input_initializer, output_initializer: of r and s.
        kwargs: of `_Dense`.

    Shape:
        input `(m * batch, in)`, output `(m * batch, units)`; `kernel` `(in, units)`, `bias` and
        `output_factors` `(m, units)`, `input_factors` `(m, in)`; or with an axis `k` in front.
    """

    def __init__(
        self,
        units: int,
        num_subnetworks: int,
        scales_inputs: bool = True,
        input_initializer: Any = "zeros",
        output_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_subnetworks, **kwargs)
        self.scales_inputs = scales_inputs
        self.input_initializer = keras.initializers.get(input_initializer)
        self.output_initializer = keras.initializers.get(output_initializer)

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_kernel_and_bias(input_shape)
        if self.scales_inputs:
            features, initializer = input_shape[-1], self.input_initializer
            self.input_factors = self.add_own(input_shape, features, initializer, INPUT_FACTORS)
        initializer = self.output_initializer
        self.output_factors = self.add_own(input_shape, self.units, initializer, OUTPUT_FACTORS)

    def compute(self, x: Any) -> Any:
        if self.scales_inputs:
            x = folded(spread(x, self.num_subnetworks) * self.by_row(self.input_factors))
        x = spread(self.product(x, self.by_member(self.kernel)), self.num_subnetworks)
        return folded(x * self.by_row(self.output_factors) + self.by_row(self.bias))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scales_inputs": self.scales_inputs,
            "input_initializer": keras.initializers.serialize(self.input_initializer),
            "output_initializer": keras.initializers.serialize(self.output_initializer),
        }


@keras.saving.register_keras_serializable("kmlp")
class SeparateDense(_Dense):
    """A dense layer of each sub-network's own.

    Shape:
        input `(m * batch, in)`, output `(m * batch, units)`; `kernel` `(m * in, units)`, those of
        the sub-networks one after the other, `bias` `(m, units)`; or with an axis `k` in front.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_kernel_and_bias(input_shape, self.num_subnetworks)

    def compute(self, x: Any) -> Any:
        kernel = spread(self.by_member(self.kernel), self.num_subnetworks)
        x = self.product(spread(x, self.num_subnetworks), kernel)
        return folded(x + self.by_row(self.bias))


@keras.saving.register_keras_serializable("kmlp")
class SubnetworkMean(_OfSubnetworks):
    """What sub-networks say together, see `mean_outputs`; in training each by itself.

    Args:
        num_subnetworks: m.
        task: of the data.

    Shape:
        input `(m * batch, num_outputs)`, output `(batch, num_outputs)`, in training
        `(batch, m, num_outputs)`; of a stack's members `(k, m * batch, num_outputs)` to
        `(k, batch, num_outputs)`, in training as it is.
    """

    def __init__(self, num_subnetworks: int, task: str, **kwargs: Any) -> None:
        super().__init__(num_subnetworks, **kwargs)
        self.task = task

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return super().call(inputs)
        if len(inputs.shape) == 3:
            return inputs
        return ops.swapaxes(spread(ops.expand_dims(inputs, 0), self.num_subnetworks)[0], 0, 1)

    def compute(self, x: Any) -> Any:
        return mean_outputs(self.task, x, self.num_subnetworks)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*input_shape[:-2], None, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "task": self.task}
