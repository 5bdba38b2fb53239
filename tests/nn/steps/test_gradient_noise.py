"""The noise's statistics, and that the wrapper is a Keras optimizer wherever one is used.

With zero gradients, plain SGD and a learning rate of 1 every weight moves by minus the noise.
"""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from kmlp.errors import ConfigError
from kmlp.nn.steps.gradient_noise import GradientNoise

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def variable(value, **kwargs) -> keras.Variable:
    return keras.Variable(value, dtype="float32", **kwargs)


def noise_of(optimizer, shapes: list[tuple[int, ...]], steps: int) -> list[list[np.ndarray]]:
    """What each step adds to the gradient of each variable."""
    variables, drawn = [variable(np.zeros(shape)) for shape in shapes], []
    for _ in range(steps):
        before = [ops.convert_to_numpy(v) for v in variables]
        optimizer.apply([ops.zeros(shape) for shape in shapes], variables)
        drawn += [[b - ops.convert_to_numpy(v) for b, v in zip(before, variables, strict=True)]]
    return drawn


def still_model(optimizer) -> keras.Model:
    """A compiled model whose gradients are zero, because its inputs are."""
    dense = keras.layers.Dense(100, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((100,)), dense])
    model.compile(optimizer, "mse")
    return model


def step(model: keras.Model) -> np.ndarray:
    """The noise of one compiled training step."""
    before = model.get_weights()[0]
    model.train_on_batch(np.zeros((2, 100)), np.zeros((2, 100)))
    return before - model.get_weights()[0]


def small_model(optimizer, seed: int = 0) -> keras.Model:
    dense = [
        keras.layers.Dense(n, a, kernel_initializer=keras.initializers.HeNormal(seed + n))
        for n, a in ((8, "relu"), (1, None))
    ]
    model = keras.Sequential([keras.Input((5,)), *dense])
    model.compile(optimizer, "mse")
    return model


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(40, 5)).astype("float32"), rng.normal(size=(40, 1)).astype("float32")


def train(model: keras.Model, epochs: int, **kwargs) -> list[np.ndarray]:
    model.fit(*rows(), batch_size=10, epochs=epochs, shuffle=False, verbose=0, **kwargs)
    return model.get_weights()


