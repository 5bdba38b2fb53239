"""A schema from a table: what each column is, what becomes of it, and what should be looked at."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.columns import DATE_PARTS, KINDS, MONTHS, WEEKDAYS, Column, Schema, Shown
from kmlp.data.encoder import scale_of, target_numbers
from kmlp.data.inference import cautions, kinds
from kmlp.data.inference.kinds import Found
from kmlp.data.inference.targets import Target, read_target
from kmlp.data.tables import Table, as_table
from kmlp.data.values import Raw
from kmlp.errors import DataError
from kmlp.text import did_you_mean

_LISTED = 40
Each = Callable[[Table, Column, str, Sequence[Column]], None]
_USUAL_TARGETS = ("target", "label", "class", "y", "outcome", "status", "churn", "survived")


def infer_schema(
    data: Any,
    target: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] | Mapping[str, str] = (),
    task: str = "auto",
    each: Each | None = None,
) -> Schema:
    """Finds out what each column of a training table is.

    Args:
        data: a `Table`, a frame of any library, or a file.
        target: the column to predict.
        columns: kinds that are said, "number", "category", "boolean" or "date", by column; such
            a column is never left out.
        drop: columns that are not to be used, or these and why.
        task: "binary", "multiclass" or "regression"; "auto" reads it from the target.
        each: called with the rows that have a target, the target, a raw column's name and what
            becomes of it, before the next raw column is looked at.

    Raises:
        DataError: no target, an unknown column, or a cell that is not of its column's kind; with
            the column, the cell and what to do.

    Example:
        >>> table = {"age": [20, 31, 44, 31], "city": ["a", "b", "a", "b"], "y": [0.5, 1.5, 2, 3]}
        >>> schema = infer_schema(table, "y")
        >>> schema.task, [column.kind for column in schema.columns]
        ('regression', ['number', 'category'])
    """
    table, said = as_table(data), dict(columns or {})
    reasons = drop if isinstance(drop, Mapping) else dict.fromkeys(drop, "dropped as asked")
    target = _check_target(table, target)
    _check_names(table, [*said, *reasons])
    _check_kinds(said)
    labelled, read = _labelled(table, target, task, said.pop(target, None))
    num_rows = table.height
    y = target_numbers(Raw(labelled, target), read.column)
    sample = cautions.sample(labelled, y)
    found = []
    for name in table.columns:
        if name == target:
            continue
        found.append(_find(Raw(labelled, name), said.get(name), reasons.get(name), y, sample))
        if each:
            each(labelled, read.column, name, found[-1].columns)
    used = [each for each in found if each.columns]
    if not used:
        why = "; ".join(f"{each.name}: {each.reason}" for each in found[:10]) or "none is left"
        raise DataError(
            f"{table.name} has no column to predict {target!r} from ({why}). Say what one of "
            'them is to use it: columns={"name": "number"}.'
        )
    return Schema(
        task=read.task,
        target=read.column,
        columns=tuple(column for each in used for column in each.columns),
        left_out={each.name: each.reason for each in found if not each.columns},
        shown=(read.shown, *(each.shown for each in found)),
        notes=(*read.notes, *(note for each in found for note in each.notes)),
        warnings=(*read.warnings, *(w for each in found for w in each.warnings)),
        num_unlabelled=num_rows - labelled.height,
    )


@dataclass(frozen=True, kw_only=True)
class _Result:
    """One raw column, found out; without columns it is left out for a reason."""

    name: str
    columns: tuple[Column, ...] = ()
    reason: str = ""
    shown: Shown
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _labelled(table: Table, target: str, task: str, said: str | None) -> tuple[Table, Target]:
    """The rows that have a target, and what the target is."""
    read = read_target(Raw(table, target), task, said)
    known = ~np.isnan(target_numbers(Raw(table, target), read.column))
    return (table if known.all() else table.take(known)), read


def _find(
    raw: Raw,
    said: str | None,
    reason: str | None,
    y: np.ndarray,
    sample: tuple[Table, np.ndarray],
) -> _Result:
    if reason:
        return _left_out(raw, Found(kind="", reason=reason))
    found = kinds.find_kind(raw, said)
    if not found.kind or found.reason:
        return _left_out(raw, found)
    part = Raw(sample[0], raw.name)
    is_copy = cautions.is_copy(part, found, sample[1]) and cautions.is_copy(raw, found, y)
    if said is None and is_copy:
        return _left_out(raw, replace(found, reason="a copy of the target"))
    columns = _columns(raw, found)
    if not columns:
        return _left_out(raw, replace(found, reason="constant"))
    shown = _shown(raw, found, _becomes(columns))
    warnings = cautions.of_column(part, found, columns, sample[1])
    return _Result(
        name=raw.name, columns=columns, shown=shown, notes=found.notes, warnings=warnings
    )


def _left_out(raw: Raw, found: Found) -> _Result:
    shown = _shown(raw, found, f"left out: {found.reason}")
    return _Result(
        name=raw.name,
        reason=found.reason,
        shown=shown,
        notes=found.notes,
        warnings=cautions.of_left_out(raw.name, found),
    )


def _columns(raw: Raw, found: Found) -> tuple[Column, ...]:
    """The encoded columns of a raw one."""
    if found.kind == "date":
        return tuple(
            replace(column, written=found.written)
            for column in _date_columns(raw, values.moments(raw))
        )
    has_missing = bool(found.num_missing)
    if found.kind != "number":
        return (
            Column(
                name=raw.name,
                kind=found.kind,
                source=raw.name,
                values=found.values,
                has_missing=has_missing,
            ),
        )
    number = number_column(raw.name, raw.name, values.numbers(raw))
    return (replace(number, written=found.written),)


def number_column(name: str, source: str, numbers: np.ndarray, part: str = "") -> Column:
    """The record of a number, with the scale that keeps its digits."""
    offset, exponent = scale_of(numbers)
    known = ~np.isnan(numbers)
    return Column(
        name=name,
        kind="number",
        source=source,
        part=part,
        offset=offset,
        exponent=exponent,
        has_missing=not known.all(),
        low=float(numbers[known].min()),
        high=float(numbers[known].max()),
    )


def _date_columns(raw: Raw, moments: pl.Series) -> tuple[Column, ...]:
    """Days elapsed, and the parts that differ among the rows."""
    made: list[Column] = []
    for part in DATE_PARTS:
        numbers = values.date_part(moments, part)
        if np.nanmin(numbers) == np.nanmax(numbers):
            continue
        name = f"{raw.name} ({'days elapsed' if part == 'elapsed' else part})"
        words = {"month": MONTHS, "weekday": WEEKDAYS}.get(part)
        if words is None:
            made.append(number_column(name, raw.name, numbers, part))
        else:
            has_missing = bool(np.isnan(numbers).any())
            made.append(
                Column(
                    name=name,
                    kind="category",
                    source=raw.name,
                    part=part,
                    values=words,
                    has_missing=has_missing,
                )
            )
    return tuple(made)


def _becomes(columns: Sequence[Column]) -> str:
    first = columns[0]
    if first.part:
        return ", ".join(c.name.rpartition("(")[2].rstrip(")") for c in columns)
    if first.kind == "category":
        missing = ", missing" * first.has_missing
        return f"one of {len(first.values)} categories{missing} or unseen"
    gaps = "; missing: the median, and a flag (missing_indicators)" * first.has_missing
    if first.kind == "boolean":
        return f"{first.values[0]} is 0, {first.values[1]} is 1{gaps}"
    centred = f", {first.offset:g} taken off" if first.offset else ""
    scaled = f", scaled by 2^{-first.exponent}" if first.exponent else ""
    return f"number{centred}{scaled}{gaps}"


def _shown(raw: Raw, found: Found, becomes: str) -> Shown:
    return Shown(
        name=raw.name,
        kind=found.kind,
        missing=found.num_missing / max(1, len(raw.series)),
        distinct=found.num_distinct,
        range=found.range,
        becomes=becomes,
    )


def _check_target(table: Table, target: str | None) -> str:
    names = table.columns
    if target in names:
        return str(target)
    listed = ", ".join(names[:_LISTED]) + (" ..." if len(names) > _LISTED else "")
    if target is None:
        likely = suggest_target(table)
        name, rest = (likely, ", or another of them") if likely else ("NAME", ", with its name")
        raise DataError(
            f"which column is to be predicted? {table.name} holds: {listed}. "
            f"Write target={name!r}, on the command line --target {shlex.quote(name)}{rest}."
        )
    hint = did_you_mean(target, names)
    raise DataError(f"{table.name} has no column {target!r}.{hint} It holds: {listed}.")


def suggest_target(table: Table) -> str | None:
    """The column that is to be predicted, where a name says so: the first of the usual ones.

    Example:
        >>> suggest_target(as_table({"Class": [1, 2], "a": [1, 2]}))
        'Class'
    """
    names = table.columns
    for usual in _USUAL_TARGETS:
        for name in names:
            if re.sub(r"[^a-z]", "", name.lower()) == usual:
                return name
    return None


def _check_names(table: Table, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            _check_target(table, name)


def _check_kinds(said: Mapping[str, str]) -> None:
    for name, kind in said.items():
        if kind not in KINDS:
            raise DataError(
                f"a column is one of {', '.join(KINDS)}. Received: columns={{{name!r}: {kind!r}}}."
            )
