"""Bootstrap intervals against theory: their width, their coverage, and what they refuse."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kmlp.stats.resampling import (
    bca_interval,
    bootstrap_intervals,
    linear_rmse,
    resampled_means,
    two_way_interval,
)
from kmlp.stats.summaries import t_interval


def crossed(k: int, n: int, *, seeds: float, rows: float, both: float, seed: int) -> np.ndarray:
    """`(k, n)` scores with mean zero, of effects with these standard deviations."""
    rng = np.random.default_rng(seed)
    by_seed, by_row = seeds * rng.normal(size=(k, 1)), rows * rng.normal(size=n)
    return by_seed + by_row + both * rng.normal(size=(k, n))


def two_way(values: np.ndarray, num_draws: int = 500) -> tuple[float, float]:
    return two_way_interval(values, resampled_means(values, num_draws=num_draws))


def test_bca_is_scipys():
    x = np.random.default_rng(3).exponential(size=25)
    expected = scipy_stats.bootstrap(
        (x,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    assert bca_interval(x) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_bca_leans_to_the_side_of_the_long_tail():
    x = np.random.default_rng(3).exponential(size=40)
    low, high = bca_interval(x)
    assert high - x.mean() > 1.1 * (x.mean() - low)


def test_fewer_than_twenty_values_have_no_bca_interval():
    assert bca_interval(np.arange(19.0)) is None
    assert bca_interval(np.arange(20.0))


def test_equal_values_have_a_bca_interval_without_width():
    assert bca_interval(np.full(20, 0.5)) == (0.5, 0.5)


def test_resampled_means_are_means_over_the_same_rows_for_all():
    """Rows count as often as a plain loop draws them from the same generator."""
    scores = np.random.default_rng(1).normal(size=(3, 50))
    rng = np.random.default_rng(7)
    expected = [scores[:, rng.integers(50, size=50)].mean(axis=1) for _ in range(40)]
    found = resampled_means(scores, num_draws=40, seed=7)
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12)


def test_resampled_means_of_right_and_wrong_rows_are_exact():
    """They are summed in float32, in which whole numbers have no rounding."""
    hits = np.random.default_rng(2).random((3, 999)) < 0.8
    rng = np.random.default_rng(0)
    expected = [hits[:, rng.integers(999, size=999)].sum(axis=1) / 999 for _ in range(30)]
    found = resampled_means(hits.astype(float), num_draws=30)
    np.testing.assert_array_equal(found, np.transpose(expected))
    assert found.dtype == np.float64


def test_resampled_means_do_not_depend_on_the_size_of_their_chunks(monkeypatch):
    hits = np.random.default_rng(1).random((4, 30)) < 0.9
    whole = resampled_means(hits, num_draws=25)
    monkeypatch.setattr("kmlp.stats.resampling._CHUNK", 70)
    np.testing.assert_allclose(resampled_means(hits, num_draws=25), whole, rtol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_rows_that_are_all_alike_leave_the_seeds_t_interval(k):
    """Its width: the draws' own shape is not normal for few seeds."""
    by_seed = np.random.default_rng(k).normal(size=k)
    values = np.repeat(by_seed[:, None], 30, axis=1)
    low, high = two_way(values, 4000)
    expected = t_interval(by_seed)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.06 if k > 2 else 0.4)


def test_seeds_that_are_all_alike_leave_the_rows_interval():
    by_row = np.random.default_rng(1).normal(size=400)
    found = two_way(np.repeat(by_row[None], 5, axis=0), 4000)
    assert found == pytest.approx(t_interval(by_row), abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "effects",
    [
        {"seeds": 1.0, "rows": 1.0, "both": 1.0},
        {"seeds": 0.0, "rows": 1.0, "both": 1.0},
        {"seeds": 0.1, "rows": 1.0, "both": 1.0},
        {"seeds": 0.0, "rows": 0.0, "both": 1.0},
    ],
)
def test_the_two_way_interval_holds_the_mean_in_95_of_100_studies(effects):
    """Seeds alone do not: with rows that matter theirs holds it in 45 to 75 of 100."""
    intervals = [two_way(crossed(8, 100, **effects, seed=i)) for i in range(300)]
    covered = np.mean([low < 0 < high for low, high in intervals])
    # 95 %, give or take 2.5 standard errors of 300 studies.
    assert covered == pytest.approx(0.95, abs=0.032)


@pytest.mark.long
def test_what_is_neither_seed_nor_row_counts_once():
    """The plain bootstrap over both counts it three times: 1.7 times as wide."""
    widths = []
    for i in range(40):
        values = crossed(10, 200, seeds=0.0, rows=0.0, both=1.0, seed=i)
        low, high = two_way(values)
        widths.append((high - low) / (2 * 1.96 / 2000**0.5))
    assert np.mean(widths) == pytest.approx(1.15, abs=0.1)


def test_two_way_needs_two_seeds_and_twenty_rows():
    assert two_way(np.ones((1, 100))) is None
    assert two_way(np.ones((5, 19))) is None
    assert two_way(np.ones((2, 20))) == (1.0, 1.0)


def test_the_linear_part_of_rmse_moves_as_rmse_does():
    """One row more of a large sample moves both alike."""
    squared = np.random.default_rng(0).exponential(size=(1, 100_000))
    linear = linear_rmse(squared)
    assert linear.mean() == pytest.approx(squared.mean() ** 0.5)
    weights = np.ones(100_000)
    weights[:1000] = 2
    moved = (squared * weights).sum() / weights.sum()
    assert (linear * weights).sum() / weights.sum() == pytest.approx(moved**0.5, abs=1e-5)


def test_a_member_without_error_has_a_linear_part():
    np.testing.assert_array_equal(linear_rmse(np.zeros((2, 3))), np.zeros((2, 3)))


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
