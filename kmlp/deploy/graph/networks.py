"""Trained networks as a TensorFlow module with signatures, from raw examples to predictions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kmlp.config import MLPConfig
from kmlp.data.dataset import DataSpec
from kmlp.deploy.graph.raw_inputs import ENCODED
from kmlp.deploy.graph.raw_stage import RawStage
from kmlp.engine.prediction import Weights, side_by_side, stacked_networks
from kmlp.nn.losses import class_logits
from kmlp.nn.mlp import build_mlp, load_member_weights

_IN_UNIT = ("prediction", "stddev", "lower", "upper")
"""Outputs of a regression that are in the target's unit; all but the spread begin at its zero."""


class MemberGraph(tf.Module):
    """One network: its probabilities and label, or its prediction.

    Args:
        model: as `build_mlp` makes it, with trained weights.
        task: of the data.
    """

    def __init__(self, model: keras.Model, task: str) -> None:
        super().__init__()
        self._task, self._model = task, model
        self._to_outputs = keras.Model(model.input, model.layers[-1].input)
        self.variables_kept = [v.value for v in model.weights]

    def predict(self, inputs: Any) -> dict[str, Any]:
        if self._task == "regression":
            return {"prediction": self._model(inputs)[:, 0]}
        probabilities = ops.softmax(class_logits(self._task, self._to_outputs(inputs)))
        return {"probabilities": probabilities, "label": _label(probabilities)}

    def logits(self, inputs: Any) -> dict[str, Any]:
        return {"logits": class_logits(self._task, self._to_outputs(inputs))}


class EnsembleGraph(tf.Module):
    """Many networks side by side, as they were trained: every product batched over them.

    Args:
        config: which they share.
        spec: the data.
        weights: of each network.
    """

    def __init__(self, config: MLPConfig, spec: DataSpec, weights: Sequence[Weights]) -> None:
        super().__init__()
        self._task, self._stack = spec.task, stacked_networks(config, spec, weights)
        self._targets = {
            name: ops.convert_to_tensor(side_by_side(weights, path, (-1, 1)), "float32")
            for name in ("mean", "variance")
            if (path := f"predictions/{name}") in weights[0]
        }
        self.variables_kept = [v.value for v in self._stack.variables]

    def predict(self, inputs: Any) -> dict[str, Any]:
        each = self._member_predictions(inputs)
        mean, stddev = ops.mean(each, axis=0), ops.std(each, axis=0)
        if self._task == "regression":
            return {"prediction": mean, "stddev": stddev}
        return {
            "probabilities": mean,
            "label": _label(mean),
            "stddev": stddev,
            "entropy": -ops.sum(mean * ops.log(ops.maximum(mean, 1e-30)), axis=-1),
        }

    def logits(self, inputs: Any) -> dict[str, Any]:
        """The logarithms of the mean probabilities, whose softmax they are."""
        mean = ops.mean(self._member_predictions(inputs), axis=0)
        return {"logits": ops.log(ops.maximum(mean, 1e-30))}

    def _member_predictions(self, inputs: Any) -> Any:
        """Probabilities `(k, batch, num_classes)`, or predictions `(k, batch)`: every network sees
        the same rows."""
        num_members, _, num_features = self._stack.input_shape
        rows = ops.reshape(inputs, (1, -1, num_features))
        outputs = self._stack(ops.repeat(rows, num_members, axis=0))
        if self._task != "regression":
            return ops.softmax(class_logits(self._task, outputs))
        return outputs[..., 0] * ops.sqrt(self._targets["variance"]) + self._targets["mean"]


def _label(probabilities: Any) -> Any:
    """TensorFlow's own argmax: what Keras makes of it, TensorFlow Lite does not know."""
    return tf.argmax(probabilities, axis=-1, output_type=tf.int32)


def plain_network(config: MLPConfig, spec: DataSpec, weights: Weights) -> keras.Model:
    """A trained network as the plain Keras model that `build_mlp` makes."""
    model = build_mlp(config, spec)
    load_member_weights(model, weights)
    return model


def write_graph(graph: Any, spec: DataSpec, folder: Path, *, is_table: bool = False) -> None:
    """Writes a SavedModel.

    Args:
        graph: a `tf.Module` with `predict` and `logits`: a network, several, or an `AnswersGraph`.
        spec: of the data.
        folder: is written into.
        is_table: whether the columns of `spec` are of a table's schema: raw ones go in by name.
    """
    functions = {"serving_default": graph.predict}
    if spec.task != "regression":
        functions["logits"] = graph.logits
    if is_table:
        graph.raw_stage = RawStage(spec.columns)  # a part of what is saved: it holds lookup tables
        signatures = {n: _of_columns(f, spec, graph.raw_stage) for n, f in functions.items()}
        matrix = tf.TensorSpec((None, *spec.input_shape), spec.input_dtype, name="inputs")
        signatures[ENCODED] = _concrete(_in_unit(graph.predict, spec), inputs=matrix)
    else:
        raw = tf.TensorSpec((None, *spec.input_shape), spec.raw_dtype, name="inputs")
        signatures = {n: _concrete(_of_raw(f, spec), inputs=raw) for n, f in functions.items()}
    tf.saved_model.save(graph, str(folder), signatures=signatures)


def _concrete(function: Callable[..., Any], **signature: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**signature)


def _of_columns(function: Callable[[Any], dict[str, Any]], spec: DataSpec, stage: RawStage) -> Any:
    """The same of raw columns by name."""
    in_unit = _in_unit(function, spec)

    def call(**raw: Any) -> dict[str, Any]:
        return in_unit(stage(**raw))

    return _concrete(call, **stage.signature)


def _of_raw(function: Callable[[Any], dict[str, Any]], spec: DataSpec) -> Callable[[Any], Any]:
    """The same of examples as they come, in float64 where float32 would not keep the digits."""
    exponents = np.array([column.exponent for column in spec.columns], int)
    scales = np.ldexp(1.0, -exponents)
    offsets = np.array([column.offset for column in spec.columns], float) * scales
    in_unit = _in_unit(function, spec)

    def call(inputs: Any) -> dict[str, Any]:
        if spec.is_scaled:
            largest = np.finfo(np.float32).max
            scaled = tf.clip_by_value(inputs * scales - offsets, -largest, largest)
            inputs = tf.cast(scaled, tf.float32)
        return in_unit(inputs)

    return call


def _in_unit(function: Callable[[Any], dict[str, Any]], spec: DataSpec) -> Callable[[Any], Any]:
    """The same with predictions in the target's own unit, in float64 where that is scaled."""
    target = spec.target
    if target is None:
        return function
    unit = np.ldexp(1.0, target.exponent)

    def call(inputs: Any) -> dict[str, Any]:
        outputs = function(inputs)
        in_unit = {n: tf.cast(outputs[n], tf.float64) * unit for n in _IN_UNIT if n in outputs}
        moved = {n: in_unit[n] + target.offset for n in in_unit if n != "stddev"}
        return outputs | in_unit | moved

    return call
