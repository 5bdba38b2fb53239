"""Quantiles and tails of the distributions that intervals and tests follow.

SciPy's special functions, which its own distributions call: the same numbers, to the bit but for
McNemar's and the noncentral t's last digits, without the half second that `scipy.stats` takes to
be imported. `kmlp show` and `kmlp report` begin with it.
"""

from typing import Any

import numpy as np
from scipy import special


def t_quantile(share: Any, degrees: Any) -> Any:
    """Below which a share of Student's t lies.

    Example:
        >>> round(float(t_quantile(0.975, 9)), 3)
        2.262
    """
    return special.stdtrit(degrees, share)


def t_below(value: Any, degrees: Any) -> Any:
    """The share of Student's t below a value; above it lies that below its negative."""
    return special.stdtr(degrees, value)


def noncentral_t_above(value: Any, degrees: Any, shift: Any) -> Any:
    """The share of the noncentral t above a value."""
    return 1 - special.nctdtr(degrees, shift, value)


def normal_quantile(share: Any) -> Any:
    """Below which a share of the standard normal distribution lies."""
    return special.ndtri(share)


def normal_below(value: Any) -> Any:
    """The share of the standard normal distribution below a value."""
    return special.ndtr(value)


def chi2_quantile(share: Any, degrees: Any) -> Any:
    """Below which a share of the chi-square distribution lies."""
    return 2 * special.gammaincinv(np.asarray(degrees) / 2, share)


def fair_coin_p(heads: int, tosses: int) -> float:
    """Two-sided exact p that a coin is fair.

    Example:
        >>> round(fair_coin_p(1, 6), 5), fair_coin_p(3, 6)
        (0.21875, 1.0)
    """
    fewer = min(heads, tosses - heads)
    if 2 * fewer == tosses:
        return 1.0
    return min(1.0, float(2 * special.bdtr(fewer, tosses, 0.5)))
