"""Initial weights of a stack: those of each member as if it were alone."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kmlp.config import MLPConfig
from kmlp.data.dataset import DataSpec
from kmlp.engine.member import Member
from kmlp.nn.columns.encoding import ENCODING, initial_weight
from kmlp.nn.sharing.initial import inputs_initializer, layer_initializer
from kmlp.nn.sharing.layers import INPUT_FACTORS, OUTPUT_FACTORS
from kmlp.nn.topology import SUBNETWORKS, bias_initializer, kernel_initializer


def initial_weights(members: Sequence[Member], model: keras.Model, spec: DataSpec) -> list:
    """Each member's own embeddings, factors, kernels and biases, with the fans of one member; the
    rest starts as its layer says.

    Args:
        members: of the stack.
        model: the stacked one.
        spec: the data.
    """
    weights, index, num_rows = [], -1, 0
    for variable in model.trainable_variables:
        layer, name, dtype = variable.path.partition("/")[0], variable.name, variable.dtype
        # A layer's other weights come behind its kernel.
        if name == "kernel":
            index, num_rows = index + 1, variable.shape[1]
        if layer == ENCODING:
            plan = model.get_layer(ENCODING).plan
            drawn = [initial_weight(plan, name, m.seeds.init, dtype) for m in members]
        elif layer == SUBNETWORKS:
            initial = [inputs_initializer(m.model, spec, m.seeds.init) for m in members]
            drawn = [initializer(variable.shape[1:], dtype) for initializer in initial]
        elif name in ("kernel", "bias", INPUT_FACTORS, OUTPUT_FACTORS):
            initial = [_initializer(m.model, name, index, m.seeds.init, num_rows) for m in members]
            drawn = [initializer(variable.shape[1:], dtype) for initializer in initial]
        else:
            weights.append(copied(variable))
            continue
        weights.append(ops.stack(drawn))
    return weights


def _initializer(config: MLPConfig, name: str, index: int, seed: int, num_rows: int) -> Any:
    """Of a weight of dense layer `index`, whose kernel has so many rows."""
    if config.weight_sharing != "none":
        return layer_initializer(config, name, index, seed, num_rows)
    if name == "kernel":
        return kernel_initializer(config, index, seed)
    return bias_initializer(config, index, seed, num_rows)


def copied(variable: Any) -> Any:
    """Its value as a tensor: passed to a compiled function, a variable would be another type."""
    return ops.convert_to_tensor(ops.convert_to_numpy(variable), variable.dtype)