def assert_same(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    assert all((x == y).all() for x, y in zip(a, b, strict=True))


def assert_spread(noise: np.ndarray, stddev: float) -> None:
    """Mean and standard deviation are within four standard errors."""
    assert noise.mean() == pytest.approx(0, abs=4 * stddev / noise.size**0.5)
    assert noise.std() == pytest.approx(stddev, rel=4 / (2 * noise.size) ** 0.5)


@pytest.mark.parametrize("decay", [0.0, 0.55, 1.0])
def test_the_noise_of_step_t_is_the_papers(decay):
    drawn = noise_of(GradientNoise(keras.optimizers.SGD(1.0), 0.3, decay, seed=1), [(20_000,)], 8)
    for t, (noise,) in enumerate(drawn):
        assert_spread(noise, 0.3 / (1 + t) ** (decay / 2))
    assert stats.kstest(drawn[0][0] / 0.3, "norm").pvalue > 0.01


def test_steps_variables_and_members_are_independent():
    """No two rows of any step or variable are correlated; the two variables have one shape."""
    optimizer = GradientNoise(keras.optimizers.SGD(1.0), 1.0, seed=1)
    drawn = noise_of(optimizer, [(3, 5000), (3, 5000)], steps=3)
    flat = np.concatenate([noise for variables in drawn for noise in variables])
    assert abs(np.corrcoef(flat) - np.eye(18)).max() < 4.5 / 5000**0.5


def test_a_seed_is_repeatable_and_none_is_not():
    def draw(seed):
        return noise_of(GradientNoise(keras.optimizers.SGD(1.0), 1.0, seed=seed), [(50,)], 2)

    assert_same(draw(1)[1], draw(1)[1])
    assert abs(draw(1)[0][0] - draw(2)[0][0]).min() > 0
    assert abs(draw(None)[0][0] - draw(None)[0][0]).min() > 0


def test_every_compiled_step_draws_anew():
    model = still_model(GradientNoise(keras.optimizers.SGD(1.0), 0.2, decay=1.0, seed=1))
    drawn = [step(model) for _ in range(4)]
    for t, noise in enumerate(drawn):
        assert_spread(noise, 0.2 / (1 + t) ** 0.5)
    correlations = np.corrcoef([noise.ravel() for noise in drawn])
    assert abs(correlations - np.eye(4)).max() < 4 / 10_000**0.5


def test_each_member_has_its_own_stddev():
    optimizer = GradientNoise(keras.optimizers.SGD(1.0), [0.0, 0.1, 2.0], decay=1.0, seed=1)
    for t, variables in enumerate(noise_of(optimizer, [(3, 40, 50), (3, 1, 2000)], 3)):
        for noise in variables:
            assert (noise[0] == 0).all()
            assert_spread(noise[1], 0.1 / (1 + t) ** 0.5)
            assert_spread(noise[2], 2.0 / (1 + t) ** 0.5)


@pytest.mark.parametrize("stddev", [0.0, [0.0, 0.0]])
def test_a_vector_of_zeros_draws_nothing(stddev):
    (noise,), *_ = noise_of(GradientNoise(keras.optimizers.SGD(1.0), stddev), [(2, 9)], 2)
    assert (noise == 0).all()


INNER = {
    "adam": lambda: keras.optimizers.Adam(0.01, clipnorm=0.5),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
    "average": lambda: keras.optimizers.SGD(0.01, momentum=0.9, use_ema=True, ema_momentum=0.9),
    "accumulation": lambda: keras.optimizers.RMSprop(0.01, gradient_accumulation_steps=2),
    "schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 12)),
}


def updated(optimizer) -> list[np.ndarray]:
    """Two variables after six steps down random gradients, and after training has ended."""
    variables = [variable(np.ones(shape)) for shape in ((2, 3), (2,))]
    for t in range(6):
        rng = np.random.default_rng(t)
        optimizer.apply(
            [ops.cast(rng.normal(size=v.shape), "float32") for v in variables], variables
        )
    optimizer.finalize_variable_values(variables)
    return [ops.convert_to_numpy(v) for v in variables]


@pytest.mark.parametrize("name", INNER)
def test_without_noise_it_is_the_inner_optimizer(name):
    expected = updated(INNER[name]())
    assert_same(updated(GradientNoise(INNER[name](), 0.0, decay=0.55)), expected)
    noisy = updated(GradientNoise(INNER[name](), 0.3, seed=1))
    assert all((a != b).any() for a, b in zip(noisy, expected, strict=True))


def test_without_noise_fit_is_the_inner_optimizers():
    expected = train(small_model(INNER["adam"]()), 2)
    assert_same(train(small_model(GradientNoise(INNER["adam"](), 0.0)), 2), expected)


@pytest.mark.parametrize("name", INNER)
def test_the_config_makes_the_same_optimizer(name):
    optimizer = GradientNoise(INNER[name](), [0.1, 0.2], decay=0.55, seed=3, name="noisy")
    config = optimizer.get_config()
    assert {k: v for k, v in config.items() if k != "inner_optimizer"} == {
        "name": "noisy", "stddev": [0.1, 0.2], "decay": 0.55, "seed": 3,
    }  # fmt: skip
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is GradientNoise
    assert GradientNoise.from_config(config).get_config() == config == again.get_config()
    assert_same(updated(again), updated(optimizer))


@pytest.mark.parametrize("seed", [5, None])
def test_a_saved_run_continues_bit_for_bit(tmp_path, seed):
    optimizer = GradientNoise(keras.optimizers.Adam(0.01), 0.1, decay=0.55, seed=seed)
    model = small_model(optimizer)
    train(model, 2)
    model.save(tmp_path / "model.keras")
    expected = train(model, 2)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 8
    assert_same(train(loaded, 2), expected)


def test_weights_alone_hold_the_state_too(tmp_path):
    model = small_model(GradientNoise(keras.optimizers.Adam(0.01), 0.1, decay=0.55))
    train(model, 2)
    model.save_weights(tmp_path / "model.weights.h5")
    expected = train(model, 2)
    other = small_model(GradientNoise(keras.optimizers.Adam(0.01), 0.1, decay=0.55), seed=9)
    other.optimizer.build(other.trainable_variables)
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same(train(other, 2), expected)


def test_variables_can_be_read_and_set():
    a = small_model(GradientNoise(keras.optimizers.Adam(0.01), 0.1, seed=1))
    b = small_model(GradientNoise(keras.optimizers.Adam(0.01), 0.1, seed=2))
    train(a, 1)
    b.optimizer.build(b.trainable_variables)
    b.optimizer.set_weights([ops.convert_to_numpy(v) for v in a.optimizer.variables])
    b.set_weights(a.get_weights())
    assert_same(train(a, 1), train(b, 1))


def test_the_learning_rate_is_the_inner_optimizers():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [1.0, 0.2])
    drawn = noise_of(GradientNoise(keras.optimizers.SGD(schedule), 1.0, seed=1), [(20_000,)], 5)
    assert [round(float(noise.std()), 1) for (noise,) in drawn] == [1.0, 1.0, 1.0, 0.2, 0.2]
    optimizer = GradientNoise(keras.optimizers.Adam(0.5), 0.1)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == float(optimizer.inner_optimizer.learning_rate) == 0.25


