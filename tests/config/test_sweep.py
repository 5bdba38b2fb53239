"""Sweeps read as they are written, and become variants like any other."""

import dataclasses

import pytest

from kmlp.config import StudyConfig
from kmlp.config.sweep import parse_sweep
from kmlp.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "scale", "values"),
    [
        ("dropout=0:0.8:9", "linear", (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
        ("l2=1e-6:1e-2:5:log", "log", (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)),
        ("num_train=100:10000:3:log", "log", (100, 1000, 10000)),
        ("patience=1:9:3", "linear", (1, 5, 9)),
        ("num_train=100,300,1000", "list", (100, 300, 1000)),
        ("learning_rate=1e-3,0.01", "list", (0.001, 0.01)),
        ("activation=relu, tanh", "list", ("relu", "tanh")),
        ("nesterov=true,false", "list", (True, False)),
        ("batch_size=32,full", "list", (32, "full")),
        ("hidden_units=64,64-32,128-64-32", "list", ([64], [64, 32], [128, 64, 32])),
    ],
)
def test_a_sweep_is_read_as_written(text, scale, values):
    found = parse_sweep(text)
    assert (found.scale, found.values) == (scale, values)
    assert list(map(type, found.values)) == list(map(type, values))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dropout", "a sweep is field=start:stop:count"),
        ("dropout=0:0.8", "a sweep is field=start:stop:count"),
        ("dropout=0:0.8:9:cubic", "a sweep is field=start:stop:count"),
        ("dropout=a:b:9", "a sweep is field=start:stop:count"),
        ("dropout=0:0.8:1", "a sweep is field=start:stop:count"),
        ("l2=0:1:5:log", "a sweep by factors starts and stops above 0"),
        ("dropuot=0:0.8:9", "Did you mean 'dropout'?"),
        ("dropout=0.1", "two different values or more"),
        ("num_train=1:2:9", "two different values or more"),
        (["dropout"], "a sweep is field=start:stop:count"),
    ],
)
def test_another_form_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_sweep(text)
    assert message in str(caught.value)


def test_a_value_is_checked_as_in_any_variant():
    with pytest.raises(ConfigError, match=r"Use 1 - p\."):
        StudyConfig(dataset="x", sweep=("dropout=0:1.2:3",))
    with pytest.raises(ConfigError, match="num_train must be a whole number of training rows"):
        StudyConfig(dataset="x", sweep=("num_train=0,5",))


def test_a_sweep_adds_its_variants_behind_the_others():
    config = StudyConfig(
        dataset="x",
        variants=("none", "dropout=0.2"),
        sweep=("dropout=0.1:0.3:3", "num_train=10,30", "hidden_units=8,8-4"),
    )
    assert config.variant_names == (
        *("none", "dropout=0.2", "dropout=0.1", "dropout=0.3", "num_train=10", "num_train=30"),
        *("hidden_units=8", "hidden_units=8-4"),
    )
    swept = {v.name: v for v in config.resolved_variants}
    assert swept["num_train=30"].num_train == 30
    assert swept["num_train=30"].model == config.model
    assert swept["hidden_units=8-4"].model.hidden_units == (8, 4)
    assert all(name in swept for sweep in config.sweeps for name in config.variants_along(sweep))


def test_a_value_that_is_the_baselines_goes_by_its_name():
    """Dropout 0 is `none`, which is compared with itself nowhere."""
    mine = {"name": "mine", "dropout": 0.4}
    config = StudyConfig(dataset="x", variants=("none", mine), sweep=("dropout=0:0.4:3", "l2=0,1"))
    assert config.variant_names == ("none", "mine", "dropout=0.2", "l2=1")
    assert [config.variants_along(sweep) for sweep in config.sweeps] == [
        ("none", "dropout=0.2", "mine"),
        ("none", "l2=1"),
    ]


def test_a_value_of_a_named_variant_is_that_variant():
    """Twice in the table it would be tested twice, and both would be written alike."""
    config = StudyConfig(dataset="x", variants=("none", "dropout"), sweep=("dropout=0:0.4:3",))
    assert config.variant_names == ("none", "dropout", "dropout=0.4")
    assert config.variants_along(*config.sweeps) == ("none", "dropout", "dropout=0.4")


def test_a_swept_value_may_be_the_baseline_by_its_own_name():
    config = StudyConfig(dataset="x", variants="l2", sweep=("dropout=0,0.2",), baseline="dropout=0")
    assert config.variant_names == ("l2", "dropout=0", "dropout=0.2")
    assert config.variants_along(*config.sweeps) == ("dropout=0", "dropout=0.2")


def test_a_swept_strength_is_the_named_variants():
    """Gradient noise decays in the variant of that name, and so it does in a sweep."""
    config = StudyConfig(dataset="x", variants=("none",), sweep=("gradient_noise=0.1,0.3",))
    assert {v.train.gradient_noise_decay for v in config.resolved_variants[1:]} == {0.55}


def test_a_sweep_that_means_something_else_by_a_name_is_refused():
    other = {"name": "dropout=0.1", "dropout": 0.1, "l2": 0.1}
    with pytest.raises(ConfigError, match="every variant needs its own name"):
        StudyConfig(dataset="x", variants=("none", other), sweep=("dropout=0.1,0.2",))


def test_it_survives_the_trip_through_toml_and_json():
    config = StudyConfig(
        dataset="x",
        num_seeds="auto",
        max_seeds=20,
        half_width=0.01,
        sweep=("dropout=0:0.8:9", "num_train=10,30"),
        resample="bootstrap:7",
        resample_seeds=2,
        folds=5,
        repeats=3,
        randomness=True,
        randomness_seeds=4,
    )
    assert StudyConfig.from_toml(config.to_toml()) == config
    assert StudyConfig.from_json(config.to_json()) == config
    plain = StudyConfig(dataset="x")
    assert dataclasses.replace(config, sweep="dropout=0.1,0.2").sweep == ("dropout=0.1,0.2",)
    assert StudyConfig.from_toml(plain.to_toml()) == plain
