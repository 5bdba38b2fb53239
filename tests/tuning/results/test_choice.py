"""What cannot be told apart is tied, and the simplest of the ties is picked."""

import numpy as np
import pytest
from scipy import stats

from tuning.results.choice import Candidate, choose, least_difference


def trials(means, weights, *, spread=0.001, seeds=3):
    rng = np.random.default_rng(0)
    luck = rng.normal(scale=0.02, size=seeds)
    return [
        Candidate(i, tuple(mean + luck + rng.normal(scale=spread, size=seeds)), size)
        for i, (mean, size) in enumerate(zip(means, weights, strict=True))
    ]


def test_the_simplest_of_the_ties_is_picked_and_the_best_is_named():
    found = choose(trials([0.8, 0.9, 0.9003, 0.9001], [1, 30, 50, 20]), higher_is_better=True)
    assert set(found.ties) == {1, 2, 3}
    assert found.ties[0] == found.best
    assert found.picked == 3


def test_of_equally_simple_ties_the_better_one_is_picked():
    found = choose(trials([0.9, 0.9004, 0.9002], [5, 5, 5]), higher_is_better=True)
    assert found.picked == found.best


def test_lower_is_better_where_it_is():
    found = choose(trials([1.0, 2.0, 3.0], [5, 1, 1]), higher_is_better=False)
    assert (found.best, found.ties, found.picked) == (0, (0,), 0)


def test_luck_that_all_trials_share_by_seed_is_no_noise():
    """A seed's split is hard for every trial: what is paired is not counted twice."""
    scores = np.array([c.scores for c in trials([0.9, 0.89, 0.88, 0.87], [1] * 4)])
    assert scores.std(axis=1).min() > 0.005
    assert least_difference(scores) < 0.004


def test_worse_trials_have_no_say_in_how_sure_the_best_are():
    good = [(0.9, 0.91, 0.92), (0.89, 0.9, 0.9101)]
    wild = [(0.5, 0.1, 0.7), (0.1, 0.6, 0.2)]
    assert least_difference(np.array(good + wild)) == least_difference(np.array(good))


def test_the_least_difference_is_the_paired_t_interval_of_two_trials():
    a, b = np.array([0.9, 0.93, 0.91]), np.array([0.88, 0.9, 0.9])
    half = stats.t.ppf(0.975, 2) * stats.sem(a - b)
    assert least_difference(np.stack([a, b])) == pytest.approx(half)


def test_equals_are_told_apart_as_rarely_as_promised():
    """Of two trials of one kind, drawn at random from many, 95 % are tied."""
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(1000):
        scores = rng.normal(size=(20, 3))
        ranked = scores[np.argsort(-scores.mean(axis=1))]
        told += abs(scores[0].mean() - scores[1].mean()) > least_difference(ranked)
    assert 0.03 < told / 1000 < 0.07


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
