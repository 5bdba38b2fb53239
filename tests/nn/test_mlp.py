"""The plain model: its layers, its statistics and its initial weights."""

import keras
import numpy as np
import pytest

from kmlp.config import ACTIVATIONS, MLPConfig
from kmlp.config.tables.widths import kernel_shapes, num_trained
from kmlp.data import Dataset
from kmlp.errors import ConfigError
from kmlp.nn.mlp import Statistics, adapt, build_mlp, load_member_weights
from kmlp.nn.topology import kernel_initializer, penalties


@pytest.fixture(scope="module")
def table() -> Dataset:
    """Features of very different sizes; the last never varies while training."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)) * [1, 100, 1e-2, 0] + [0, 5000, 1, 3]
    y = 1000 + 50 * x[:, 0]
    return Dataset.from_arrays(x, y, x[:20], y[:20])


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


def num_values(weights: list) -> int:
    return sum(int(np.prod(w.shape)) for w in weights)


def test_the_layers_come_in_the_published_order(tiny):
    """Normalization before the activation, dropout after it; scaling is inside."""
    config = MLPConfig(
        **{"hidden_units": (5,), "normalization": "batch", "dropout": 0.1},
        **{"input_dropout": 0.2, "input_noise": 0.1},
    )
    assert names(build_mlp(config, tiny.spec)) == [
        "inputs", "flatten", "scaling", "noise_0", "dropout_0", "hidden_1", "normalization_1",
        "activation_1", "dropout_1", "output", "probabilities",
    ]  # fmt: skip


def test_inputs_are_clipped_before_noise_and_scaled_by_learned_factors_after_it(tiny):
    config = MLPConfig(
        **{"hidden_units": (5,), "input_clip": 3.0, "input_noise": 0.1, "learned_scale": True},
        **{"parametrization": "ntk", "parametric_activation": True},
    )
    assert names(build_mlp(config, tiny.spec)) == [
        "inputs", "flatten", "scaling", "clip", "noise_0", "input_scale", "fan_in_1", "hidden_1",
        "activation_1", "fan_in_2", "output", "probabilities",
    ]  # fmt: skip


def test_input_noise_is_kerass_own_layer_and_off_when_predicting(tiny):
    noisy, plain = (
        build_mlp(MLPConfig(hidden_units=(5,), input_noise=noise), tiny.spec, seed=0)
        for noise in (0.25, 0.0)
    )
    layer = noisy.get_layer("noise_0")
    assert (type(layer), layer.stddev) == (keras.layers.GaussianNoise, 0.25)
    x = tiny.x_test
    np.testing.assert_array_equal(noisy(x, training=False), plain(x, training=False))
    assert abs(np.asarray(noisy(x, training=True)) - np.asarray(plain(x))).max() > 0.01


def test_a_residual_network_is_the_authors(tiny):
    """x + Dropout(Linear(Dropout(ReLU(Linear(BN(x)))))) between a dense layer and a head of BN and
    ReLU, by NumPy from its weights; moving statistics are 0 and 1, so BN divides by nearly 1."""
    config = MLPConfig(
        **{"hidden_units": (7, 5), "residual_units": 4, "normalization": "batch"},
        **{"dropout": 0.2, "residual_dropout": 0.1, "input_scaling": "none"},
    )
    model = build_mlp(config, tiny.spec, seed=2)
    for variable in model.weights:  # biases are 0 at first
        if variable.name == "bias":
            variable.assign(np.linspace(-0.5, 0.5, variable.shape[0]))
    of = {v.path: np.asarray(v, float) for v in model.weights}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ of[f"{name}/kernel"] + of[f"{name}/bias"]

    norm = (1 + 1e-3) ** -0.5
    x = dense(tiny.x_test.astype(float), "residual_0")
    for block in (1, 2):
        z = np.maximum(dense(norm * x, f"hidden_{block}"), 0)
        x = x + dense(z, f"residual_{block}")
    logits = dense(np.maximum(norm * x, 0), "output")
    output = keras.Model(model.input, model.get_layer("output").output)
    np.testing.assert_allclose(output(tiny.x_test, training=False), logits, rtol=1e-4, atol=1e-5)
    drawing = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [(layer.name, layer.rate) for layer in drawing] == [
        ("dropout_1", 0.2), ("residual_dropout_1", 0.1),
        ("dropout_2", 0.2), ("residual_dropout_2", 0.1),
    ]  # fmt: skip
    assert kernel_shapes(config, tiny.spec) == [(12, 4), (4, 7), (7, 4), (4, 5), (5, 4), (4, 3)]
    assert num_trained(config, tiny.spec) == num_values(model.trainable_weights)


@pytest.mark.parametrize(
    "fields",
    [
        {"parametric_activation": True, "normalization": "layer", "learned_scale": True},
        {"parametric_activation": True, "residual_units": 3, "normalization": "batch"},
    ],
)
def test_trained_weights_are_counted_as_keras_counts_them(tiny, fields):
    config = MLPConfig(hidden_units=(5, 6), **fields)
    model = build_mlp(config, tiny.spec)
    assert num_trained(config, tiny.spec) == num_values(model.trainable_weights)


def test_dropout_by_layer_gives_each_its_rate(tiny):
    model = build_mlp(MLPConfig(hidden_units=(5, 6), layer_dropout=(0.5, 0.25)), tiny.spec)
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.5, 0.25]


def test_moments_hold_their_activation(tiny):
    config = MLPConfig(hidden_units=(5,), drop_connect=0.5, drop_connect_inference="moments")
    model = build_mlp(config, tiny.spec)
    assert "activation_1" not in names(model)
    assert model.get_layer("hidden_1").activation is keras.activations.relu


def test_no_hidden_layer_is_a_linear_model(tiny):
    assert names(build_mlp(MLPConfig(hidden_units=()), tiny.spec)) == [
        "inputs", "flatten", "scaling", "output", "probabilities",
    ]  # fmt: skip


def test_outputs_follow_the_task(table, tiny):
    assert build_mlp(MLPConfig(), table.spec).output_shape == (None, 1)
    assert build_mlp(MLPConfig(), tiny.spec).output_shape == (None, 3)
    y = tiny.y_train == 1
    binary = Dataset.from_arrays(tiny.x_train, y, tiny.x_train, y)
    probabilities = build_mlp(MLPConfig(), binary.spec).predict(tiny.x_test, verbose=0)
    assert probabilities.shape == (90, 1)
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_a_model_for_images_is_saved_and_loaded_with_all_its_layers(tmp_path, tiny):
    config = MLPConfig(drop_connect=0.2, max_norm=2.0, l2=0.1, normalization="layer")
    model = build_mlp(config, tiny.spec, seed=1)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        loaded.predict(tiny.x_test, verbose=0), model.predict(tiny.x_test, verbose=0)
    )
    assert loaded.get_layer("hidden_1").rate == 0.2


def test_statistics_are_those_of_numpy(table):
    rows = np.arange(3, 150)
    found = Statistics.of(table.x_train, rows)
    x = table.x_train[rows].astype(np.float64)
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.variance[:3], x.var(axis=0)[:3], rtol=1e-9)


def test_statistics_do_not_depend_on_the_chunks(table, monkeypatch):
    whole = Statistics.of(table.x_train)
    monkeypatch.setattr("kmlp.nn.mlp._CHUNK", 7)
    np.testing.assert_allclose(Statistics.of(table.x_train).variance, whole.variance, rtol=1e-12)


def test_a_row_that_counts_twice_is_two_rows_to_statistics():
    """In chunks as well; a row that counts for nothing has no say."""
    rng = np.random.default_rng(0)
    x, weight = rng.normal(5.0, 2.0, (40, 3)).astype("float32"), rng.integers(0, 4, 40)
    rows = rng.permutation(40)[:30]
    found = Statistics.of(x, rows, weight.astype("float32") / 1.7)
    twice = Statistics.of(np.repeat(x[rows], weight[rows], axis=0))
    np.testing.assert_allclose(found.mean, twice.mean, rtol=1e-12)
    np.testing.assert_allclose(found.variance, twice.variance, rtol=1e-12)


def test_a_feature_that_never_varies_is_not_blown_up(table):
    """Another value at test time stays of its own size: scaled by 1, or a pixel by 255."""
    assert Statistics.of(table.x_train).variance[3] == 1
    images = np.full((5, 2), 7, np.uint8)
    np.testing.assert_array_equal(Statistics.of(images).variance, 255.0**2)


def test_values_too_small_for_keras_own_layer_are_refused(table):
    """Keras divides by 1e-7 at least: the exported model would not be the trained one."""
    x = table.x_train.copy()
    x[:, 2] *= 1e-9
    with pytest.raises(ConfigError, match=r"at least 1e-7\. Received: .*e-1\d in column 2\."):
        Statistics.of(x)


def test_adapting_standardizes_inputs_and_maps_targets_back(table):
    model = build_mlp(MLPConfig(hidden_units=()), table.spec, seed=0)
    adapt(model, table.x_train, table.y_train)
    scaled = keras.Model(model.input, model.get_layer("scaling").output)
    z = scaled.predict(table.x_train, verbose=0)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(z.std(axis=0), [1, 1, 1, 0], atol=1e-3)
    output = keras.Model(model.input, model.get_layer("output").output)
    expected = output.predict(table.x_test, verbose=0) * table.y_train.std() + table.y_train.mean()
    np.testing.assert_allclose(model.predict(table.x_test, verbose=0), expected, rtol=1e-5)


def test_predictions_are_clamped_to_the_range_of_the_training_targets_but_not_in_training(table):
    config = MLPConfig(hidden_units=(), clamped_predictions=True)
    model = adapt(build_mlp(config, table.spec, seed=0), table.x_train, table.y_train)
    free = adapt(
        build_mlp(MLPConfig(hidden_units=()), table.spec, seed=0), table.x_train, table.y_train
    )
    x = 5 * (table.x_train - table.x_train.mean(axis=0)) + table.x_train.mean(axis=0)
    low, high = table.y_train.min(), table.y_train.max()
    wide = np.asarray(free(x))
    assert (wide < low).any()
    assert (wide > high).any()
    np.testing.assert_allclose(model(x), np.clip(wide, low, high), rtol=1e-5)
    np.testing.assert_allclose(model(x, training=True), wide, rtol=1e-5)


def test_a_regression_cannot_be_adapted_without_its_targets(table):
    with pytest.raises(ConfigError, match=r"Write adapt\(model, x, y\)\."):
        adapt(build_mlp(MLPConfig(), table.spec), table.x_train)


def test_adapting_a_model_without_statistics_changes_nothing(tiny):
    model = build_mlp(MLPConfig(input_scaling="none"), tiny.spec, seed=3)
    before = model.predict(tiny.x_test, verbose=0)
    np.testing.assert_array_equal(
        adapt(model, tiny.x_train).predict(tiny.x_test, verbose=0), before
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights_fit_the_activation(activation):
    """Variance 2 / in for relu and its kin, 1 / in for selu, 2 / (in + out) else."""
    config = MLPConfig(hidden_units=(400,), activation=activation)
    drawn = np.asarray(kernel_initializer(config, 0, seed=5)((300, 400)))
    variance = {"selu": 1 / 300, "tanh": 2 / 700, "sigmoid": 2 / 700}.get(activation, 2 / 300)
    assert drawn.var() == pytest.approx(variance, rel=0.02)
    output = np.asarray(kernel_initializer(config, 1, seed=5)((400, 300)))
    assert output.var() == pytest.approx(2 / 700, rel=0.02)


def test_ntk_divides_the_inputs_of_each_layer_by_the_root_of_their_number(tiny):
    """W x / sqrt(n) + b by NumPy, of weights drawn from N(0, 1) for the output layer as well."""
    config = MLPConfig(hidden_units=(200, 50), parametrization="ntk", activation="tanh")
    model = build_mlp(config, tiny.spec, seed=4)
    kernels = [np.asarray(w, float) for w in model.weights if w.name == "kernel"]
    assert [k.std() for k in kernels] == pytest.approx([1, 1, 1], abs=0.1)
    scaled = keras.Model(model.input, model.get_layer("scaling").output)
    x = np.asarray(scaled(tiny.x_test), float)
    for kernel in kernels[:-1]:
        x = np.tanh(x @ kernel / len(kernel) ** 0.5)
    expected = x @ kernels[-1] / 50**0.5
    output = keras.Model(model.input, model.get_layer("output").output)
    np.testing.assert_allclose(output(tiny.x_test), expected, rtol=1e-4, atol=1e-5)


def test_a_named_initializer_serves_all_layers():
    config = MLPConfig(hidden_units=(9,), kernel_initializer="lecun_normal")
    kinds = [kernel_initializer(config, index, seed=0) for index in (0, 1)]
    assert all(isinstance(kind, keras.initializers.LecunNormal) for kind in kinds)


def test_one_seed_draws_each_layer_anew_and_always_the_same():
    config = MLPConfig(hidden_units=(20, 20))
    first, again, second = (
        np.asarray(kernel_initializer(config, index, seed=1)((20, 20))) for index in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.2


def test_the_mean_penalty_divides_by_the_weights_of_all_kernels(tiny):
    config = MLPConfig(hidden_units=(16, 8), l1=0.5, l2=2.0, penalty_reduction="mean")
    n = 12 * 16 + 16 * 8 + 8 * 3
    assert penalties(config, tiny.spec) == (0.5 / n, 2.0 / n)
    model = build_mlp(config, tiny.spec, seed=0)
    kernels = [np.asarray(w) for w in model.weights if w.name == "kernel"]
    weights = np.concatenate([k.ravel() for k in kernels]).astype(float)
    expected = 0.5 * abs(weights).mean() + 2.0 * np.square(weights).mean()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_a_large_offset_is_no_constant():
    """Seconds since 1970, of some hours."""
    x = (1.6e9 + np.arange(0, 20_000, 128)).astype(np.float32)[:, None]
    assert Statistics.of(x).variance[0] == pytest.approx(x.astype(float).var(), rel=1e-6)


def test_weights_that_are_not_the_models_are_refused(tiny):
    model = build_mlp(MLPConfig(hidden_units=()), tiny.spec)
    kernel = np.zeros((12, 3))
    with pytest.raises(ValueError, match=r"unknown \['out/kernel'\]"):
        load_member_weights(model, {"out/kernel": kernel})
    with pytest.raises(ValueError, match=r"missing \['output/bias'\]"):
        load_member_weights(model, {"output/kernel": kernel})


def test_a_policy_of_the_callers_thread_does_not_change_the_model(tiny):
    """Stacks train in other threads, where Keras's policy is another."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_mlp(MLPConfig(), tiny.spec)
        assert {layer.compute_dtype for layer in model.layers} == {"float32"}
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
