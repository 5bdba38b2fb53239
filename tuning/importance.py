"""Which hyperparameters a search's scores depend on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tuning.parameter import Parameter
from tuning.space import Space

MIN_TRIALS = 30
_TREES, _PLACES = 64, 200


def importance(
    space: Space, trials: Sequence[Mapping[str, Any]], *, higher_is_better: bool
) -> list[dict[str, Any]] | None:
    """The share of the scores' variance that each parameter explains alone.

    Functional ANOVA with a random forest (Hutter et al. 2014,
    https://proceedings.mlr.press/v32/hutter14.html): a tree's mean prediction at each value of
    one parameter, over what the others take, varies so much; divided by how much its predictions
    vary in all. Interactions belong to nobody, so the shares add up to less than 1.

    Args:
        space: what was searched; a parameter that does not count in a trial is at its default.
        trials: as in `results.json`.
        higher_is_better: of the score. Scores below the lower quartile are raised to it: what
            matters is what tells good trials apart, not what breaks a network.

    Returns:
        The greatest first, `importance` and `sd` over trees; None of fewer than 30 finished trials.
    """
    done = [t for t in trials if t["status"] == "done"]
    if len(done) < MIN_TRIALS or not space.parameters:
        return None
    from sklearn.ensemble import RandomForestRegressor

    x = np.array([_encoded(space, t["values"]) for t in done])
    y = np.array([t["score"] for t in done]) * (1 if higher_is_better else -1)
    y = np.maximum(y, np.quantile(y, 0.25))
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0).fit(x, y)
    shares = np.array([_shares(tree, x) for tree in forest.estimators_])
    found = [
        {"name": p.name, "importance": float(mean), "sd": float(sd)}
        for p, mean, sd in zip(space.parameters, shares.mean(0), shares.std(0, ddof=1), strict=True)
    ]
    return sorted(found, key=lambda entry: -entry["importance"])


def _shares(tree: Any, x: np.ndarray) -> np.ndarray:
    """Of one tree, by column; the other columns are drawn independently of it and each other."""
    rng = np.random.default_rng(0)
    rest = np.stack([rng.choice(column, _PLACES) for column in x.T], axis=1)
    total = tree.predict(rest).var()
    if total == 0:
        return np.zeros(x.shape[1])
    return np.array([_marginal(tree, rest, x[:, j], j).var() / total for j in range(x.shape[1])])


def _marginal(tree: Any, rest: np.ndarray, values: np.ndarray, column: int) -> np.ndarray:
    """The mean prediction at each value of a column, as often as it occurs."""
    distinct, counts = np.unique(values, return_counts=True)
    tiled = np.tile(rest, (len(distinct), 1))
    tiled[:, column] = np.repeat(distinct, len(rest))
    means = tree.predict(tiled).reshape(len(distinct), -1).mean(axis=1)
    return np.repeat(means, counts)


def _encoded(space: Space, values: Mapping[str, Any]) -> list[float]:
    return [_number(p, values.get(p.name, p.default)) for p in space.parameters]


def _number(parameter: Parameter, value: Any) -> float:
    """A value's place: trees need the order alone."""
    return float(parameter.values.index(value)) if parameter.values else float(value)
