"""From a config to a plain functional Keras model, and the one layout both topologies share."""

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from kmlp.config import MLPConfig
from kmlp.data.dataset import DataSpec
from kmlp.errors import ConfigError
from kmlp.nn.columns.encoding import ColumnEncoding
from kmlp.nn.columns.statistics import column_statistics
from kmlp.nn.initializers import RowInitialization
from kmlp.nn.layer_factories import PlainLayers
from kmlp.nn.sharing.model import SubnetworkModel
from kmlp.nn.topology import CLAMP, assemble, bias_initializer, own_dtype

_CHUNK = 8192


def build_mlp(config: MLPConfig, spec: DataSpec, *, seed: int | None = None) -> keras.Model:
    """Builds a plain functional Keras model, uncompiled.

    Raw examples go in (scaling is inside); class probabilities, the probability of class 1 or
    a prediction in the target's own unit come out. Penalties are Keras's own kernel
    regularizers, max-norm its own kernel constraint. Where inputs are standardized, or the task
    is a regression, `adapt` sets the statistics.

    Args:
        config: the network.
        spec: the data's shapes and classes.
        seed: keys the initial weights, as `Seeds.init` does for a member; None draws them anew.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, num_classes)` probabilities
        (multiclass), `(batch, 1)` probabilities of class 1 (binary) or `(batch, 1)` predictions.

    Raises:
        ConfigError: `input_scaling="unit"` for inputs that are no `uint8`.

    Example:
        >>> from kmlp.data import Dataset
        >>> import numpy as np
        >>> x, y = np.zeros((6, 28, 28), "uint8"), np.arange(6) % 3
        >>> build_mlp(MLPConfig(), Dataset.from_arrays(x, y, x, y).spec).output_shape
        (None, 3)
    """
    with own_dtype():
        inputs = keras.Input(spec.input_shape, dtype=spec.input_dtype, name="inputs")
        x = keras.layers.Flatten(name="flatten")(inputs)
        outputs = assemble(x, config, spec, PlainLayers(config, spec, seed))
        if spec.task == "regression":
            last: keras.layers.Layer = keras.layers.Normalization(invert=True, name="predictions")
        else:
            kind = "softmax" if spec.task == "multiclass" else "sigmoid"
            last = keras.layers.Activation(kind, name="probabilities")
        kind_of_model = keras.Model if config.weight_sharing == "none" else SubnetworkModel
        return kind_of_model(inputs, last(outputs), name="mlp")


@dataclass(frozen=True)
class Statistics:
    """Mean and variance by column of `(n, columns)` values: two `(columns,)` `float64` arrays."""

    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        rows: np.ndarray | None = None,
        weight: np.ndarray | None = None,
    ) -> "Statistics":
        """Of some rows of `(num_rows, ...)` values, in chunks, so that memory stays small.

        A column that does not vary counts as varying by the dtype's own range (255 for `uint8`,
        else 1), so that another value at test time does not become huge.

        Args:
            values: of all rows.
            rows: which rows; all where omitted.
            weight: `(num_rows,)`, how often each row counts; once where omitted.

        Raises:
            ConfigError: a column varies, but so little that Keras's layer would not divide by it.
        """
        table = values.reshape(len(values), -1)
        rows = np.arange(len(table)) if rows is None else rows
        chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
        number = len(rows) if weight is None else weight[rows].sum(dtype=np.float64)
        total = sum(_total(table[c], c, weight) for c in chunks)
        mean = np.asarray(total) / number
        squares = sum(_total(np.square(table[c] - mean), c, weight) for c in chunks)
        variance = np.asarray(squares) / number
        unit = 255.0**2 if table.dtype == np.uint8 else 1.0
        # Below what one step of float32 in one of a billion rows would add: rounding of the mean.
        constant = variance <= 1e-24 * np.square(mean)
        tiny = ~constant & (variance < keras.config.epsilon() ** 2)
        if tiny.any():
            raise ConfigError(
                "standardizing needs values whose standard deviation is at least 1e-7. Received: "
                f"{variance[tiny][0] ** 0.5:.1e} in column {np.flatnonzero(tiny)[0]}. "
                "Write them in a smaller unit, such as 1e9 * x."
            )
        return cls(mean, np.where(constant, unit, variance))


