"""A recipe sets what its authors set; without a part it sets all else."""

import dataclasses

import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.config.recipes.ablation import ablated, ablation, question
from kmlp.config.recipes.known import RECIPES
from kmlp.config.settings import RECORDS
from kmlp.config.variants import resolve_variant
from kmlp.errors import ConfigError

TASKS = ("binary", "regression")


def resolved(variant, model: MLPConfig | None = None, train: TrainConfig | None = None):
    return resolve_variant(variant, model or MLPConfig(), train or TrainConfig())


def changes(a, b) -> dict:
    """The fields in which two variants differ: what the second has."""
    pairs = ((a.model, b.model), (a.train, b.train))
    return {
        f.name: getattr(y, f.name)
        for x, y in pairs
        for f in dataclasses.fields(x)
        if getattr(x, f.name) != getattr(y, f.name)
    }


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", RECIPES)
def test_without_a_part_only_what_the_part_sets_and_what_must_follow_is_otherwise(name, task):
    recipe = RECIPES[name]
    whole = resolved({"name": name, "recipe": name, "task": task})
    for part in recipe.parts_of(task):
        without = resolved({"name": "x", "recipe": name, "task": task, "without": [part.name]})
        changed = changes(whole, without)
        assert changed, f"{part.name} sets nothing that is not there anyway"
        assert set(changed) <= {*part.sets, *part.of_regression, *part.instead}
        for field in set(part.sets) - set(part.instead):
            assert changed[field] == RECORDS[field].default


@pytest.mark.parametrize("name", RECIPES)
def test_parts_have_names_and_titles_of_their_own_and_no_field_is_in_two(name):
    recipe = RECIPES[name]
    for what in ("name", "title"):
        said = [getattr(part, what) for part in recipe.parts]
        assert len(set(said)) == len(said)
    fields = [f for part in recipe.parts for f in part.sets]
    assert len(set(fields)) == len(fields)
    assert not set(fields) & set(recipe.frame)


def test_a_recipe_is_the_same_whatever_the_base_says_and_its_strength_is_its_name():
    base = (
        MLPConfig(hidden_units=(7,), activation="tanh", dropout=0.5, l2=0.1, residual_units=3),
        TrainConfig(learning_rate=1.0, clipnorm=1.0, weight_decay=0.1),
    )
    for variant in ("realmlp_s", {"name": "realmlp_s", "recipe": "realmlp_s"}):
        assert resolved(variant, *base) == resolved("realmlp_s")
        assert resolved(variant).strength == ""
    own = resolved({"name": "wide", "recipe": "realmlp_s", "hidden_units": [9, 9]})
    assert own.strength == "hidden_units=[9, 9]"
    assert changes(resolved("realmlp_s"), own) == {"hidden_units": (9, 9)}


def test_a_recipe_keeps_what_the_base_says_of_the_data_and_the_machine():
    base = (
        MLPConfig(max_categories=9, min_category_count=3, missing_indicators=False),
        TrainConfig(class_weight="balanced", dtype_policy="mixed_bfloat16"),
    )
    kept = changes(resolved("realmlp_s"), resolved("realmlp_s", *base))
    assert kept == {
        **{"max_categories": 9, "min_category_count": 3, "missing_indicators": False},
        **{"class_weight": "balanced", "dtype_policy": "mixed_bfloat16"},
    }


def test_a_regression_gets_its_own_form():
    study = StudyConfig(dataset="x", variants=("none", "realmlp_s", "dropout"))
    assert study.for_data("binary", "float32").variants == study.variants
    written = study.for_data("regression", "float32")
    assert written.variant_names == study.variant_names
    recipe = written.resolved_variants[1]
    assert (recipe.model.activation, recipe.train.label_smoothing) == ("mish", 0.0)
    assert written.for_data("regression", "float32") == written
    assert StudyConfig.from_toml(written.to_toml()) == written


