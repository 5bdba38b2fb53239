"""Which hyperparameters a search's scores depend on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tuning.results.records.search import Importance
from tuning.results.records.trials import FinishedTrial, TrialResult
from tuning.space.parameter import Parameter, Values
from tuning.space.space import Space

MIN_TRIALS = 30
_TREES, _PLACES = 64, 200
_ROUNDING = 1e-12


def importance(
    space: Space, trials: Sequence[TrialResult], direction: str
) -> tuple[Importance, ...] | None:
    """The share of the scores' variance that each parameter explains alone.

    Functional ANOVA with a random forest (Hutter et al. 2014,
    https://proceedings.mlr.press/v32/hutter14.html): a tree's mean prediction at each value of
    one parameter, over the others' ranges, varies so much; divided by how much its predictions
    vary in all. Interactions belong to nobody, so the shares add up to at most 1. A configuration
    that Hyperband trained in several rounds counts once, with its longest.

    Args:
        space: what was searched; a parameter that does not count in a trial is at its default.
        trials: what came of them.
        direction: "max" or "min", of the score. Scores below the lower quartile are raised to it:
            what matters is what tells good trials apart, not what breaks a network.

    Returns:
        The greatest first, with its deviation over trees; None of fewer than 30 finished
        configurations.
    """
    finished = [t for t in trials if isinstance(t, FinishedTrial)]
    done = list({str(sorted(t.values.items())): t for t in finished}.values())
    if len(done) < MIN_TRIALS or not space.parameters:
        return None
    from sklearn.ensemble import RandomForestRegressor

    x = np.array([_encoded(space, t.values) for t in done])
    y = np.array([t.score for t in done]) * (1 if direction == "max" else -1)
    y = np.maximum(y, np.quantile(y, 0.25))
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0).fit(x, y)
    points = [_points(p) for p in space.parameters]
    shares = np.array([_shares(tree, points) for tree in forest.estimators_])
    found = [
        Importance(name=p.name, importance=float(mean), sd=float(sd))
        for p, mean, sd in zip(space.parameters, shares.mean(0), shares.std(0, ddof=1), strict=True)
    ]
    return tuple(sorted(found, key=lambda entry: -entry.importance))


def _shares(tree: Any, points: Sequence[np.ndarray]) -> np.ndarray:
    """Of one tree, by column: exact over all combinations of the points, so at most 1 in all."""
    values, low, high = _leaves(tree.tree_, len(points))
    inside = [(low[:, j, None] < x) & (x <= high[:, j, None]) for j, x in enumerate(points)]
    # The part of the space that a leaf holds is a box: the product of its sides.
    sides = np.stack([i.mean(axis=1) for i in inside], axis=1)
    size = sides.prod(axis=1)
    centred = values - values @ size
    total = np.square(centred) @ size
    if total <= _ROUNDING * np.ptp(values) ** 2:
        return np.zeros(len(points))
    others = [np.delete(sides, j, axis=1).prod(axis=1) for j in range(len(points))]
    marginals = [(centred * rest) @ i for rest, i in zip(others, inside, strict=True)]
    return np.array([m.var() / total for m in marginals])


def _leaves(tree: Any, num_columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The leaves' values `(num_leaves,)` and their bounds `(num_leaves, num_columns)`: above the
    lower, up to the upper."""
    open_ = [(0, np.full(num_columns, -np.inf), np.full(num_columns, np.inf))]
    found = []
    while open_:
        node, low, high = open_.pop()
        if tree.children_left[node] < 0:
            found.append((tree.value[node].item(), low, high))
            continue
        below, above = high.copy(), low.copy()
        below[tree.feature[node]] = above[tree.feature[node]] = tree.threshold[node]
        open_ += [(tree.children_left[node], low, below), (tree.children_right[node], above, high)]
    values, lows, highs = (np.array(column) for column in zip(*found, strict=True))
    return values, lows, highs


def _points(parameter: Parameter) -> np.ndarray:
    """Places spread over a parameter's range as its sampling is."""
    if parameter.listed is not None:
        return np.array([_number(parameter, value) for value in parameter.listed])
    assert parameter.min is not None
    assert parameter.max is not None
    even = (np.arange(_PLACES) + 0.5) / _PLACES
    if parameter.sampling == "log":
        return parameter.min * (parameter.max / parameter.min) ** even
    return parameter.min + (parameter.max - parameter.min) * even


def _encoded(space: Space, values: Values) -> list[float]:
    return [_number(p, values.get(p.name, p.default)) for p in space.parameters]


def _number(parameter: Parameter, value: Any) -> float:
    """A value's place: trees need the order alone."""
    return float(parameter.values.index(value)) if parameter.values else float(value)
