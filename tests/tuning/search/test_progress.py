"""What a search shows while it runs."""

import io
import types

import pytest
from rich.console import Console

from tuning.results.search_folder import Trial
from tuning.search.progress import SearchProgress
from tuning.space.config import SearchConfig


def trial(number, **how):
    return Trial(number=number, batch=0, values={"dropout": 0.2, "learning_rate": 0.00123}, **how)


@pytest.fixture
def shown():
    """A search of four trials: one kept from before, one done, one in training, one waiting."""
    out = io.StringIO()
    progress = SearchProgress(Console(file=out, force_terminal=False, width=120))
    config = SearchConfig(dataset="x", tuner="random", max_trials=4, num_seeds=2)
    config = config.__class__.from_dict({**config.to_dict(), "objective": "val_accuracy"})
    progress.start(config, [trial(0, status="done", score=0.8)])
    progress.drawn([trial(n) for n in (1, 2, 3)], {1: ["a", "b"], 2: ["c", "d"], 3: ["e", "f"]})
    members = [types.SimpleNamespace(id=id) for id in "abc"]
    progress.epoch(members, 4, {})
    progress.finished([types.SimpleNamespace(member=m) for m in members[:2]])
    progress.ended(trial(1, status="done", score=0.9), [0.89, 0.91])
    return progress, out


def test_lines_say_how_a_trial_ended_and_how_much_is_left(shown):
    _, out = shown
    assert "1 trials have ended before" in out.getvalue()
    assert "its mean validation accuracy ± its standard error." in " ".join(out.getvalue().split())
    line = out.getvalue().splitlines()[-1]
    assert line.startswith(
        "trial 1: accuracy 90.00 % ± 1.00  dropout=0.2, learning_rate=0.00123; 0:00 so far"
    )
    assert "left" in line


def test_the_table_shows_the_best_then_what_trains_then_what_waits(shown):
    progress, _ = shown
    console = Console(file=io.StringIO(), width=120)
    console.print(progress._render())
    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["1", "0", "2", "3"]
    assert lines[3].split()[1:3] == ["0/2", "4"]
    assert "2 of 4 trials" in lines[-1]


def test_a_later_round_counts_its_seeds_anew(shown):
    """Hyperband's trial 4 trains the members of trial 1 on."""
    progress, _ = shown
    progress.drawn([trial(4)], {4: ["a", "b"]})
    rows = {n: progress._row(progress._trials[n]) for n in (1, 4)}
    assert (rows[1][1:3], rows[4][1:3]) == (("2/2", ""), ("0/2", ""))
    progress.epoch([types.SimpleNamespace(id="a")], 7, {})
    rows = {n: progress._row(progress._trials[n]) for n in (1, 4)}
    assert (rows[1][1:3], rows[4][1:3]) == (("2/2", ""), ("0/2", "7"))


def test_the_time_left_counts_only_what_was_trained_since_the_start(shown):
    progress, _ = shown
    progress._started -= 10
    assert progress.seconds_left() == pytest.approx(20, abs=1)


def test_trials_that_train_side_by_side_are_not_told_to_take_as_long_each(shown):
    """They end together, a line each: three minutes left was said two lines before the end."""
    progress, _ = shown
    progress._started -= 10
    progress.finished([types.SimpleNamespace(member=types.SimpleNamespace(id=i)) for i in "cdef"])
    assert progress.seconds_left() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("tuner", "left"), [("grid", 0), ("bayesian", 16)])
def test_a_grid_smaller_than_what_was_asked_for_counts_its_own_points(tuner, left):
    """All of a grid is drawn at once; a Bayesian search draws on."""
    out = io.StringIO()
    progress = SearchProgress(Console(file=out, width=120))
    config = SearchConfig(dataset="x", tuner=tuner, max_trials=20, objective="val_accuracy")
    progress.start(config, [])
    trials = [trial(n) for n in range(4)]
    progress.drawn(trials, {n: [f"{n}"] for n in range(4)})
    assert ("The space holds 4 configurations." in out.getvalue()) == (tuner == "grid")
    for number in range(4):
        progress.ended(trial(number, status="done", score=0.9), [0.9])
    progress._started -= 4
    assert progress.seconds_left() == pytest.approx(left, abs=0.5)
