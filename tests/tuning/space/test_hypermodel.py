"""The hypermodel works in KerasTuner's own tuners, with all that a config holds."""

import dataclasses
import itertools

import keras
import keras_tuner
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import train_test_split

from kmlp import GradientNoise, MLPConfig, TrainConfig, adapt, build_mlp
from kmlp.data import Dataset
from kmlp.errors import ConfigError
from tuning import MLPHyperModel
from tuning.space.compiling import compile_model, make_optimizer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ACCURACY = keras_tuner.Objective("val_accuracy", "max")


def table(load, num_rows: int = 200) -> Dataset:
    x, y = load(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, train_size=num_rows, random_state=0)
    return Dataset.from_arrays(x_train, y_train, x_test[:50], y_test[:50], name="table")


def random_search(data, folder, objective=ACCURACY, *, trials=2, space="default", **options):
    tuner = keras_tuner.RandomSearch(
        MLPHyperModel(data.spec, space, **options),
        objective=objective,
        max_trials=trials,
        seed=1,
        directory=folder,
        project_name="search",
    )
    tuner.search(data.x_train, data.y_train, validation_split=0.2, epochs=2, verbose=0)
    return tuner


@pytest.mark.slow
def test_a_stock_random_search_finds_and_loads_its_best_model(tiny, tmp_path):
    tuner = random_search(
        tiny, tmp_path, space=["none", "units_1", "dropout"], fixed=["batch_size=16"]
    )
    trials = tuner.oracle.get_best_trials(2)
    chosen = [t.hyperparameters.values for t in trials]
    assert chosen[0] != chosen[1]
    model = tuner.get_best_models(1)[0]
    assert model.get_layer("hidden_1").units == chosen[0]["units_1"]
    x_val, y_val = tiny.x_train[240:], tiny.y_train[240:]
    accuracy = (model.predict(x_val, verbose=0).argmax(1) == y_val).mean()
    # The weights that are loaded are those that scored, the inputs' statistics included.
    assert accuracy == pytest.approx(trials[0].score)


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes])
def test_many_networks_in_one_are_searched_in_a_stock_search(load, tmp_path):
    """The score that is searched by is that of their mean, which the best model says."""
    data = table(load)
    of_numbers = data.spec.task == "regression"
    objective = keras_tuner.Objective("val_mse", "min") if of_numbers else ACCURACY
    fixed = ["num_layers=1", "units_1=8", "batch_size=40", "num_subnetworks=4"]
    fixed += ["weight_sharing=tabm"] + ["label_smoothing=0.1"] * (not of_numbers)
    space = ["none", "dropout", "learning_rate"]
    tuner = random_search(data, tmp_path, objective, space=space, fixed=fixed)
    model, trial = tuner.get_best_models(1)[0], tuner.oracle.get_best_trials(1)[0]
    assert model.get_layer("output").kernel.shape == (4 * 8, 1)
    said = model.predict(data.x_train[160:], verbose=0)[:, 0]
    held_out = data.y_train[160:]
    if of_numbers:
        score = ((said - held_out) ** 2).mean() / np.var(data.y_train[:160])
        assert trial.score == pytest.approx(score, rel=0.2)
    else:
        assert trial.score == pytest.approx(((said > 0.5) == held_out).mean())


@pytest.mark.slow
def test_the_whole_catalogue_trains_in_a_stock_search(tiny, tmp_path):
    fixed = ["units_1=8", "units_2=6", "units_3=4", "batch_size=64"]
    tuner = random_search(tiny, tmp_path, trials=3, space="all", fixed=fixed)
    assert {t.status for t in tuner.oracle.trials.values()} == {"COMPLETED"}
    assert len(tuner.oracle.get_space().space) == 43


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load", "objective"),
    [
        (load_breast_cancer, ACCURACY),
        (load_diabetes, keras_tuner.Objective("val_rmse", "min")),
    ],
)
def test_binary_and_regression_search_and_load(load, objective, tmp_path):
    data = table(load)
    space = ["default", "l1", "class_weight"][: 2 if objective.direction == "min" else 3]
    fixed = ["hidden_units=8", "batch_size=64"]
    tuner = random_search(data, tmp_path, objective, space=space, fixed=fixed, trials=1)
    best = tuner.oracle.get_best_trials(1)[0]
    predicted = tuner.get_best_models(1)[0].predict(data.x_train[160:], verbose=0)[:, 0]
    truth = data.y_train[160:]
    if objective.direction == "max":
        score = ((predicted > 0.5) == truth).mean()
    else:
        score = float(np.sqrt(np.square(predicted - truth).mean()))
    assert score == pytest.approx(best.score, rel=1e-5)


@pytest.mark.slow
def test_a_stock_hyperband_runs_to_its_own_epochs(tiny, tmp_path):
    tuner = keras_tuner.Hyperband(
        MLPHyperModel(tiny.spec, ["none", "learning_rate"], ["hidden_units=8", "batch_size=64"]),
        objective=ACCURACY,
        max_epochs=2,
        factor=2,
        directory=tmp_path,
        project_name="search",
        seed=1,
    )
    tuner.search(tiny.x_train, tiny.y_train, validation_split=0.2, verbose=0)
    trials = tuner.oracle.trials.values()
    assert {t.hyperparameters.values["tuner/epochs"] for t in trials} == {1, 2}
    assert {t.status for t in trials} == {"COMPLETED"}
    # The best model comes with its optimizer: 240 rows in batches of 64, at most two epochs.
    assert int(tuner.get_best_models(1)[0].optimizer.iterations) in (4, 8)


