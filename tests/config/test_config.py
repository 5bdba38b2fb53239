"""Configs are checked when made, frozen, and equal after a trip through JSON and TOML."""

import dataclasses
import json
import re

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.study_file import read_study_file
from kmlp.config.variants import VARIANTS
from kmlp.errors import ConfigError

CONFIGS = [
    MLPConfig(),
    MLPConfig(hidden_units=(512, 256, 32), dropout=0.35, l1=1e-7, l2=0.1 + 0.2),
    MLPConfig(hidden_units=(), input_scaling="unit"),
    MLPConfig(residual_units=9, residual_dropout=0.1, layer_dropout=[0.2, 0], max_norm=1),
    MLPConfig(input_clip=3, learned_scale=True, parametric_activation=True, parametrization="ntk"),
    TrainConfig(),
    TrainConfig(optimizer="sgd", learning_rate=1 / 3, momentum=0.9, nesterov=True),
    TrainConfig(reduce_on_plateau={"factor": 0.5}, early_stopping=False, monitor="val_accuracy"),
    TrainConfig(min_delta=0.0, patience=0, max_epochs=1, batch_size=1, restore_best_weights=False),
    MLPConfig(
        activation="selu",
        kernel_initializer="lecun_normal",
        normalization="batch",
        max_norm=3,
        drop_connect=0.5,
        drop_connect_mask="example",
        input_dropout=0.2,
        input_noise=0.3,
        penalty_reduction="mean",
    ),
    TrainConfig(optimizer="rmsprop", batch_size="full", learning_rate_schedule="cosine"),
    TrainConfig(optimizer="adamw", weight_decay=0.01, beta_2=0.95, clipnorm=1, label_smoothing=0.1),
    TrainConfig(gradient_noise=0.1, gradient_noise_decay=0.55, class_weight="balanced"),
    StudyConfig(dataset="mnist", seed_streams={"order": 0, "split": 3}),
    StudyConfig(dataset="mnist"),
    StudyConfig(
        dataset="a folder/with 'quotes' and ümlauts",
        variants=(
            "none",
            "dropout=0.5",
            {"name": "wide", "hidden_units": [512, 256], "dropout": 0.1},
            {"name": "patient", "patience": 20, "reduce_on_plateau": {"patience": 3}},
        ),
        num_seeds=3,
        first_seed=7,
        model=MLPConfig(hidden_units=(8,)),
        train=TrainConfig(optimizer="sgd", learning_rate=0.1),
        validation_fraction=0.0,
        baseline="wide",
    ),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_equal_after_a_trip_through_json_and_toml(config):
    kind = type(config)
    assert kind.from_dict(config.to_dict()) == config
    assert kind.from_json(config.to_json()) == config
    assert kind.from_toml(config.to_toml()) == config


@pytest.mark.parametrize("config", CONFIGS)
def test_to_dict_holds_every_field_in_plain_types(config):
    values = config.to_dict()
    assert list(values) == [f.name for f in dataclasses.fields(config)]
    assert json.loads(json.dumps(values)) == values


def test_a_tuple_in_a_variant_table_survives_the_trip():
    config = StudyConfig(dataset="x", variants=("none", {"name": "w", "hidden_units": (4, 2)}))
    assert StudyConfig.from_json(config.to_json()) == config
    assert StudyConfig.from_toml(config.to_toml()) == config


@pytest.mark.parametrize(
    ("whole", "fraction"),
    [
        (MLPConfig(dropout=0, l1=0, l2=1), MLPConfig(dropout=0.0, l1=0.0, l2=1.0)),
        (TrainConfig(learning_rate=1, min_delta=0), TrainConfig(learning_rate=1.0, min_delta=0.0)),
        (
            TrainConfig(reduce_on_plateau={"min_learning_rate": 0}),
            TrainConfig(reduce_on_plateau={"min_learning_rate": 0.0}),
        ),
        (
            StudyConfig(dataset="x", validation_fraction=0),
            StudyConfig(dataset="x", validation_fraction=0.0),
        ),
    ],
)
def test_a_whole_number_for_a_fraction_gives_the_same_json(whole, fraction):
    assert whole == fraction
    assert whole.to_json() == fraction.to_json()


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (MLPConfig(), "dropout"),
        (TrainConfig(), "patience"),
        (StudyConfig(dataset="x"), "num_seeds"),
    ],
)
def test_configs_are_frozen(config, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(config, name, 0)


def test_hidden_units_become_a_tuple():
    assert MLPConfig(hidden_units=[3, 2]).hidden_units == (3, 2)
    assert MLPConfig(hidden_units=3).hidden_units == (3,)


def test_a_plateau_takes_its_missing_values_from_the_defaults():
    plateau = TrainConfig(reduce_on_plateau={"patience": 3}).reduce_on_plateau
    assert plateau == {"factor": 0.1, "patience": 3, "min_learning_rate": 0.0}


@pytest.mark.parametrize(
    ("kind", "key", "near"),
    [
        (MLPConfig, "drop_out", "dropout"),
        (TrainConfig, "learningrate", "learning_rate"),
        (StudyConfig, "num_seed", "num_seeds"),
    ],
)
def test_an_unknown_field_names_its_nearest(kind, key, near):
    wanted = f"{kind.__name__} has no field '{key}'. Did you mean '{near}'?"
    with pytest.raises(ConfigError, match=re.escape(wanted)):
        kind.from_dict({key: 1})


def test_an_unknown_field_like_none_lists_all():
    with pytest.raises(
        ConfigError, match=r"no field 'zzz'\. It has: hidden_units, residual_units, "
    ):
        MLPConfig.from_dict({"zzz": 1})


MODEL_ERRORS = [
    ({"dropout": 1}, "dropout must be in [0, 1). Received: dropout=1."),
    ({"dropout": -0.1}, "dropout must be in [0, 1). Received: dropout=-0.1."),
    ({"dropout": 1.2}, "dropout=1.2. Did you mean a keep probability? Use 1 - p."),
    ({"dropout": "0.2"}, "dropout must be in [0, 1). Received: dropout='0.2'."),
    ({"dropout": False}, "dropout must be in [0, 1). Received: dropout=False."),
    ({"dropout": float("nan")}, "dropout must be in [0, 1). Received: dropout=nan."),
    ({"l1": -1e-9}, "l1 must be a number of at least 0. Received: l1=-1e-09."),
    ({"l2": -1}, "l2 must be a number of at least 0. Received: l2=-1."),
    ({"l2": float("inf")}, "l2 must be a number of at least 0. Received: l2=inf."),
    ({"hidden_units": (64, True)}, "hidden_units must be whole numbers above 0"),
    ({"hidden_units": (64.0,)}, "Received: hidden_units=(64.0,)."),
    ({"hidden_units": (64, 0)}, "Received: hidden_units=(64, 0)."),
    ({"hidden_units": "128,64"}, "such as (128, 64). Received: hidden_units='128,64'."),
    (
        {"hidden_units": (), "dropout": 0.5},
        "dropout acts on hidden layers, of which there are none. Received: hidden_units=(), drop",
    ),
    ({"dropout_scaling": "test"}, "dropout_scaling must be one of training, inference."),
    ({"input_dropout": 1}, "input_dropout must be in [0, 1). Received: input_dropout=1."),
    ({"input_noise": -0.1}, "input_noise must be a number of at least 0. Received: input_noise"),
    ({"input_noise": 2}, "input_noise must be at most 1. Received: input_noise=2. It is in units"),
    ({"drop_connect": 1.5}, "drop_connect=1.5. Did you mean a keep probability? Use 1 - p."),
    ({"max_norm": 0}, "max_norm must be a number above 0, or left out. Received: max_norm=0."),
    ({"activation": "swish"}, "one of relu, elu, selu, leaky_relu, tanh, gelu, sigmoid, silu,"),
    ({"kernel_initializer": "ones"}, "kernel_initializer must be one of auto, glorot_normal"),
    (
        {"input_scaling": "minmax"},
        "input_scaling must be one of auto, none, unit, standard, robust, quantile.",
    ),
    ({"input_clip": 0}, "input_clip must be a number above 0, or left out. Received: input_clip=0"),
    ({"layer_dropout": (0.5, 1.0)}, "layer_dropout must be rates in [0, 1), such as (0.2, 0.5)."),
    ({"layer_dropout": 0.5}, "Received: layer_dropout=0.5."),
    ({"layer_dropout": (0.5,)}, "Received: 1 rates, hidden_units=(128, 64). Write 2 of them."),
    ({"layer_dropout": (0.5, 0.2), "dropout": 0.1}, "dropout=0.1, layer_dropout=(0.5, 0.2). Leave"),
    ({"residual_dropout": 0.1}, "of which there are none. Received: residual_dropout=0.1. Set res"),
    ({"residual_units": 0}, "residual_units must be a whole number of at least 1."),
    ({"residual_units": 4, "hidden_units": ()}, "residual_units acts on hidden layers, of which"),
    ({"num_bins": 1}, "num_bins must be a whole number of at least 2."),
    ({"frequency_stddev": 0}, "frequency_stddev must be a number above 0."),
    ({"learned_scale": 1}, "learned_scale must be true or false. Received: learned_scale=1."),
    ({"parametrization": "mup"}, "parametrization must be one of standard, ntk."),
    (
        {"scaled_one_hot": True, "input_scaling": "quantile"},
        "Use input_scaling='robust', or leave scaled_one_hot out.",
    ),
    (
        {"drop_connect_inference": "moments", "parametric_activation": True},
        "averages a fixed activation. Received: parametric_activation=True. Use",
    ),
    (
        {"bias_initializer": "ones"},
        "bias_initializer must be one of zeros, normal, fan_in_uniform, hull. Received",
    ),
    (
        {"output_initializer": "ones"},
        "output_initializer must be one of auto, zeros. Received: out",
    ),
    ({"kernel_stddev": 0}, "kernel_stddev must be a number above 0. Received: kernel_stddev=0."),
    (
        {"normalization_epsilon": 0},
        "normalization_epsilon must be a number above 0. Received: normalization_epsilon=0.",
    ),
    (
        {"normalization": "layer", "normalization_momentum": 0.9},
        "normalization_momentum is of the moving statistics of normalization='batch'",
    ),
    ({"normalization": "group"}, "normalization must be one of none, batch, layer."),
    ({"drop_connect_mask": "group"}, "drop_connect_mask must be one of batch, example."),
    ({"drop_connect_inference": "exact"}, "drop_connect_inference must be one of mean, moments."),
    ({"penalty_reduction": "none"}, "penalty_reduction must be one of sum, mean."),
    (
        {"drop_connect_inference": "moments", "normalization": "batch"},
        "Received: normalization='batch'. Use drop_connect_inference='mean'.",
    ),
]
TRAIN_ERRORS = [
    ({"optimizer": "lion"}, "optimizer must be one of sgd, adam, adamw, rmsprop."),
    ({"weight_decay": -1e-4}, "weight_decay must be a number of at least 0."),
    ({"gradient_noise": -0.1}, "gradient_noise must be a number of at least 0."),
    ({"gradient_noise_decay": -1}, "gradient_noise_decay must be a number of at least 0."),
    ({"clipnorm": -1}, "clipnorm must be a number above 0, or left out. Received: clipnorm=-1."),
    ({"label_smoothing": 1}, "label_smoothing must be in [0, 1). Received: label_smoothing=1."),
    ({"batch_size": "half"}, 'batch_size must be a whole number (or "full") of at least 1.'),
    ({"learning_rate_schedule": "plateau"}, "reduce_on_plateau = {factor = 0.5, patience = 3}."),
    ({"learning_rate_schedule": "linear"}, "must be one of constant, cosine, step, flat_cosine,"),
    (
        {"learning_rate_schedule": "cosine", "reduce_on_plateau": {}},
        "exclude each other. Received: learning_rate_schedule='cosine'. Leave one of them out.",
    ),
    ({"weight_decay_schedule": "linear"}, "weight_decay_schedule must be one of constant, cosine"),
    (
        {"learning_rate_schedule": "coslog4", "warm_up": 0.1},
        "learning_rate_schedule='coslog4' rises from 0 by itself. Received: warm_up=0.1. Leave it",
    ),
    ({"dropout_warm_up": 1}, "dropout_warm_up must be in [0, 1). Received: dropout_warm_up=1."),
    (
        {"optimizer": "sgd", "momentum_warm_up": 0.1},
        "momentum_warm_up rises to a momentum. Received: momentum=0.0, momentum_warm_up=0.1. Set",
    ),
    (
        {"optimizer": "sgd", "momentum": 0.9, "initial_momentum": 0.5},
        "in its warm-up. Received: initial_momentum=0.5, momentum_warm_up=0.0. Say both, or",
    ),
    (
        {"optimizer": "sgd", "epsilon": 1e-3},
        "epsilon belongs to optimizer='adam', 'adamw' and 'rmsprop'. Received: optimizer='sgd', ",
    ),
    (
        {"optimizer": "rmsprop", "beta_1": 0.8},
        "beta_1 belongs to optimizer='adam' and 'adamw'. Received: optimizer='rmsprop', beta_1=0.8",
    ),
    ({"epsilon": 0}, "epsilon must be a number above 0. Received: epsilon=0."),
    ({"bias_rate_factor": -1}, "bias_rate_factor must be a number of at least 0. Received: bias"),
    ({"ema_momentum": 1}, "ema_momentum must be in [0, 1). Received: ema_momentum=1."),
    ({"mixup": -0.2}, "mixup must be a number of at least 0. Received: mixup=-0.2."),
    ({"keep_last_best": 1}, "keep_last_best must be true or false. Received: keep_last_best=1."),
    ({"monitor": "val_loss"}, "The plain validation loss is val_cross_entropy, or val_mse for"),
    ({"class_weight": "auto"}, 'must be "balanced" or a mapping from classes to weights above 0'),
    ({"class_weight": {0: 0}}, "Received: class_weight={0: 0}."),
    ({"class_weight": {0: 2, "0": 3}}, "class_weight names a class twice. Received: class_weig"),
    ({"class_weight": {}}, "Received: class_weight={}."),
    ({"dtype_policy": "float16"}, "dtype_policy must be one of float32, mixed_bfloat16."),
    ({"max_epochs": 0}, "max_epochs must be a whole number of at least 1. Received: max_epochs=0."),
    ({"max_epochs": 1.5}, "max_epochs must be a whole number of at least 1."),
    ({"max_epochs": True}, "max_epochs must be a whole number of at least 1."),
    ({"batch_size": 0}, 'batch_size must be a whole number (or "full") of at least 1.'),
    ({"learning_rate": 0}, "learning_rate must be a number above 0. Received: learning_rate=0."),
    ({"learning_rate": "1e-3"}, "learning_rate must be a number above 0."),
    ({"optimizer": "sgd", "momentum": 1}, "momentum must be in [0, 1). Received: momentum=1."),
    ({"momentum": 0.9}, "belong to optimizer='sgd'. Received: optimizer='adam', momentum=0.9."),
    ({"beta_2": 1.0}, "beta_2 must be in [0, 1). Received: beta_2=1.0."),
    (
        {"optimizer": "rmsprop", "beta_2": 0.95},
        "beta_2 belongs to optimizer='adam' and 'adamw'. Received: optimizer='rmsprop', beta_2=0.",
    ),
    ({"nesterov": True}, "momentum and nesterov belong to optimizer='sgd'."),
    ({"min_delta": -1e-4}, "min_delta must be a number of at least 0."),
    (
        {"patience": -1},
        "patience must be a whole number of epochs of at least 0. Received: patience=-1.",
    ),
    ({"patience": 2.5}, "a whole number of epochs of at least 0. Received: patience=2.5."),
    (
        {"monitor": "val_f1"},
        "monitor must be one of auto, loss, cross_entropy, accuracy, mse, val_",
    ),
    ({"early_stopping": "no"}, "early_stopping must be true or false. Received: early_stopping='"),
    ({"restore_best_weights": 1}, "restore_best_weights must be true or false."),
    ({"reduce_on_plateau": {"factr": 0.5}}, "with any of factor, patience and min_learning_rate."),
    ({"reduce_on_plateau": True}, "reduce_on_plateau must be None or a mapping"),
    ({"reduce_on_plateau": {"factor": 1.0}}, "a factor in (0, 1)"),
    ({"reduce_on_plateau": {"factor": 0}}, "a factor in (0, 1)"),
    ({"reduce_on_plateau": {"factor": "0.5"}}, "Received: reduce_on_plateau={'factor': '0.5'}."),
    ({"reduce_on_plateau": {"patience": -1}}, "a patience of at least 0 epochs"),
    ({"reduce_on_plateau": {"patience": 1.5}}, "Received: reduce_on_plateau={'patience': 1.5}."),
    ({"reduce_on_plateau": {"min_learning_rate": -1}}, "a min_learning_rate of at least 0"),
]
STUDY_ERRORS = [
    ({"seed_streams": {"ordr": 0}}, "seed_streams has no field 'ordr'. Did you mean 'order'?"),
    ({"seed_streams": {"order": 0.5}}, "seed_streams.order must be a whole number."),
    ({"seed_streams": {}}, "seed_streams must be a mapping that gives some streams a fixed seed"),
    (
        {"seed_streams": {"init": 0, "order": 0, "noise": 0, "split": 0}},
        "seed_streams fixes every stream, so that all seeds would be the same network.",
    ),
    ({"num_seeds": 0}, "num_seeds must be a whole number of at least 1. Received: num_seeds=0."),
    (
        {"first_seed": -1},
        "first_seed must be a whole number of at least 0. Received: first_seed=-1.",
    ),
    (
        {"first_seed": 0.5},
        "first_seed must be a whole number of at least 0. Received: first_seed=0.5.",
    ),
    ({"validation_fraction": 1}, "validation_fraction must be in [0, 1)."),
    ({"validation_fraction": -0.1}, "validation_fraction must be in [0, 1)."),
    ({"validation_fraction": "1/6"}, "validation_fraction must be in [0, 1)."),
    ({"variants": 3}, "variants must be a list of names and tables. Received: variants=3."),
    ({"variants": ("none", 3)}, "a variant is a name or a table. Received: 3."),
    ({"variants": ("none", "l2", "l2")}, "its own name. Received: none, l2, l2."),
    ({"variants": ("none", {"name": "none", "l2": 0.1})}, "its own name. Received: none, none."),
    ({"variants": ("dropout", "l2")}, "Received: baseline='none', variants dropout, l2. Add it,"),
    ({"variants": ()}, "the baseline must be one of the variants."),
    ({"baseline": "l1"}, "the baseline must be one of the variants. Received: baseline='l1'"),
    ({"metric": "f1"}, "Received: metric='f1'. Did you mean 'macro_f1'?"),
    (
        {"variants": ("none", "drop")},
        "unknown variant 'drop'. Did you mean 'dropout'? Known by name:",
    ),
    ({"model": 3}, "model must be a table of MLPConfig's fields. Received: model=3."),
    ({"model": {"droput": 0.1}}, "MLPConfig has no field 'droput'. Did you mean 'dropout'?"),
    ({"train": {"max_epoch": 1}}, "TrainConfig has no field 'max_epoch'. Did you mean 'max_epo"),
    ({"train": MLPConfig()}, "train must be a table of TrainConfig's fields."),
]


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        *((MLPConfig, *case) for case in MODEL_ERRORS),
        *((TrainConfig, *case) for case in TRAIN_ERRORS),
        *((StudyConfig, {"dataset": "x", **values}, text) for values, text in STUDY_ERRORS),
    ],
)
def test_a_bad_value_is_refused_with_what_was_wanted(kind, values, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        kind(**values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", [np.array([0.5, 2.0]), [0.5, 2.0], (0.5, 2)])
def test_class_weights_may_be_listed_in_the_classes_order(weights):
    config = TrainConfig(class_weight=weights)
    assert config.class_weight == {"0": 0.5, "1": 2.0}
    assert TrainConfig.from_json(config.to_json()) == config


def test_class_weights_are_keyed_by_text_as_in_json():
    config = TrainConfig(class_weight={0: 1, "Shirt": 2.5})
    assert config.class_weight == {"0": 1.0, "Shirt": 2.5}
    assert TrainConfig.from_toml(config.to_toml()) == config


def test_all_stands_for_every_name_that_the_task_allows():
    config = StudyConfig(dataset="x", variants=("all", "dropout=0.5"))
    of_one_network = tuple(name for name in VARIANTS if name != "batch_ensemble")
    assert config.variant_names == (*of_one_network, "dropout=0.5")
    assert config.for_data("multiclass", "uint8").variants == (*of_one_network, "dropout=0.5")
    assert "label_smoothing" not in config.for_data("regression", "uint8").variants
    assert "input_norm" not in config.for_data("binary", "float32").variants, "it is none again"


def test_seeds_start_at_the_first():
    assert list(StudyConfig(dataset="x", num_seeds=3, first_seed=5).seeds) == [5, 6, 7]


def test_one_name_stands_for_a_list_of_one():
    assert StudyConfig(dataset="x", variants="none").variants == ("none",)


def test_resolved_variants_keep_their_order_and_override_the_base():
    config = StudyConfig(dataset="x", variants=("l2", "none"), model=MLPConfig(l2=0.1, dropout=0.3))
    assert config.variant_names == ("l2", "none")
    l2, none = config.resolved_variants
    assert (l2.model.l2, none.model.l2) == (VARIANTS["l2"]["l2"], 0.1)
    assert l2.model.dropout == none.model.dropout == 0.3


def test_a_study_file_is_read(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        'dataset = "mnist"\nvariants = ["none", {name = "wide", hidden_units = [9]}]\n'
        "[model]\nhidden_units = [4]\n[train]\nmax_epochs = 2\n",
        encoding="utf-8",
    )
    config = read_study_file(path)
    assert config.train == TrainConfig(max_epochs=2)
    assert [v.model.hidden_units for v in config.resolved_variants] == [(4,), (9,)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dataset = ", "not valid TOML: Invalid value"),
        (b'dataset = "x"\nnum_seeds = 0', "num_seeds must be a whole number of at least 1."),
        (b'dataset = "x"\nnum_sseds = 1', "no field 'num_sseds'. Did you mean 'num_seeds'?"),
        (b"num_seeds = 1", "dataset"),
        (b"\xff\xfe", "can't decode byte 0xff"),
        (None, "No such file or directory"),
    ],
)
def test_a_bad_study_file_is_named(tmp_path, content, message):
    path = tmp_path / "my study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        read_study_file(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_numpys_numbers_are_taken_and_become_plain():
    config = MLPConfig(hidden_units=(np.int64(8),), dropout=np.float32(0.5))
    assert config == MLPConfig(hidden_units=(8,), dropout=0.5)
    assert json.loads(config.to_json())["hidden_units"] == [8]
    assert TrainConfig(batch_size=np.int32(16)).to_dict()["batch_size"] == 16


@pytest.mark.parametrize("text", ["[1]", "{}", "3"])
def test_what_is_no_study_is_refused_in_words(text):
    with pytest.raises(ConfigError, match=r"is read from a table|needs dataset"):
        StudyConfig.from_json(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"normalization": "batch"},
            "normalization does not go with weight_sharing='tabm': batch statistics would be of "
            "all sub-networks together. Use normalization='layer'. Received: "
            "normalization='batch'.",
        ),
        ({"drop_connect": 0.2}, "it would mask what all sub-networks share. Use dropout."),
        ({"max_norm": 3.0}, "scales by factors of its own. Use l2. Received: max_norm=3.0."),
        ({"kernel_initializer": "unit_variance"}, "has another spread in each sub-network."),
        ({"bias_initializer": "hull"}, "a unit's sum differs by sub-network. Use 'normal'."),
        ({"hidden_units": ()}, "weight_sharing shares hidden layers, of which there are none."),
        ({"num_subnetworks": 1}, "num_subnetworks"),
        ({"weight_sharing": "mimo"}, "weight_sharing"),
    ],
)
def test_what_many_networks_in_one_cannot_have_is_refused(options, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        MLPConfig(**{"weight_sharing": "tabm", **options})


def test_many_networks_in_one_may_have_all_else():
    config = MLPConfig(
        weight_sharing="tabm", num_subnetworks=8, dropout=0.1, l2=1e-3, normalization="layer"
    )
    assert MLPConfig.from_toml(config.to_toml()) == config
