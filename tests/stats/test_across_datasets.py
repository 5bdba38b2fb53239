"""Comparisons over data sets against SciPy and baycomp, and their edges."""

import numpy as np
import pytest
from scipy import stats

from kmlp.stats.across_datasets import compare_across, signed_rank_posterior


@pytest.mark.parametrize("seed", range(5))
def test_the_test_is_scipys_signed_rank_test(seed):
    d = np.random.default_rng(seed).normal(0.01, 0.02, 9)
    found = compare_across(d, margin=0.001, higher_is_better=True)
    assert found.p == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


@pytest.mark.parametrize(
    ("seed", "worse", "equal", "better"),
    [
        (0, 0.09198, 0.11162, 0.79640),
        (1, 0.02994, 0.01482, 0.95524),
        (2, 0.16230, 0.18038, 0.65732),
    ],
)
def test_the_posterior_is_baycomps_but_for_the_draws(seed, worse, equal, better):
    """The numbers are of baycomp 1.0.3: `SignedRankTest.probs(zeros, d, 0.005)`."""
    d = np.random.default_rng(seed).normal(0.004, 0.02, 10)
    found = signed_rank_posterior(d, margin=0.005)
    # Two samples of 50,000 draws each: four standard errors.
    assert (found.worse, found.equal, found.better) == pytest.approx(
        (worse, equal, better), abs=0.01
    )


def test_counts_data_sets_within_the_margin_as_ties():
    found = compare_across([0.5, -0.5, 0.1, -0.1], margin=0.1, higher_is_better=False)
    assert (found.wins, found.ties, found.losses) == (1, 2, 1)


def test_an_error_that_falls_is_a_gain():
    found = compare_across([-0.2] * 8, margin=0.01, higher_is_better=False)
    assert found.difference == pytest.approx(-0.2)
    assert found.wins == 8
    assert found.posterior.better > 0.99


def test_five_data_sets_cannot_show_anything():
    assert compare_across([1.0] * 5, margin=0.1, higher_is_better=True).p > 0.05


def test_many_data_sets_are_drawn_in_parts_without_a_change(monkeypatch):
    d = np.random.default_rng(0).normal(0.01, 0.02, 12)
    whole = signed_rank_posterior(d, margin=0.005)
    monkeypatch.setattr("kmlp.stats.across_datasets._CHUNK", 1300)
    assert signed_rank_posterior(d, margin=0.005) == whole


@pytest.mark.parametrize("bad", [[], [[0.1]], [0.1, float("nan")]])
def test_refuses_what_is_no_difference_a_data_set(bad):
    with pytest.raises(ValueError, match="one a data set"):
        compare_across(bad, margin=0.1, higher_is_better=True)
