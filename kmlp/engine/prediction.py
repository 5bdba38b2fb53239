"""Trained networks of one config as one stack, and what it says of each one's own rows."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from kmlp.config import MLPConfig
from kmlp.config.records import records_of
from kmlp.data.dataset import DataSpec
from kmlp.nn.layer_factories import StackedLayers
from kmlp.nn.losses import class_logits
from kmlp.nn.topology import assemble, own_dtype

Weights = Mapping[str, np.ndarray]
"""One network's weights by their path in the plain model."""


def stacked_networks(config: MLPConfig, spec: DataSpec, weights: Sequence[Weights]) -> keras.Model:
    """Trained networks of one config as one model: `(k, batch, features)` raw inputs to
    `(k, batch, num_outputs)` logits, or standardized predictions."""
    records = records_of(MLPConfig).items()
    switched_on = {r.switch for name, r in records if r.switch and r.is_on(getattr(config, name))}
    with own_dtype():
        shape = (len(weights), None, spec.num_features)
        inputs = keras.Input(batch_shape=shape, dtype=spec.input_dtype, name="inputs")
        outputs = assemble(inputs, config, spec, StackedLayers(config, switched_on))
        model = keras.Model(inputs, outputs, name="stack")
    for layer in model.layers:
        if field := getattr(layer, "field", None):
            layer.strength.assign(np.full(len(weights), getattr(config, field)))
    for variable in model.variables:
        if variable.path in weights[0]:
            variable.assign(side_by_side(weights, variable.path, variable.shape))
    return model


def side_by_side(weights: Sequence[Weights], path: str, shape: tuple[int, ...]) -> np.ndarray:
    """One weight of all networks, member axis first."""
    return np.stack([each[path] for each in weights]).reshape(shape)


def predictor(
    config: MLPConfig, spec: DataSpec, weights: Sequence[Weights]
) -> Callable[[np.ndarray], np.ndarray]:
    """What trained networks say, each of rows of its own.

    Returns:
        A function from `(k, n, features)` to `float32` log-probabilities `(k, n, num_classes)`, or
        predictions `(k, n)` in the target's own unit.
    """
    model = stacked_networks(config, spec, weights)
    if spec.task != "regression":
        return lambda x: ops.convert_to_numpy(
            ops.log_softmax(class_logits(spec.task, model(x, training=False)))
        )
    mean, variance = (
        side_by_side(weights, f"predictions/{name}", (-1, 1)) for name in ("mean", "variance")
    )

    def predict(x: np.ndarray) -> np.ndarray:
        outputs = ops.convert_to_numpy(model(x, training=False))[..., 0]
        return spec.in_unit(outputs * np.sqrt(variance) + mean)

    return predict
