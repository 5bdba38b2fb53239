"""Numbers by the quantiles of training rows, mapped to those of a normal distribution."""

from typing import Any

import numpy as np
from keras import ops

# scikit-learn's: what lies outside of the training rows' range is as far out as this.
_MOST = 5.19933758
_LEAST = 1e-7
# Of the polynomials in w for small and for large w, highest power first (Giles 2010).
_CENTRAL = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)


def as_normal_quantiles(x: Any, knots: Any, low: Any, high: Any) -> Any:
    """The normal distribution's quantile at each value's share of the training rows.

    The share is interpolated between the quantiles, as by scikit-learn's `QuantileTransformer`;
    a value that many rows have takes the middle of theirs, the least and the largest as well.

    Args:
        x: `(k, batch, numbers)`, finite.
        knots: `(k, NUM_KNOTS, numbers)` quantiles, ascending, filled up with infinity.
        low, high: the shares of rows below each knot, and up to it; of the same shape.
    """
    place = _last_below(x, knots)
    start, end = _at(knots, place), _at(knots, place + 1)
    reached = _at(high, place)
    between = reached + (x - start) / (end - start) * (_at(low, place + 1) - reached)
    share = ops.where(x == start, (_at(low, place) + reached) / 2, between)
    return normal_quantile(ops.where(x < start, 0, share))


def normal_quantile(share: Any) -> Any:
    """The inverse of the normal distribution function, within +-5.2.

    The error is below 1e-6 relative (Giles 2010, "Approximating the erfinv function"); Keras's
    own has no counterpart in LiteRT.
    """
    w = -ops.log(ops.maximum(4 * share * (1 - share), _LEAST))
    central = _polynomial(_CENTRAL, w - 2.5)
    tail = _polynomial(_TAIL, ops.sqrt(w) - 3)
    quantile = 2**0.5 * (2 * share - 1) * ops.where(w < 5, central, tail)
    return ops.clip(quantile, -_MOST, _MOST)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _last_below(x: Any, knots: Any) -> Any:
    """Index of the last knot that a value reaches, 0 where it reaches none: halving."""
    place = ops.zeros_like(x, dtype="int32")
    step = knots.shape[1] // 2
    while step:
        place = ops.where(_at(knots, place + step) <= x, place + step, place)
        step //= 2
    return place


def _at(table: Any, place: Any) -> Any:
    """`(k, NUM_KNOTS, numbers)` at the knots `(k, batch, numbers)` of each member and number."""
    num_members, size, numbers = table.shape
    members = np.arange(num_members, dtype=np.int32)[:, None, None] * np.int32(size * numbers)
    each = np.arange(numbers, dtype=np.int32)
    return ops.take(ops.reshape(table, (-1,)), members + place * numbers + each, axis=0)