def test_an_ablation_holds_the_whole_and_each_part_left_out():
    recipe = RECIPES["realmlp_s"]
    variants = tuple(ablation("realmlp_s", fields={"max_epochs": 3}))
    study = StudyConfig(dataset="x", variants=variants, baseline="realmlp_s")
    assert study.variant_names == ("realmlp_s", *(f"without {p.title}" for p in recipe.parts))
    assert {v.train.max_epochs for v in study.resolved_variants} == {3}
    assert study.ablated == "realmlp_s"
    assert {v.strength for v in study.resolved_variants} == {""}, "all share it: no name tells it"
    of_numbers = study.for_data("regression", "float32")
    assert len(of_numbers.variants) == len(recipe.parts_of("regression")) + 1 < len(variants)
    assert of_numbers.ablated == "realmlp_s"
    assert StudyConfig.from_toml(of_numbers.to_toml()) == of_numbers
    assert [v["without"] for v in ablation("realmlp_s", ["ntk", "beta_2"])[1:]] == [
        ["ntk"],
        ["beta_2"],
    ]


def test_what_one_variant_of_an_ablation_sets_by_itself_is_told_behind_its_name():
    whole, without = ablation("realmlp_s", ["ntk"], {"max_epochs": 3, "batch_size": 8})
    variants = (whole, {**without, "learning_rate": 0.01, "batch_size": 16})
    study = StudyConfig(dataset="x", variants=variants, baseline="realmlp_s")
    said = [v.strength for v in study.resolved_variants]
    assert said == ["batch_size=8", "batch_size=16, learning_rate=0.01"]


def test_a_part_that_no_column_needs_is_not_left_out_in_vain():
    study = StudyConfig(
        dataset="x", variants=tuple(ablation("realmlp")), baseline="realmlp", num_seeds=1
    )
    of_numbers = study.for_data("binary", "float32", kinds={"number", "boolean"})
    of_categories = study.for_data("binary", "float32", kinds={"category"})
    everything = study.for_data("binary", "float32").variant_names
    missing = [set(everything) - set(some.variant_names) for some in (of_numbers, of_categories)]
    assert missing == [{"without scaled categories"}, {"without embedded numbers"}]
    assert of_numbers.ablated == of_categories.ablated == "realmlp"


@pytest.mark.parametrize(
    ("variants", "baseline"),
    [
        (("none", "dropout"), "none"),
        (("realmlp_s", *ablation("realmlp_s")[1:]), "realmlp_s"),
        (tuple(ablation("realmlp_s")), "without smooth clipping"),
        (tuple(ablation("realmlp_s")[:1]), "realmlp_s"),
        ((*ablation("realmlp_s"), {"name": "mine", "dropout": 0.5}), "realmlp_s"),
    ],
)
def test_what_compares_something_else_is_no_ablation(variants, baseline):
    assert ablated(variants, baseline) is None


def test_a_study_says_what_it_asks():
    assert question("realmlp_s", "churn") == "Which part of realmlp_s earns its place on churn?"
    assert question(None, "churn") == "Which regularizer helps on churn?"


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("realmlp_t", "unknown variant 'realmlp_t'. Did you mean 'realmlp'"),
        ("realmlp_s=3", "variant 'realmlp_s' has no single strength to set"),
        ({"name": "x", "recipe": "resnet50"}, "variant 'x': there is no recipe 'resnet50'"),
        (
            {"name": "x", "recipe": "realmlp_s", "without": ["clip"]},
            "realmlp_s has no part 'clip'",
        ),
        ({"name": "x", "recipe": "realmlp_s", "without": 3}, "without lists a recipe's parts"),
        ({"name": "x", "recipe": "realmlp_s", "task": "ranking"}, "a recipe is for one of binary"),
    ],
)
def test_what_is_no_recipe_is_refused_with_what_there_is(variant, message):
    with pytest.raises(ConfigError, match=message):
        resolved(variant)
