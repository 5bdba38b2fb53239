"""The search space: what is searched, when it counts, and how it is narrowed or held."""

import dataclasses

import keras_tuner
import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.data import DataSpec
from kmlp.data.columns import Column
from kmlp.errors import ConfigError
from tests.encoded import encoded_table
from tuning.space.catalogue import DEFAULT, catalogue
from tuning.space.parameter import Parameter, num_points
from tuning.space.space import make_space

IMAGES = DataSpec(
    task="multiclass",
    input_shape=(28, 28),
    input_dtype="uint8",
    num_classes=3,
    class_names=("a", "b", "c"),
)
NUMBERS = dataclasses.replace(
    IMAGES,
    task="regression",
    input_shape=(4,),
    input_dtype="float32",
    num_classes=0,
    class_names=(),
)

TABLE = encoded_table().spec
CATEGORIES = Column(name="c", kind="category", source="c", values=tuple(map(str, range(200))))


def names(space) -> list[str]:
    return [p.name for p in space.parameters]


def by_name(space, name: str) -> Parameter:
    return next(p for p in space.parameters if p.name == name)


def test_the_catalogue_reaches_every_field_that_a_network_depends_on():
    """What it leaves out is said here: budgets, schedules but the rate's, what rescales another
    parameter, and what is not of every task."""
    fields = {f.name for c in (MLPConfig, TrainConfig) for f in dataclasses.fields(c)}
    made_of_others = {"hidden_units", "restore_best_weights", "layer_dropout"}
    budgets = {"max_epochs", "early_stopping", "keep_last_best", "monitor", "min_delta", "patience"}
    schedules = {f for f in fields if f.endswith("_warm_up")} | {
        *("warm_up", "decay_rate", "weight_decay_schedule", "dropout_schedule", "ema_momentum"),
        "initial_momentum",
    }
    initial = {"kernel_stddev", "bias_stddev", "embedding_stddev"}
    rescaling = {f for f in fields if f.endswith(("_rate_factor", "_decay_factor"))} | initial
    others = {"penalty_reduction", "dtype_policy", "mixup", "clamped_predictions"}
    others |= {"class_outputs"}  # of two classes
    others |= {"dropout_scaling", "normalization_epsilon", "normalization_momentum"}
    table = dataclasses.replace(TABLE, columns=(*TABLE.columns, CATEGORIES))
    assert fields - set(catalogue(table)) == (
        made_of_others | budgets | schedules | rescaling | others
    )
    assert "clamped_predictions" in catalogue(NUMBERS)
    assert set(DEFAULT) <= set(catalogue(IMAGES))


def test_what_acts_on_columns_is_searched_where_such_columns_are():
    of_numbers = dataclasses.replace(TABLE, columns=TABLE.columns[2:3])  # no gaps
    embedding = {
        *("number_embedding", "number_embedding_dim", "num_frequencies", "frequency_stddev"),
        "num_bins",
    }
    without = catalogue(dataclasses.replace(TABLE, columns=()))
    assert set(catalogue(of_numbers)) == set(without) | embedding
    assert not embedding & set(catalogue(dataclasses.replace(TABLE, columns=(CATEGORIES,))))
    assert set(catalogue(TABLE)) - set(catalogue(of_numbers)) == {
        *("missing_indicators", "min_category_count", "max_one_hot", "embedding_dim"),
        "scaled_one_hot",
    }
    assert catalogue(TABLE)["embedding_dim"].conditions == (("max_one_hot", (8, 0)),)
    assert "robust" in catalogue(of_numbers)["input_scaling"].values
    assert "robust" not in catalogue(NUMBERS)["input_scaling"].values


def test_every_value_of_the_catalogue_makes_a_config():
    for spec in (IMAGES, NUMBERS, TABLE):
        make_space(spec, "all").check()
    assert "label_smoothing" not in names(make_space(NUMBERS, "all"))


def test_the_defaults_of_the_space_are_the_defaults_of_the_configs():
    """So a grid, which begins there, begins at what everyone would try first."""
    space = make_space(IMAGES)
    values = {p.name: p.default for p in space.parameters if not p.conditions}
    model, train = space.configs({**values, "units_2": by_name(space, "units_2").default})
    assert (model, train) == (MLPConfig(), TrainConfig())


