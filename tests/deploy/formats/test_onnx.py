"""What of a network is converted for ONNX, what its file says, and what is refused."""

import importlib.util

import pytest

from kmlp.config import MLPConfig
from kmlp.deploy.formats.known import check_formats
from kmlp.deploy.formats.onnx import onnx_model
from kmlp.errors import ConfigError, KmlpError
from tests.deploy.formats.made_graphs import IMAGES, ensemble, member, table_spec

ALL_LAYERS = {
    "activations": [
        MLPConfig(hidden_units=(4,), activation=name)
        for name in ("leaky_relu", "elu", "gelu", "selu", "tanh", "sigmoid")
    ],
    "normalizations": [
        MLPConfig(hidden_units=(4,), normalization=name) for name in ("batch", "layer")
    ],
    "averaged masks": [
        MLPConfig(hidden_units=(4,), drop_connect=0.3, drop_connect_inference="moments")
    ],
    "no hidden layer": [MLPConfig(hidden_units=())],
}


@pytest.mark.slow
@pytest.mark.parametrize("configs", ALL_LAYERS.values(), ids=ALL_LAYERS)
def test_every_layer_there_is_can_be_converted(configs):
    """`onnx_model` itself holds it to TensorFlow on a thousand rows."""
    for config in configs:
        for make in (member, ensemble):
            assert onnx_model(make(table_spec("binary"), config), table_spec("binary"))


def test_the_file_says_what_goes_in_and_what_comes_out():
    import onnx

    content = onnx_model(member(IMAGES), IMAGES)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model)
    (given,) = model.graph.input
    assert given.name == "inputs"
    assert [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim] == ["rows", 4, 4]
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert {output.name for output in model.graph.output} == {"probabilities", "label"}


def test_what_is_not_installed_is_said_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(KmlpError, match=r"needs onnx and onnxruntime and tf2onnx: pip install"):
        check_formats(["onnx"])
    check_formats(["litert"])


def test_no_other_format_is_known():
    with pytest.raises(ConfigError, match=r"formats are litert, onnx. Received: 'onix'. Did you"):
        check_formats(["onix"])
