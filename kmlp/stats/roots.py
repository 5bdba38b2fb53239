"""Where a function crosses zero: Brent's method (1973), as SciPy has it.

The same steps, and so the same number to the bit, without the modules that `scipy.optimize`
brings along, which take longer to import than all the rest of a study's results to be computed.
"""

from collections.abc import Callable

_TOLERANCE, _RELATIVE = 2e-12, 4 * 2.0**-52
_MOST_STEPS = 100
_Point = tuple[float, float]


def crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a continuous function is zero, between two places where it has opposite signs.

    Raises:
        ValueError: it has the same sign at both.

    Example:
        >>> round(crossing(lambda x: x * x - 2, 0.0, 2.0), 6)
        1.414214
    """
    last, now, other = low, high, 0.0
    at_last, at_now, at_other = function(last), function(now), 0.0
    if at_last == 0:
        return last
    if at_now == 0:
        return now
    if (at_last < 0) == (at_now < 0):
        raise ValueError(f"no change of sign between {low} and {high}.")
    before = step = 0.0
    for _ in range(_MOST_STEPS):
        if at_last != 0 and at_now != 0 and (at_last < 0) != (at_now < 0):
            other, at_other, before, step = last, at_last, now - last, now - last
        if abs(at_other) < abs(at_now):
            last, now, other = now, other, now
            at_last, at_now, at_other = at_now, at_other, at_now
        least = (_TOLERANCE + _RELATIVE * abs(now)) / 2
        half = (other - now) / 2
        if at_now == 0 or abs(half) < least:
            return now
        before, step, earlier = step, half, before
        if abs(earlier) > least and abs(at_now) < abs(at_last):
            guess = _guess((last, at_last), (now, at_now), (other, at_other))
            is_short = 2 * abs(guess) < min(abs(earlier), 3 * abs(half) - least)
            before, step = (before, guess) if is_short else (half, half)
        else:
            before = half
        last, at_last = now, at_now
        now += step if abs(step) > least else (least if half > 0 else -least)
        at_now = function(now)
    raise ValueError(f"no zero found in {_MOST_STEPS} steps between {low} and {high}.")


def _guess(
    last: tuple[float, float], now: tuple[float, float], other: tuple[float, float]
) -> float:
    """How far to go from the place now, by a line through two places or a curve through three."""
    (x0, y0), (x1, y1), (x2, y2) = last, now, other
    if x0 == x2:
        return -y1 * (x1 - x0) / (y1 - y0)
    slope, other_slope = (y0 - y1) / (x0 - x1), (y2 - y1) / (x2 - x1)
    return -y1 * (y2 * other_slope - y0 * slope) / (other_slope * slope * (y2 - y0))
