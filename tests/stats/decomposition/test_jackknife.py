"""The jackknife's intervals: what they equal, and that they cover."""

import numpy as np
import pytest

from kmlp.stats import summaries
from kmlp.stats.decomposition.jackknife import Jackknifed


def of_mean(values):
    n = len(values)
    return Jackknifed(values.mean(), (values.sum() - values) / (n - 1))


def test_the_interval_of_a_mean_is_its_t_interval():
    values = np.array([-1.0, 0.5, 2.0, -0.3, 0.1])
    assert of_mean(values).interval() == pytest.approx(summaries.t_interval(values))


def test_a_positive_estimate_has_an_interval_above_zero():
    low, high = of_mean(np.array([0.01, 0.02, 4.0])).interval()
    assert 0 < low < high


def test_two_samples_give_no_interval():
    assert of_mean(np.array([1.0, 2.0])).interval() is None


def test_a_ratio_to_what_may_be_negative_is_none():
    good, bad = of_mean(np.array([1.0, 2.0, 3.0])), of_mean(np.array([1.0, -4.0, 3.0]))
    assert good.over(bad) is None
    assert bad.over(good) is None
    assert good.over(good).interval() == (1.0, 1.0)


def test_five_samples_cover_a_variance_where_a_bootstrap_does_not():
    """Ten equal directions of normal effects, as many rows of test data share them."""
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        x = rng.normal(size=(5, 10))
        without = [np.delete(x, r, 0).var(axis=0, ddof=1).sum() for r in range(5)]
        found = Jackknifed(x.var(axis=0, ddof=1).sum(), np.array(without)).interval()
        drawn = x[rng.integers(5, size=(200, 5))].var(axis=1, ddof=1).sum(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        held.append((found[0] < 10 < found[1], low < 10 < high))
    jackknife, bootstrap = np.mean(held, axis=0)
    assert jackknife > 0.93
    assert bootstrap < 0.75


def test_what_may_be_negative_is_never_on_the_logarithm():
    """A small positive estimate would get an interval over many orders of magnitude."""
    without = np.array([0.1, 2.0, 1e-5, 1.0, 0.5])
    low, high = Jackknifed(0.5, without, may_be_negative=True).interval()
    assert low < 0 < high < 10
    assert Jackknifed(0.5, without).interval()[1] > 1000
