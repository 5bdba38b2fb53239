"""What cannot be told apart is tied, and the simplest within one standard error is picked."""

import numpy as np
import pytest
from scipy import stats

from kmlp.errors import ConfigError
from tuning.results.choice import Candidate, choose, least_differences, standard_error


def trials(means, weights, *, spread=0.001, seeds=3):
    rng = np.random.default_rng(0)
    luck = rng.normal(scale=0.02, size=seeds)
    return [
        Candidate(i, tuple(mean + luck + rng.normal(scale=spread, size=seeds)), size)
        for i, (mean, size) in enumerate(zip(means, weights, strict=True))
    ]


def spread_by_one(means, weights):
    """Trials whose standard error, of 4 scores, is 1: two by two they vary to opposite sides."""
    residuals = np.array([1.0, -1.0, 1.0, -1.0]) * 1.5**0.5
    return [
        Candidate(i, tuple(mean + (-1) ** i * residuals), size)
        for i, (mean, size) in enumerate(zip(means, weights, strict=True))
    ]


def test_ties_are_what_cannot_be_told_apart_and_the_pick_lies_within_one_standard_error():
    """The smallest of the ties loses too much to be picked for its size."""
    found = choose(spread_by_one([0.0, -0.9, -2.5, -40.0], [50, 20, 5, 1]), higher_is_better=True)
    assert found.standard_error == pytest.approx(1.0)
    assert (found.best, found.ties, found.picked) == (0, (0, 1, 2), 1)
    assert 2.5 < found.least_difference < 40


def test_beyond_one_standard_error_no_size_counts():
    found = choose(spread_by_one([0.0, -1.01], [50, 1]), higher_is_better=True)
    assert (found.ties, found.picked) == ((0, 1), 0)


def test_of_equally_simple_ties_the_better_one_is_picked():
    found = choose(trials([0.9, 0.9004, 0.9002], [5, 5, 5]), higher_is_better=True)
    assert found.picked == found.best


def test_of_equal_scores_the_simpler_trial_is_the_best():
    """As the table of trials has them."""
    scores = [(0.9, 0.8), (0.7, 0.5), (0.8, 0.9)]
    found = choose([Candidate(i, s, 9 - i) for i, s in enumerate(scores)], higher_is_better=True)
    assert (found.best, found.ties[:2]) == (2, (2, 0))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_trial_without_a_finite_score_is_neither_best_nor_tied(place, bad):
    """Its mean is in no order: wherever it stood, it would upset the others'."""
    known = trials([0.8, 0.9], [5, 5])
    broken = Candidate(9, (0.9, bad, 0.9), 1)
    found = choose([*known[:place], broken, *known[place:]], higher_is_better=True)
    assert found == choose(known, higher_is_better=True)


def test_nothing_is_chosen_without_a_finite_score():
    with pytest.raises(ConfigError, match="no trial has a finite score"):
        choose([Candidate(0, (0.9, np.nan), 1)], higher_is_better=True)


def test_lower_is_better_where_it_is():
    found = choose(trials([1.0, 2.0, 3.0], [5, 1, 1]), higher_is_better=False)
    assert (found.best, found.ties, found.picked) == (0, (0,), 0)


def test_luck_that_all_trials_share_by_seed_is_no_noise():
    """A seed's split is hard for every trial: what is paired is not counted twice."""
    scores = np.array([c.scores for c in trials([0.9, 0.89, 0.88, 0.87], [1] * 4)])
    assert scores.std(axis=1).min() > 0.005
    assert standard_error(scores)[0] < 0.001


def test_worse_trials_have_no_say_in_how_sure_the_best_are():
    good = [(0.9, 0.91, 0.92), (0.89, 0.9, 0.9101)]
    wild = [(0.5, 0.1, 0.7), (0.1, 0.6, 0.2)]
    assert standard_error(np.array(good + wild)) == standard_error(np.array(good))


def test_of_two_trials_the_least_difference_is_the_paired_t_interval():
    a, b = np.array([0.9, 0.93, 0.91]), np.array([0.88, 0.9, 0.9])
    half = stats.t.ppf(0.975, 2) * stats.sem(a - b)
    two = [Candidate(0, a, 1), Candidate(1, b, 1)]
    assert choose(two, higher_is_better=True).least_difference == pytest.approx(half)


def test_folds_that_share_rows_are_less_sure_than_as_many_seeds():
    """Nadeau and Bengio: (1 / J + held out / trained on) in the place of 1 / J."""
    scores = np.random.default_rng(0).normal(size=(6, 5))
    of_seeds, of_folds = standard_error(scores)[0], standard_error(scores, overlap=0.25)[0]
    assert of_folds / of_seeds == pytest.approx(((1 / 5 + 1 / 4) / (1 / 5)) ** 0.5)


