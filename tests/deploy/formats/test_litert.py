"""Converted networks give what TensorFlow gives."""

import numpy as np
import pytest

from kmlp.deploy.formats.litert import litert_model, run_litert
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


@pytest.mark.parametrize("make", [member, ensemble, calibrated])
@pytest.mark.parametrize("spec", [IMAGES, table_spec("binary"), table_spec("regression")])
def test_a_converted_network_predicts_the_same_of_any_number_of_rows(make, spec):
    graph = make(spec)
    content = litert_model(graph, spec)
    rows = drawn_rows(spec, 7)
    wanted, found = graph.predict(rows), run_litert(content, rows)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)


@pytest.mark.parametrize("make", [member, ensemble])
def test_the_runtime_that_took_tensorflow_lites_place_predicts_the_same(make):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    for spec in (IMAGES, table_spec("regression")):
        graph = make(spec)
        rows = drawn_rows(spec, 5)
        loaded = interpreter.Interpreter(model_content=litert_model(graph, spec))
        found = loaded.get_signature_runner("serving_default")(inputs=rows)
        for name, values in graph.predict(rows).items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("config", PARTS.values(), ids=PARTS)
def test_what_recipes_are_made_of_can_be_converted(config):
    """`litert_model` itself holds it to TensorFlow on a thousand rows."""
    assert litert_model(*adapted(config))
