"""A network for ONNX's runtimes: one file, held to TensorFlow before it counts."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from kmlp.data.dataset import DataSpec
from kmlp.deploy.formats.holding import INPUT, Graph, Outputs, hold, network_of

NAME = "model.onnx"
_OPSET = 18
_ROWS = "rows"


def onnx_model(graph: Graph, spec: DataSpec) -> bytes:
    """The network, float32, from encoded rows to its outputs.

    Its input is named `inputs`: raw examples of arrays, of tables and of arrays that are scaled
    the encoded matrix, as `encoder.json` says. A regression's numbers are in the unit of training.

    Args:
        graph: the network, or several.
        spec: of the data.

    Raises:
        KmlpError: converted, it gives something else.
    """
    function, inputs = network_of(graph, spec)
    names = list(function.get_concrete_function(inputs).structured_outputs)
    with _quietly():
        from tf2onnx import convert

        model, _ = convert.from_function(function, [inputs], opset=_OPSET)
    _name_outputs(model.graph, names)
    content = model.SerializeToString()
    hold("ONNX", graph, spec, lambda rows: run_onnx(content, rows))
    return content


def run_onnx(content: bytes, rows: np.ndarray) -> Outputs:
    """What a converted network gives of rows."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {INPUT: rows}), strict=True))


def _name_outputs(graph: Any, names: list[str]) -> None:
    """Calls the outputs as TensorFlow does, and the first axis of all that is said of it rows."""
    for output, name in zip(graph.output, names, strict=True):
        for node in graph.node:
            node.input[:] = [name if each == output.name else each for each in node.input]
            node.output[:] = [name if each == output.name else each for each in node.output]
        output.name = name
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _ROWS


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Converting is told at length, as what may be of use to whoever writes a converter."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
