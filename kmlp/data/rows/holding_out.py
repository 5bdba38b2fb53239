"""Rows held out, to validate or to test on: by time, by groups, else by strata."""

import math

import numpy as np

from kmlp.data.rows.grouping import hold_out_groups
from kmlp.data.rows.record import Rows
from kmlp.data.sampling import stratified_split

_ALIKE = 1.01
# Beside the keys of seeds' streams and samples: no member draws from it.
_CALIBRATION = 2000


def hold_out(
    rows: np.ndarray, known: Rows, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Parts rows into those that are kept and those that are held out, both sorted.

    Args:
        rows: sorted indices.
        known: by what they are parted.
        share: of the rows to hold out, in [0, 1).
        rng: where a draw comes from; rows that are parted by time are not drawn.
    """
    if known.time is None and known.groups is None:
        kept, held_out = stratified_split(known.strata[rows], share, rng)
        return rows[kept], rows[held_out]
    if not share or not len(rows):
        return rows, rows[:0]
    if known.time is not None:
        is_held = are_last(known.time[rows], share)
    else:
        is_held = hold_out_groups(rows, known, share, rng)
    return rows[~is_held], rows[is_held]


def calibration_rows(known: Rows, share: float) -> np.ndarray:
    """The rows that nobody trains or validates on, sorted: the same for every seed and variant, so
    that they are new to each network and to all of them together.

    Drawn at random whatever their class, unlike all others: rows of fixed shares of the classes
    would differ less from draw to draw than new rows do, and what is promised of these would not
    quite hold. Groups stay whole, and of rows in order of time the last are taken.

    Args:
        known: by what rows are parted; those that are given to validate are not taken.
        share: of the other rows, in [0, 1).
    """
    if not share:
        return known.others[:0]
    rng = np.random.default_rng(np.random.SeedSequence(entropy=0, spawn_key=(_CALIBRATION,)))
    if known.time is not None or known.groups is not None:
        return hold_out(known.others, known, share, rng)[1]
    rows = known.others
    return np.sort(rng.permutation(rows)[: round(share * len(rows))])


def are_last(time: np.ndarray, share: float) -> np.ndarray:
    """Which of `(n,)` rows are the last, truth values: all rows of one moment or none, as near to
    the share as moments allow; none where there is one moment only.

    Example:
        >>> are_last(np.array([2020, 2022, 2021, 2022]), 0.4).tolist()
        [False, True, False, True]
    """
    ordered = np.sort(time)
    begins = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    if not len(begins):
        return np.zeros(len(time), bool)
    wanted = len(time) * (1 - share)
    return time >= ordered[begins[np.argmin(np.abs(begins - wanted))]]


def evened(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sorted rows without as many, drawn at random, as make counts within 1 % of each other one.

    Members of equally many rows share a stack. It must follow from a member's own rows: how many
    others have is none of its business.

    Example:
        >>> [len(evened(np.arange(n), np.random.default_rng(0))) for n in (995, 990, 1003, 50, 1)]
        [988, 988, 998, 50, 1]
    """
    if not len(rows):
        return rows
    step = math.floor(math.log(len(rows)) / math.log(_ALIKE))
    return np.sort(rng.permutation(rows)[: math.ceil(_ALIKE**step)])
