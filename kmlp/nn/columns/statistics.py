"""What a network learns of a table's columns before it trains, from its own training rows."""

import numpy as np

from kmlp.config.tables.encoding import NUM_KNOTS, Categories, Encoding

# A spread below has no float32 to divide by.
_SMALLEST = 1e-30
_MOST_QUANTILES = 1000


def column_statistics(
    plan: Encoding, x: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The state of an encoding layer by name, from some rows of the encoded matrix.

    `median` `(numbers,)` stands in for missing values. `center` and `gain` `(numbers,)` scale:
    (v - center) * gain, as scikit-learn does to the imputed column. A column that does not vary
    is centered only; under "robust", whose unit may be tiny, it becomes 0 whatever comes, as does
    in any case one without a value. `remap` `(codes,)` sends each code to its slot, -1 for
    missing. Under "quantile" `knots`, `low` and `high` `(NUM_KNOTS, numbers)` are as `_knots`
    says; `bin_start`, `bin_gain` and `bin_high` `(bins of all numbers,)` as `_bins` says.
    `one_hot_center` and `one_hot_gain` `(features,)` scale one-hot features, where asked.

    Args:
        plan: the features.
        x: `(num_rows, columns)` `float32`.
        rows: which rows; all where omitted.

    Example:
        >>> plan = Encoding((0,), (), (), (), 8, "standard", 1)
        >>> found = column_statistics(plan, np.array([[1.0], [5.0], [np.nan]]))
        >>> {name: float(value[0].round(3)) for name, value in found.items()}
        {'median': 3.0, 'center': 3.0, 'gain': 0.612}
    """
    rows = np.arange(len(x)) if rows is None else rows
    found = {}
    if plan.numbers:
        # Column by column, so that memory stays small.
        each = [_of_number(x[rows, place], plan.scaling) for place in plan.numbers]
        found = dict(zip(("median", "center", "gain"), np.array(each).T, strict=True))
        if plan.scaling == "quantile":
            each_column = zip(plan.numbers, found["median"], strict=True)
            knots = [_knots(_filled(x[rows, place], median)) for place, median in each_column]
            found |= dict(zip(("knots", "low", "high"), np.stack(knots, axis=-1), strict=True))
        if plan.binned:
            binned = [(plan.numbers[j], found["median"][j]) for j in plan.binned]
            bins = [_bins(_filled(x[rows, i], median), plan.num_bins) for i, median in binned]
            names = ("bin_start", "bin_gain", "bin_high")
            found |= dict(zip(names, np.concatenate(bins, axis=1), strict=True))
    if plan.categories:
        found["remap"] = _remap(plan, x, rows)
        if plan.scaled_one_hot and plan.one_hot:
            found |= _of_one_hot(plan, x[rows], found["remap"])
    return found


def _of_number(values: np.ndarray, scaling: str) -> tuple[float, float, float]:
    """Median, center and gain of one column."""
    known = values[~np.isnan(values)].astype(np.float64)
    if not len(known):
        return 0.0, 0.0, 0.0
    median = float(np.float32(np.median(known)))  # what is filled in is a float32
    if scaling == "none":
        return median, 0.0, 1.0
    filled = np.concatenate([known, np.full(len(values) - len(known), median)])
    if scaling == "quantile":
        return median, 0.0, float(np.ptp(filled) > 0)
    if scaling == "robust":
        spread = _reach(filled)
        return median, median, 1 / spread if spread > _SMALLEST else 0.0
    spread = _stddev(filled)
    return median, float(filled.mean()), 1 / spread if spread > _SMALLEST else 1.0


def _filled(values: np.ndarray, median: float) -> np.ndarray:
    """With the median for what is missing."""
    return np.where(np.isnan(values), median, values).astype(np.float64)


def _knots(values: np.ndarray) -> np.ndarray:
    """The quantiles of one column, each once and ascending, and from which to which share of the
    rows each reaches: `(3, NUM_KNOTS)`, filled up with infinity and 1.

    There are n // 30 quantiles of n rows, at least 10 and at most 1000, as Gorishniy et al. 2021
    take (https://arxiv.org/abs/2106.11959); they and their shares are scikit-learn's
    `QuantileTransformer`'s.
    """
    shares = np.linspace(0, 1, min(max(len(values) // 30, 10), _MOST_QUANTILES))
    # float32, as the layer holds them: what is equal there must be one knot.
    quantiles = np.maximum.accumulate(np.quantile(values, shares).astype(np.float32))
    knots, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
    found = np.ones((3, NUM_KNOTS))
    found[0] = np.inf
    found[:, : len(knots)] = knots, shares[first], shares[first + counts - 1]
    return found


def _bins(values: np.ndarray, number: int) -> np.ndarray:
    """Where each bin of one column begins, 1 / its width, and what it is at most: `(3, number)`.

    Their edges are quantiles, each once (Gorishniy et al. 2022, section 3.2.1,
    https://arxiv.org/abs/2203.05556); bins that are left over are 0 whatever comes.
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, number + 1)).astype(np.float32))
    found = np.zeros((3, number))
    widths = np.diff(edges.astype(np.float64))
    if len(widths):
        found[:, : len(widths)] = edges[:-1], 1 / widths, np.ones_like(widths)
        found[2, len(widths) - 1] = np.inf
    return found


def _of_one_hot(plan: Encoding, x: np.ndarray, remap: np.ndarray) -> dict[str, np.ndarray]:
    """Center and gain of each one-hot feature, of rows of the encoded matrix."""
    slots = []
    for place, column in enumerate(plan.one_hot):
        codes, unseen = x[:, column.place], column.num_values
        known = np.where(np.isnan(codes), unseen + 1, np.minimum(codes, unseen))
        slots.append(remap[plan.first_codes[place] + known.astype(np.int64)])
    each = [
        _of_number((slots[c] == plus) * 1.0 - (slots[c] == minus), plan.scaling)
        for c, plus, minus in plan.one_hot_features
    ]
    _, center, gain = np.array(each).T
    return {"one_hot_center": center, "one_hot_gain": gain}


def _stddev(values: np.ndarray) -> float:
    """0 where the values differ by less than the rounding of their mean."""
    stddev = float(values.std())
    return stddev if stddev > 1e-12 * abs(values.mean()) else 0.0


def _reach(values: np.ndarray) -> float:
    """The interquartile range, or half the whole one where most values are the same."""
    low, first, third, high = np.quantile(values, (0, 0.25, 0.75, 1))
    return float(third - first or (high - low) / 2)


def _remap(plan: Encoding, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The slot of every code of every column, in one table."""
    parts, first = [], 0
    for index, column in enumerate(plan.categories):
        if index == len(plan.one_hot):
            first = 0  # embeddings are counted on their own
        slots = _slots(column, x[rows, column.place], plan.min_count)
        parts.append(np.where(slots < 0, slots, slots + first))
        first += column.num_slots
    return np.concatenate(parts).astype(np.int32)


def _slots(column: Categories, codes: np.ndarray, min_count: int) -> np.ndarray:
    """The slot of every code of one column; the last slot is "other", -1 is missing."""
    known = codes[~np.isnan(codes)].astype(np.int64)
    counts = np.bincount(known, minlength=column.num_values + 1)[: column.num_values]
    # Most rows first, of equal counts the vocabulary's order.
    kept = np.sort(np.argsort(-counts, kind="stable")[: column.num_kept])
    slots = np.full(column.num_codes, column.num_kept)
    slots[kept] = np.arange(len(kept))
    slots[:-2][counts < min_count] = column.num_kept
    slots[-1] = -1
    return slots
