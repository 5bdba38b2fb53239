"""A network for LiteRT (once TensorFlow Lite): one file, held to TensorFlow before it counts."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from kmlp.data.dataset import DataSpec
from kmlp.deploy.formats.rows import drawn_rows
from kmlp.errors import KmlpError

NAME = "model.tflite"
SIGNATURE = "serving_default"
TOLERANCE = 1e-5
_NUM_ROWS = 1000
_ROWS_AT_ONCE = 100
Outputs = dict[str, np.ndarray]


def litert_model(graph: Any, spec: DataSpec) -> bytes:
    """The network, float32, from encoded rows to its outputs.

    Its input is named `inputs`: raw examples of arrays, of tables and of arrays that are scaled
    the encoded matrix, as `encoder.json` says. A regression's numbers are in the unit of training.

    Args:
        graph: the network, or several, or an `AnswersGraph` of them.
        spec: of the data.

    Raises:
        KmlpError: converted, it gives something else: more than `TOLERANCE` from TensorFlow on one
            of a thousand rows drawn from the training ranges.
    """
    inputs = tf.TensorSpec((None, *spec.input_shape), spec.input_dtype, name="inputs")
    function = tf.function(graph.predict, autograph=False).get_concrete_function(inputs=inputs)
    with _quietly():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], graph)
        content = converter.convert()
    rows = drawn_rows(spec, _NUM_ROWS)
    wanted = {name: value.numpy() for name, value in function(inputs=tf.constant(rows)).items()}
    _hold(wanted, run_litert(content, rows))
    return content


def run_litert(content: bytes, rows: np.ndarray) -> Outputs:
    """What a converted network gives of rows."""
    with _quietly():
        interpreter = tf.lite.Interpreter(model_content=content)
    runner = interpreter.get_signature_runner(SIGNATURE)
    parts = [
        runner(inputs=rows[start : start + _ROWS_AT_ONCE])
        for start in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _hold(wanted: Outputs, found: Outputs) -> None:
    for name, values in wanted.items():
        if name == "label":
            continue  # the largest probability's place: of two that are equal it may be either
        unit = max(1.0, float(np.abs(values).max()))
        if name not in found or not np.allclose(found[name], values, rtol=0, atol=TOLERANCE * unit):
            raise KmlpError(
                f"converted for LiteRT the network gives other {name} than before; nothing was "
                "written. Export it as a SavedModel: leave out --format."
            )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The interpreter warns that it moves to a package of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
