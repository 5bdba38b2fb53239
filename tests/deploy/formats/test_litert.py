"""What LiteRT's own runtime makes of converted networks."""

import numpy as np
import pytest

from kmlp.deploy.formats.litert import litert_model
from kmlp.deploy.formats.rows import drawn_rows
from tests.deploy.formats.made_graphs import IMAGES, ensemble, member, table_spec


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
