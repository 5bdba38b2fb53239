"""A variant changes what its name says in the base configs, and nothing else."""

import dataclasses
import re

import pytest

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.variants import VARIANTS, resolve_variant
from kmlp.errors import ConfigError

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
