"""A network of sub-networks, held to the plain networks that it stands for."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.config import MLPConfig
from kmlp.config.tables.encoding import Encoding
from kmlp.config.tables.widths import num_trained
from kmlp.data import Dataset
from kmlp.nn.mlp import adapt, build_mlp, load_member_weights
from kmlp.nn.sharing.initial import Factors
from kmlp.nn.sharing.model import SubnetworkModel
from tests.encoded import encoded_table

KINDS = ("batch_ensemble", "tabm", "tabm_mini")
TASKS = ("multiclass", "binary", "regression")


def data_of(task: str) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5)).astype("float32")
    y = {
        "multiclass": np.arange(60) % 3,
        "binary": np.arange(60) % 2,
        "regression": 40 + 7 * x[:, 0].astype(np.float64),
    }[task]
    return Dataset.from_arrays(x, y, x[:20], y[:20])


def config_of(kind: str, **more) -> MLPConfig:
    own = {"hidden_units": (7, 6), "weight_sharing": kind, "num_subnetworks": 3, **more}
    return MLPConfig(**own)


def scrambled(model: keras.Model, scale: float = 0.5) -> dict[str, np.ndarray]:
    """Random values of all that is trained, by path: initial factors of 1 would hide much."""
    rng = np.random.default_rng(1)
    weights = {
        v.path: rng.normal(scale=scale, size=v.shape).astype("float32")
        for v in model.trainable_variables
    }
    load_member_weights(model, weights)
    return weights


def subnetwork(weights: dict[str, np.ndarray], layers: list[str], i: int) -> dict:
    """The weights of the plain network that sub-network `i` of 3 is: diag(r) W diag(s) and b."""
    found = {}
    for index, layer in enumerate(layers):
        kernel, bias = weights[f"{layer}/kernel"], weights[f"{layer}/bias"]
        name = "subnetworks" if index == 0 else layer
        if (r := weights.get(f"{name}/input_factors")) is not None:
            kernel = r[i][:, None] * kernel
        if (s := weights.get(f"{layer}/output_factors")) is not None:
            kernel = kernel * s[i]
        if layer == "output" and f"{layer}/output_factors" not in weights:
            kernel = np.split(kernel, 3)[i]
        found[f"{layer}/kernel"] = kernel
        found[f"{layer}/bias"] = bias[i] if bias.ndim == 2 else bias
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", TASKS)
def test_it_says_the_mean_of_what_the_networks_say_that_it_stands_for(kind, task):
    data = data_of(task)
    config = config_of(kind)
    shared = adapt(build_mlp(config, data.spec, seed=0), data.x_train, data.y_train)
    weights = scrambled(shared)
    plain = build_mlp(dataclasses.replace(config, weight_sharing="none"), data.spec)
    adapt(plain, data.x_train, data.y_train)
    said = []
    for i in range(3):
        load_member_weights(plain, subnetwork(weights, ["hidden_1", "hidden_2", "output"], i))
        said.append(ops.convert_to_numpy(plain(data.x_test)))
    together = ops.convert_to_numpy(shared(data.x_test))
    np.testing.assert_allclose(together, np.mean(said, axis=0), rtol=2e-5, atol=1e-6)
    each = ops.convert_to_numpy(shared(data.x_test, training=True))
    np.testing.assert_allclose(each, np.swapaxes(said, 0, 1), rtol=2e-5, atol=1e-6)
    assert np.std(said, axis=0).max() > 1e-3, "networks that differ"


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_each_trains_on_a_loss_of_its_own(kind):
    """By the chain rule: of the gradients of the networks that it stands for, summed by what they
    share, each by 1 / m."""
    data = data_of("multiclass")
    config, rate = config_of(kind), 2.0**-3
    shared = adapt(build_mlp(config, data.spec, seed=0), data.x_train)
    weights = scrambled(shared)
    layers = ["hidden_1", "hidden_2", "output"]
    plain = adapt(
        build_mlp(dataclasses.replace(config, weight_sharing="none"), data.spec), data.x_train
    )
    gradients = []
    for i in range(3):
        before = subnetwork(weights, layers, i)
        load_member_weights(plain, before)
        gradients.append(descended(plain, data, rate, before))
    changed = descended(shared, data, rate, weights)
    for index, layer in enumerate(layers):
        kernel = weights[f"{layer}/kernel"]
        r = weights.get(f"{'subnetworks' if index == 0 else layer}/input_factors", np.ones((3, 1)))
        s = weights.get(f"{layer}/output_factors", np.ones((3, 1)))
        of_kernels = [g[f"{layer}/kernel"] for g in gradients]
        if layer == "output" and kind != "batch_ensemble":
            expected = np.concatenate(of_kernels) / 3
        else:
            expected = sum(r[i][:, None] * g * s[i] for i, g in enumerate(of_kernels)) / 3
        np.testing.assert_allclose(changed[f"{layer}/kernel"], expected, rtol=1e-4, atol=1e-6)
        biases = np.stack([g[f"{layer}/bias"] for g in gradients]) / 3
        own = changed[f"{layer}/bias"].ndim == 2
        expected = biases if own else biases.sum(axis=0)
        np.testing.assert_allclose(changed[f"{layer}/bias"], expected, rtol=1e-4, atol=1e-6)
        if f"{layer}/output_factors" in changed:
            expected = [(r[i][:, None] * kernel * g).sum(0) / 3 for i, g in enumerate(of_kernels)]
            found = changed[f"{layer}/output_factors"]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def descended(model: keras.Model, data: Dataset, rate: float, before: dict) -> dict:
    """The gradient of every weight, from a step of plain descent."""
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    model.train_on_batch(data.x_train, data.y_train)
    return {
        v.path: (before[v.path] - ops.convert_to_numpy(v)) / rate for v in model.trainable_variables
    }


@pytest.mark.parametrize("kind", KINDS)
def test_initial_weights_are_those_of_the_papers(kind):
    data = data_of("multiclass")
    model = build_mlp(config_of(kind), data.spec, seed=3)
    weights = {v.path: ops.convert_to_numpy(v) for v in model.trainable_variables}
    assert set(np.unique(weights["subnetworks/input_factors"])) == {-1.0, 1.0}
    others = [w for path, w in weights.items() if "factors" in path and "subnetworks" not in path]
    assert len(others) == {"batch_ensemble": 5, "tabm": 3, "tabm_mini": 0}[kind]
    for factors in others:
        assert set(np.unique(factors)) == ({-1.0, 1.0} if kind == "batch_ensemble" else {1.0})
    heads = 1 if kind == "batch_ensemble" else 3
    assert weights["output/kernel"].shape == (6 * heads, 3)
    assert len({tuple(k.ravel()) for k in np.split(weights["output/kernel"], heads)}) == heads
    # Glorot's bound, by the fans of one of them.
    bound = np.sqrt(6 / (6 + 3))
    assert 0.8 * bound < np.abs(weights["output/kernel"]).max() <= bound
    assert num_trained(config_of(kind), data.spec) == sum(w.size for w in weights.values())


def test_biases_begin_alike_as_their_kernels_do():
    config = config_of("tabm", bias_initializer="normal")
    weights = {
        v.path: ops.convert_to_numpy(v)
        for v in build_mlp(config, data_of("binary").spec, seed=0).trainable_variables
    }
    hidden, output = weights["hidden_1/bias"], weights["output/bias"]
    assert (hidden == hidden[0]).all()
    assert len(np.unique(hidden[0])) == 7
    assert len(np.unique(output)) == 3, "output layers are each one's own"


def test_fans_are_those_of_one_sub_network():
    config = config_of(
        "tabm",
        kernel_initializer="fan_in_uniform",
        bias_initializer="fan_in_uniform",
        num_subnetworks=20,
    )
    model = build_mlp(config, data_of("multiclass").spec, seed=0)
    output = model.get_layer("output")
    for weight in (output.kernel, output.bias):
        most = np.abs(ops.convert_to_numpy(weight)).max()
        assert 0.9 / np.sqrt(6) < most <= 1 / np.sqrt(6)


@pytest.mark.parametrize("embedding", ["none", "periodic", "piecewise_linear"])
def test_features_of_a_column_share_a_factor_at_first(embedding):
    """Normal ones where numbers are embedded, as TabM has it, else signs."""
    spec = encoded_table().spec
    config = config_of("tabm", num_subnetworks=40, number_embedding=embedding, num_bins=4)
    columns = np.array(Encoding.of(config, spec).columns_of_features)
    model = build_mlp(config, spec, seed=0)
    factors = ops.convert_to_numpy(model.get_layer("subnetworks").factors)
    assert len(columns) == factors.shape[1]
    alike = (factors[:, :, None] == factors[:, None, :]).all(axis=0)
    np.testing.assert_array_equal(alike, columns[:, None] == columns)
    are_signs = bool((np.abs(factors) == 1).all())
    assert are_signs == (embedding == "none")


def test_normal_factors_are_normal():
    drawn = ops.convert_to_numpy(Factors("normal", seed=0)((100, 400)))
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02


@pytest.mark.long
def test_fit_follows_the_mean_in_metrics_and_the_mean_of_losses(tmp_path):
    data = data_of("multiclass")
    model = adapt(build_mlp(config_of("tabm"), data.spec, seed=0), data.x_train)
    weights = np.linspace(0.2, 2, 60)
    each = ops.convert_to_numpy(model(data.x_train, training=True))
    model.compile(
        keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    logs = model.fit(
        data.x_train, data.y_train, sample_weight=weights, batch_size=60, verbose=0
    ).history
    losses = -np.log(each[np.arange(60), :, data.y_train]).mean(axis=1)
    np.testing.assert_allclose(logs["loss"], [(weights * losses).mean()], rtol=1e-5)
    right = each.mean(axis=1).argmax(axis=1) == data.y_train
    np.testing.assert_allclose(logs["accuracy"], [right.mean()], rtol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again, SubnetworkModel)
    said = [ops.convert_to_numpy(m(data.x_test)) for m in (model, again)]
    np.testing.assert_array_equal(*said)
