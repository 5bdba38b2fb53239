"""Decisions at looks: who is told apart, who goes on, and that errors stay rare."""

import numpy as np
import pytest

from kmlp.stats import summaries
from kmlp.stats.group_sequential import SCHEDULE, decide, replay, useful_schedule


def alike(n, size=1.0):
    """Differences that all have one sign: the smallest p that n pairs can give."""
    return size * (1 + np.arange(n) / n)


def status(decisions):
    return {d.variant: d.status for d in decisions}


def test_the_error_rate_is_split_over_the_looks_and_holm_covers_the_variants():
    differences = {"a": alike(10), "b": np.resize([1.0, -1.0], 10), "c": alike(10, -2.0)}
    found = {d.variant: d for d in decide(differences)}
    smallest = 2.0**-9
    assert found["a"].p == pytest.approx(3 * 3 * smallest)
    assert found["b"].p == 1.0
    assert status(found.values()) == {"a": "better", "b": "open", "c": "worse"}
    assert [v for v, d in found.items() if d.is_told_apart] == ["a", "c"]


def test_what_is_told_apart_is_not_counted_again_but_what_stopped_otherwise_is():
    differences = {f"v{i}": np.resize([1.0, -1.0], 10) for i in range(9)} | {"a": alike(10)}
    assert status(decide(differences))["a"] == "open"
    fewer = decide(differences, significant=["v0", "v1"])
    assert status(fewer)["a"] == "better"
    assert [d.variant for d in fewer] == [*(f"v{i}" for i in range(2, 9)), "a"]


def test_a_lower_error_is_better():
    assert status(decide({"a": alike(10, -1.0)}, higher_is_better=False)) == {"a": "better"}


def test_a_narrow_interval_needs_no_more_seeds_and_the_last_look_ends_all():
    differences = {"narrow": np.resize([0.01, -0.01], 10), "wide": np.resize([1.0, -1.0], 10)}
    assert status(decide(differences, half_width=0.1)) == {"narrow": "precise", "wide": "open"}
    last = decide(differences, half_width=0.1, is_last=True)
    assert status(last) == {"narrow": "precise", "wide": "undecided"}


def test_what_was_precise_may_be_told_apart_later_with_the_seeds_that_it_has():
    """Once others are told apart, Holm asks less of it."""
    rng, small = np.random.default_rng(0), 0.01 * np.repeat([1.0, -0.1], [7, 3])
    scores = {"none": np.zeros(20), "precise": np.r_[small, np.zeros(10)]}
    scores |= {f"far{i}": 5 + rng.normal(size=20) for i in range(7)}
    scores |= {f"late{i}": np.r_[np.resize([1, -1], 10), 3 + 10 * rng.random(10)] for i in (0, 1)}
    rounds = replay(scores, baseline="none", schedule=(10, 20), half_width=0.02)
    first, second = ({d.variant: d for d in look.decisions} for look in rounds.looks)
    assert first["precise"].status == "precise"
    assert second["precise"].status == "better"
    assert second["precise"].num_seeds == 10


def test_the_interval_holds_at_every_look_and_for_every_variant():
    d = np.random.default_rng(0).normal(size=10)
    found = decide({"a": d, "b": d})[0]
    assert found.interval == pytest.approx(summaries.t_interval(d, 1 - 0.05 / 6))


def test_fewer_than_six_seeds_decide_nothing():
    assert status(decide({"a": alike(5)}, num_looks=1)) == {"a": "open"}


@pytest.mark.parametrize("num_variants", [1, 7, 9, 13, 40])
def test_the_first_look_can_decide_and_one_seed_less_could_not(num_variants):
    first = useful_schedule(num_variants)[0]
    differences = {f"v{i}": np.zeros(first) for i in range(num_variants - 1)}
    assert status(decide({**differences, "a": alike(first)}))["a"] == "better"
    if first > SCHEDULE[0]:
        assert status(decide({**differences, "a": alike(first - 1)}))["a"] == "open"


def test_looks_that_fall_together_are_one():
    assert useful_schedule(1, (6, 7, 30)) == (7, 30)


def study(num_seeds, shift, rng=None):
    rng = rng or np.random.default_rng(0)
    noise = rng.normal(size=(1 + len(shift), num_seeds))
    scores = {"none": list(noise[0])}
    return scores | {n: list(noise[i + 1] + s) for i, (n, s) in enumerate(shift.items())}


def up_to(scores, num_seeds):
    return {name: values[: num_seeds.get(name, 0)] for name, values in scores.items()}


def test_seeds_are_added_to_what_is_open_and_to_the_baseline_alone():
    """Nothing trained -> ten seeds of all -> twenty of what is open -> forty."""
    scores = study(40, {"far": 4.0, "near": 0.9, "same": 0.0})
    rounds, wanted = replay(up_to(scores, {}), baseline="none"), []
    while not rounds.is_over:
        wanted.append(dict(rounds.num_seeds))
        rounds = replay(up_to(scores, rounds.num_seeds), baseline="none")
    assert wanted == [
        {"none": 10, "far": 10, "near": 10, "same": 10},
        {"none": 20, "far": 10, "near": 20, "same": 20},
        {"none": 40, "far": 10, "near": 20, "same": 40},
    ]
    assert rounds.num_seeds == wanted[-1]
    assert rounds.status == {"far": "better", "near": "better", "same": "undecided"}
    assert [len(look.decisions) for look in rounds.looks] == [3, 2, 1]


def test_more_scores_than_were_wanted_change_no_decision():
    """A folder may hold more seeds, of an earlier study, than these looks ask for."""
    scores = study(40, {"far": 4.0, "same": 0.0})
    least = up_to(scores, {"none": 40, "far": 10, "same": 40})
    assert replay(scores, baseline="none") == replay(least, baseline="none")


def test_it_is_over_as_soon_as_nothing_is_open():
    rounds = replay(study(10, {"far": 4.0}), baseline="none")
    assert rounds.is_over
    assert rounds.num_seeds == {"none": 10, "far": 10}


def test_a_seed_without_a_score_counts_as_trained_and_leaves_its_pair_out():
    scores = study(10, {"far": 4.0})
    scores["none"][3] = scores["far"][5] = float("nan")
    (look,) = replay(scores, baseline="none").looks
    assert look.decisions[0].num_seeds == 8


def test_what_never_gives_a_score_is_open_to_the_end():
    scores = study(40, {"bad": 0.0})
    scores["bad"] = [float("nan")] * 40
    rounds = replay(scores, baseline="none")
    assert rounds.status == {"bad": "undecided"}
    assert rounds.looks[-1].decisions[0].interval is None
