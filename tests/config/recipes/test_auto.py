"""What "auto" stands for: a recipe by the table's task and size, written out before all else."""

import pytest

from kmlp.config import StudyConfig
from kmlp.config.recipes.auto import chosen_recipe
from kmlp.config.recipes.known import RECIPES
from kmlp.errors import ConfigError


def of_table(*variants, task="binary", num_rows=5000) -> StudyConfig:
    study = StudyConfig(dataset="x", variants=("none", *variants))
    return study.for_data(task, "float32", is_table=True, num_rows=num_rows)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_is_a_recipe_under_its_own_name_and_says_which(task):
    recipe = chosen_recipe(task, 5000)
    study = of_table("auto", task=task)
    assert study.variants[1] == {"name": "auto", "recipe": recipe, "task": task}
    auto, named = study.resolved_variants[1], of_table(recipe, task=task).resolved_variants[1]
    assert auto.trains_as(named)
    assert (auto.name, auto.strength) == ("auto", f"recipe={recipe}")


def test_the_whole_realmlp_begins_at_two_thousand_rows():
    found = [of_table("auto", num_rows=n).variants[1]["recipe"] for n in (1999, 2000)]
    assert found == ["realmlp_s", "realmlp"]


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
