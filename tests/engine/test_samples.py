"""Members of samples, folds and streams in the engine: on the rows, and in the stacks, as said."""

import dataclasses

import pytest

from kmlp.data.sampling import Sample
from kmlp.engine.planning.stacks import plan_stacks
from kmlp.engine.stack import build_stack
from kmlp.study.plan import plan_study
from kmlp.study.study import run_study
from tests.study.results import test_extra_members
from tests.study.results.test_extra_members import CONFIG, SHA, assert_scored_on_what_they_hold_out
from tests.twins import assert_same_as_keras, make_member, train, train_alone_in_keras

data = test_extra_members.data


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("kind", "of", "num_train"),
    [("splits", 3, None), ("bootstrap", 0, None), ("folds", 4, None), ("bootstrap", 0, 50)],
)
def test_a_member_of_a_sample_is_keras_own_on_these_rows(data, kind, of, num_train):
    """In one stack with the other samples, some dozen steps in float64."""
    members = [
        dataclasses.replace(
            make_member(data, seed=5, learning_rate=2.0**-8),
            sample=Sample(kind=kind, index=i, of=of, seed=1),
            num_train=num_train,
        )
        for i in range(3)
    ]
    stack = train(build_stack(members, data.spec), data, 4)
    for k, member in enumerate(members):
        assert_same_as_keras(stack, k, train_alone_in_keras(member, data, 4), atol=1e-7)


def test_all_folds_and_all_parts_fit_in_one_stack(data):
    extras = plan_study(CONFIG, SHA).extras
    for group, size in (("folds", 8), ("resample", 6)):
        members = [e.member for e in extras if e.group == group and e.variant == "none"]
        assert [len(stack) for stack in plan_stacks(members, data.spec, num_places=1)] == [size]


def test_draws_join_the_stacks_of_members_on_all_rows(data):
    config = dataclasses.replace(CONFIG, resample="bootstrap:2", folds=None, randomness=False)
    ordinary = list(plan_study(config, SHA).members["none"].values())
    draws = [e.member for e in plan_study(config, SHA).extras if e.variant == "none"]
    stacks = plan_stacks([*ordinary, *draws], data.spec, num_places=1)
    assert list(map(len, stacks)) == [6]


def test_folds_are_scored_on_what_they_hold_out_and_never_on_the_test_set(data, tmp_path):
    # Of one structure: to compile another is what takes time.
    variants = ("none", {"name": "slow", "learning_rate": 0.005})
    config = dataclasses.replace(CONFIG, variants=variants, resample=None, randomness=False)
    assert_scored_on_what_they_hold_out(run_study(config, tmp_path / "run", data), data)
