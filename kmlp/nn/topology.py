"""How a network is laid out, plain or stacked: one assembly for both topologies."""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import keras

from kmlp.config import MLPConfig
from kmlp.config.seeds import seed_words
from kmlp.config.tables.widths import kernel_shapes, num_kernels, output_units
from kmlp.data.dataset import DataSpec
from kmlp.nn.feature_layers import (
    Clamp,
    ClassDifference,
    LearnedScale,
    ParametricActivation,
    SmoothClip,
)
from kmlp.nn.initializers import Hull, UnitVariance

OUTPUT, INPUT_SCALE, CLAMP, DIFFERENCE = "output", "input_scale", "clamp", "class_difference"
SUBNETWORKS, MEAN = "subnetworks", "subnetwork_mean"
# A layer's bias is drawn at a place of its own, behind that of its kernel; embeddings have (0, 1).
_OF_BIAS = 2
_INITIALIZER = {
    "relu": "he_normal",
    "leaky_relu": "he_normal",
    "elu": "he_normal",
    "gelu": "he_normal",
    "silu": "he_normal",
    "mish": "he_normal",
    "selu": "lecun_normal",
    "tanh": "glorot_uniform",
    "sigmoid": "glorot_uniform",
}


class LayerFactory(Protocol):
    """Makes the layers of one topology, plain or stacked."""

    def needs(self, field: str) -> bool:
        """Whether the network, or any of a stack's, switches a field on."""
        ...

    def scaling(self, spec: DataSpec) -> keras.layers.Layer: ...
    def rescaling(self, scale: float, name: str) -> keras.layers.Layer: ...
    def mixed(self, x: Any) -> Any: ...
    def subnetwork_inputs(self, spec: DataSpec) -> keras.layers.Layer: ...
    def subnetwork_mean(self, spec: DataSpec) -> keras.layers.Layer: ...
    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer: ...
    def drop_connect_dense(
        self, index: int, units: int, activation: str, name: str
    ) -> keras.layers.Layer: ...
    def normalization(self, name: str) -> keras.layers.Layer: ...
    def dropout(self, index: int, name: str) -> keras.layers.Layer: ...
    def residual_dropout(self, name: str) -> keras.layers.Layer: ...
    def input_dropout(self, name: str) -> keras.layers.Layer: ...
    def input_noise(self, name: str) -> keras.layers.Layer: ...


def assemble(inputs: Any, config: MLPConfig, spec: DataSpec, factory: LayerFactory) -> Any:
    """Lays out the network from its inputs to its last linear layer; only this knows the order.

    Args:
        inputs: a symbolic Keras tensor.
        config: the network; of a stack, what its networks share.
        spec: the data.
        factory: makes plain or stacked layers.

    Returns:
        The symbolic logits, or the standardized prediction of a regression; those of sub-networks
        averaged but in training.
    """
    is_shared = config.weight_sharing != "none"
    x = factory.scaling(spec)(inputs)
    if config.input_clip is not None and not spec.columns:  # a table's encoding clips by itself
        x = SmoothClip(config.input_clip, name="clip")(x)
    x = factory.mixed(x)
    if factory.needs("input_noise"):
        x = factory.input_noise("noise_0")(x)
    if factory.needs("input_dropout"):
        x = factory.input_dropout("dropout_0")(x)
    if config.learned_scale:
        x = LearnedScale(name=INPUT_SCALE)(x)
    if is_shared:
        x = factory.subnetwork_inputs(spec)(x)
    layout = _plain if config.residual_units is None else _residual
    x = layout(x, config, factory)
    index = num_kernels(config) - 1
    x = _by_fan_in(x, config, factory, index)
    x = factory.dense(index, units := output_units(config, spec), OUTPUT)(x)
    x = ClassDifference(name=DIFFERENCE)(x) if units > spec.num_outputs else x
    x = Clamp(name=CLAMP)(x) if config.clamped_predictions else x
    return factory.subnetwork_mean(spec)(x) if is_shared else x


def _plain(x: Any, config: MLPConfig, factory: LayerFactory) -> Any:
    """One hidden layer after the other."""
    for index, units in enumerate(config.hidden_units):
        x = _hidden(x, config, factory, index, units)
        x = _dropout(x, factory, index)
    return x


def _residual(x: Any, config: MLPConfig, factory: LayerFactory) -> Any:
    """Blocks that add to a path, between a dense layer and a last activation: the ResNet of
    Gorishniy et al. 2021 (https://arxiv.org/abs/2106.11959), where the normalization is "batch"."""
    width = config.residual_units
    assert width is not None
    x = factory.dense(0, width, "residual_0")(_by_fan_in(x, config, factory, 0))
    for block, units in enumerate(config.hidden_units):
        z = _normalized(x, config, factory, block)
        z = _dense(z, config, factory, 2 * block + 1, units, block)
        z = _dropout(_activated(z, config, factory, block), factory, block)
        z = _by_fan_in(z, config, factory, 2 * block + 2)
        z = factory.dense(2 * block + 2, width, f"residual_{block + 1}")(z)
        if factory.needs("residual_dropout"):
            z = factory.residual_dropout(f"residual_dropout_{block + 1}")(z)
        x = keras.layers.Add(name=f"block_{block + 1}")([x, z])
    last = len(config.hidden_units)
    x = _normalized(x, config, factory, last)
    return _activation(config, last)(x)


def _by_fan_in(x: Any, config: MLPConfig, factory: LayerFactory, index: int) -> Any:
    """The inputs of dense layer `index` as its parametrization has them.

    "ntk" is W x / sqrt(n) + b with weights of N(0, 1) (Jacot et al. 2018,
    https://arxiv.org/abs/1806.07572): what divides the weights divides the inputs as well.
    """
    if config.parametrization == "standard":
        return x
    return factory.rescaling(x.shape[-1] ** -0.5, f"fan_in_{index + 1}")(x)


