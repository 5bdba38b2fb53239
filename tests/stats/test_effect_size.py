"""The standardized difference and its interval."""

import numpy as np
import pytest
from scipy import stats

from kmlp.stats.effect_size import standardized_difference


@pytest.mark.parametrize("seed", range(4))
def test_its_bounds_are_where_scipys_noncentral_t_says(seed):
    d = np.random.default_rng(seed).normal(0.4, 1.0, 10)
    found = standardized_difference(d)
    t = found.value * 10**0.5
    for bound, p in zip(found.ci95, (0.975, 0.025), strict=True):
        assert stats.nct.cdf(t, 9, bound * 10**0.5) == pytest.approx(p, abs=1e-5)


def test_is_none_without_spread_or_pairs():
    assert standardized_difference([0.1] * 6) is None
    assert standardized_difference([0.1]) is None


def test_an_enormous_effect_has_an_interval_too():
    low, high = standardized_difference([1.0, 1.0, 1.0, 1.0, 1.001]).ci95
    assert 100 < low < high