@pytest.mark.parametrize(
    ("child", "parent", "values"),
    [
        ("units_3", "num_layers", (3,)),
        ("momentum", "optimizer", ("sgd",)),
        ("learning_rate", "optimizer", ("adam", "rmsprop")),
        ("drop_connect_mask", "drop_connect", (0.1, 0.2, 0.3, 0.5)),
        ("gradient_noise_decay", "gradient_noise", (0.001, 0.01, 0.03, 0.1)),
        ("plateau_factor", "reduce_on_plateau", (True,)),
    ],
)
def test_what_depends_on_another_parameter_counts_only_with_it(child, parent, values):
    assert (parent, values) in by_name(make_space(IMAGES, "all"), child).conditions


def test_conditions_follow_a_parent_that_is_narrowed_fixed_or_absent():
    narrowed = make_space(IMAGES, ["all", "drop_connect=0,0.25", "num_layers=1,2"])
    assert ("drop_connect", (0.25,)) in by_name(narrowed, "drop_connect_mask").conditions
    assert "units_3" not in names(narrowed)
    sgd = make_space(IMAGES, "all", ["optimizer=sgd"])
    assert by_name(sgd, "momentum").conditions == ()
    assert "learning_rate" not in names(sgd)
    always = make_space(IMAGES, ["none", "drop_connect=0.1:0.5", "drop_connect_mask"])
    assert by_name(always, "drop_connect_mask").conditions == ()


def test_inactive_values_leave_the_base_alone():
    space = make_space(IMAGES, ["none", "num_layers", "units_1", "units_2", "units_3"])
    model, _ = space.configs({"num_layers": 1, "units_1": 256})
    assert model.hidden_units == (256,)
    model, _ = space.configs({"num_layers": 3, "units_1": 64, "units_2": 32, "units_3": 64})
    assert model.hidden_units == (64, 32, 64)


def test_zero_is_no_bound_and_none_is_no_weight():
    space = make_space(IMAGES, ["none", "max_norm", "clipnorm", "class_weight"])
    model, train = space.configs({"max_norm": 0.0, "clipnorm": 0.0, "class_weight": "none"})
    assert (model.max_norm, train.clipnorm, train.class_weight) == (None, None, None)
    model, train = space.configs({"max_norm": 3.0, "clipnorm": 0.1, "class_weight": "balanced"})
    assert (model.max_norm, train.clipnorm, train.class_weight) == (3.0, 0.1, "balanced")


def test_sgd_has_a_rate_of_its_own():
    space = make_space(IMAGES, "all")
    values = {"optimizer": "sgd", "sgd_learning_rate": 0.3, "momentum": 0.9, "nesterov": True}
    _, train = space.configs(values)
    assert (train.learning_rate, train.momentum, train.nesterov) == (0.3, 0.9, True)


def test_a_fixed_rate_of_sgd_leaves_the_other_optimizers_alone():
    space = make_space(IMAGES, "all", ["sgd_learning_rate=0.3"])
    _, train = space.configs({"optimizer": "adam", "learning_rate": 0.002})
    assert train.learning_rate == 0.002
    _, train = space.configs({"optimizer": "sgd"})
    assert train.learning_rate == 0.3


def test_a_schedule_and_a_plateau_exclude_each_other():
    space = make_space(IMAGES, "all")
    plateau = {"reduce_on_plateau": True, "plateau_factor": 0.3, "plateau_patience": 2}
    _, train = space.configs({"learning_rate_schedule": "constant", **plateau})
    assert train.reduce_on_plateau == {"factor": 0.3, "patience": 2, "min_learning_rate": 0.0}
    base = TrainConfig(reduce_on_plateau={"patience": 2})
    _, train = make_space(IMAGES, "default", train=base).configs(
        {"learning_rate_schedule": "cosine"}
    )
    assert train.reduce_on_plateau is None


