"""A variant changes what its name says in the base configs, and nothing else."""

import dataclasses
import re

import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.recipes.ablation import ablation
from kmlp.config.recipes.known import RECIPES
from kmlp.config.variants import VARIANTS, refuse_idle, refuse_twins, resolve_variant
from kmlp.errors import ConfigError

DECAYED = {"weight_decay": 0.1}
MODEL, TRAIN = MLPConfig(hidden_units=(7,), dropout=0.1), TrainConfig(max_epochs=3)


def resolve(variant):
    return resolve_variant(variant, MODEL, TRAIN)


def changes(variant) -> dict:
    """The fields in which a resolved variant differs from the base."""
    pairs = ((MODEL, variant.model), (TRAIN, variant.train))
    return {
        f.name: getattr(new, f.name)
        for base, new in pairs
        for f in dataclasses.fields(base)
        if getattr(new, f.name) != getattr(base, f.name)
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_a_name_changes_its_own_fields_only(name):
    assert resolve(name).name == name
    assert changes(resolve(name)) == VARIANTS[name]


def test_every_known_name_changes_fields_that_exist():
    names = {f.name for kind in (MLPConfig, TrainConfig) for f in dataclasses.fields(kind)}
    assert all(set(fields) <= names for fields in VARIANTS.values())


def test_the_default_strengths_are_the_published_ones():
    strengths = {name: resolve(name).strength for name in VARIANTS}
    assert strengths == {
        "none": "",
        "dropout": "dropout=0.2",
        "drop_connect": "drop_connect=0.2",
        "input_noise": "input_noise=0.1",
        "l1": "l1=1e-05",
        "l2": "l2=0.0005",
        "l1_l2": "l1=1e-05, l2=0.0001",
        "dropout_l2": "dropout=0.2, l2=0.0005",
        "batch_norm": "normalization=batch",
        "layer_norm": "normalization=layer",
        "input_norm": "input_scaling=standard",
        "gradient_noise": "gradient_noise=0.01, gradient_noise_decay=0.55",
        "max_norm": "max_norm=3",
        "label_smoothing": "label_smoothing=0.1",
        "mixup": "mixup=0.2",
        "no_early_stopping": "early_stopping=False",
        "batch_ensemble": "weight_sharing=batch_ensemble, num_subnetworks=4",
    }


@pytest.mark.parametrize(
    ("variant", "name", "changed"),
    [
        ("dropout=0.5", "dropout=0.5", {"dropout": 0.5}),
        ("l2=1e-4", "l2=0.0001", {"l2": 1e-4}),
        ("l1=1", "l1=1", {"l1": 1.0}),
    ],
)
def test_a_strength_replaces_the_default(variant, name, changed):
    resolved = resolve(variant)
    assert (resolved.name, resolved.strength) == (name, name)
    assert changes(resolved) == changed


def test_gradient_noise_keeps_its_decay_at_another_strength():
    resolved = resolve("gradient_noise=0.1")
    assert resolved.name == "gradient_noise=0.1"
    assert changes(resolved) == {"gradient_noise": 0.1, "gradient_noise_decay": 0.55}


def test_resolving_leaves_the_table_of_defaults_alone():
    resolve("dropout=0.5")
    assert VARIANTS["dropout"] == {"dropout": 0.2}


def test_a_table_overrides_fields_of_both_configs():
    table = {"name": "wide", "hidden_units": [64, 32], "learning_rate": 0.01}
    resolved = resolve(table)
    assert resolved.name == "wide"
    assert resolved.strength == "hidden_units=[64, 32], learning_rate=0.01"
    assert changes(resolved) == {"hidden_units": (64, 32), "learning_rate": 0.01}
    assert table["name"] == "wide"


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (
            "droput",
            "unknown variant 'droput'. Did you mean 'dropout'? Known by name: none, dropout, ",
        ),
        ("droput=0.3", "unknown variant 'droput=0.3'. Did you mean 'dropout=0.3'?"),
        ("Batch-Norm=1", "unknown variant 'Batch-Norm=1'. Did you mean 'batch_norm'?"),
        ("l3=0.1", "unknown variant 'l3=0.1'. Known by name:"),
        ("", "unknown variant ''."),
        ("none=1", "variant 'none' has no single strength to set. Received: none=1."),
        ("l1_l2=0.1", "variant 'l1_l2' has no single strength to set."),
        ("dropout_l2=0.1", "Write a table in the study file that names each field."),
        ("no_early_stopping=1", "variant 'no_early_stopping' has no single strength to set."),
        ("dropout=half", "variant 'dropout': 'half' is not a number."),
        ("dropout=", "variant 'dropout': '' is not a number."),
        ("dropout=1.2", "variant 'dropout=1.2': dropout must be in [0, 1). Received: dropout=1.2."),
        ("l2=-1", "variant 'l2=-1': l2 must be a number of at least 0."),
        ("l2=nan", "variant 'l2=nan': l2 must be a number of at least 0."),
        ({"l2": 0.1}, "a variant table needs a name. Received: {'l2': 0.1}."),
        ({"name": "", "l2": 0.1}, "a variant table needs a name."),
        ({"name": "a", "droput": 1}, "variant 'a': the study's configs has no field 'droput'."),
        ({"name": "a", "droput": 1}, "Did you mean 'dropout'?"),
        ({"name": "a", "l2": -1}, "variant 'a': l2 must be a number of at least 0."),
        (3, "a variant is a name or a table. Received: 3."),
    ],
)
def test_a_bad_variant_is_refused_with_its_name(variant, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        resolve(variant)


@pytest.mark.parametrize(
    ("variant", "base", "message"),
    [
        (
            {"name": "many", "num_subnetworks": 8},
            {},
            "variant 'many': num_subnetworks means nothing where weight_sharing='none'. Change",
        ),
        ({"name": "a", "bias_stddev": 2.0}, {}, "nothing where bias_initializer='zeros'"),
        ({"name": "a", "penalty_reduction": "mean"}, {}, "nothing where l1=0.0 and l2=0.0"),
        ({"name": "a", "gradient_noise_decay": 0.55}, {}, "nothing where gradient_noise=0.0"),
        ({"name": "a", "nesterov": True, "optimizer": "sgd"}, {}, "nothing where momentum=0.0"),
        (
            {"name": "a", "number_embedding": "piecewise_linear", "num_frequencies": 8},
            {},
            "num_frequencies means nothing where number_embedding='piecewise_linear'",
        ),
        (
            {"name": "a", "scale_decay_factor": 0.1, "weight_decay": 0.1},
            {},
            "nothing where learned_scale=False",
        ),
        ({"name": "a", "decay_rate": 0.5}, {}, "nothing where learning_rate_schedule='constant'"),
        ({"name": "a", "patience": 9}, {"early_stopping": False}, "where early_stopping=False"),
        ("batch_norm", {"hidden_units": ()}, "normalization means nothing where hidden_units=()"),
        (
            {"name": "a", "dropout_schedule": "cosine"},
            {},
            "dropout_schedule means nothing where dropout=0.0 and layer_dropout=()",
        ),
    ],
)
def test_a_field_that_means_nothing_makes_no_variant(variant, base, message):
    """It would train the same network twice and compare it with itself."""
    model, train = (
        dataclasses.replace(config, **{k: v for k, v in base.items() if hasattr(config, k)})
        for config in (MLPConfig(), TrainConfig())
    )
    with pytest.raises(ConfigError) as error:
        refuse_idle(["none", variant], model, train)
    assert message in str(error.value)


def test_what_means_something_in_some_variant_may_be_said_for_all():
    model = MLPConfig(penalty_reduction="mean", drop_connect_mask="example")
    refuse_idle(["none", "l2", "drop_connect"], model, TrainConfig())
    refuse_idle(["none", "gradient_noise=0"], MLPConfig(), TrainConfig())
    refuse_idle([*VARIANTS, *RECIPES], MLPConfig(), TrainConfig())
    for recipe in RECIPES:
        refuse_idle(ablation(recipe), MLPConfig(), TrainConfig())


@pytest.mark.parametrize(
    ("variants", "input_dtype", "twins"),
    [
        (("none", "dropout=0"), "uint8", "'none' and 'dropout=0'"),
        (("none", "input_norm"), "float32", "'none' and 'input_norm'"),
        (("none", {"name": "each", "class_outputs": True}), "uint8", "'none' and 'each'"),
        (("l2", {"name": "again", "l2": 5e-4}), "uint8", "'l2' and 'again'"),
        (
            ({"name": "a", "weight_decay": 0.1}, {"name": "w", "optimizer": "adamw"} | DECAYED),
            "uint8",
            "'a' and 'w'",
        ),
    ],
)
def test_a_network_is_not_compared_with_itself(variants, input_dtype, twins):
    bare = [resolve_variant(v, MLPConfig(), TrainConfig()) for v in variants]
    with pytest.raises(ConfigError) as error:
        refuse_twins(bare, "multiclass", input_dtype)
    assert f"the variants {twins} are one network" in str(error.value)


def test_what_differs_is_no_twin():
    named = ("none", "input_norm", "dropout", {"name": "few", "num_train": 9})
    refuse_twins([resolve(v) for v in named], "multiclass", "uint8")
