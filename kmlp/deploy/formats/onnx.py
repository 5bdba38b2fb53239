"""A network for ONNX's runtimes: one file, held to TensorFlow before it counts."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
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
    concrete = function.get_concrete_function(inputs)
    names = sorted(concrete.structured_outputs)  # as TensorFlow takes them apart
    with _quietly():
        from tensorflow.python.framework.convert_to_constants import (
            convert_variables_to_constants_v2,
        )
        from tf2onnx import convert

        frozen = convert_variables_to_constants_v2(concrete)
        given, found = [t.name for t in frozen.inputs], [t.name for t in frozen.outputs]
        model, _ = convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=given,
            output_names=found,
            opset=_OPSET,
            custom_op_handlers={"Erfc": (_erfc, [])},
        )
    _rename(model.graph, dict(zip([*given, *found], [INPUT, *names], strict=True)))
    content = model.SerializeToString()
    hold("ONNX", graph, spec, lambda rows: run_onnx(content, rows))
    return content


def run_onnx(content: bytes, rows: np.ndarray) -> Outputs:
    """What a converted network gives of rows."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {INPUT: rows}), strict=True))


def _erfc(graph: Any, node: Any, *_: Any) -> None:
    """1 - erf, of which gelu is made: tf2onnx knows only erf."""
    (given,), (found,) = node.input, node.output
    dtype, shape = graph.get_dtype(found), graph.get_shape(found)
    graph.remove_node(node.name)
    erf = graph.make_node("Erf", [given], dtypes=[dtype], shapes=[shape])
    one = graph.make_const(f"{node.name}_one", np.float32(1))
    parts = [one.output[0], erf.output[0]]
    graph.make_node("Sub", parts, outputs=[found], dtypes=[dtype], shapes=[shape])


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Calls what goes in and comes out as TensorFlow does, and the first axis of these rows."""
    for node in graph.node:
        node.input[:] = [names.get(each, each) for each in node.input]
        node.output[:] = [names.get(each, each) for each in node.output]
    for value in (*graph.input, *graph.output):
        value.name = names[value.name]
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
