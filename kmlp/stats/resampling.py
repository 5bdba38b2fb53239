"""Bootstrap intervals: arrays in, numbers out. Draws are keyed by a seed, never global."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from kmlp.stats.distributions import normal_below, normal_quantile, t_quantile

MIN_VALUES_FOR_BCA = 20
MIN_ROWS_TO_BOOTSTRAP = 20
NUM_DRAWS = 2000
_CHUNK = 1_000_000
# Below it float32 knows every whole number.
_EXACT = 2**24


def bca_interval(
    values: Sequence[float] | np.ndarray,
    *,
    num_draws: int = 10_000,
    min_values: int = MIN_VALUES_FOR_BCA,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """The BCa bootstrap interval of the mean of `(n,)` values; None of fewer than 20.

    Bias-corrected and accelerated (Efron 1987, https://doi.org/10.1080/01621459.1987.10478410).
    Below 20 values it is too narrow: use the t interval.

    Example:
        >>> low, high = bca_interval(np.arange(100.0))
        >>> round(low), round(high), bca_interval(np.arange(19.0))
        (44, 55, None)
    """
    x = np.asarray(values, float)
    if len(x) < min_values:
        return None
    if x.min() == x.max():
        return float(x[0]), float(x[0])
    means = x[_rows(len(x), num_draws, seed)].mean(axis=1)
    tail = normal_quantile((1 - level) / 2)
    low, high = np.quantile(means, _accelerated(np.array([tail, -tail]), means, x))
    return float(low), float(high)


@lru_cache(maxsize=2)
def _rows(n: int, num_draws: int, seed: int) -> np.ndarray:
    """`(num_draws, n)`, the same for every variant of as many seeds."""
    rows = np.random.default_rng(seed).integers(0, n, (num_draws, n))
    rows.setflags(write=False)
    return rows


def _accelerated(tails: np.ndarray, means: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Which percentiles of the draws' means BCa takes for these of the normal one, as in SciPy."""
    mean, n = x.mean(), len(x)
    below = ((means < mean).sum() + (means <= mean).sum()) / (2 * len(means))
    without = np.array([np.delete(x, i).mean() for i in range(n)])
    pull = (n - 1) * (without.mean() - without)
    skew = 1 / 6 * ((pull**3).sum() / n**3) / ((pull**2).sum() / n**2) ** 1.5
    bias = normal_quantile(below)
    shifted = bias + tails
    return normal_below(bias + shifted / (1 - skew * shifted))


def resampled_means(scores: np.ndarray, *, num_draws: int = NUM_DRAWS, seed: int = 0) -> np.ndarray:
    """Each member's mean over test rows drawn with replacement, the same rows for all.

    Args:
        scores: `(k, n)`, of k members on n rows: right or wrong, squared errors.
        num_draws, seed: how often n rows are drawn, and from where.

    Returns:
        `(k, num_draws)` float64.
    """
    by_row = np.asarray(scores, np.float64).T
    num_rows, num_members = by_row.shape
    # Of rows that are right or wrong all sums are whole numbers, exact in half the bytes too.
    is_counting = num_rows < _EXACT and np.array_equal(by_row, by_row.astype(bool))
    dtype = np.float32 if is_counting else np.float64
    by_row = np.ascontiguousarray(by_row, dtype)
    rng, sums = np.random.default_rng(seed), np.empty((num_draws, num_members), dtype)
    counts = np.empty((max(1, _CHUNK // num_rows), num_rows), dtype)
    for start in range(0, num_draws, len(counts)):
        block = counts[: num_draws - start]
        # How often each row was drawn: a product with the counts is the sum over the draw.
        for draw in block:
            draw[:] = np.bincount(rng.integers(num_rows, size=num_rows), minlength=num_rows)
        sums[start : start + len(block)] = block @ by_row
    return np.ascontiguousarray(sums.T, np.float64) / num_rows


def two_way_interval(
    values: np.ndarray, draws: np.ndarray, *, seed: int = 0, level: float = 0.95
) -> tuple[float, float] | None:
    """The interval of a mean score over seeds *and* test rows, both drawn with replacement.

    Seeds alone say nothing of the rows that happened to be in the test set. Drawn both ways, as
    in the pigeonhole bootstrap (Owen 2007, https://doi.org/10.1214/07-AOAS122), the part of the
    variance that is neither the seed's nor the row's is counted three times instead of once, and
    k seeds are treated as if they were many. So the draws' spread about their mean is scaled to
    the variance of a two-way table, (MS_seeds + MS_rows - MS_rest) / (k n), the seeds' part
    widened by Student's factor for k - 1 degrees. Where the rows add nothing, it is the seeds'
    t interval but for the draws' shape.

    Args:
        values: `(k, n)`, whose means over rows are the members' scores: the rows' own scores
            where a score is their mean, else its linear part, as `linear_rmse` gives it. For a
            difference, that of two such arrays, paired by seed.
        draws: `(k, num_draws)`, the members' scores (or differences) on resampled rows.
        seed: where the draws of seeds come from.

    Returns:
        None of fewer than 2 seeds or 20 rows. A score that is no function of row means, as an
        AUC, has no such interval; `bootstrap_intervals` gives one over rows alone.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(10, 500))
        >>> low, high = two_way_interval(x, resampled_means(x))
        >>> bool(low < x.mean() < high)
        True
    """
    num_seeds, num_rows = values.shape
    if num_seeds < 2 or num_rows < MIN_ROWS_TO_BOOTSTRAP:
        return None
    drawn = np.einsum("bk,kb->b", _shares(num_seeds, draws.shape[1], seed), draws)
    centre, spread = float(values.mean()), float(drawn.std())
    if spread == 0:
        return centre, centre
    scale = _two_way_variance(values, level) ** 0.5 / spread
    tails = np.quantile(drawn - drawn.mean(), ((1 - level) / 2, (1 + level) / 2))
    return float(centre + scale * tails[0]), float(centre + scale * tails[1])


@lru_cache(maxsize=2)
def _shares(num_seeds: int, num_draws: int, seed: int) -> np.ndarray:
    """`(num_draws, num_seeds)`, each seed's share of a draw; the same for every variant."""
    chances = np.full(num_seeds, 1 / num_seeds)
    shares = np.random.default_rng(seed).multinomial(num_seeds, chances, size=num_draws) / num_seeds
    shares.setflags(write=False)
    return shares


def _two_way_variance(values: np.ndarray, level: float) -> float:
    """Of the grand mean of a `(k, n)` table of seeds and rows, the seeds' part widened."""
    num_seeds, num_rows = values.shape
    by_seed, by_row = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_seed[:, None] - (by_row - values.mean())
    seeds = by_seed.var(ddof=1) / num_seeds
    rows = by_row.var(ddof=1) / num_rows
    both = np.square(rest).sum() / ((num_seeds - 1) * (num_rows - 1) * num_seeds * num_rows)
    upper = (1 + level) / 2
    student = t_quantile(upper, num_seeds - 1) / normal_quantile(upper)
    return float(student**2 * seeds + max(rows - both, 0.0))


def linear_rmse(squared_errors: np.ndarray) -> np.ndarray:
    """`(k, n)` squared errors -> `(k, n)` values whose row means are the RMSEs.

    A root mean square is no mean of rows; this is its linear part, by which a row moves it:
    rmse + (error² - rmse²) / (2 rmse). A member without any error gives zeros.

    Example:
        >>> float(linear_rmse(np.array([[0.0, 8.0]])).mean())
        2.0
    """
    mse = np.asarray(squared_errors, float).mean(axis=1, keepdims=True)
    rmse = np.sqrt(mse)
    return rmse + (squared_errors - mse) / (2 * np.where(rmse > 0, rmse, 1.0))


def bootstrap_intervals(
    scores: Callable[[np.ndarray], Mapping[str, float]],
    num_rows: int,
    *,
    num_draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float] | None]:
    """Percentile intervals of scores over test rows, drawn with replacement.

    For scores without an interval of their own, such as an AUC or R². None where there are
    fewer than 20 rows, or no draw gives a score. Draws that give none are left out.

    Args:
        scores: rows, `(num_rows,)` indices -> score by name; NaN where they cannot tell it.
        num_rows: how many rows there are.
        num_draws, seed: how often rows are drawn, and from where.

    Example:
        >>> x = np.arange(100.0)
        >>> low, high = bootstrap_intervals(lambda i: {"mean": x[i].mean()}, 100)["mean"]
        >>> round(low), round(high)
        (44, 55)
    """
    rng = np.random.default_rng(seed)
    draws = [scores(rng.integers(num_rows, size=num_rows)) for _ in range(num_draws)]
    tail = (1 - level) / 2
    intervals: dict[str, tuple[float, float] | None] = {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws])
        values = values[~np.isnan(values)]
        if len(values) and num_rows >= MIN_ROWS_TO_BOOTSTRAP:
            low, high = np.quantile(values, (tail, 1 - tail))
            intervals[name] = float(low), float(high)
        else:
            intervals[name] = None
    return intervals
