"""Which columns of the encoded matrix are shuffled together. No Keras."""

from collections.abc import Mapping, Sequence

import numpy as np

from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown

ALIKE = 0.8
"""From this rank correlation on, columns are said to tell much the same."""
Places = Mapping[str, Sequence[int]]
"""Places in the encoded matrix, by the name of a column or a group of them."""


def places_by_column(spec: DataSpec, groups: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """What is shuffled at once: all that a column of the table became, or all of a group's.

    Args:
        spec: the data, of one row of values an example.
        groups: columns that stand for one thing, by its name; they are not shuffled alone.

    Raises:
        ConfigError: a group names a column that is not there, or has the name of another one.

    Example:
        >>> spec = DataSpec(task="binary", input_shape=(3,), input_dtype="float32", num_classes=2,
        ...                 class_names=("a", "b"), feature_names=("age", "length", "width"))
        >>> places_by_column(spec, {"size": ["length", "width"]})
        {'age': [0], 'size': [1, 2]}
    """
    known: dict[str, list[int]] = {}
    for place, name in enumerate(_names(spec)):
        known.setdefault(name, []).append(place)
    group_of = {name: group for group, names in groups.items() for name in names}
    for name, group in group_of.items():
        if name not in known:
            raise ConfigError(
                f"importance_groups: {shown(group)} holds a column that no network is given. "
                f"Received: {shown(name)}.{did_you_mean(name, list(known))}"
            )
    if taken := [group for group in groups if group in known and group_of.get(group) != group]:
        raise ConfigError(
            f"importance_groups: a group needs a name of its own. Received: {shown(taken[0])}, "
            "which is a column."
        )
    found: dict[str, list[int]] = {}
    for name, places in known.items():
        found.setdefault(group_of.get(name, name), []).extend(places)
    return found


def _names(spec: DataSpec) -> list[str]:
    """The raw column of each place; what has no name is numbered."""
    if spec.columns:
        return [column.source for column in spec.columns]
    return list(spec.feature_names) or [f"x{i}" for i in range(spec.num_features)]


def told_alike(x: np.ndarray, columns: Places, spec: DataSpec) -> list[list[str]]:
    """Columns of numbers that rise and fall together: each can stand in for the others, so that
    shuffling one alone shows little.

    Args:
        x: `(n, features)` rows, NaN for gaps.
        columns: as `places_by_column` gives them.
        spec: the data.

    Returns:
        Names, those together that a chain of rank correlations beyond `ALIKE` joins.
    """
    kinds = [c.kind for c in spec.columns] or ["number"] * x.shape[1]
    single = {n: p[0] for n, p in columns.items() if len(p) == 1 and kinds[p[0]] != "category"}
    ranks = np.array([_ranks(x[:, place]) for place in single.values()])
    varies = ranks.std(axis=1) > 0 if len(ranks) else np.zeros(0, bool)
    names = [name for name, does in zip(single, varies, strict=True) if does]
    if len(names) < 2:
        return []
    from scipy.sparse.csgraph import connected_components  # seldom needed, and slow to import

    labels = connected_components(np.abs(np.corrcoef(ranks[varies])) > ALIKE)[1]
    sets = [
        [n for n, own in zip(names, labels, strict=True) if own == label]
        for label in dict.fromkeys(labels)
    ]
    return [together for together in sets if len(together) > 1]


def _ranks(values: np.ndarray) -> np.ndarray:
    """`(n,)`; a gap has the mean rank."""
    from scipy.stats import rankdata

    ranks, there = np.full(len(values), np.nan), ~np.isnan(values)
    ranks[there] = rankdata(values[there])
    return np.nan_to_num(ranks, nan=float(ranks[there].mean()) if there.any() else 0.0)
