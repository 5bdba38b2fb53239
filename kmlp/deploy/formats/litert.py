"""A network for LiteRT (once TensorFlow Lite): one file, held to TensorFlow before it counts."""

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from kmlp.data.dataset import DataSpec
from kmlp.deploy.formats.holding import INPUT, Graph, Outputs, hold, network_of

NAME = "model.tflite"
SIGNATURE = "serving_default"
_ROWS_AT_ONCE = 100


def litert_model(graph: Graph, spec: DataSpec) -> bytes:
    """The network, float32, from encoded rows to its outputs.

    Its input is named `inputs`: raw examples of arrays, of tables and of arrays that are scaled
    the encoded matrix, as `encoder.json` says. A regression's numbers are in the unit of training.

    Args:
        graph: the network, or several, or an `AnswersGraph` of them.
        spec: of the data.

    Raises:
        KmlpError: converted, it gives something else.
    """
    function, inputs = network_of(graph, spec)
    with _quietly():
        concrete = [function.get_concrete_function(inputs)]
        content = tf.lite.TFLiteConverter.from_concrete_functions(concrete, graph).convert()
    hold("LiteRT", graph, spec, lambda rows: run_litert(content, rows))
    return content


def run_litert(content: bytes, rows: np.ndarray) -> Outputs:
    """What a converted network gives of rows."""
    with _quietly():
        interpreter = tf.lite.Interpreter(model_content=content)
    runner = interpreter.get_signature_runner(SIGNATURE)
    parts = [
        runner(**{INPUT: rows[start : start + _ROWS_AT_ONCE]})
        for start in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The interpreter warns that it moves to a package of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
