"""Initial weights of networks that share their kernels."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import MLPConfig
from kmlp.config.seeds import seed_words
from kmlp.config.tables.encoding import Encoding
from kmlp.config.tables.widths import has_own_outputs, num_kernels, subnetworks
from kmlp.data.dataset import DataSpec
from kmlp.nn.sharing.layers import INPUT_FACTORS, OUTPUT_FACTORS
from kmlp.nn.topology import bias_initializer, kernel_initializer

# Behind the places of a layer's kernel and bias.
_PLACES = {INPUT_FACTORS: 3, OUTPUT_FACTORS: 4}
_OF_OUTPUTS = 5


@keras.saving.register_keras_serializable("kmlp")
class Factors(keras.initializers.Initializer):
    """Random factors of each sub-network: signs, or values of N(0, 1).

    Args:
        distribution: "signs" or "normal".
        columns: of each feature a number; those with the same one share a value. None is a value
            of each feature's own.
        seed: keys the draw; None draws anew.
    """

    def __init__(
        self, distribution: str, columns: Sequence[int] | None = None, seed: int | None = None
    ) -> None:
        self.distribution, self.seed = distribution, seed
        self.columns = None if columns is None else list(columns)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        columns = np.arange(shape[-1]) if self.columns is None else np.array(self.columns)
        rng, size = np.random.default_rng(self.seed), (*shape[:-1], int(columns.max()) + 1)
        drawn = rng.normal(size=size)
        if self.distribution == "signs":
            drawn = np.where(drawn < 0, -1.0, 1.0)
        return ops.convert_to_tensor(drawn[..., columns], dtype)

    def get_config(self) -> dict[str, Any]:
        return {"distribution": self.distribution, "columns": self.columns, "seed": self.seed}


@keras.saving.register_keras_serializable("kmlp")
class Alike(keras.initializers.Initializer):
    """The same values for each sub-network: what another initializer says of one, `(units,)`."""

    def __init__(self, initializer: Any) -> None:
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.broadcast_to(self.initializer(shape[-1:], dtype), shape)

    def get_config(self) -> dict[str, Any]:
        return {"initializer": keras.initializers.serialize(self.initializer)}


@keras.saving.register_keras_serializable("kmlp")
class OneAfterTheOther(keras.initializers.Initializer):
    """Kernels of sub-networks one after the other, each with the fans of one: `(m * in, units)`."""

    def __init__(self, initializers: Sequence[Any]) -> None:
        self.initializers = [keras.initializers.get(each) for each in initializers]

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        one = (shape[0] // len(self.initializers), *shape[1:])
        return ops.concatenate([each(one, dtype) for each in self.initializers], axis=0)

    def get_config(self) -> dict[str, Any]:
        return {"initializers": [keras.initializers.serialize(i) for i in self.initializers]}


def layer_initializer(
    config: MLPConfig, name: str, index: int, seed: int | None, num_rows: int
) -> keras.initializers.Initializer:
    """The initializer of a weight of dense layer `index`, keyed by seed and layer.

    Args:
        config: the network.
        name: "kernel", "bias", or that of a layer's factors.
        index: of the layer.
        seed: as for `build_mlp`.
        num_rows: of the layer's kernel.
    """
    is_output = index == num_kernels(config) - 1
    owns = is_output and has_own_outputs(config)
    if name == "kernel" and owns:
        places = [(_OF_OUTPUTS, i) for i in range(subnetworks(config))]
        return OneAfterTheOther([kernel_initializer(config, index, seed, *p) for p in places])
    if name == "kernel":
        return kernel_initializer(config, index, seed)
    if name == "bias":
        num_inputs = num_rows // subnetworks(config) if owns else num_rows
        one = bias_initializer(config, index, seed, num_inputs)
        return one if owns else Alike(one)
    if config.weight_sharing != "batch_ensemble":
        return keras.initializers.Ones()
    return Factors("signs", seed=_drawn(seed, index, name))


def inputs_initializer(
    config: MLPConfig, spec: DataSpec, seed: int | None
) -> keras.initializers.Initializer:
    """The initializer of the factors of what enters the first dense layer.

    Signs; where numbers are embedded, TabM has N(0, 1), and one value for all features of a column
    (Gorishniy et al. 2025, https://arxiv.org/abs/2410.24210).
    """
    drawn = _drawn(seed, 0, INPUT_FACTORS)
    if config.weight_sharing == "batch_ensemble":
        return Factors("signs", seed=drawn)
    embedded = spec.columns and config.number_embedding != "none"
    columns = Encoding.of(config, spec).columns_of_features if spec.columns else None
    return Factors("normal" if embedded else "signs", columns, drawn)


def _drawn(seed: int | None, index: int, name: str) -> int | None:
    if seed is None:
        return None
    return int(seed_words(seed, "init", index, _PLACES[name], count=1)[0] >> 1)
