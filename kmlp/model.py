"""From a config to a plain functional Keras model, and the one layout both topologies share."""

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from kmlp.config import MLPConfig
from kmlp.data.dataset import DataSpec
from kmlp.member import seed_words

_HIDDEN_INITIALIZER = {"relu": keras.initializers.HeNormal}


class Layout(Protocol):
    """What the layout of a network follows from: a config's or a stack's shared structure."""

    @property
    def hidden_units(self) -> tuple[int, ...]: ...
    @property
    def activation(self) -> str: ...
    @property
    def input_scaling(self) -> str: ...


class LayerFactory(Protocol):
    """Makes the layers of one topology, plain or stacked."""

    def scaling(self, spec: DataSpec) -> keras.layers.Layer: ...
    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer: ...
    def dropout(self, index: int, name: str) -> keras.layers.Layer | None: ...


def assemble(inputs: Any, config: Layout, spec: DataSpec, factory: LayerFactory) -> Any:
    """Lays out the network from its inputs to the logits; the only place that knows the order.

    Args:
        inputs: a symbolic Keras tensor.
        config: the network.
        spec: the data.
        factory: makes plain or stacked layers.

    Returns:
        The symbolic logits.
    """
    x = factory.scaling(spec)(inputs)
    for index, units in enumerate(config.hidden_units):
        x = factory.dense(index, units, name=f"hidden_{index + 1}")(x)
        x = keras.layers.Activation(config.activation, name=f"activation_{index + 1}")(x)
        dropout = factory.dropout(index, name=f"dropout_{index + 1}")
        x = dropout(x) if dropout else x
    return factory.dense(len(config.hidden_units), spec.num_classes, name="logits")(x)


def build_mlp(config: MLPConfig, spec: DataSpec, *, seed: int | None = None) -> keras.Model:
    """Builds a plain functional Keras model, uncompiled.

    Raw examples go in (scaling is inside), class probabilities come out. Penalties are
    Keras's own kernel regularizers.

    Args:
        config: the network.
        spec: the data's shapes and classes.
        seed: keys the initial weights, as `Seeds.init` does for a member; None draws them anew.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, num_classes)` probabilities.

    Example:
        >>> from kmlp.data import Dataset
        >>> import numpy as np
        >>> x, y = np.zeros((6, 28, 28), "uint8"), np.arange(6) % 3
        >>> build_mlp(MLPConfig(), Dataset.from_arrays(x, y, x, y).spec).output_shape
        (None, 3)
    """
    inputs = keras.Input(spec.input_shape, dtype=spec.input_dtype, name="inputs")
    x = keras.layers.Flatten(name="flatten")(inputs)
    logits = assemble(x, config, spec, _PlainLayers(config, seed))
    probabilities = keras.layers.Activation("softmax", name="probabilities")(logits)
    return keras.Model(inputs, probabilities, name="mlp")


def load_member_weights(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Sets a plain model's weights from one member's slices: kernels `(in, units)` and biases
    `(1, units)`, in the order of the layers."""
    model.set_weights([w.reshape(v.shape) for w, v in zip(weights, model.weights, strict=True)])


def kernel_initializer(
    config: MLPConfig, index: int, seed: int | None
) -> keras.initializers.Initializer:
    """The initializer of layer `index`'s kernel, keyed by seed and layer.

    He normal (He et al. 2015, https://arxiv.org/abs/1502.01852) before a ReLU, Glorot uniform
    for the output layer.
    """
    is_output = index == len(config.hidden_units)
    kind = keras.initializers.GlorotUniform if is_output else _HIDDEN_INITIALIZER[config.activation]
    return kind(
        seed=None if seed is None else int(seed_words(seed, "init", index, count=1)[0] >> 1)
    )


def input_scale(config: Layout, spec: DataSpec) -> float:
    """The factor on raw inputs: 1/255 for `uint8` under "auto" and "unit", else 1."""
    unit = config.input_scaling == "unit" or (
        config.input_scaling == "auto" and spec.input_dtype == "uint8"
    )
    return 1 / 255 if unit and spec.input_dtype == "uint8" else 1.0


class _PlainLayers:
    """Keras's own layers."""

    def __init__(self, config: MLPConfig, seed: int | None) -> None:
        self.config, self.seed = config, seed

    def scaling(self, spec: DataSpec) -> keras.layers.Layer:
        return keras.layers.Rescaling(input_scale(self.config, spec), name="scaling")

    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer:
        config = self.config
        penalized = config.l1 > 0 or config.l2 > 0
        return keras.layers.Dense(
            units,
            kernel_initializer=kernel_initializer(config, index, self.seed),
            kernel_regularizer=keras.regularizers.L1L2(config.l1, config.l2) if penalized else None,
            name=name,
        )

    def dropout(self, index: int, name: str) -> keras.layers.Layer | None:
        return keras.layers.Dropout(self.config.dropout, name=name) if self.config.dropout else None