@pytest.mark.long
@pytest.mark.parametrize("far", [0, 10])
def test_of_equal_trials_in_19_of_20_searches_none_is_told_from_the_best(far):
    """The best is the best of twenty; others far behind give those left no more to answer for."""
    rng, told = np.random.default_rng(1), 0
    means = np.r_[np.zeros(20), np.full(far, -9.0)]
    for _ in range(600):
        scores = means[:, None] + rng.normal(size=(len(means), 3))
        found = choose([Candidate(i, s, 1) for i, s in enumerate(scores)], higher_is_better=True)
        told += len({*range(20)} - set(found.ties)) > 0
    assert 0.01 < told / 600 < 0.07


@pytest.mark.long
def test_those_told_apart_leave_less_to_be_lost():
    near, far = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 50.0, 60.0])

    def least(lost):
        return least_differences(lost, np.ones(len(lost)), 30)[0]

    assert least(near) == least(far)
    assert least(np.zeros(5)) > least(far)


def test_twins_at_the_top_tell_no_other_from_themselves():
    """An L2 of 1e-4 changes no answer: two pairs of trials that score alike on every fold have no
    spread within a pair, and what is between the pairs is luck."""
    one, other = (0.40, 0.52, 0.44), (0.41, 0.49, 0.45)
    trials = [Candidate(i, (one, one, other, other)[i], 275) for i in range(4)]
    found = choose(trials, higher_is_better=True, overlap=0.6)
    assert found.ties == (0, 1, 2, 3)
    pair = choose(trials[1:3], higher_is_better=True, overlap=0.6)
    assert found.standard_error == pytest.approx(pair.standard_error)
    assert choose(trials[:2], higher_is_better=True).standard_error is None


def test_a_trial_that_jumps_is_not_told_from_steady_ones_by_their_spread():
    steady = [(0.900, 0.901, 0.902), (0.9005, 0.901, 0.9015), (0.899, 0.901, 0.902)]
    trials = [Candidate(i, s, 1) for i, s in enumerate([*steady, (0.88, 0.93, 0.86)])]
    found = choose(trials, higher_is_better=True)
    assert 3 in found.ties
    assert found.least_difference < 0.9 - 0.89
    calm = choose([*trials[:3], Candidate(3, (0.88, 0.881, 0.882), 1)], higher_is_better=True)
    assert 3 not in calm.ties


@pytest.mark.long
@pytest.mark.parametrize("apart", [0.0, 0.02])
def test_of_twins_hardly_more_searches_tell_an_equal_trial_from_the_best(apart):
    """Two pairs of trials, alike or nearly: pooled over the better half alone, 8 of 10 would."""
    rng, told = np.random.default_rng(1), 0
    for _ in range(600):
        scores = np.repeat(rng.normal(size=(2, 3)), 2, axis=0) + apart * rng.normal(size=(4, 3))
        found = choose([Candidate(i, s, 1) for i, s in enumerate(scores)], higher_is_better=True)
        told += len(found.ties) < 4
    assert told / 600 < 0.07


def test_one_seed_or_one_trial_tells_nothing():
    assert choose([Candidate(4, (0.9,), 1)], higher_is_better=True).picked == 4
    one_seed = choose([Candidate(0, (0.9,), 5), Candidate(1, (0.8,), 1)], higher_is_better=True)
    assert (one_seed.least_difference, one_seed.ties) == (None, (0,))


def test_a_few_weights_more_make_no_network_less_simple():
    """Of a normalization, say: among those within 5 % of the smallest the best one is picked."""
    scores = np.array([0.905, 0.9, 0.899])
    sizes = {7: 200_000, 5: 104_000, 3: 100_000}
    candidates = [
        Candidate(number, score + np.array([-0.01, 0.0, 0.011]), size)
        for (number, size), score in zip(sizes.items(), scores, strict=True)
    ]
    candidates[1] = Candidate(5, scores[1] + np.array([0.01, -0.011, 0.0]), 104_000)
    choice = choose(candidates, higher_is_better=True)
    assert set(choice.ties) == {3, 5, 7}
    assert choice.picked == 5


TWINS = [(0.90, 0.80, 0.85), (0.9001, 0.80, 0.85), (0.86, 0.83, 0.855), (0.5, 0.5, 0.5)]
"""Two near twins, whose pooled error is 2.4e-5, and a third of another kind that is as good."""


def test_twins_at_the_top_do_not_keep_a_simpler_trial_from_being_picked():
    sizes = (1000, 1000, 10, 10)
    trials = [Candidate(i, s, w) for i, (s, w) in enumerate(zip(TWINS, sizes, strict=True))]
    found = choose(trials, higher_is_better=True)
    assert found.standard_error < 1e-4
    assert (found.best, found.ties, found.picked) == (1, (1, 0, 2), 2)


@pytest.mark.parametrize(
    "scores",
    [[(0.5, 0.75), (0.25, 0.5)], [(0.9, 0.8), (0.8, 0.7)], [(0.9, 0.8), (0.8, 0.7), (0.1, 0.3)]],
)
def test_a_spread_of_nothing_tells_nothing_apart(scores):
    """Equal differences of two seeds are luck; rounding makes them no less equal."""
    found = choose([Candidate(i, s, 9 - i) for i, s in enumerate(scores)], higher_is_better=True)
    assert {0, 1} <= set(found.ties)
    assert (found.picked, found.least_difference, found.standard_error) == (0, None, None)