def test_a_plateau_reduces_the_learning_rate():
    optimizer = GradientNoise(keras.optimizers.SGD(1e-6), 0.1)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10)
    train(small_model(optimizer), 4, callbacks=[plateau])
    assert float(optimizer.learning_rate) == pytest.approx(1e-6 / 8)


def test_the_noisy_gradient_is_clipped():
    optimizer = GradientNoise(keras.optimizers.SGD(1.0, clipnorm=0.5), 1.0, seed=1)
    ((noise,),) = noise_of(optimizer, [(1000,)], 1)
    assert np.linalg.norm(noise) == pytest.approx(0.5, rel=1e-5)


def test_accumulated_gradients_have_the_noise_of_one():
    """Four steps make one update; t counts updates."""
    inner = keras.optimizers.SGD(1.0, gradient_accumulation_steps=4)
    model = still_model(GradientNoise(inner, 0.2, decay=1.0, seed=1))
    drawn = [step(model) for _ in range(8)]
    assert all((drawn[i] == 0).all() for i in (0, 1, 2, 4, 5, 6))
    assert_spread(drawn[3], 0.2)
    assert_spread(drawn[7], 0.2 / 2**0.5)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def test_mixed_precision_changes_no_noise(policy):
    """Keras puts its loss scaling round the wrapper for float16."""
    model = still_model(GradientNoise(keras.optimizers.SGD(1.0), 0.1, 1.0, seed=1))
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    drawn = [step(model) for _ in range(2)]
    assert_spread(drawn[0], 0.1)
    assert_spread(drawn[1], 0.1 / 2**0.5)
    assert abs(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1]) < 4 / 100


@pytest.mark.parametrize(
    "inner",
    [
        lambda: keras.optimizers.SGD(1.0, loss_scale_factor=64.0),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0)),
    ],
)
def test_noise_is_scaled_as_the_loss_is(inner):
    """Scaled gradients are divided by the scale, and with them the noise."""
    assert_spread(step(still_model(GradientNoise(inner(), 0.1, seed=1))), 0.1)


def test_keras_loss_scaling_replaces_the_inner_optimizers():
    inner = keras.optimizers.SGD(1.0, loss_scale_factor=64.0)
    model = still_model(keras.optimizers.LossScaleOptimizer(GradientNoise(inner, 0.1, seed=1)))
    assert inner.loss_scale_factor is None
    assert_spread(step(model), 0.1)


def test_a_variable_without_gradient_stays():
    variables = [variable(np.ones(9)), variable(np.ones(9))]
    optimizer = GradientNoise(keras.optimizers.SGD(1.0), 1.0, seed=1)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, ops.zeros(9)], variables)
    assert (ops.convert_to_numpy(variables[0]) == 1).all()
    assert (ops.convert_to_numpy(variables[1]) != 1).all()


def test_weight_decay_exclusions_reach_the_inner_optimizer():
    optimizer = GradientNoise(keras.optimizers.SGD(1.0, weight_decay=0.5), 0.0)
    variables = [variable(np.ones(2), name=name) for name in ("kernel", "bias")]
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([ops.zeros(2), ops.zeros(2)], variables)
    assert [ops.convert_to_numpy(v).tolist() for v in variables] == [[0.5, 0.5], [1, 1]]


def test_a_built_optimizer_can_be_wrapped():
    """Noise that begins in the middle of a run keeps the moments that the run has."""
    variables = [variable(np.ones(5)), variable(np.ones(5))]
    plain, wrapped = keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.1)
    for optimizer, v in zip((plain, wrapped), variables, strict=True):
        optimizer.apply([ops.ones(5)], [v])
    plain.apply([-ops.ones(5)], variables[:1])
    GradientNoise(wrapped, 0.0).apply([-ops.ones(5)], variables[1:])
    assert_same(*[[ops.convert_to_numpy(v)] for v in variables])
    assert len(wrapped.variables) == len(plain.variables)