def _hidden(x: Any, config: MLPConfig, factory: LayerFactory, index: int, units: int) -> Any:
    """A hidden layer with its normalization and activation."""
    x = _dense(x, config, factory, index, units, index)
    if not _holds_activation(config, factory):
        x = _normalized(x, config, factory, index)
    return _activated(x, config, factory, index)


def _dense(
    x: Any, config: MLPConfig, factory: LayerFactory, index: int, units: int, place: int
) -> Any:
    """The dense layer of the hidden layer at a place, whose kernel is the network's `index`th."""
    name = f"hidden_{place + 1}"
    x = _by_fan_in(x, config, factory, index)
    if not factory.needs("drop_connect"):
        return factory.dense(index, units, name)(x)
    activation = config.activation if _holds_activation(config, factory) else "linear"
    return factory.drop_connect_dense(index, units, activation, name)(x)


def _holds_activation(config: MLPConfig, factory: LayerFactory) -> bool:
    """Whether the dense layer averages its activation over its masks, and so must hold it."""
    return factory.needs("drop_connect") and config.drop_connect_inference == "moments"


def _normalized(x: Any, config: MLPConfig, factory: LayerFactory, place: int) -> Any:
    if config.normalization == "none":
        return x
    return factory.normalization(f"normalization_{place + 1}")(x)


def _activated(x: Any, config: MLPConfig, factory: LayerFactory, place: int) -> Any:
    return x if _holds_activation(config, factory) else _activation(config, place)(x)


def _activation(config: MLPConfig, place: int) -> keras.layers.Layer:
    kind = ParametricActivation if config.parametric_activation else keras.layers.Activation
    return kind(config.activation, name=f"activation_{place + 1}")


def _dropout(x: Any, factory: LayerFactory, place: int) -> Any:
    if not factory.needs("dropout") and not factory.needs("layer_dropout"):
        return x
    return factory.dropout(place, f"dropout_{place + 1}")(x)


@contextlib.contextmanager
def own_dtype(name: str | None = None) -> Iterator[None]:
    """Layers made inside follow the policy named, or compute in Keras's `floatx`, whatever the
    caller's thread has set: an exported model must be the trained one, and stacks train in other
    threads."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name or keras.config.floatx())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def kernel_initializer(
    config: MLPConfig, index: int, seed: int | None, *place: int
) -> keras.initializers.Initializer:
    """The initializer of layer `index`'s kernel, keyed by seed and layer, and its place in it where
    there are several.

    "auto": He normal (He et al. 2015, https://arxiv.org/abs/1502.01852) before relu and its
    kin, LeCun normal before selu (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515),
    Glorot uniform (Glorot and Bengio 2010) before tanh and sigmoid and for the output layer;
    N(0, 1) for all under the parametrization "ntk".
    """
    name, is_output = config.kernel_initializer, index == num_kernels(config) - 1
    words = None if seed is None else seed_words(seed, "init", index, *place, count=1)
    drawn = None if words is None else int(words[0] >> 1)
    if name == "zeros" or (is_output and config.output_initializer == "zeros"):
        return keras.initializers.Zeros()
    if name == "unit_variance":
        return UnitVariance(seed=drawn)
    if name == "normal":
        return keras.initializers.RandomNormal(stddev=config.kernel_stddev, seed=drawn)
    if name == "truncated_normal":
        return keras.initializers.TruncatedNormal(stddev=config.kernel_stddev, seed=drawn)
    if name == "auto" and config.parametrization == "ntk":
        return keras.initializers.RandomNormal(stddev=1.0, seed=drawn)
    if name == "fan_in_uniform":
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=drawn)
    if name == "auto":
        name = "glorot_uniform" if is_output else _INITIALIZER[config.activation]
    kind = type(keras.initializers.get(name))
    return kind(seed=drawn)


def bias_initializer(
    config: MLPConfig, index: int, seed: int | None, num_inputs: int
) -> keras.initializers.Initializer:
    """The initializer of layer `index`'s bias, keyed by seed and layer, of which the inputs are
    so many."""
    name, is_output = config.bias_initializer, index == num_kernels(config) - 1
    if name == "zeros" or (is_output and config.output_initializer == "zeros"):
        return keras.initializers.Zeros()
    words = None if seed is None else seed_words(seed, "init", index, _OF_BIAS, count=1)
    drawn = None if words is None else int(words[0] >> 1)
    if name == "hull":
        return Hull(seed=drawn)
    if name == "fan_in_uniform":
        bound = num_inputs**-0.5
        return keras.initializers.RandomUniform(-bound, bound, seed=drawn)
    return keras.initializers.RandomNormal(stddev=config.bias_stddev, seed=drawn)


def follows_rows(config: MLPConfig) -> bool:
    """Whether some of a network's initial weights follow from the rows that it trains on."""
    return config.kernel_initializer == "unit_variance" or config.bias_initializer == "hull"


def num_kernel_weights(config: MLPConfig, spec: DataSpec) -> int:
    """Number of weights in all kernels of one network."""
    return sum(inputs * units for inputs, units in kernel_shapes(config, spec))


def penalties(config: MLPConfig, spec: DataSpec) -> tuple[float, float]:
    """The factors of sum|w| and sum w^2, after `penalty_reduction`."""
    n = num_kernel_weights(config, spec) if config.penalty_reduction == "mean" else 1
    return config.l1 / n, config.l2 / n
