"""Conformal bounds: the finite-sample quantile, and the coverage that it promises."""

import math

import numpy as np
import pytest
from scipy import stats

from kmlp.stats.calibration import conformal


@pytest.mark.parametrize(("num_rows", "coverage"), [(10, 0.9), (99, 0.9), (999, 0.95), (57, 0.8)])
def test_the_bound_is_the_score_of_the_rank_that_the_theorem_names(num_rows, coverage):
    scores = np.random.default_rng(0).permutation(num_rows) + 1.0
    assert conformal.bound(scores, coverage) == math.ceil(round((num_rows + 1) * coverage, 9))


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_the_bound_is_finite_from_exactly_the_rows_needed_on(coverage):
    needed = conformal.rows_needed(coverage)
    assert math.isfinite(conformal.bound(np.arange(needed), coverage))
    assert math.isinf(conformal.bound(np.arange(needed - 1), coverage))


def test_mean_coverage_over_draws_is_the_rank_over_n_plus_one():
    """k / (n + 1) for scores without ties: with 99 rows at 0.9 that is 0.9 itself. Each draw's
    coverage is known, so that nothing but the draws is random."""
    rng = np.random.default_rng(0)
    shares = [stats.norm.cdf(conformal.bound(rng.normal(size=99), 0.9)) for _ in range(4000)]
    error = np.std(shares) / len(shares) ** 0.5
    assert abs(np.mean(shares) - 0.9) < 3 * error < 0.005
    low, high = conformal.coverage_of(99, 0.9)
    assert np.mean((low < np.array(shares)) & (np.array(shares) < high)) == pytest.approx(
        0.95, abs=0.015
    )


def test_a_row_held_out_in_several_repeats_counts_once():
    scores = np.random.default_rng(0).normal(size=50)
    assert conformal.bound(np.stack([scores] * 4), 0.9) == conformal.bound(scores, 0.9)


def test_sets_of_the_score_cover_whatever_the_model_says():
    """A model that knows nothing of the labels: its sets are large, and cover all the same."""
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(200):
        log_p = np.log(rng.dirichlet(np.ones(5), 199))
        labels = rng.integers(0, 5, 199)
        scores = conformal.class_scores(labels, log_p)
        covered.append(scores[99:] <= conformal.bound(scores[:99], 0.9))
    hits = np.array(covered)
    low, high = stats.binomtest(int(hits.sum()), hits.size).proportion_ci(0.9999)
    assert low < 0.9 < high


def test_residuals_are_to_either_side():
    assert conformal.residuals(np.array([1.0, 2.0]), np.array([[3.0, 1.5]])).tolist() == [
        [2.0, 0.5]
    ]
