"""Folds: means over repeats, and a test that knows that folds share rows."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kmlp.stats.cross_validation import compare_folds, summarize_folds

SIZES = {"num_train": 80, "num_held_out": 20}


def test_the_interval_is_nadeau_and_bengios_written_out():
    table = np.random.default_rng(0).normal(size=(2, 5))
    found = summarize_folds(table, **SIZES)
    assert found.of_repeats == pytest.approx(table.mean(axis=1))
    assert found.mean == pytest.approx(np.mean(found.of_repeats))
    sd = np.std(table, ddof=1)
    half = scipy_stats.t.ppf(0.975, 9) * sd * (1 / 10 + 20 / 80) ** 0.5
    assert found.ci95 == pytest.approx((found.mean - half, found.mean + half))


def test_p_and_interval_agree():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.3, 1, size=(2, 2, 5))
    found = compare_folds(a, b, **SIZES, higher_is_better=True)
    d = (a - b).ravel()
    t = d.mean() / (d.var(ddof=1) * (1 / 10 + 1 / 4)) ** 0.5
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(abs(t), 9))
    assert (found.p < 0.05) == (found.ci95[0] > 0 or found.ci95[1] < 0)
    assert (found.wins, found.ties, found.losses) == ((d > 0).sum(), 0, (d < 0).sum())


def test_a_lower_error_wins():
    found = compare_folds(
        np.array([[1.0, 2.0]]), np.array([[2.0, 2.0]]), **SIZES, higher_is_better=False
    )
    assert (found.wins, found.ties, found.losses) == (1, 1, 0)


@pytest.mark.parametrize("difference", [0.0, 0.5, 0.1])
def test_differences_without_spread_tell_nothing(difference):
    """0.1 leaves rounding errors, which are no spread."""
    table = np.array([[1.0, 2.0, 3.0]])
    assert compare_folds(table + difference, table, **SIZES, higher_is_better=True).p == 1.0


@pytest.mark.long
def test_it_errs_rarely_where_a_plain_test_over_repeated_folds_errs_far_more():
    """Two linear models with a useless feature each: equally good, on every data set afresh."""
    rng, wrong = np.random.default_rng(0), []
    for _ in range(150):
        x, y = rng.normal(size=(2, 40, 1)), rng.normal(size=40)
        d = np.array([fold_differences(x, y, rng.permutation(40)) for _ in range(5)])
        corrected = compare_folds(
            d, np.zeros_like(d), num_train=32, num_held_out=8, higher_is_better=True
        )
        wrong.append((corrected.p < 0.05, scipy_stats.ttest_1samp(d.ravel(), 0).pvalue < 0.05))
    corrected, plain = np.mean(wrong, axis=0)
    assert corrected <= 0.06
    assert plain > 0.15


def fold_differences(x, y, order):
    """Mean squared errors of slopes fitted to `(2, n, 1)` features, one minus the other."""
    folds = order.reshape(5, 8)
    errors = []
    for held_out in folds:
        kept = np.setdiff1d(order, held_out)
        slopes = [(m[kept, 0] @ y[kept]) / (m[kept, 0] @ m[kept, 0]) for m in x]
        errors.append(
            [
                np.mean((y[held_out] - b * m[held_out, 0]) ** 2)
                for m, b in zip(x, slopes, strict=True)
            ]
        )
    return np.subtract(*np.transpose(errors))
