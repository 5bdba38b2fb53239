"""An exported network takes the encoded matrix, gaps included: statistics and slots are inside."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.engine.stack import build_stack, extract_member
from tests.encoded import encoded_table
from tests.twins import make_member, train

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's"
)


def test_a_member_and_an_ensemble_of_a_table_say_what_their_plain_models_say(tmp_path):
    import tensorflow as tf

    from kmlp.deploy.graph.networks import EnsembleGraph, MemberGraph, write_graph

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
