"""A network's graph with what calibration and the training ranges add to its answers."""

from typing import Any

import numpy as np
import tensorflow as tf

from kmlp.data.columns import Column
from kmlp.data.dataset import DataSpec
from kmlp.data.encoder import scaled
from kmlp.deploy.calibration.record import LEAST_PROBABILITY, Calibration
from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph


class AnswersGraph(tf.Module):
    """The same network, or several, whose outputs are calibrated; others are added.

    `probabilities` are at the calibration's temperature, and so is what follows from them, `label`
    by its threshold and `entropy`; `stddev` is over the members as they are. `set`
    `(batch, num_classes)` is whether each class is in the row's set, by the network's own
    probabilities; `lower` and `upper` `(batch,)` are an interval's ends. `out_of_range` is whether
    a cell is none that training saw: `(batch, columns)` of a table's raw columns, in their order
    in the schema; `(batch,)`, any value, of arrays without columns. `logits` are as they were.

    Args:
        graph: the network, or several.
        spec: the data.
        calibration: None adds the ranges only.
    """

    def __init__(
        self,
        graph: MemberGraph | EnsembleGraph,
        spec: DataSpec,
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__()
        self._graph, self._spec = graph, spec
        self._told = calibration or Calibration(rows="none", num_rows=0)

    def predict(self, inputs: Any) -> dict[str, Any]:
        outputs = self._graph.predict(inputs)
        if self._spec.num_classes:
            outputs = self._of_classes(outputs)
        elif (half_width := self._told.half_width) is not None:
            outputs = outputs | self._interval(outputs["prediction"], half_width)
        strange = out_of_range(inputs, self._spec)
        return outputs if strange is None else outputs | {"out_of_range": strange}

    def logits(self, inputs: Any) -> dict[str, Any]:
        return self._graph.logits(inputs)

    def _of_classes(self, outputs: dict[str, Any]) -> dict[str, Any]:
        own, told = outputs["probabilities"], self._told
        more = {}
        if told.least_probability is not None:
            more["set"] = own >= tf.cast(told.least_probability, own.dtype)
        p = own
        if told.temperature is not None:
            logs = tf.math.log(tf.maximum(own, LEAST_PROBABILITY))
            p = tf.nn.softmax(logs / told.temperature)
            more["probabilities"] = p
            if "entropy" in outputs:
                logs = tf.math.log(tf.maximum(p, LEAST_PROBABILITY))
                more["entropy"] = -tf.reduce_sum(p * logs, axis=-1)
        if told.threshold is not None:
            more["label"] = tf.cast(p[:, 1] >= told.threshold, tf.int32)
        return outputs | more

    def _interval(self, prediction: Any, half_width: float) -> dict[str, Any]:
        """In the unit that the network is trained in."""
        target = self._spec.target
        half_width = float(np.ldexp(half_width, -target.exponent if target else 0))
        return {"lower": prediction - half_width, "upper": prediction + half_width}


Graph = MemberGraph | EnsembleGraph | AnswersGraph


def out_of_range(inputs: Any, spec: DataSpec) -> Any:
    """Whether encoded inputs are such as training did not see; None where that cannot be.

    A number below the smallest or above the largest, a category of its own, a gap in a column
    that had none. Without columns, any value of a row outside the range of all.
    """
    if spec.columns:
        return _by_column(inputs, spec.columns)
    if spec.value_range is None:
        return None
    low, high = spec.value_range
    outside = tf.logical_or(inputs < low, inputs > high)
    return tf.reduce_any(outside, axis=list(range(1, len(spec.input_shape) + 1)))


def _by_column(matrix: Any, columns: tuple[Column, ...]) -> Any:
    """`(batch, raw columns)`; of a date any of its parts."""
    low, high = np.transpose([_ends(column) for column in columns]).astype(np.float32)
    outside = tf.logical_or(matrix < low, matrix > high)
    had_gaps = np.array([column.has_missing for column in columns])
    strange = tf.logical_or(outside, tf.logical_and(tf.math.is_nan(matrix), tf.constant(~had_gaps)))
    sources = list(dict.fromkeys(column.source for column in columns))
    if len(sources) == len(columns):
        return strange
    # As a product, which all runtimes know.
    belongs = np.array([[column.source == name for name in sources] for column in columns])
    return tf.cast(strange, tf.float32) @ belongs.astype(np.float32) > 0.5


def _ends(column: Column) -> tuple[float, float]:
    """Of an encoded column; rounded as its values are, so that the ends themselves lie inside."""
    if column.kind == "category":
        return 0.0, float(len(column.values) - 1)
    if column.kind == "boolean":
        return 0.0, 1.0
    if column.low is None or column.high is None:
        return -np.inf, np.inf
    low, high = scaled(np.array([column.low, column.high]), column.offset, column.exponent)
    return float(low), float(high)
