"""A converted network is held to what it was made from, before anything is published."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from kmlp.data.dataset import DataSpec
from kmlp.deploy.formats.rows import drawn_rows
from kmlp.deploy.graph.answers import Graph
from kmlp.errors import KmlpError

TOLERANCE = 1e-5
"""By which an output may differ, in units of the largest, or of 1."""
INPUT = "inputs"
_NUM_ROWS = 1000
_NEAR_A_BOUND = 0.005
"""Share of labels and flags that may differ: where two classes are equally likely, or a value is at
a bound, rounding decides."""
Outputs = dict[str, np.ndarray]


def network_of(graph: Graph, spec: DataSpec) -> tuple[Any, tf.TensorSpec]:
    """The network in float32, from encoded rows to its outputs, as a function; and its input."""
    inputs = tf.TensorSpec((None, *spec.input_shape), spec.input_dtype, name=INPUT)
    return tf.function(graph.predict, autograph=False, input_signature=[inputs]), inputs


def hold(runtime: str, graph: Graph, spec: DataSpec, run: Callable[[np.ndarray], Outputs]) -> None:
    """Refuses a converted network that gives something else.

    Args:
        runtime: what it was converted for.
        graph: what TensorFlow computes.
        spec: of the data.
        run: from rows to what the converted network gives.

    Raises:
        KmlpError: more than `TOLERANCE` from TensorFlow on one of a thousand rows drawn from the
            training ranges.
    """
    rows = drawn_rows(spec, _NUM_ROWS)
    wanted = {name: value.numpy() for name, value in graph.predict(tf.constant(rows)).items()}
    if other := differing(wanted, run(rows)):
        raise KmlpError(
            f"converted for {runtime} the network gives other {other} than before; nothing was "
            "written. Export it as a SavedModel: leave out --format."
        )


def differing(wanted: Outputs, found: Outputs) -> str:
    """The first output that is not what it should be; empty where all are."""
    for name, values in wanted.items():
        if name not in found or found[name].shape != values.shape:
            return name
        if values.dtype.kind != "f":
            if np.mean(found[name] != values) > _NEAR_A_BOUND:
                return name
            continue
        unit = max(1.0, float(np.abs(values).max(initial=0)))
        if not np.all(np.abs(found[name] - values) <= TOLERANCE * unit):
            return name
    return ""
