"""Zeros are SciPy's, to the bit."""

import numpy as np
import pytest
from scipy import optimize, special

from kmlp.stats.roots import crossing


@pytest.mark.parametrize("seed", range(40))
def test_a_crossing_is_where_scipy_finds_it(seed):
    """Of curves that are nearly flat on one side, as tails are, and of bent ones."""
    rng = np.random.default_rng(seed)
    scale, shift = 10.0 ** rng.uniform(-0.5, 3), rng.normal()

    def tail(x: float) -> float:
        return float(special.ndtr((x - shift) * scale)) - 0.025

    def bent(x: float) -> float:
        return (x - shift) ** 3 + 0.1 * (x - shift)

    for function in (tail, bent):
        found = crossing(function, -30.0, 40.0)
        assert found == optimize.brentq(function, -30.0, 40.0)


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (0.0, 2.0)])
def test_an_end_that_is_the_zero_is_found(low, high):
    assert crossing(lambda x: x - 2.0, low, high) == 2.0


def test_the_same_sign_at_both_ends_is_refused():
    with pytest.raises(ValueError, match=r"no change of sign between 1\.0 and 2\.0"):
        crossing(lambda x: x, 1.0, 2.0)
