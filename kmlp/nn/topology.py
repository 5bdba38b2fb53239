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

OUTPUT = "output"


_INITIALIZER = {
    "relu": "he_normal",
    "leaky_relu": "he_normal",
    "elu": "he_normal",
    "gelu": "he_normal",
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
    def mixed(self, x: Any) -> Any: ...
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
    x = factory.mixed(factory.scaling(spec)(inputs))
    if factory.needs("input_noise"):
        x = factory.input_noise("noise_0")(x)
    if factory.needs("input_dropout"):
        x = factory.input_dropout("dropout_0")(x)
    for index, units in enumerate(config.hidden_units):
        x = _hidden(x, config, factory, index, units)
        if factory.needs("dropout"):
            x = factory.dropout(f"dropout_{index + 1}")(x)
    return factory.dense(len(config.hidden_units), spec.num_outputs, OUTPUT)(x)


def _hidden(x: Any, config: MLPConfig, factory: LayerFactory, index: int, units: int) -> Any:
    """A hidden layer with its normalization and activation."""
    name, activation = f"hidden_{index + 1}", config.activation
    has_drop_connect = factory.needs("drop_connect")
    if has_drop_connect and config.drop_connect_inference == "moments":
        # The layer averages its activation over the masks, so it must hold it.
        return factory.drop_connect_dense(index, units, activation, name)(x)
    if has_drop_connect:
        x = factory.drop_connect_dense(index, units, "linear", name)(x)
    else:
        x = factory.dense(index, units, name)(x)
    if config.normalization != "none":
        x = factory.normalization(f"normalization_{index + 1}")(x)
    return keras.layers.Activation(activation, name=f"activation_{index + 1}")(x)


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
    Glorot uniform (Glorot and Bengio 2010) before tanh and sigmoid and for the output layer.
    """
    name = config.kernel_initializer
    if name == "auto":
        is_output = index == len(config.hidden_units)
        name = "glorot_uniform" if is_output else _INITIALIZER[config.activation]
    drawn = None if seed is None else int(seed_words(seed, "init", index, count=1)[0] >> 1)
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
