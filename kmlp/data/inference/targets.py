"""What the target is: classes or a quantity; said where it could be read either way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.arrays.cautions import of_classes
from kmlp.data.columns import Column, Shown
from kmlp.data.encoder import scale_of, target_numbers
from kmlp.data.inference import kinds
from kmlp.data.inference.cautions import of_spellings
from kmlp.data.inference.kinds import Found
from kmlp.data.values import Raw
from kmlp.errors import DataError
from kmlp.stats.metrics import TASKS

_FEW_CLASSES = 20
_MANY_CLASSES = 100


@dataclass(frozen=True, kw_only=True)
class Target:
    """The target's record, the task that follows, and what people should be told."""

    column: Column
    task: str
    shown: Shown
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_target(raw: Raw, task: str = "auto", said: str | None = None) -> Target:
    """Reads the target.

    Words and truth values are classes, numbers with a fraction are a quantity. Whole numbers are
    classes where there are at most 20 different ones; where there are more and each stands in
    many rows, the user is asked.

    Args:
        raw: the target's column.
        task: "binary", "multiclass", "regression", or "auto".
        said: the column's kind, if the user said it.

    Raises:
        DataError: there is nothing to predict, or it could be either.
    """
    if task not in ("auto", *TASKS):
        raise DataError(f"task must be auto, {', '.join(TASKS)}. Received: task={task!r}.")
    plain, found = _found(raw, task, said)
    if found.kind == "date":
        raise DataError(f"the target {raw.name!r} is a date; make a number of it, such as days.")
    if found.kind == "number" and task in ("auto", "regression"):
        classes, notes = (False, ()) if task == "regression" else _doubt(plain, found, said)
        if not classes:
            return _quantity(plain, found, notes)
        found = replace(found, notes=(*found.notes, *notes))
    if task == "regression":
        raise DataError(
            f"the target {raw.name!r} holds {found.kind or 'no'} values ({found.range}), no "
            "numbers, as a regression needs; leave task out, or name another target."
        )
    return _classes(plain, found, task)


def _found(raw: Raw, task: str, said: str | None) -> tuple[Raw, Found]:
    plain, _ = kinds.read(raw)
    if plain.series.null_count() == len(plain.series):
        raise DataError(f"the target {raw.name!r} has no values; name another column.")
    if said:
        return raw, kinds.find_kind(raw, said)
    if plain.series.dtype.is_numeric():
        return plain, kinds.find_kind(plain, "number")
    if plain.series.dtype in (pl.Date, pl.Datetime):
        return plain, kinds.find_kind(plain, "date")
    return plain, kinds.find_kind(plain, "category")


def _doubt(raw: Raw, found: Found, said: str | None) -> tuple[bool, tuple[str, ...]]:
    """Whether numbers are classes, and what to tell."""
    if said == "number":
        return False, ()
    numbers = values.numbers(raw)
    numbers = numbers[~np.isnan(numbers)]
    distinct, counts = np.unique(numbers, return_counts=True)
    if (distinct != np.rint(distinct)).any():
        return False, ()
    say = 'say task="regression" if they are quantities'
    if len(distinct) <= _FEW_CLASSES and len(distinct) <= max(2, len(numbers) // 2):
        if len(distinct) <= 2:
            return True, ()
        return True, (f"the target {raw.name!r} is read as {len(distinct)} classes; {say}",)
    if len(distinct) <= _MANY_CLASSES and counts.min() >= 5:
        raise DataError(
            f"the target {raw.name!r} holds {len(distinct)} different whole numbers, each in "
            f'several rows: classes or quantities? Say task="multiclass" or task="regression".'
        )
    if len(numbers) >= 5 * len(distinct):
        note = f"the target {raw.name!r} is read as a quantity, though its {len(distinct)} whole "
        return False, (note + 'numbers repeat; say task="multiclass" if they are classes',)
    return False, ()


def _quantity(raw: Raw, found: Found, warnings: tuple[str, ...]) -> Target:
    numbers = values.numbers(raw)
    known = ~np.isnan(numbers)
    if found.num_distinct < 2:
        raise DataError(
            f"the target {raw.name!r} is {numbers[known][0]:g} in every row: there is nothing to "
            "predict."
        )
    offset, exponent = scale_of(numbers)
    column = Column(
        name=raw.name,
        kind="number",
        source=raw.name,
        offset=offset,
        exponent=exponent,
        low=float(numbers[known].min()),
        high=float(numbers[known].max()),
    )
    shown = _shown(raw, found, "the target, a quantity")
    gaps = _gaps(raw, len(numbers) - int(known.sum()))
    return Target(
        column=column, task="regression", shown=shown, notes=found.notes, warnings=gaps + warnings
    )


def _classes(raw: Raw, found: Found, task: str) -> Target:
    names = found.values or kinds.in_order(values.categories(raw))
    if len(names) < 2:
        raise DataError(
            f"the target {raw.name!r} is {names[0]!r} in every row: there is nothing to predict."
        )
    if task == "binary" and len(names) > 2:
        raise DataError(f"the target {raw.name!r} has {len(names)} classes; two are binary.")
    num_rows = len(raw.series) - raw.series.null_count()
    if len(names) > max(_FEW_CLASSES, num_rows // 2):
        raise DataError(
            f"the target {raw.name!r} holds {len(names):,} different values in {num_rows:,} rows: "
            "an identifier or free text, no classes. Name another target."
        )
    column = Column(name=raw.name, kind="category", source=raw.name, values=names)
    counts = _counts(raw, column)
    warnings = (
        *_gaps(raw, len(raw.series) - int(counts.sum())),
        *of_classes(repr(raw.name), names, counts),
        *of_spellings(f"classes of {raw.name!r}", names),
    )
    doubts = found.notes if found.kind == "number" else ()
    shown = _shown(
        raw, replace(found, num_distinct=len(names)), f"the target, {len(names)} classes"
    )
    return Target(
        column=column,
        task=task if task != "auto" else "binary" if len(names) == 2 else "multiclass",
        shown=shown,
        notes=() if doubts else found.notes,
        warnings=warnings + doubts,
    )


def _counts(raw: Raw, column: Column) -> np.ndarray:
    codes = target_numbers(raw, column)
    codes = codes[~np.isnan(codes)].astype(np.int64)
    return np.bincount(codes, minlength=len(column.values))[: len(column.values)]


def _gaps(raw: Raw, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{count:,} rows have no target ({raw.name!r}) and are left out",)


def _shown(raw: Raw, found: Found, becomes: str) -> Shown:
    return Shown(
        name=raw.name,
        kind=found.kind,
        missing=found.num_missing / len(raw.series),
        distinct=found.num_distinct,
        range=found.range,
        becomes=becomes,
    )
