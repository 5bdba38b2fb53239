"""How a network is laid out, plain or stacked: one assembly for both topologies."""

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Protocol

import keras

from kmlp.config import MLPConfig
from kmlp.config.seeds import seed_words
from kmlp.config.tables.encoding import encoded_width
from kmlp.data.dataset import DataSpec
from kmlp.nn.feature_layers import LearnedScale, ParametricActivation, SmoothClip

OUTPUT, INPUT_SCALE = "output", "input_scale"


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
    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer: ...
    def drop_connect_dense(
        self, index: int, units: int, activation: str, name: str
    ) -> keras.layers.Layer: ...
    def normalization(self, name: str) -> keras.layers.Layer: ...
    def dropout(self, name: str) -> keras.layers.Layer: ...
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
        The symbolic logits, or the standardized prediction of a regression.
    """
    x = factory.scaling(spec)(inputs)
    if config.input_clip is not None and not spec.columns:  # a table's encoding clips by itself
        x = SmoothClip(config.input_clip, name="clip")(x)
    if factory.needs("input_noise"):
        x = factory.input_noise("noise_0")(x)
    if factory.needs("input_dropout"):
        x = factory.input_dropout("dropout_0")(x)
    if config.learned_scale:
        x = LearnedScale(name=INPUT_SCALE)(x)
    for index, units in enumerate(config.hidden_units):
        x = _hidden(x, config, factory, index, units)
        if factory.needs("dropout"):
            x = factory.dropout(f"dropout_{index + 1}")(x)
    index = len(config.hidden_units)
    x = _by_fan_in(x, config, factory, index)
    return factory.dense(index, spec.num_outputs, OUTPUT)(x)


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
    name, activation = f"hidden_{index + 1}", config.activation
    has_drop_connect = factory.needs("drop_connect")
    x = _by_fan_in(x, config, factory, index)
    if has_drop_connect and config.drop_connect_inference == "moments":
        # The layer averages its activation over the masks, so it must hold it.
        return factory.drop_connect_dense(index, units, activation, name)(x)
    if has_drop_connect:
        x = factory.drop_connect_dense(index, units, "linear", name)(x)
    else:
        x = factory.dense(index, units, name)(x)
    if config.normalization != "none":
        x = factory.normalization(f"normalization_{index + 1}")(x)
    kind = ParametricActivation if config.parametric_activation else keras.layers.Activation
    return kind(activation, name=f"activation_{index + 1}")(x)


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
    config: MLPConfig, index: int, seed: int | None
) -> keras.initializers.Initializer:
    """The initializer of layer `index`'s kernel, keyed by seed and layer.

    "auto": He normal (He et al. 2015, https://arxiv.org/abs/1502.01852) before relu and its
    kin, LeCun normal before selu (Klambauer et al. 2017, https://arxiv.org/abs/1706.02515),
    Glorot uniform (Glorot and Bengio 2010) before tanh and sigmoid and for the output layer;
    N(0, 1) for all under the parametrization "ntk".
    """
    name = config.kernel_initializer
    drawn = None if seed is None else int(seed_words(seed, "init", index, count=1)[0] >> 1)
    if name == "auto" and config.parametrization == "ntk":
        return keras.initializers.RandomNormal(stddev=1.0, seed=drawn)
    if name == "auto":
        is_output = index == len(config.hidden_units)
        name = "glorot_uniform" if is_output else _INITIALIZER[config.activation]
    kind = type(keras.initializers.get(name))
    return kind(seed=drawn)


def num_kernel_weights(config: MLPConfig, spec: DataSpec) -> int:
    """Number of weights in all kernels of one network."""
    widths = (encoded_width(config, spec), *config.hidden_units, spec.num_outputs)
    return sum(a * b for a, b in pairwise(widths))


def penalties(config: MLPConfig, spec: DataSpec) -> tuple[float, float]:
    """The factors of sum|w| and sum w^2, after `penalty_reduction`."""
    n = num_kernel_weights(config, spec) if config.penalty_reduction == "mean" else 1
    return config.l1 / n, config.l2 / n