@pytest.mark.parametrize("fixed", ["reduce_on_plateau={patience = 7}", "reduce_on_plateau={}"])
def test_a_fixed_plateau_keeps_its_own_settings(fixed):
    space = make_space(IMAGES, ["none", "plateau_factor"], [fixed])
    _, train = space.configs({"plateau_factor": 0.3})
    wanted = TrainConfig(reduce_on_plateau={"patience": 7} if "7" in fixed else {})
    assert train.reduce_on_plateau == {**(wanted.reduce_on_plateau or {}), "factor": 0.3}
    assert make_space(IMAGES, "none", [fixed]).configs({})[1] == wanted


def test_words_and_tables_narrow_alike():
    words = make_space(
        IMAGES, ["none", "learning_rate=1e-4:1e-2:log", "dropout=0:0.5:0.1", "units_1=32:64"]
    )
    table = {
        "preset": "none",
        "learning_rate": {"min": 1e-4, "max": 1e-2, "sampling": "log"},
        "dropout": {"min": 0.0, "max": 0.5, "step": 0.1},
        "units_1": {"min": 32, "max": 64},
    }
    assert words == make_space(IMAGES, table)
    assert by_name(words, "dropout").listed == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert len(by_name(words, "units_1").listed or ()) == 33


def test_what_is_fixed_is_not_searched():
    space = make_space(IMAGES, "default", {"hidden_units": [16], "dropout": 0.2, "nesterov": False})
    assert not {"num_layers", "units_1", "dropout"} & set(names(space))
    model, _ = space.configs({})
    assert (model.hidden_units, model.dropout) == ((16,), 0.2)
    assert space.fixed == {"hidden_units": [16], "dropout": 0.2, "nesterov": False}
    assert make_space(IMAGES, "default", ["learning_rate=0.1", "optimizer=sgd"]).configs({})[
        1
    ].learning_rate == pytest.approx(0.1)


def test_whole_networks_can_be_listed():
    space = make_space(IMAGES, ["none", "hidden_units=64,128-64,linear"])
    (parameter,) = space.parameters
    found = [space.configs({"hidden_units": v})[0].hidden_units for v in parameter.values]
    assert found == [(64,), (128, 64), ()]
    assert parameter.default == "128-64", "the base's own network"
    # As before the first searches were told to write hyphens: their folders go on.
    (before,) = make_space(IMAGES, ["none", "hidden_units=64,128x64"]).parameters
    assert (before.values, before.default) == (("64", "128x64"), "128x64")


@pytest.mark.parametrize(
    ("space", "fixed", "message"),
    [
        (["dropot"], (), "has no field 'dropot'. Did you mean 'dropout'"),
        (["defalt"], (), "has no field 'defalt'. Did you mean 'default'?"),
        ({"preset": "al"}, (), "Received: 'al'. Did you mean 'all'?"),
        (["hidden_units=64,a-b"], (), "as 128-64, or linear for no hidden layer. Received: 'a-b'."),
        (["dropout=0,1.5"], (), "Did you mean a keep probability"),
        (["dropout=0.5:0.1"], (), "min must be below max"),
        (["dropout=0,a"], (), "it takes numbers. Received: 'a'."),
        (
            ["learning_rate=1e-3-1e-2"],
            (),
            "it takes numbers. A range is written learning_rate=1e-3:1e-2, learning_rate="
            "1e-3:1e-2:log, or with a step learning_rate=LOW:HIGH:STEP. Received: '1e-3-1e-2'.",
        ),
        (["dropout=0..0.5"], (), "A range is written dropout=0:0.5, dropout=0:0.5:log"),
        (["units_1=64 to 256"], (), "A range is written units_1=64:256,"),
        (["units_1=1.5,2"], (), "it takes whole numbers"),
        (["l2=0:1e-3:log"], (), "begins above 0; to add 0, list values"),
        (["momentum"], (), "momentum counts only with optimizer one of sgd"),
        (["learning_rate"], ["optimizer=sgd"], "Search sgd_learning_rate instead"),
        (
            "default",
            ["sgd_learning_rate=0.1"],
            "sgd_learning_rate counts only with optimizer one of",
        ),
        (["num_layers=1,5"], (), "num_layers is at most 3"),
        (["dropout=0,0"], (), "every value is listed once"),
        (["units_1"], ["hidden_units=16"], "hidden_units says the whole network, units_1 a part"),
        ("default", ["hidden_units=16", "num_layers=2"], "whole network, num_layers a part"),
        (["hidden_units=16,8", "units_2"], (), "whole network, units_2 a part"),
        (["dropout"], ["dropout=0.1"], "both searched and fixed"),
        (["patience"], (), "no range of its own: name its values"),
        (["all", "none"], (), "begins with one preset"),
        ("default", ["dropout"], "written name=value"),
        ("default", ["dropout=2"], "dropout must be in"),
        ({"preset": "everything"}, (), "a space's preset is one of"),
        ({"dropout": {"min": 0.1}}, (), "by values, as 0,0.2,0.5, or by a range"),
        ("default", ["hidden_units=a"], "hidden_units are whole numbers"),
        (
            ["none", "dropout"],
            ["hidden_units=linear"],
            "dropout counts only with hidden_units other than linear, which this space never has.",
        ),
        (
            ["none", "l2"],
            ["num_subnetworks=8"],
            "num_subnetworks means nothing where weight_sharing='none', as in all of this space.",
        ),
        (
            ["none", "decay_rate=0.1,0.01"],
            (),
            "decay_rate means nothing where learning_rate_schedule='constant'",
        ),
    ],
)
def test_what_makes_no_space_is_refused_with_a_way_out(space, fixed, message):
    with pytest.raises(ConfigError) as error:
        make_space(IMAGES, space, fixed)
    assert message in str(error.value)


