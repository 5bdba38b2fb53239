"""Small networks with drawn weights, to be converted."""

import numpy as np

from kmlp.config import MLPConfig
from kmlp.data import Dataset
from kmlp.data.columns import DataSpec
from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph
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


def member(spec, config=CONFIG):
    return MemberGraph(build_mlp(config, spec), spec.task)


def ensemble(spec, config=CONFIG):
    models = [build_mlp(config, spec) for _ in range(2)]
    weights = [{v.path: np.asarray(v.value) for v in model.weights} for model in models]
    return EnsembleGraph(config, spec, weights)
