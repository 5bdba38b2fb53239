"""Equivalence and its posterior against SciPy and baycomp, and their edges."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from kmlp.stats.cross_validation import compare_folds
from kmlp.stats.equivalence import MeanDifference, equivalence, posterior


@pytest.mark.parametrize("seed", range(5))
def test_the_larger_of_two_one_sided_tests_counts(seed):
    d = np.random.default_rng(seed).normal(0.1, 0.5, 8 + seed)
    above = ttest_1samp(d, -0.4, alternative="greater").pvalue
    below = ttest_1samp(d, 0.4, alternative="less").pvalue
    assert equivalence(MeanDifference.of_pairs(d), 0.4).p == pytest.approx(max(above, below))


@pytest.mark.parametrize("seed", range(20))
def test_is_below_alpha_exactly_where_its_interval_lies_within_the_margin(seed):
    d = np.random.default_rng(seed).normal(0.0, 0.5, 10)
    found = equivalence(MeanDifference.of_pairs(d), 0.35)
    assert (found.p < 0.05) == (found.ci90[0] > -0.35 and found.ci90[1] < 0.35)


@pytest.mark.parametrize(
    ("seed", "worse", "equal", "better"),
    [
        (0, 0.006877980398668755, 0.4307321326732003, 0.562389886928131),
        (1, 0.08043009898001799, 0.43848371879495074, 0.4810861822250313),
        (2, 0.03613304562141926, 0.4235404367413338, 0.5403265176372469),
    ],
)
def test_the_posterior_over_folds_is_baycomps(seed, worse, equal, better):
    """The numbers are of baycomp 1.0.3: `CorrelatedTTest.probs(b, a, 0.01, runs=4)`."""
    rng = np.random.default_rng(seed)
    b = rng.normal(0.8, 0.05, 20)
    a = b + rng.normal(0.01, 0.02, 20)
    difference = MeanDifference.of_folds((a - b).reshape(4, 5), num_train=80, num_test=20)
    found = posterior(difference, 0.01, higher_is_better=True)
    assert (found.worse, found.equal, found.better) == pytest.approx((worse, equal, better))


def test_the_posterior_follows_the_metrics_direction():
    seen = MeanDifference(mean=-1.0, se=0.2, degrees=9)
    error = posterior(seen, 0.1, higher_is_better=False)
    score = posterior(seen, 0.1, higher_is_better=True)
    assert error.better == score.worse > 0.99


def test_folds_are_as_uncertain_as_in_their_comparison():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 5))
    compared = compare_folds(a, b, num_train=70, num_held_out=20, higher_is_better=True)
    difference = MeanDifference.of_folds(a - b, num_train=70, num_test=20)
    assert difference.interval(0.95) == pytest.approx(compared.ci95)


def test_equal_runs_are_equivalent():
    same = MeanDifference.of_pairs([0.0] * 6)
    assert equivalence(same, 0.01).p == 0.0
    assert posterior(same, 0.01, higher_is_better=True).equal == 1.0


def test_a_large_difference_without_spread_is_not_equivalent():
    assert equivalence(MeanDifference.of_pairs([0.5] * 6), 0.01).p == 1.0


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan"), float("inf")])
def test_refuses_a_margin_that_is_none(margin):
    with pytest.raises(ValueError, match="largest difference that does not matter"):
        equivalence(MeanDifference(0.0, 1.0, 9), margin)
