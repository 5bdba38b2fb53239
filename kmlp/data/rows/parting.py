"""Rows of a table parted by what its columns say: who tests, and what is known of who trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from kmlp.data.rows.cells import RowCells, coded, kind_of
from kmlp.data.rows.grouping import hold_out_groups
from kmlp.data.rows.holding_out import are_last
from kmlp.data.rows.options import RowOptions
from kmlp.data.rows.record import Rows, of_mean_one
from kmlp.data.rows.telling import notes_on, when
from kmlp.data.tables import Table
from kmlp.errors import DataError


def draw_by_columns(cells: RowCells, strata: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Which of `(n,)` rows test, truth values, where groups or time part them.

    Args:
        cells: of the whole table; it has groups or time.
        strata: `(n,)` whole numbers.
        share: between 0 and 1.
        seed: draws the groups.

    Raises:
        DataError: there is nothing to part them by.
    """
    if cells.time is not None:
        mask = are_last(cells.time, share)
        if not mask.any():
            raise DataError("time_on: every row is of the same time; no row is later than another.")
        return mask
    assert cells.groups is not None
    if (number := cells.groups.n_unique()) < 2:
        raise DataError(f"group_on: {number} group cannot be parted into training and test rows.")
    known = Rows(strata=strata, groups=coded(cells.groups))
    rows = np.arange(len(strata), dtype=np.int32)
    return hold_out_groups(rows, known, share, np.random.default_rng(seed))


def check_sides(
    options: RowOptions, earlier: RowCells, later: RowCells, sides: tuple[str, str]
) -> None:
    """Refuses parts that share a group, or of which the second is not the later one.

    Args:
        options: what was asked.
        earlier, later: what is said of the rows of each side.
        sides: what both are called.

    Raises:
        DataError: a group or a moment that is on both sides.
    """
    _refuse_shared_groups(options, earlier, later, sides)
    if earlier.time is None or later.time is None or earlier.time.max() < later.time.min():
        return
    first, second = sides
    raise DataError(
        f"time_on={options.time_on!r}: the {second} rows begin at {when(later.time.min())}, and "
        f"{first} rows go on until {when(earlier.time.max())}. Part them by time, or leave time_on "
        "out."
    )


def _refuse_shared_groups(
    options: RowOptions, some: RowCells, others: RowCells, sides: tuple[str, str]
) -> None:
    if some.groups is None or others.groups is None:
        return
    shared = sorted(set(some.groups.unique()) & set(others.groups.unique()))
    if shared:
        raise DataError(
            f"group_on={options.group_on!r}: {len(shared):,} groups, such as {shared[0]!r}, are in "
            f"both the {sides[0]} and the {sides[1]} rows. Part them by group, or leave group_on "
            "out."
        )


@dataclass(frozen=True, eq=False)
class PartedCells:
    """What is said of training, validation and test rows, by part; there may be none to validate.

    Attributes:
        options: what was asked.
        of: "training", "validation" and "test" -> what is said of its rows.
        num_validation: how many rows validate whatever the seed.
    """

    options: RowOptions
    of: Mapping[str, RowCells]
    num_validation: int

    @classmethod
    def read(cls, tables: Mapping[str, Table], options: RowOptions) -> Self:
        """Of tables whose every row has a target.

        Raises:
            DataError: a cell that does not fit, a part without weights, or a group or a moment on
                both sides.
        """
        for name, table in tables.items():
            _refuse_lacking(options, name, table)
        training = RowCells.read(tables["training"], options)
        kind = "" if training.time is None else kind_of(training.time)
        of = {name: RowCells.read(table, options, kind) for name, table in tables.items()}
        if "validation" in of:
            check_sides(options, training, of["validation"], ("training", "validation"))
            check_sides(options, of["validation"], of["test"], ("validation", "test"))
        validation = tables.get("validation")
        return cls(options, of, validation.height if validation else 0)

    def known_rows(self, y: np.ndarray) -> Rows:
        """What is known of the training rows, those that validate after the others.

        Args:
            y: `(n,)` their targets.

        Raises:
            DataError: a group is in two folds.
        """
        cells = self._training
        groups = None if cells.groups is None else coded(cells.groups)
        folds = None if cells.folds is None else coded(cells.folds)
        if groups is not None and folds is not None:
            _refuse_parted(self.options, cells, groups, folds)
        place = np.arange(len(y))
        return Rows(
            strata=Rows.of(y).strata if cells.strata is None else coded(cells.strata),
            groups=groups,
            time=cells.time,
            folds=folds,
            weight=None if cells.weight is None else of_mean_one(cells.weight),
            is_validation=place >= len(y) - self.num_validation if self.num_validation else None,
            notes=notes_on(self.options, self.of),
        )

    @property
    def test_weight(self) -> np.ndarray | None:
        """How much each test row counts, in the unit of the training rows' weights."""
        weight, given = self._training.weight, self.of["test"].weight
        if weight is None:
            return None
        return of_mean_one(np.zeros(0) if given is None else given, weight)

    @property
    def _training(self) -> RowCells:
        """Of the training rows, those that validate after the others."""
        return RowCells.together([said for name, said in self.of.items() if name != "test"])


def _refuse_lacking(options: RowOptions, part: str, table: Table) -> None:
    """Refuses rows of their own without what must be known of them: of test rows the weights, of
    those that validate everything."""
    needed = {"weight_on": options.weight_on} if part == "test" else options.columns
    lacking = {o: c for o, c in needed.items() if c is not None and c not in table.columns}
    for option, column in lacking.items():
        raise DataError(
            f"{option}={column!r}: the {part} rows, {table.name}, have no such column. They hold: "
            f"{', '.join(table.columns[:20])}. Add it, or leave {option} out."
        )


def _refuse_parted(
    options: RowOptions, cells: RowCells, groups: np.ndarray, folds: np.ndarray
) -> None:
    pairs = np.unique(np.stack([groups, folds]), axis=1)
    found, counts = np.unique(pairs[0], return_counts=True)
    if (counts > 1).any():
        assert cells.groups is not None
        group = cells.groups.unique().sort()[int(found[counts > 1][0])]
        raise DataError(
            f"group_on={options.group_on!r} and fold_on={options.fold_on!r}: group {group!r} is in "
            "several folds. Mend the folds, or leave one of both out."
        )
