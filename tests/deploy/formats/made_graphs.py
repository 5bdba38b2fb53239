"""Small networks with drawn weights, to be converted."""

import numpy as np

from kmlp.config import MLPConfig
from kmlp.data import Dataset
from kmlp.data.columns import DataSpec
from kmlp.deploy.calibration.record import Calibration
from kmlp.deploy.graph.answers import AnswersGraph
from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph
from kmlp.nn.mlp import adapt, build_mlp
from tests.encoded import encoded_table

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


PARTS = {
    "quantile": MLPConfig(hidden_units=(4,), input_scaling="quantile", learned_scale=True),
    "waves": MLPConfig(
        **{"hidden_units": (4,), "input_scaling": "robust", "input_clip": 3.0},
        **{"scaled_one_hot": True, "number_embedding": "periodic", "parametrization": "ntk"},
        **{"activation": "mish", "parametric_activation": True, "class_outputs": True},
    ),
    "bins": MLPConfig(
        **{"hidden_units": (4,), "number_embedding": "piecewise_linear", "num_bins": 5},
        **{"residual_units": 3, "normalization": "batch", "activation": "silu"},
    ),
    "shared": MLPConfig(hidden_units=(4, 3), weight_sharing="tabm", num_subnetworks=3),
}
"""What recipes are made of."""


def adapted(config):
    """A network that has learned from columns of every kind, and their spec."""
    data = encoded_table()
    model = adapt(build_mlp(config, data.spec, seed=0), data.x_train, data.y_train)
    return MemberGraph(model, data.spec.task), data.spec


def calibrated(spec):
    """With everything that an answer can have."""
    of_classes = {"temperature": 1.7, "least_probability": 0.4}
    if spec.task == "binary":
        of_classes |= {"threshold": 0.45}
    said = of_classes if spec.num_classes else {"half_width": 0.7}
    return AnswersGraph(ensemble(spec), spec, Calibration(rows="reserved", num_rows=50, **said))
