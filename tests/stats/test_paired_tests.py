"""The statistics against SciPy, brute force and examples worked by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kmlp.stats.cross_validation import corrected_variance, fold_interval
from kmlp.stats.paired_tests import (
    ALPHA,
    Comparison,
    McNemar,
    compare_paired,
    holm,
    mcnemar,
    min_seeds_to_test,
    seeds_to_show,
    sign_flip_p,
    wilcoxon_p,
)
from kmlp.stats.summaries import probability_better, summarize, t_interval, wilson_interval


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


def brute_force_wilcoxon(differences: np.ndarray) -> float:
    """The share of all sign patterns whose rank sum is at least as far from its middle."""
    d = differences[differences != 0]
    ranks = scipy_stats.rankdata(np.abs(d))
    patterns = np.array(list(itertools.product((0, 1), repeat=len(d))))
    middle = ranks.sum() / 2
    return float((np.abs(patterns @ ranks - middle) >= abs(ranks[d > 0].sum() - middle)).mean())


@pytest.mark.parametrize("n", [1, 2, 6, 10, 30])
def test_wilcoxon_without_ties_is_scipys(n):
    d = draw(n, 0.3)
    expected = scipy_stats.wilcoxon(d, method="exact").pvalue
    assert wilcoxon_p(d) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_wilcoxon_with_ties_and_zeros_is_brute_forces(seed):
    """Accuracies of 1,000 rows: whole numbers of rows, most of them equal to another's."""
    rows = np.random.default_rng(seed).integers(-3, 5, 9)
    expected = brute_force_wilcoxon(rows.astype(float))
    assert wilcoxon_p(rows) == pytest.approx(expected, rel=1e-12)
    assert wilcoxon_p((880 + rows) / 1000 - 880 / 1000) == pytest.approx(expected, rel=1e-12)


def test_wilcoxon_of_nothing_is_one():
    assert wilcoxon_p(np.zeros(5)) == 1.0
    assert wilcoxon_p([]) == 1.0


@pytest.mark.parametrize("hits", [0, 1, 45, 100])
def test_wilsons_interval_is_scipys(hits):
    expected = scipy_stats.binomtest(hits, 100).proportion_ci(0.9, method="wilson")
    assert wilson_interval(hits, 100, 0.9) == pytest.approx((expected.low, expected.high))


def test_a_tie_is_half_a_win():
    assert probability_better(3, 4, 1).value == 5 / 8
    assert probability_better(3, 4, 1).ci95 == wilson_interval(5, 8)


def test_ten_wins_of_ten_are_not_sure():
    """A bootstrap of ten equal values would say 1 to 1."""
    low, high = probability_better(10, 0, 0).ci95
    assert (low, high) == (pytest.approx(0.7225, abs=1e-4), 1.0)


def test_mcnemar_is_the_binomial_test_of_the_rows_that_differ():
    first = np.repeat([True, True, False, False], [80, 9, 2, 9])
    second = np.repeat([True, False, True, False], [80, 9, 2, 9])
    found = mcnemar(first, second)
    # Two-sided: 0, 1 or 2 of 11, and their mirror images.
    assert found == McNemar(80, 9, 2, 9, pytest.approx(2 * (1 + 11 + 55) / 2**11))
    assert mcnemar(second, first).p == found.p


def test_models_that_never_differ_are_equally_good():
    same = np.array([True, False, True])
    assert mcnemar(same, same) == McNemar(2, 0, 0, 1, 1.0)


@pytest.mark.parametrize("num_comparisons", range(1, 14))
def test_the_fewest_seeds_to_test_can_just_be_significant(num_comparisons):
    fewest = min_seeds_to_test(num_comparisons)
    smallest = sign_flip_p(np.ones(fewest))
    assert holm([smallest] + [1.0] * (num_comparisons - 1))[0] < ALPHA
    fewer = sign_flip_p(np.ones(fewest - 1))
    assert fewest == 6 or holm([fewer] + [1.0] * (num_comparisons - 1))[0] >= ALPHA


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "num_comparisons"), [(0.5, 1), (0.8, 1), (0.8, 7), (1.2, 7), (2.0, 7), (1.2, 13)]
)
def test_the_seeds_it_asks_for_show_the_effect_in_80_of_100_studies(effect, num_comparisons):
    """With the sign flips themselves; fewer seeds by a quarter show it clearly less often."""
    n = seeds_to_show(effect, 1.0, num_comparisons=num_comparisons)
    rng = np.random.default_rng(0)
    shown = [sign_flip_p(rng.normal(effect, 1.0, n)) * num_comparisons < ALPHA for _ in range(400)]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.07)


def test_the_seeds_it_takes_depend_on_the_effect_in_standard_deviations():
    assert seeds_to_show(-0.004, 0.005) == seeds_to_show(0.8, 1.0)
    assert seeds_to_show(1.0, 0.0) == 6
    assert seeds_to_show(1.0, 0.0, num_comparisons=7) == min_seeds_to_test(7)


def test_where_no_number_of_seeds_would_do_there_is_none():
    assert seeds_to_show(0.0, 1.0) is None
    assert seeds_to_show(0.0, 0.0) is None
    assert seeds_to_show(0.1, 1.0) is None
    assert 700 < seeds_to_show(0.1, 1.0, max_seeds=1000) < 900
    assert seeds_to_show(5.0, 1.0, max_seeds=5) is None


def test_the_corrected_variance_is_nadeau_and_bengios():
    """Ten folds of 100 rows: 1 / 10 + 10 / 90 of the sample variance, not 1 / 10."""
    x = draw(10)
    expected = (1 / 10 + 1 / 9) * x.var(ddof=1)
    assert corrected_variance(x, num_train=90, num_test=10) == pytest.approx(expected)
    two_by_five = x.reshape(2, 5)
    assert corrected_variance(two_by_five, num_train=90, num_test=10) == pytest.approx(expected)


def test_without_shared_rows_the_fold_interval_is_the_t_interval():
    x = draw(6)
    assert fold_interval(x, num_train=10**12, num_test=1) == pytest.approx(t_interval(x))


@pytest.mark.long
def test_the_fold_interval_holds_a_mean_that_correlated_folds_share():
    """Scores that correlate by num_test / (num_train + num_test), as the correction assumes."""
    rng = np.random.default_rng(0)
    covered, naive = [], []
    for _ in range(2000):
        x = (1 / 5) ** 0.5 * rng.normal() + (4 / 5) ** 0.5 * rng.normal(size=5)
        low, high = fold_interval(x, num_train=80, num_test=20)
        covered.append(low < 0 < high)
        low, high = t_interval(x)
        naive.append(low < 0 < high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)
    assert np.mean(naive) < 0.88
