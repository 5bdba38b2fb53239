"""Groups of rows dealt out, so that none is parted and strata keep their shares.

scikit-learn's `StratifiedGroupKFold` and `GroupShuffleSplit` promise the same. They are not used,
because a member must be the same rows for as long as its results are kept, and what they draw
changed between releases.
"""

import numpy as np

from kmlp.data.rows.record import Rows

_MOST_TRIES, _ENOUGH_GROUPS = 5, 5000


def deal_groups(
    rows: np.ndarray, known: Rows, num_parts: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Whole groups in parts of nearly as many rows, and of strata in nearly their shares.

    Each group goes where most of what it holds is missing; large ones first, of like size in
    random order. No part is empty where there are as many groups.

    Args:
        rows: `(n,)` indices.
        known: has groups.
        num_parts: how many parts.
        rng: where the order comes from.

    Example:
        >>> known = Rows(strata=np.zeros(6, int), groups=np.array([0, 0, 1, 1, 2, 2]))
        >>> parts = deal_groups(np.arange(6), known, 3, np.random.default_rng(0))
        >>> sorted(part.tolist() for part in parts)
        [[0, 1], [2, 3], [4, 5]]
    """
    group_of, shares = _shares(rows, known)
    order = rng.permutation(len(shares))
    sizes = np.floor(np.log2(np.bincount(group_of)))[order]
    part_of = np.empty(len(shares), int)
    missing = np.full((num_parts, shares.shape[1]), 1 / num_parts)
    for group in order[np.argsort(-sizes, kind="stable")]:
        part = part_of[group] = np.argmax(missing @ shares[group])
        missing[part] -= shares[group]
    return [rows[part_of[group_of] == part] for part in range(num_parts)]


def hold_out_groups(
    rows: np.ndarray, known: Rows, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Which of `(n,)` rows are held out, truth values: whole groups, of the rows and of each
    stratum nearly the share; one group at least.

    Args:
        rows: `(n,)` indices.
        known: has groups.
        share: between 0 and 1.
        rng: where orders come from, of which the one counts that comes nearest.
    """
    group_of, shares = _shares(rows, known)
    tries = [_nearest(shares, share, rng) for _ in range(_num_tries(len(shares)))]
    is_held = min(tries, key=lambda held: np.square(shares[held].sum(axis=0) - share).sum())
    if not is_held.any():
        is_held[np.argmin((shares * (shares - 2 * share)).sum(axis=1))] = True
    return is_held[group_of]


def _nearest(shares: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Which groups are held out: in random order each that brings all shares nearer."""
    is_held, missing = np.zeros(len(shares), bool), np.full(shares.shape[1], share)
    for group in rng.permutation(len(shares)):
        # Twice what the squared distance grows by.
        if shares[group] @ (shares[group] - 2 * missing) < 0:
            is_held[group] = True
            missing -= shares[group]
    return is_held


def _num_tries(num_groups: int) -> int:
    """Of many small groups any order comes near; of few, another one may come nearer."""
    return max(1, min(_MOST_TRIES, _ENOUGH_GROUPS // num_groups))


def draw_groups(rows: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Groups drawn with replacement, until there are as many rows as there were; of the last one
    as many as are missing.

    Args:
        rows: `(n,)` indices.
        groups: `(n,)`, of these rows.
        rng: where the draw comes from.
    """
    _, group_of, counts = np.unique(groups, return_inverse=True, return_counts=True)
    of_group = np.split(rows[np.argsort(group_of, kind="stable")], np.cumsum(counts)[:-1])
    drawn = rng.integers(len(counts), size=len(rows))
    enough = 1 + np.searchsorted(np.cumsum(counts[drawn]), len(rows))
    return np.concatenate([of_group[group] for group in drawn[:enough]])[: len(rows)]


def _shares(rows: np.ndarray, known: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Each row's group, from 0; and of each group `(strata + 1,)` its share of every stratum's
    rows, and of all."""
    assert known.groups is not None
    _, group_of = np.unique(known.groups[rows], return_inverse=True)
    _, stratum_of = np.unique(known.strata[rows], return_inverse=True)
    num_groups, num_strata = group_of.max() + 1, stratum_of.max() + 1
    pairs = np.bincount(group_of * num_strata + stratum_of, minlength=num_groups * num_strata)
    counts = pairs.reshape(num_groups, num_strata)
    return group_of, np.hstack(
        [counts / counts.sum(axis=0), counts.sum(axis=1, keepdims=True) / len(rows)]
    )
