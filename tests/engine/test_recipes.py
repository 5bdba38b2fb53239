"""Recipes in stacks: a member is as alone, goes on to the bit, and leaves as it was scored."""

import dataclasses
import re

import numpy as np
import pytest
from keras import ops

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.recipes.known import RECIPES
from kmlp.config.variants import resolve_variant
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.scheduler import fit_stack
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.nn.mlp import build_mlp, load_member_weights
from tests.encoded import encoded_table
from tests.twins import assert_same_weights, make_member


def members_of(data: Dataset, recipe: str) -> list[Member]:
    """Three seeds of a recipe, small and short."""
    small = {"hidden_units": [6, 5], "max_epochs": 6, "patience": 6, "batch_size": 32}
    table = {"name": "x", "recipe": recipe, "task": data.spec.task, "max_one_hot": 8, **small}
    found = resolve_variant(table, MLPConfig(), TrainConfig())
    return [
        dataclasses.replace(make_member(data, seed), model=found.model, train=found.train)
        for seed in range(3)
    ]


def trained(run: StackRun, num_epochs: int) -> list[dict[str, np.ndarray]]:
    """The weights of every member after some epochs more."""
    for _ in range(num_epochs):
        run.train_epoch()
    return run.stack.all_weights()


def learned(weights: dict[str, np.ndarray], recipe: str) -> dict[str, np.ndarray]:
    """Without biases that batch normalization subtracts again, and its means that hold them: Adam
    makes steps of the rounding that is their gradient."""
    dense = {"resnet": "residual", "image_mlp": "hidden"}.get(recipe)
    if dense is None:
        return weights
    subtracted = rf"{dense}_\d/bias|normalization_\d/moving_mean"
    return {path: w for path, w in weights.items() if not re.fullmatch(subtracted, path)}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_member_of_a_recipe_is_what_it_is_alone_and_after_a_pause(recipe, task):
    data = encoded_table(task=task)
    members, device = members_of(data, recipe), DeviceData(data)

    def run(*some: Member) -> StackRun:
        return StackRun(build_stack(some, data.spec), device)

    whole = trained(run(*members), 3)
    half, resumed = run(*members), run(*members)
    half.train_epoch()
    resumed.restore(half.snapshot())
    for mine, theirs in zip(trained(resumed, 2), whole, strict=True):
        assert_same_weights(mine, theirs, atol=0)
    (alone,) = trained(run(members[1]), 3)
    mine, theirs = (learned(weights, recipe) for weights in (alone, whole[1]))
    assert_same_weights(mine, theirs, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_recipes_results_make_the_plain_model_that_was_scored(task):
    data = encoded_table(task=task)
    members = members_of(data, "realmlp")
    results = fit_stack(build_stack(members, data.spec), DeviceData(data))
    assert [r.status for r in results] == ["done"] * 3
    plain = build_mlp(members[0].model, data.spec)
    load_member_weights(plain, results[0].weights)
    theirs = ops.convert_to_numpy(plain(data.x_test))[:, 0]
    said = results[0].predictions
    ours = np.exp(said[:, 1]) if task == "binary" else said.reshape(-1)
    np.testing.assert_allclose(ours[-len(theirs) :], theirs, rtol=2e-4, atol=2e-5)
