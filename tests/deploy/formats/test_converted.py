"""Networks converted for other runtimes give there what TensorFlow gives."""

import numpy as np
import pytest

from kmlp.deploy.formats.litert import litert_model, run_litert
from kmlp.deploy.formats.onnx import onnx_model, run_onnx
from kmlp.deploy.formats.rows import drawn_rows
from tests.deploy.formats.made_graphs import (
    IMAGES,
    PARTS,
    adapted,
    calibrated,
    ensemble,
    member,
    table_spec,
)

RUNTIMES = {"litert": (litert_model, run_litert), "onnx": (onnx_model, run_onnx)}


@pytest.mark.parametrize(("convert", "run"), RUNTIMES.values(), ids=RUNTIMES)
@pytest.mark.parametrize("make", [member, ensemble, calibrated])
@pytest.mark.parametrize("spec", [IMAGES, table_spec("binary"), table_spec("regression")])
def test_a_converted_network_predicts_the_same_of_any_number_of_rows(make, spec, convert, run):
    graph = make(spec)
    content = convert(graph, spec)
    for num_rows in (1, 7):
        rows = drawn_rows(spec, num_rows)
        wanted, found = graph.predict(rows), run(content, rows)
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("convert", [litert_model, onnx_model])
@pytest.mark.parametrize("config", PARTS.values(), ids=PARTS)
def test_what_recipes_are_made_of_can_be_converted(config, convert):
    """What converts holds it to TensorFlow on a thousand rows itself."""
    assert convert(*adapted(config))
