"""What "auto" stands for: a recipe for tables, written out before all else."""

import pytest

from kmlp.config import StudyConfig
from kmlp.config.recipes.known import RECIPES
from kmlp.errors import ConfigError


def of_table(*variants, task="binary", num_rows=5000) -> StudyConfig:
    study = StudyConfig(dataset="x", variants=("none", *variants))
    return study.for_data(task, "float32", is_table=True, num_rows=num_rows)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_is_a_recipe_under_its_own_name_and_says_which(task):
    study = of_table("auto", task=task)
    assert study.variants[1] == {"name": "auto", "recipe": "realmlp", "task": task}
    auto, named = study.resolved_variants[1], of_table("realmlp", task=task).resolved_variants[1]
    assert auto.trains_as(named)
    assert (auto.name, auto.strength) == ("auto", "recipe=realmlp")


@pytest.mark.parametrize("num_rows", [100, 100_000])
def test_it_is_the_same_for_a_table_of_any_size(num_rows):
    assert of_table("auto", num_rows=num_rows).variants[1]["recipe"] == "realmlp"


@pytest.mark.parametrize("variant", ["auto", {"name": "wide", "recipe": "auto"}])
def test_before_the_data_are_known_it_has_a_name_and_no_configs(variant):
    study = StudyConfig(dataset="x", variants=("none", variant))
    assert study.num_settings == len(study.variant_names) == 2
    with pytest.raises(ConfigError, match="the recipe of auto follows from the data"):
        _ = study.resolved_variants


def test_what_is_written_out_stays_whatever_the_data():
    study = of_table("auto", task="regression")
    assert study.for_data("regression", "float32", is_table=True, num_rows=10) == study
    assert StudyConfig.from_toml(study.to_toml()) == study


def test_fields_beside_it_are_kept():
    study = of_table({"name": "wide", "recipe": "auto", "hidden_units": [512, 512]})
    wide = study.resolved_variants[1]
    assert study.variants[1]["recipe"] in RECIPES
    assert (wide.model.hidden_units, wide.strength) == ((512, 512), "hidden_units=[512, 512]")


def test_it_is_no_part_of_all():
    assert "auto" not in of_table("all").variant_names


def test_it_is_for_tables():
    study = StudyConfig(dataset="x", variants=("none", "auto"))
    with pytest.raises(ConfigError, match="'auto': auto chooses a recipe for a table, and these"):
        study.for_data("multiclass", "uint8", num_rows=60_000)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("auto=3", "variant 'auto' has no single strength to set"),
        ("aut", "Did you mean 'auto'"),
        ({"name": "x", "recipe": "auto", "without": ["ntk"]}, "variant 'x': auto has no parts"),
        ({"name": "x", "recipe": "autp"}, "there is no recipe 'autp'"),
    ],
)
def test_what_it_cannot_be_is_refused(variant, message):
    with pytest.raises(ConfigError, match=message):
        StudyConfig(dataset="x", variants=("none", variant))
