"""An exported network takes the encoded matrix, gaps included: statistics and slots are inside."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph, write_graph
from kmlp.engine.stack import build_stack, extract_member
from tests.encoded import encoded_table
from tests.twins import make_member, train

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's"
)


@pytest.mark.slow
def test_a_member_and_an_ensemble_of_a_table_say_what_their_plain_models_say(tmp_path):
    import tensorflow as tf

    data = encoded_table()
    own = {"hidden_units": (6,), "batch_size": 32, "input_scaling": "robust"}
    members = [make_member(data, seed, **own) for seed in range(2)]
    stack = train(build_stack(members, data.spec), data, 1)
    models = [extract_member(stack, k) for k in range(2)]
    config, weights = members[0].model, [stack.weights_of(k) for k in range(2)]
    graphs = {
        "member": MemberGraph(models[1], "binary"),
        "ensemble": EnsembleGraph(config, data.spec, weights),
    }
    plain = [ops.convert_to_numpy(model(data.x_test))[:, 0] for model in models]
    expected = {"member": plain[1], "ensemble": np.mean(plain, axis=0)}
    for name, graph in graphs.items():
        write_graph(graph, data.spec, tmp_path / name)
        loaded = tf.saved_model.load(tmp_path / name).signatures["serving_default"]
        said = loaded(inputs=tf.constant(data.x_test))["probabilities"].numpy()[:, 1]
        np.testing.assert_allclose(said, expected[name], rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "own",
    [
        {"drop_connect": 0.3, "drop_connect_inference": "moments"},
        {"normalization": "batch", "dropout": 0.2, "input_noise": 0.1},
        {"normalization": "layer", "drop_connect": 0.3},
        {
            **{"input_scaling": "quantile", "number_embedding": "periodic", "learned_scale": True},
            **{"parametrization": "ntk", "parametric_activation": True, "activation": "mish"},
        },
        {
            **{"input_scaling": "robust", "input_clip": 3.0, "scaled_one_hot": True},
            **{"number_embedding": "piecewise_linear", "num_bins": 5, "residual_units": 4},
            **{"normalization": "batch", "residual_dropout": 0.1, "layer_dropout": (0.2,)},
        },
        {
            **{"weight_sharing": "tabm", "num_subnetworks": 3, "normalization": "layer"},
            **{"number_embedding": "piecewise_linear", "num_bins": 4, "dropout": 0.1},
        },
    ],
)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_networks_side_by_side_are_the_plain_ones(own, task):
    """Whatever the layers; what draws noise in training draws none here."""
    data = encoded_table(task=task)
    own = {**own, "clamped_predictions": task == "regression", "class_outputs": task == "binary"}
    members = [make_member(data, seed, hidden_units=(6,), batch_size=32, **own) for seed in (0, 1)]
    stack = train(build_stack(members, data.spec), data, 1)
    weights = [stack.weights_of(k) for k in range(2)]
    graph = EnsembleGraph(members[0].model, data.spec, weights)
    plain = [ops.convert_to_numpy(extract_member(stack, k)(data.x_test))[:, 0] for k in range(2)]
    said = graph.predict(data.x_test)
    mean = said["prediction"] if task == "regression" else said["probabilities"][:, 1]
    np.testing.assert_allclose(mean, np.mean(plain, axis=0), rtol=1e-5, atol=1e-6)
    assert np.ptp(plain, axis=0).max() > 1e-3