def fitted(tiny, train, seed=0, **options):
    """One epoch of the hypermodel's `fit` at fixed values, without a tuner."""
    hypermodel = MLPHyperModel(
        tiny.spec, "none", train=train, model=MLPConfig(hidden_units=(6,)), **options
    )
    keras.utils.set_random_seed(seed)
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    history = hypermodel.fit(hp, model, tiny.x_train, tiny.y_train, verbose=0, shuffle=False)
    return model, history


def test_the_schedule_ends_where_the_config_says(tiny):
    train = TrainConfig(learning_rate=0.1, learning_rate_schedule="cosine", max_epochs=2)
    model, _ = fitted(tiny, train)
    assert int(model.optimizer.iterations) == 2 * 3
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-9)


def test_a_schedule_warms_up_as_the_config_says():
    train = TrainConfig(
        **{"learning_rate": 0.1, "learning_rate_schedule": "exponential", "warm_up": 0.5},
        decay_rate=0.25,
    )
    schedule = make_optimizer(train)._learning_rate
    schedule.num_steps = 8
    restored = type(schedule).from_config(schedule.get_config())
    rates = [float(restored(step)) for step in (0, 2, 4, 6, 8)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.05, 0.025])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mixup", 0.2),
        ("ema_momentum", 0.9),
        ("dropout_schedule", "cosine"),
        ("bias_rate_factor", 2),
    ],
)
def test_what_keras_own_fit_lacks_is_refused_with_where_it_is_found(field, value):
    with pytest.raises(ConfigError, match=f"{field} is for networks that kmlp trains.*kmlp tune"):
        make_optimizer(TrainConfig(**{field: value}))


def test_a_rising_momentum_is_refused_by_keras_own_fit_too():
    train = TrainConfig(optimizer="sgd", momentum=0.9, momentum_warm_up=0.2)
    with pytest.raises(ConfigError, match=r"momentum_warm_up is for networks.*=0\.2"):
        make_optimizer(train)


def test_a_schedule_whose_length_nobody_told_is_refused(tiny):
    train = TrainConfig(learning_rate_schedule="cosine")
    model = compile_model(build_mlp(MLPConfig(), tiny.spec), train, tiny.spec)
    adapt(model, tiny.x_train)
    with pytest.raises(ConfigError, match=r"needs the number of steps.*num_train=ROWS"):
        model.fit(tiny.x_train, tiny.y_train, verbose=0)
    model = compile_model(model, train, tiny.spec, num_train=300)
    model.fit(tiny.x_train, tiny.y_train, verbose=0)


def test_early_stopping_and_its_restored_weights_are_the_configs(tiny):
    train = TrainConfig(monitor="loss", min_delta=100.0, patience=2, max_epochs=9)
    _, history = fitted(tiny, train)
    assert len(history.epoch) == 3


def test_class_weights_scale_the_loss(tiny):
    """With one step an epoch the loss is that of the initial weights."""
    base = TrainConfig(batch_size="full", max_epochs=1, early_stopping=False)
    _, plain = fitted(tiny, base)
    doubled = dataclasses.replace(base, class_weight={"0": 2.0, "1": 2.0, "2": 2.0})
    _, weighted = fitted(tiny, doubled)
    assert weighted.history["loss"][0] == pytest.approx(2 * plain.history["loss"][0], rel=1e-5)
    assert weighted.history["cross_entropy"] == pytest.approx(plain.history["cross_entropy"])


def test_label_smoothing_leaves_the_plain_metric_alone(tiny):
    base = TrainConfig(batch_size="full", max_epochs=1, early_stopping=False)
    _, plain = fitted(tiny, base)
    _, smooth = fitted(tiny, dataclasses.replace(base, label_smoothing=0.2))
    assert smooth.history["loss"][0] != pytest.approx(plain.history["loss"][0], rel=1e-3)
    assert smooth.history["cross_entropy"] == pytest.approx(plain.history["cross_entropy"])


def test_every_optimizer_holds_what_the_config_says():
    for name, noise in itertools.product(("sgd", "adam", "adamw", "rmsprop"), (0.0, 0.1)):
        momentum = 0.9 if name == "sgd" else 0.0
        of_adam = {"beta_1": 0.8, "beta_2": 0.95} if name in ("adam", "adamw") else {}
        epsilon = {} if name == "sgd" else {"epsilon": 1e-4}
        train = TrainConfig(
            **{"optimizer": name, "momentum": momentum, **of_adam, **epsilon},
            **{"gradient_noise": noise, "weight_decay": 0.1, "clipnorm": 2.0},
        )
        optimizer = make_optimizer(train)
        assert isinstance(optimizer, GradientNoise) == bool(noise)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        assert type(inner).__name__.lower() == name
        assert (inner.weight_decay, inner.clipnorm) == (0.1, 2.0)
        assert getattr(inner, "momentum", 0.0) == momentum
        for field, value in (of_adam | epsilon).items():
            assert getattr(inner, field) == value


def test_what_a_stock_search_cannot_take_is_refused(tiny):
    hypermodel = MLPHyperModel(tiny.spec, "none")
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    with pytest.raises(ConfigError, match="needs NumPy arrays"):
        hypermodel.fit(hp, model, tiny.x_train.tolist(), tiny.y_train)
    monitored = MLPHyperModel(tiny.spec, "none", train=TrainConfig(monitor="val_accuracy"))
    with pytest.raises(ConfigError, match="needs validation rows"):
        monitored.fit(hp, monitored.build(hp), tiny.x_train, tiny.y_train)