def test_where_a_network_may_be_linear_what_needs_hidden_layers_is_left_out_of_the_trial():
    words = ["default", "hidden_units=linear,64", "max_norm", "drop_connect"]
    space = make_space(IMAGES, [*words, "drop_connect_mask", "weight_sharing", "num_subnetworks"])
    linear = {p.name: p.conditions for p in space.parameters}
    hidden = ("hidden_units", ("64",))
    of_layers = ("dropout", "activation", "normalization", "max_norm", "drop_connect")
    assert all(hidden in linear[name] for name in (*of_layers, "weight_sharing"))
    assert linear["drop_connect_mask"] == (("drop_connect", (0.1, 0.2, 0.3, 0.5)),)
    assert not {"learning_rate", "l2", "input_dropout"} & {n for n, c in linear.items() if c}
    assert next(iter(linear)) == "hidden_units", "parents come first"
    hp = keras_tuner.HyperParameters()
    hp.Fixed("hidden_units", "linear")
    drawn = space.declare(hp)
    assert not {"dropout", "normalization", "max_norm", "drop_connect_mask"} & drawn.keys()
    assert space.configs(drawn)[0].hidden_units == ()


def test_in_a_linear_space_what_needs_hidden_layers_is_not_searched():
    held = ["hidden_units=linear"]
    for space, fixed in ((["default", *held], ()), ("default", held)):
        assert "dropout" not in names(make_space(IMAGES, space, fixed))
    assert "dropout" in names(make_space(IMAGES, "default", model=MLPConfig(hidden_units=())))


def test_how_many_networks_share_counts_only_where_they_share():
    space = make_space(IMAGES, ["none", "weight_sharing", "num_subnetworks"])
    ((parent, kinds),) = by_name(space, "num_subnetworks").conditions
    assert (parent, "none" in kinds) == ("weight_sharing", False)
    with pytest.raises(ConfigError, match="counts only with weight_sharing other than none"):
        make_space(IMAGES, ["none", "num_subnetworks"])


def test_a_base_that_one_value_does_not_fit_is_refused_before_anything_trains():
    base = MLPConfig(drop_connect=0.2, drop_connect_inference="moments")
    with pytest.raises(ConfigError, match=r"the space's normalization='batch': .*moments"):
        make_space(IMAGES, ["none", "normalization"], model=base)


def test_a_grid_is_counted():
    space = make_space(IMAGES, ["none", "dropout=0,0.2", "units_1", "learning_rate"])
    assert num_points(space.parameters) == 2 * 4 * 11
