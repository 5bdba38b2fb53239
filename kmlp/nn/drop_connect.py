"""DropConnect: a dense layer that drops weights, and the mean of an activation over a Gaussian."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import fields
from kmlp.errors import ConfigError

_MASKS, _INFERENCES = ("batch", "example"), ("mean", "moments")
_JOINT = ("softmax", "log_softmax", "sparsemax", "glu")
_LEAKY_RELU_SLOPE = 0.2
_SELU_BEND = 1.0507009873554805 * (1 - 1.6732632423543772)  # slope right of 0 minus left of it
_SMALLEST_VARIANCE = 1e-30

# The trapezoidal rule on an even grid converges exponentially under a Gaussian and, at equal
# cost, is ten times as accurate as Gauss-Hermite nodes where the activation is steep.
_NODES = np.linspace(-5.5, 5.5, 33)
_NODE_WEIGHTS = np.exp(-np.square(_NODES) / 2) / np.exp(-np.square(_NODES) / 2).sum()


@keras.saving.register_keras_serializable("kmlp")
class DropConnectDense(keras.layers.Dense):
    """A dense layer whose weights and biases are dropped at random while it trains.

    Every w_ij and every b_j is kept with probability 1 - `rate`, DropConnect (Wan et al. 2013,
    http://proceedings.mlr.press/v28/wan13.html). Where a textbook writes dropout with a mask on
    the weights w_ij, this layer is meant; `keras.layers.Dropout` masks whole units.

    What is kept is scaled by 1 / (1 - `rate`) in training (inverted, as Keras scales dropout), so
    that inference uses the weights as they are. The paper scales at inference instead; both give
    the same means.

    Shape:
        input `(batch, ..., in)`; output `(batch, ..., units)`. `kernel` `(in, units)`, `bias`
        `(units,)`. Masks are `(in, units)` and `(units,)` under `mask="batch"`, with `batch` in
        front under `mask="example"`.

    Args:
        units: number of outputs.
        rate: fraction of weights dropped, in [0, 1): Keras's meaning, not the probability of
            keeping.
        mask: "batch" draws one mask a step: cheap, but the paper notes that it regularizes too
            little. "example" draws one for each row, as the paper does, at a cost in time and
            memory of `batch * in * units` numbers.
        inference: "mean" is the plain `keras.layers.Dense`. "moments" is the paper's: the
            pre-activation is taken as Gaussian, with the mean W v + b and the variance
            rate / (1 - rate) * ((W * W)(v * v) + b * b) that the masks give it, and the
            activation is averaged over it.
        activation: as in `keras.layers.Dense`; "moments" needs an elementwise one.
        seed: None or an integer; keys the masks, new ones at each step.
        **kwargs: of `keras.layers.Dense`: initializers, regularizers, constraints, `use_bias`.

    Raises:
        ConfigError: `rate` is not in [0, 1), or an argument is none of its choices.

    Example:
        >>> layer = DropConnectDense(3, rate=0.5, mask="example", activation="relu", seed=0)
        >>> tuple(layer(np.ones((2, 4), "float32"), training=True).shape)
        (2, 3)
    """

    def __init__(
        self,
        units: int,
        rate: float,
        *,
        mask: str = "batch",
        inference: str = "mean",
        activation: str | Callable | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        _check_rate(rate)
        super().__init__(units, activation=activation, **kwargs)
        self.rate, self.mask, self.inference, self.seed = float(rate), mask, inference, seed
        fields.check_choice(self, "mask", _MASKS)
        fields.check_choice(self, "inference", _INFERENCES)
        if inference == "moments":
            _check_elementwise(self.activation)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if self.rate == 0:
            return super().call(inputs)
        if training:
            return self._call_masked(inputs)
        return self._call_moments(inputs) if self.inference == "moments" else super().call(inputs)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("rate", "mask", "inference", "seed")}
        return {**super().get_config(), **own}

    def _call_masked(self, inputs: Any) -> Any:
        leading = (ops.shape(inputs)[0],) if self.mask == "example" else ()
        equation = "b...i,biu->b...u" if leading else "...i,iu->...u"
        x = ops.einsum(equation, inputs, self._masked(self.kernel, leading))
        if self.use_bias:
            ones = (1,) * (len(inputs.shape) - 2) if leading else ()
            bias = self._masked(self.bias, leading)
            x = x + ops.reshape(bias, (*leading, *ones, self.units))
        return self.activation(x)

    def _masked(self, weight: Any, leading: tuple) -> Any:
        """`weight` under a mask of its own for each index of `leading`."""
        # Drawn in float32: in half precision the share of kept weights would be rounded.
        ones = ops.ones((*leading, *weight.shape), "float32")
        mask = keras.random.dropout(ones, self.rate, seed=self.seed_generator)
        return weight * ops.cast(mask, weight.dtype)

    def _call_moments(self, inputs: Any) -> Any:
        mean = ops.matmul(inputs, self.kernel)
        # Squares of raw pixels overflow float16.
        variance = ops.matmul(_square(inputs), _square(self.kernel))
        if self.use_bias:
            mean, variance = mean + self.bias, variance + _square(self.bias)
        return mean_activation(self.activation, mean, variance * (self.rate / (1 - self.rate)))


def mean_activation(activation: str | Callable | None, mean: Any, variance: Any) -> Any:
    """The mean of `activation(z)` over z ~ N(`mean`, `variance`), elementwise.

    Closed forms for linear, relu and leaky_relu (Keras's slope of 0.2); the trapezoidal rule on
    33 nodes for any other. Its error is below 1e-7 for sigmoid, tanh and gelu up to a standard
    deviation of 1 and below 2e-4 up to 3; for elu and selu, which bend at 0, below 3e-4 and 3e-3.
    Zero variance gives the plain activation, exactly.

    Args:
        activation: Keras's name of an elementwise activation, or a function.
        mean: any shape, any float dtype; computed in float32 at least.
        variance: of a shape that broadcasts with it, not negative.

    Returns:
        A tensor of the common shape, of `mean`'s dtype.

    Raises:
        ConfigError: the activation is not elementwise (softmax).

    Example:
        >>> round(float(mean_activation("relu", np.zeros(1), np.ones(1))[0]), 4)  # 1 / sqrt(2 pi)
        0.3989
    """
    function = keras.activations.get(activation)
    _check_elementwise(function)
    mean = ops.convert_to_tensor(mean)
    wide, variance = _widened(mean), _widened(ops.convert_to_tensor(variance))
    varies = variance > _SMALLEST_VARIANCE
    # One stands in for no variance, so that the branch not taken has no NaN, nor its gradient.
    stddev = ops.sqrt(ops.where(varies, variance, ops.ones_like(variance)))
    averaged = _MEANS.get(function, _quadrature)(function, wide, stddev)
    return ops.cast(ops.where(varies, averaged, function(wide)), mean.dtype)


def _quadrature(function: Callable, mean: Any, stddev: Any) -> Any:
    # Summed node by node: all at once would take 33 times the memory.
    nodes = zip(_NODES.tolist(), _NODE_WEIGHTS.tolist(), strict=True)
    return sum(weight * function(mean + node * stddev) for node, weight in nodes)


def _mean_linear(function: Callable, mean: Any, stddev: Any) -> Any:
    return mean


def _mean_relu(function: Callable, mean: Any, stddev: Any) -> Any:
    """mean * Phi(mean / stddev) + stddev * phi(mean / stddev)."""
    ratio = mean / stddev
    cumulative = (1 + ops.erf(ratio / 2**0.5)) / 2
    density = ops.exp(-ops.square(ratio) / 2) / (2 * np.pi) ** 0.5
    return mean * cumulative + stddev * density


def _mean_leaky_relu(function: Callable, mean: Any, stddev: Any) -> Any:
    slope = _LEAKY_RELU_SLOPE
    return slope * mean + (1 - slope) * _mean_relu(function, mean, stddev)


def _mean_selu(function: Callable, mean: Any, stddev: Any) -> Any:
    """The bend at 0 in closed form, the smoother rest by quadrature."""
    rest = _quadrature(lambda z: function(z) - _SELU_BEND * ops.relu(z), mean, stddev)
    return rest + _SELU_BEND * _mean_relu(function, mean, stddev)


_MEANS: dict[Callable, Callable[[Callable, Any, Any], Any]] = {
    keras.activations.linear: _mean_linear,
    keras.activations.relu: _mean_relu,
    keras.activations.leaky_relu: _mean_leaky_relu,
    keras.activations.selu: _mean_selu,
}


def _square(x: Any) -> Any:
    return ops.square(_widened(ops.convert_to_tensor(x)))


def _widened(x: Any) -> Any:
    """In float32 at least."""
    return ops.cast(x, keras.backend.result_type(x.dtype, "float32"))


def _check_rate(rate: Any) -> None:
    if not isinstance(rate, int | float | np.floating) or not 0 <= rate < 1:
        raise ConfigError(
            f"rate must be in [0, 1). Received: rate={rate!r}. "
            "Did you mean a keep probability? Use 1 - p."
        )


def _check_elementwise(activation: Callable) -> None:
    name = getattr(activation, "__name__", "")
    if name in _JOINT:
        raise ConfigError(
            f"moments can only be matched through an elementwise activation. Received: {name}. "
            "Leave the activation out and put a keras.layers.Activation behind the layer, "
            "or write inference='mean'."
        )
