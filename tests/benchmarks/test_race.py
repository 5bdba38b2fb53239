"""The benchmark of speed: whole studies from a few seeds, and what the tables say of them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.engine


@pytest.fixture
def study_mode(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from race import study_mode

    return study_mode


@pytest.fixture
def run(study_mode, monkeypatch):
    """Two rounds of two variants x 10 seeds; the loops train 3. Nothing is trained."""
    from race.setting import Setting

    turns = []
    # Without the first seeds' compiling, a loop's seed takes a second.
    seconds = {"study_kmlp": None, "study_fit": [[5, 1, 1]] * 2, "study_tuned": [[3, 1, 1]] * 2}

    class Side:
        def __init__(self, name, setting):
            self.name = name

        def call(self, seeds, epochs):
            turns.append((self.name, len(seeds)))
            outcome = {"epochs": 4.0, "accuracy": 0.9, "seconds": seconds[self.name]}
            return SimpleNamespace(outcomes=[outcome], seconds=4.0, peak_bytes=0, foreign_cores=0.0)

        def close(self):
            pass

    monkeypatch.setattr(study_mode, "Side", Side)
    setting = Setting(variants=("none", "dropout"), num_seeds=10, max_epochs=4)
    found = study_mode.run_studies(setting, list(seconds), rounds=2, loop_seeds=3)
    return found, turns


def test_the_order_of_the_sides_turns_round_each_round(run):
    _, turns = run
    first, second = turns[:3], turns[3:]
    assert first == [("study_kmlp", 10), ("study_fit", 3), ("study_tuned", 3)]
    assert second == first[::-1]


def test_a_loop_is_extrapolated_from_its_first_seed_and_the_mean_of_the_others(run):
    found, _ = run
    assert found.timings["study_kmlp"].seconds == [4, 4]
    assert found.timings["study_fit"].seconds == [2 * (5 + 9)] * 2
    assert found.ratios("study_fit") == [7, 7]


def test_the_tables_say_what_was_extrapolated(run):
    from race.table import goal_table, study_table

    found, _ = run
    told = "extrapolated from 3 of 10 seeds"
    goals = goal_table([], [found]).splitlines()[-2:]
    assert f"6 times the plain Keras `fit` loop ({told}) | 7.00 (7.00 to 7.00) | yes" in goals[0]
    assert f"3 times the tuned Keras `fit` loop ({told}) | 6.00 (6.00 to 6.00) | yes" in goals[1]
    rows = study_table(found).splitlines()
    assert [told in row for row in rows if row.startswith(("| `run", "| plain", "| tuned"))] == [
        False, True, True,
    ]  # fmt: skip