def test_before_it_is_built_it_needs_variables():
    with pytest.raises(ValueError, match=r"not built. Pass trainable_variables as well"):
        GradientNoise(keras.optimizers.SGD(), 0.1).apply([ops.zeros(2)])


@pytest.mark.slow
@pytest.mark.skipif(not ON_TENSORFLOW, reason="KerasTuner is tried on TensorFlow alone")
def test_keras_tuner_tunes_it(tmp_path):
    import keras_tuner

    def build(hp):
        stddev = hp.Float("stddev", 0.01, 0.1)
        return small_model(GradientNoise(keras.optimizers.Adam(0.01), stddev, seed=1))

    objective = keras_tuner.Objective("loss", "min")
    tuner = keras_tuner.RandomSearch(build, objective, 2, seed=1, directory=tmp_path)
    tuner.search(*rows(), epochs=1, verbose=0)
    assert [t.status for t in tuner.oracle.get_best_trials(2)] == ["COMPLETED"] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stddev": -0.1}, "Received: stddev=-0.1. For a variance (eta) write stddev=eta ** 0.5."),
        ({"stddev": [0.1, -0.1]}, "stddev must be a number of at least 0, or a list of one"),
        ({"stddev": float("nan")}, "Received: stddev=nan"),
        ({"stddev": "0.1"}, "Received: stddev='0.1'"),
        ({"stddev": []}, "Received: stddev=[]"),
        ({"stddev": [[0.1]]}, "Received: stddev=[[0.1]]"),
        ({"stddev": [[0.1], [0.1, 0.2]]}, "Received: stddev=[[0.1], [0.1, 0.2]]"),
        ({"decay": -1}, "decay must be a number of at least 0. Received: decay=-1. Write 0 for"),
        ({"decay": None}, "Received: decay=None"),
        ({"seed": 0.5}, "seed must be an integer or None. Received: seed=0.5. Write None for"),
        ({"inner_optimizer": "adam"}, "Received: inner_optimizer='adam'. Write, for instance, Gra"),
        ({"inner_optimizer": keras.optimizers.Adam}, "must be a keras.optimizers.Optimizer. Rec"),
    ],
)
def test_what_is_no_noise_is_refused(arguments, message):
    with pytest.raises(ConfigError) as error:
        GradientNoise(**{"inner_optimizer": keras.optimizers.SGD(), "stddev": 0.1, **arguments})
    assert message in str(error.value)


def test_variables_without_a_member_axis_are_refused():
    with pytest.raises(ConfigError) as error:
        noise_of(GradientNoise(keras.optimizers.SGD(), [0.1, 0.2, 0.3]), [(3, 2), (4, 2)], 1)
    assert "3 values, one for each member, so every variable needs a leading axis of 3" in str(
        error.value
    )
    assert "of shape (4, 2). Write one number to treat all alike." in str(error.value)


@pytest.mark.skipif(ON_TENSORFLOW, reason="TensorFlow's optimizers have no stateless form")
def test_the_stateless_form_is_the_stateful_one():
    optimizers = [GradientNoise(keras.optimizers.Adam(0.1), 0.1, 0.55, seed=1) for _ in range(2)]
    stateful, stateless = [[variable(np.ones(5))] for _ in range(2)]
    optimizers[1].build(stateless)
    values, state = [v.value for v in stateless], [v.value for v in optimizers[1].variables]
    for _ in range(3):
        optimizers[0].apply([ops.ones(5)], stateful)
        values, state = optimizers[1].stateless_apply(state, [ops.ones(5)], values)
    assert_same([ops.convert_to_numpy(v) for v in values], [stateful[0].numpy()])
    assert_same([np.array(v) for v in state], [v.numpy() for v in optimizers[0].variables])
    assert int(optimizers[1].iterations) == 0


@pytest.mark.skipif(not ON_TENSORFLOW, reason="starts the other backend")
@pytest.mark.slow
def test_the_core_of_this_holds_on_jax():
    """Not all, because JAX compiles every operation anew for every shape."""
    core = (
        "papers or own_stddev or compiled or saved_run or accumulated or scal or mixed or stateless"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", core]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
    assert "14 passed" in found.stdout
