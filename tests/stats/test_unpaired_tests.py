"""Two samples that share nothing, against SciPy; and samples that do not vary."""

import numpy as np
import pytest
from scipy import stats

from kmlp.stats.unpaired_tests import compare_unpaired


def test_the_interval_is_welchs():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=6), rng.normal(0.5, 2.0, size=9)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert compare_unpaired(first, second).ci95 == pytest.approx(tuple(expected))


@pytest.mark.parametrize("value", [0.1, 0.3, 1e9 + 0.1])
def test_what_does_not_vary_but_by_rounding_has_no_interval(value):
    assert compare_unpaired([value] * 3, [value * 2] * 4).ci95 is None


def test_one_side_without_spread_is_no_warning():
    low, high = compare_unpaired([0.1] * 3, [0.2, 0.3, 0.4]).ci95 or (0.0, 0.0)
    assert low < -0.2 < high