def target_range(y: np.ndarray, weight: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Between which standardized values the targets `(n,)` lie that count, by path."""
    statistics = Statistics.of(y, weight=weight)
    counted = y if weight is None else y[weight > 0]
    bounds = {"lowest": counted.min(), "highest": counted.max()}
    stddev = np.sqrt(statistics.variance)
    return {f"{CLAMP}/{name}": (at - statistics.mean) / stddev for name, at in bounds.items()}


def _total(table: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Sums by column of `(n, columns)` values, which are of these rows."""
    if weight is None:
        return table.sum(axis=0, dtype=np.float64)
    return weight[rows].astype(np.float64) @ table.astype(np.float64)


def adapt(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
) -> keras.Model:
    """Sets the statistics of a model's inputs, standardized or columns, and a regression's target;
    and initial weights that follow from the rows.

    Args:
        model: as `build_mlp` made it; it is changed.
        x: the rows it will train on, raw, `(n, *input_shape)`; of a table, the encoded matrix.
        y: their targets `(n,)`; needed for a regression.
        sample_weight: `(n,)`, how often each row's target counts; inputs count by row.

    Returns:
        The same model.

    Raises:
        ConfigError: a regression without `y`.

    Example:
        >>> from kmlp.data import Dataset
        >>> x, y = np.random.rand(9, 4).astype("float32"), np.arange(9.0) ** 1.5
        >>> data = Dataset.from_arrays(x, y, x, y)
        >>> model = adapt(build_mlp(MLPConfig(), data.spec, seed=0), x, y)
        >>> tuple(model.get_layer("predictions").mean.shape)
        (1, 1)
    """
    names = {layer.name for layer in model.layers if _is_standardization(layer)}
    if "predictions" in names and y is None:
        raise ConfigError("adapt needs the targets of a regression. Write adapt(model, x, y).")
    weights = {}
    for layer, values, weight in (("scaling", x, None), ("predictions", y, sample_weight)):
        if layer in names and values is not None:
            statistics = Statistics.of(np.asarray(values), weight=weight)
            weights[f"{layer}/mean"] = statistics.mean
            weights[f"{layer}/variance"] = statistics.variance
    for layer in model.layers:
        if layer.name == CLAMP and y is not None:
            weights |= target_range(np.asarray(y), sample_weight)
        if isinstance(layer, ColumnEncoding):
            found = column_statistics(layer.plan, np.asarray(x))
            weights |= {f"{layer.name}/{name}": value for name, value in found.items()}
    load_member_weights(model, weights)
    RowInitialization(model).run(np.asarray(x))
    return model


class InitialNetworks:
    """Initial weights of networks of one config, as far as they follow from rows.

    Args:
        config: the networks', of which `follows_rows`.
        spec: the data.
    """

    def __init__(self, config: MLPConfig, spec: DataSpec) -> None:
        self.config, self._model = config, build_mlp(config, spec, seed=0)
        self._initialization = RowInitialization(self._model)

    def weights(
        self, seed: int, weights: Mapping[str, np.ndarray], x: np.ndarray
    ) -> dict[str, np.ndarray]:
        """A network's weights with those that follow from its rows, by path.

        Args:
            seed: as for `build_mlp`.
            weights: its initial weights and statistics, by path.
            x: as for `adapt`.
        """
        load_member_weights(self._model, weights)
        for index, layer in enumerate(self._initialization.dense):
            layer.bias_initializer = bias_initializer(
                self.config, index, seed, layer.kernel.shape[0]
            )
        self._initialization.run(x)
        found = {v.path: ops.convert_to_numpy(v) for v in self._model.trainable_variables}
        return {**weights, **found}


def load_member_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Sets a plain model's weights from those of one member, by path, such as "output/kernel".

    Raises:
        ValueError: a path that the model does not have, or some but not all trainable weights.
    """
    trainable = {v.path for v in model.trainable_variables}
    unknown = sorted(set(weights) - {v.path for v in model.variables})
    missing = sorted(trainable - set(weights)) if trainable & set(weights) else []
    if unknown or missing:
        raise ValueError(f"these are not the model's weights: unknown {unknown}, missing {missing}")
    for variable in model.variables:
        if variable.path in weights:
            variable.assign(weights[variable.path].reshape(variable.shape))
    for layer in model.layers:
        if _is_standardization(layer):
            layer.finalize_state()


def _is_standardization(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Normalization)
