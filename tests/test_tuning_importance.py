"""The importance of hyperparameters, on scores whose makings are known."""

import numpy as np
import pytest

from kmlp.data import DataSpec
from tuning.importance import MIN_TRIALS, importance
from tuning.space import make_space

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
        found.append({"status": "done", "values": values, "score": score(values)})
    return found


def shares(score, *, higher_is_better=True, **options):
    found = importance(SPACE, trials(score, **options), higher_is_better=higher_is_better)
    return {entry["name"]: entry["importance"] for entry in found}


def test_what_alone_makes_the_score_has_nearly_all_of_it_and_comes_first():
    by_rate = shares(lambda v: -abs(np.log10(v["learning_rate"]) + 3))
    assert next(iter(by_rate)) == "learning_rate"
    assert by_rate["learning_rate"] > 0.8
    assert by_rate["dropout"] < 0.1
    by_word = shares(lambda v: float(v["activation"] == "relu"))
    assert by_word["activation"] > 0.95


def test_two_that_add_up_share_it():
    found = shares(lambda v: v["dropout"] + 0.25 * (v["activation"] == "relu"))
    assert found["dropout"] == pytest.approx(found["activation"], abs=0.35)
    assert min(found["dropout"], found["activation"]) > 0.2


def test_what_breaks_a_network_does_not_hide_what_tells_good_ones_apart():
    """A tenth of the rates gives a score far below all others."""

    def score(values):
        return -100.0 if values["learning_rate"] < 1.3e-4 else values["dropout"]

    assert shares(score)["dropout"] > 0.6


def test_a_lower_score_may_be_the_better_one():
    found = shares(lambda v: 100.0 if v["dropout"] > 0.4 else v["dropout"], higher_is_better=False)
    assert found["dropout"] > 0.8


def test_it_is_said_only_of_enough_trials_and_repeats_itself():
    few = trials(lambda v: v["dropout"], n=MIN_TRIALS - 1)
    assert importance(SPACE, few, higher_is_better=True) is None
    failed = [{"status": "failed", "values": {}, "score": None}]
    assert importance(SPACE, few + failed, higher_is_better=True) is None
    enough = trials(lambda v: v["dropout"], n=MIN_TRIALS)
    first, again = (importance(SPACE, enough, higher_is_better=True) for _ in range(2))
    assert first == again
    constant = trials(lambda v: 1.0, n=MIN_TRIALS)
    assert {e["importance"] for e in importance(SPACE, constant, higher_is_better=True)} == {0.0}
