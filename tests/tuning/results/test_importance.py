"""The importance of hyperparameters, on scores whose makings are known."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from kmlp.data import DataSpec
from tuning.results.importance import MIN_TRIALS, _points, _shares, importance
from tuning.results.records.trials import FinishedTrial, UnfinishedTrial
from tuning.space.space import make_space

SPEC = DataSpec(
    task="multiclass",
    input_shape=(4,),
    input_dtype="float32",
    num_classes=3,
    class_names=("a", "b", "c"),
)
SPACE = make_space(SPEC, ["none", "learning_rate", "dropout", "activation=relu,tanh"])


def trials(score, n=60):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(n):
        values = {
            "activation": str(rng.choice(["relu", "tanh"])),
            "dropout": float(rng.choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])),
            "learning_rate": float(10 ** rng.uniform(-4, -2)),
        }
        found.append(trial(values, score(values)))
    return found


def trial(values, score):
    """As finished as its score says; what else a trial has plays no part."""
    kind = UnfinishedTrial if score is None else FinishedTrial
    return kind.model_construct(values=values, score=score)


def shares(score, *, higher_is_better=True, **options):
    found = importance(SPACE, trials(score, **options), "max" if higher_is_better else "min")
    return {entry.name: entry.importance for entry in found}


def test_what_alone_makes_the_score_has_nearly_all_of_it_and_comes_first():
    by_rate = shares(lambda v: -abs(np.log10(v["learning_rate"]) + 3))
    assert next(iter(by_rate)) == "learning_rate"
    assert by_rate["learning_rate"] > 0.8
    assert by_rate["dropout"] < 0.1
    by_word = shares(lambda v: float(v["activation"] == "relu"))
    assert by_word["activation"] > 0.95


def test_two_that_add_up_share_it():
    found = shares(lambda v: v["dropout"] + 0.25 * (v["activation"] == "relu"))
    assert 0.75 > found["dropout"] > found["activation"] > 0.2


@pytest.mark.long
def test_shares_add_up_to_at_most_all_and_interactions_belong_to_nobody():
    def either(values):
        return float((values["activation"] == "relu") == (values["dropout"] > 0.2))

    assert sum(shares(either).values()) < 0.5
    for seed in range(5):
        noise = np.random.default_rng(seed)
        assert sum(shares(lambda _, noise=noise: noise.normal()).values()) <= 1
    additive = shares(lambda v: v["dropout"] + 0.25 * (v["activation"] == "relu"), n=200)
    assert 0.9 < sum(additive.values()) <= 1


def test_a_trees_shares_are_those_over_all_points_of_the_space_however_often_tried():
    space = make_space(SPEC, ["none", "activation=relu,tanh", "dropout=0,0.1,0.2,0.3,0.4,0.5"])
    # A word and a choice stand at their places in the list.
    columns = np.array([(word, rate) for word in range(2) for rate in range(6)])
    rng = np.random.default_rng(0)
    tried = columns[rng.choice(12, 80, p=np.arange(1, 13) / 78)]
    tree = DecisionTreeRegressor(max_depth=4, random_state=0).fit(tried, rng.normal(size=80))
    predicted = tree.predict(columns).reshape(2, 6)
    wanted = [predicted.mean(axis=1).var(), predicted.mean(axis=0).var()] / predicted.var()
    assert _shares(tree, [_points(p) for p in space.parameters]) == pytest.approx(wanted)


def test_a_range_is_covered_as_it_is_sampled():
    (rate,) = make_space(SPEC, ["none", "learning_rate=1e-4:1e-2:log"]).parameters
    assert np.median(_points(rate)) == pytest.approx(1e-3, rel=0.05)


def test_a_configuration_of_several_rounds_counts_once_with_its_longest():
    short = trials(lambda v: float(v["activation"] == "relu"), n=MIN_TRIALS)
    long = [trial(t.values, t.values["dropout"]) for t in short]
    found = importance(SPACE, short + long, "max")
    assert found == importance(SPACE, long, "max")
    assert found[0].name == "dropout"
    assert importance(SPACE, short[1:] + long[1:], "max") is None


def test_what_breaks_a_network_does_not_hide_what_tells_good_ones_apart():
    """A tenth of the rates gives a score far below all others."""

    def score(values):
        return -100.0 if values["learning_rate"] < 1.3e-4 else values["dropout"]

    assert shares(score)["dropout"] > 0.6


def test_a_lower_score_may_be_the_better_one():
    found = shares(lambda v: 100.0 if v["dropout"] > 0.4 else v["dropout"], higher_is_better=False)
    assert found["dropout"] > 0.8


@pytest.mark.long
def test_it_is_said_only_of_enough_trials_and_repeats_itself():
    few = trials(lambda v: v["dropout"], n=MIN_TRIALS - 1)
    assert importance(SPACE, few, "max") is None
    failed = [trial({}, None)]
    assert importance(SPACE, few + failed, "max") is None
    enough = trials(lambda v: v["dropout"], n=MIN_TRIALS)
    first, again = (importance(SPACE, enough, "max") for _ in range(2))
    assert first == again
    constant = trials(lambda v: 1.0, n=MIN_TRIALS)
    assert {e.importance for e in importance(SPACE, constant, "max")} == {0.0}
