"""Decisions at looks: who is told apart, who goes on, and that errors stay rare."""

import numpy as np
import pytest

from kmlp import stats
from kmlp.sequential import LOOKS, decide, looks_for


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
    assert [v for v, d in found.items() if d.goes_on] == ["b"]


def test_what_is_told_apart_is_not_counted_again_but_what_stopped_otherwise_is():
    differences = {f"v{i}": np.resize([1.0, -1.0], 10) for i in range(9)} | {"a": alike(10)}
    assert status(decide(differences))["a"] == "open"
    fewer = decide(differences, told_apart=["v0", "v1"])
    assert status(fewer)["a"] == "better"
    assert [d.variant for d in fewer] == [*(f"v{i}" for i in range(2, 9)), "a"]


def test_a_lower_error_is_better():
    assert status(decide({"a": alike(10, -1.0)}, higher_is_better=False)) == {"a": "better"}


def test_a_narrow_interval_needs_no_more_seeds_and_the_last_look_ends_all():
    differences = {"narrow": np.resize([0.01, -0.01], 10), "wide": np.resize([1.0, -1.0], 10)}
    assert status(decide(differences, half_width=0.1)) == {"narrow": "precise", "wide": "open"}
    last = decide(differences, half_width=0.1, is_last=True)
    assert status(last) == {"narrow": "precise", "wide": "undecided"}
    assert not any(d.goes_on for d in last)


def test_the_interval_holds_at_every_look_and_for_every_variant():
    d = np.random.default_rng(0).normal(size=10)
    found = decide({"a": d, "b": d})[0]
    assert found.interval == pytest.approx(stats.t_interval(d, 1 - 0.05 / 6))


def test_fewer_than_six_seeds_decide_nothing():
    assert status(decide({"a": alike(5)}, num_looks=1)) == {"a": "open"}


@pytest.mark.parametrize("num_variants", [1, 7, 9, 13, 40])
def test_the_first_look_can_decide_and_one_seed_less_could_not(num_variants):
    first = looks_for(num_variants)[0]
    differences = {f"v{i}": np.zeros(first) for i in range(num_variants - 1)}
    assert status(decide({**differences, "a": alike(first)}))["a"] == "better"
    if first > LOOKS[0]:
        assert status(decide({**differences, "a": alike(first - 1)}))["a"] == "open"


def test_looks_that_fall_together_are_one():
    assert looks_for(1, (6, 7, 30)) == (7, 30)
