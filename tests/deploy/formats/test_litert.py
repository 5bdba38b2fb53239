"""Converted networks give what TensorFlow gives, or are not written."""

import numpy as np
import pytest

from kmlp.config import MLPConfig
from kmlp.data import Dataset
from kmlp.data.columns import DataSpec
from kmlp.deploy.formats.litert import _hold, litert_model, run_litert
from kmlp.deploy.formats.rows import drawn_rows
from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph
from kmlp.errors import KmlpError
from kmlp.nn.mlp import build_mlp

CONFIG = MLPConfig(hidden_units=(8,))
IMAGES = DataSpec(
    task="multiclass",
    input_shape=(4, 4),
    input_dtype="uint8",
    num_classes=3,
    class_names=("a", "b", "c"),
)


def table_spec(task):
    columns = {"number": [1.0, None, 3.5, 2.0] * 10, "word": ["a", "b", "", "c"] * 10}
    target = [0.5, 2.0, 1.0, 3.0] * 10 if task == "regression" else ["x", "y"] * 20
    return Dataset.from_table({**columns, "y": target}, target="y", task=task, test=0.2).spec


def member(spec):
    return MemberGraph(build_mlp(CONFIG, spec), spec.task)


def ensemble(spec):
    models = [build_mlp(CONFIG, spec) for _ in range(2)]
    weights = [{v.path: np.asarray(v.value) for v in model.weights} for model in models]
    return EnsembleGraph(CONFIG, spec, weights)


@pytest.mark.parametrize("make", [member, ensemble])
@pytest.mark.parametrize("spec", [IMAGES, table_spec("binary"), table_spec("regression")])
def test_a_converted_network_predicts_the_same_of_any_number_of_rows(make, spec):
    graph = make(spec)
    content = litert_model(graph, spec)
    rows = drawn_rows(spec, 7)
    wanted, found = graph.predict(rows), run_litert(content, rows)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5)


def test_what_is_not_the_same_is_refused():
    wanted = {"probabilities": np.array([[0.25, 0.75]]), "label": np.array([1])}
    _hold(wanted, {**wanted, "label": np.array([0])})
    with pytest.raises(KmlpError, match="other probabilities than before; nothing was written"):
        _hold(wanted, {"probabilities": wanted["probabilities"] + 1e-4, "label": wanted["label"]})
    with pytest.raises(KmlpError, match="other probabilities"):
        _hold(wanted, {})
