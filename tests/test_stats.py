"""The statistics against SciPy, brute force and examples worked by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kmlp.stats import (
    Comparison,
    bootstrap_intervals,
    compare_paired,
    holm,
    sign_flip_p,
    summarize,
    t_interval,
)


def draw(n: int, mean: float = 0.5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.0, n)


def brute_force_p(differences: np.ndarray) -> float:
    """The share of all sign patterns whose sum is at least as far from zero."""
    d = [float(value) for value in differences]
    sums = [
        sum(s * value for s, value in zip(signs, d, strict=True))
        for signs in itertools.product((1, -1), repeat=len(d))
    ]
    return sum(abs(s) >= abs(sum(d)) - 1e-9 for s in sums) / len(sums)


@pytest.mark.parametrize("n", [2, 3, 10, 50])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_t_interval_is_scipys(n, level):
    x = draw(n)
    expected = scipy_stats.ttest_1samp(x, 0.0).confidence_interval(level)
    assert t_interval(x, level) == pytest.approx(tuple(expected))
    expected = scipy_stats.t.interval(level, n - 1, x.mean(), scipy_stats.sem(x))
    assert t_interval(x, level) == pytest.approx(expected)


def test_summary_is_numpys_and_scipys():
    x = draw(7)
    found = summarize(x)
    assert found.mean == pytest.approx(x.mean())
    assert found.sd == pytest.approx(np.std(x, ddof=1))
    assert found.se == pytest.approx(scipy_stats.sem(x))
    assert found.ci95 == t_interval(x, 0.95)
    assert (found.min, found.max) == (x.min(), x.max())


def test_one_value_has_no_spread():
    found = summarize([0.25])
    assert (found.mean, found.min, found.max) == (0.25, 0.25, 0.25)
    assert found.sd is found.se is found.ci95 is None


def test_one_pair_has_no_interval():
    found = compare_paired([0.75], [0.5], higher_is_better=True)
    assert found == Comparison(difference=0.25, ci95=None, p=1.0, wins=1, ties=0, losses=0)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_exact_p_is_brute_forces(n, seed):
    d = draw(n, seed=seed)
    assert sign_flip_p(d) == brute_force_p(d)


@pytest.mark.parametrize("n", [5, 8])
@pytest.mark.parametrize("seed", range(3))
def test_exact_p_is_scipys(n, seed):
    d = draw(n, seed=seed)
    expected = scipy_stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert len(expected.null_distribution) == 2**n
    assert sign_flip_p(d) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("n", range(1, 15))
def test_the_smallest_p_is_two_signs_of_all(n):
    assert sign_flip_p(np.arange(1, n + 1) / 7) == 2.0 ** (1 - n)


@pytest.mark.parametrize("n", [3, 8, 20])
def test_p_is_one_where_nothing_differs(n):
    assert sign_flip_p(np.zeros(n)) == 1.0


def test_p_is_two_sided_and_free_of_the_unit():
    d = draw(9)
    assert sign_flip_p(-d) == sign_flip_p(d)
    assert sign_flip_p(d / 1000) == sign_flip_p(d)


@pytest.mark.parametrize("seed", range(4))
def test_p_of_more_than_14_pairs_is_close_to_the_exact_one(seed):
    d = draw(16, mean=0.4, seed=seed)
    signs = 1 - 2 * ((np.arange(2**16)[:, None] >> np.arange(16)) & 1)
    exact = (np.abs(signs @ d) >= abs(d.sum()) - 1e-9).mean()
    assert sign_flip_p(d) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 100_000))


def test_p_of_more_than_14_pairs_is_repeatable_and_never_zero():
    d = np.ones(40)
    assert sign_flip_p(d) == 1 / 100_001
    assert sign_flip_p(draw(16), seed=1) == sign_flip_p(draw(16), seed=1)
    assert sign_flip_p(draw(16), seed=1) != sign_flip_p(draw(16), seed=2)


@pytest.mark.parametrize("num_rows", [90, 10_000, 60_000, 1_000_003])
def test_sums_that_differ_by_rounding_are_ties(num_rows):
    """Whole numbers of rows have no rounding: the accuracies must give the same p."""
    rng = np.random.default_rng(num_rows)
    for _ in range(40):
        n = rng.integers(3, 11)
        baseline = rng.integers(int(0.8 * num_rows), int(0.9 * num_rows), n)
        difference = rng.integers(-3, 4, n)
        accuracies = (baseline + difference) / num_rows - baseline / num_rows
        assert sign_flip_p(accuracies) == sign_flip_p(difference.astype(float))


def test_a_comparison_is_the_paired_t_interval_of_the_differences():
    a, b = draw(8, 0.9), draw(8, 0.7, seed=1)
    found = compare_paired(a, b, higher_is_better=True)
    expected = scipy_stats.ttest_rel(a, b).confidence_interval(0.95)
    assert found.difference == pytest.approx((a - b).mean())
    assert found.ci95 == pytest.approx(tuple(expected))
    assert found.p == sign_flip_p(a - b)


def test_wins_ties_and_losses_are_counted_by_seed():
    variant, baseline = [0.9, 0.8, 0.7, 0.6], [0.8, 0.8, 0.6, 0.7]
    found = compare_paired(variant, baseline, higher_is_better=True)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)


def test_where_lower_is_better_wins_and_losses_change_places_and_nothing_else():
    variant, baseline = [0.9, 0.8, 0.7, 0.6], [0.8, 0.8, 0.6, 0.7]
    higher = compare_paired(variant, baseline, higher_is_better=True)
    lower = compare_paired(variant, baseline, higher_is_better=False)
    assert (lower.wins, lower.ties, lower.losses) == (1, 1, 2)
    assert (lower.difference, lower.ci95, lower.p) == (higher.difference, higher.ci95, higher.p)


def test_holm_is_the_example_worked_by_hand():
    # In order 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last
    # is raised to the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], []),
        ([0.04], [0.04]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.9, 0.001, 0.9], [1.0, 0.003, 1.0]),
    ],
)
def test_holm_at_its_edges(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


def test_bootstrap_intervals_are_the_t_intervals_where_those_hold():
    x = np.random.default_rng(1).normal(size=400)
    intervals = bootstrap_intervals(lambda i: {"mean": x[i].mean()}, 400, num_draws=2000)
    assert intervals["mean"] == pytest.approx(t_interval(x), abs=0.01)


def test_bootstrap_leaves_out_draws_that_tell_nothing():
    x = np.arange(30.0)

    def scores(rows):
        return {"sometimes": x[rows].mean() if 0 in rows else np.nan, "never": np.nan}

    intervals = bootstrap_intervals(scores, 30)
    assert np.isfinite(intervals["sometimes"]).all()
    assert intervals["never"] is None


def test_fewer_than_twenty_rows_are_not_bootstrapped():
    x = np.arange(20.0)
    assert bootstrap_intervals(lambda i: {"mean": x[i].mean()}, 19) == {"mean": None}
    assert bootstrap_intervals(lambda i: {"mean": x[i].mean()}, 20)["mean"]
