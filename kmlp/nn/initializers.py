"""Initial weights that follow from the rows that a network trains on."""

from typing import Any

import keras
import numpy as np
from keras import ops

_MOST_ROWS = 10_000
_NUM_CORNERS = 5


@keras.saving.register_keras_serializable("kmlp")
class UnitVariance(keras.initializers.RandomNormal):
    """Normal weights, which `RowInitialization` divides: each unit's sum then has a standard
    deviation of 1 over the rows (Holzmueller et al. 2024, https://arxiv.org/abs/2407.04491; by
    layer Mishkin and Matas 2016, https://arxiv.org/abs/1511.06422)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(stddev=1.0, seed=seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": super().get_config()["seed"]}


@keras.saving.register_keras_serializable("kmlp")
class Hull(keras.initializers.Initializer):
    """Biases of 0, until `RowInitialization` sets them: each unit's sum is then 0 at a point
    between five rows, a random one of their simplex (Steinwart 2019,
    https://arxiv.org/abs/1903.11482, there "he+")."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.zeros(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class RowInitialization:
    """Sets the kernels of `UnitVariance` and the biases of `Hull`, one layer after the other.

    What enters a layer is as in prediction, with the layers before it set already. Of more than
    10,000 rows as many count, evenly spaced.

    Args:
        model: a plain one; several networks may pass through it.
    """

    def __init__(self, model: keras.Model) -> None:
        self.dense = [layer for layer in model.layers if hasattr(layer, "bias_initializer")]
        self._before = {
            layer.name: keras.Model(model.input, layer.input)
            for layer in self.dense
            if _follows(layer)
        }

    def run(self, x: np.ndarray) -> None:
        """Initializes the model, whose statistics are set, by the rows that it trains on: raw,
        `(n, *input_shape)`."""
        if not self._before:
            return
        some = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_ROWS)).astype(int))
        rows = ops.convert_to_tensor(x[some])
        for layer in self.dense:
            if before := self._before.get(layer.name):
                _initialize(layer, ops.convert_to_numpy(before(rows, training=False)))


def _follows(layer: keras.layers.Layer) -> bool:
    is_kernel = isinstance(getattr(layer, "kernel_initializer", None), UnitVariance)
    return is_kernel or isinstance(getattr(layer, "bias_initializer", None), Hull)


def _initialize(layer: Any, inputs: np.ndarray) -> None:
    """Sets a layer's weights by `(n, features)` of what enters it."""
    kernel = ops.convert_to_numpy(layer.kernel).astype(np.float64)
    sums = inputs.astype(np.float64) @ kernel
    if isinstance(layer.kernel_initializer, UnitVariance):
        stddev = sums.std(axis=0)
        # Without a spread there is nothing to divide by: the unit is the same for all rows.
        divisor = np.where(stddev > 1e-6 * np.abs(sums).max(axis=0, initial=0), stddev, 1.0)
        layer.kernel.assign(kernel / divisor)
        sums = sums / divisor
    if isinstance(layer.bias_initializer, Hull):
        layer.bias.assign(-_between(sums, layer.bias_initializer.seed))


def _between(sums: np.ndarray, seed: int | None) -> np.ndarray:
    """Each unit's sum at a random point between random rows, `(units,)`, of sums `(n, units)`."""
    rng, units = np.random.default_rng(seed), sums.shape[1]
    corners = rng.integers(len(sums), size=(_NUM_CORNERS, units))
    # Exponential values over their sum are even on the simplex.
    shares = rng.exponential(size=(_NUM_CORNERS, units))
    return (sums[corners, np.arange(units)] * shares).sum(axis=0) / shares.sum(axis=0)
