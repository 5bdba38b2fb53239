"""A table in; encoded training and test rows out, with the schema that was found in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.arrays.cautions import of_absent_classes, of_shared_rows
from kmlp.data.columns import Column, Schema
from kmlp.data.encoder import Encoding, Told, encode_target, target_numbers
from kmlp.data.holdout import draw_test_rows, split_test, strata_of
from kmlp.data.inference import infer_schema
from kmlp.data.pixels import is_pixel_table, pixel_images
from kmlp.data.tables import Table, as_table, is_table_file, read_table
from kmlp.data.values import Raw
from kmlp.errors import DataError

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Both sets as they are trained on.

    Attributes:
        arrays: x_train, y_train, x_test, y_test.
        schema: what was found; None of images.
    """

    arrays: Arrays
    schema: Schema | None


def read_for(path: str | Path, columns: Mapping[str, str] | None) -> Table:
    """A file's table, with the cells of what is said to be a category as they are written.

    Codes such as 00123 keep their zeros.
    """
    text = [name for name, kind in (columns or {}).items() if kind == "category"]
    return read_table(path, text=text)


def prepare(
    data: Any,
    target: str | None,
    *,
    test: Any = 0.2,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    task: str = "auto",
    use_up: bool = False,
) -> Prepared:
    """Parts a table into training and test rows, and encodes both by the training rows' schema.

    See `Dataset.from_table` for the arguments; with `use_up` the table's columns are dropped as
    they are encoded, to save memory: it is nobody else's.

    Raises:
        DataError: the column, the cell and what to do.
    """
    table = as_table(data)
    if task != "regression" and is_images(table, target, columns, drop):
        return Prepared(arrays=_images(table, test), schema=None)
    if target not in table.columns:
        infer_schema(table, target)  # says which columns there are
    assert target is not None
    if isinstance(test, str | Path) and is_table_file(test) and test not in table.columns:
        test = read_for(test, columns)
    train, held_out = split_test(table, target, test)
    grown, sources = _Grown(held_out, use_up), held_out.columns
    how: dict[str, Any] = {"columns": columns, "drop": drop, "task": task}
    schema = infer_schema(train, target, **how, each=grown)
    arrays = grown.arrays(schema)
    used = {*known_columns(schema), *schema.inputs}
    grown.told.extra += [name for name in sources if name not in used]
    warnings = [f"test rows: {line}" for line in grown.told.lines()]
    if grown.num_unlabelled:
        warnings.append(f"test rows: {grown.num_unlabelled:,} have no target and are left out")
    if names := schema.class_names:
        warnings += of_absent_classes(names, np.bincount(arrays[3], minlength=len(names)))
    warnings += of_shared_rows(arrays[0], arrays[2])
    return Prepared(arrays=arrays, schema=replace(schema, warnings=(*schema.warnings, *warnings)))


def known_columns(schema: Schema) -> tuple[str, ...]:
    """Raw columns that are rightly not used: the target, and those left out."""
    return (schema.target.source, *schema.left_out)


class _Grown:
    """Training and test rows that are encoded as soon as it is known what a raw column is.

    Attributes:
        told: what should be told of the test rows.
        num_unlabelled: how many of these have no target and are left out.
    """

    def __init__(self, held_out: Table, use_up: bool) -> None:
        self.told, self.num_unlabelled = Told(), 0
        self._held_out, self._use_up = held_out, use_up
        self._tables: tuple[Table, ...] = ()

    def __call__(
        self, labelled: Table, target: Column, source: str, columns: Sequence[Column]
    ) -> None:
        if not self._tables:
            rest, self.num_unlabelled = _labelled(self._held_out, target)
            self._tables = (labelled, rest)
            self._encoding = Encoding(self._tables, (Told(), self.told), use_up=self._use_up)
        self._encoding.add(source, columns)

    def arrays(self, schema: Schema) -> Arrays:
        y_train, y_test = (encode_target(table, schema.target) for table in self._tables)
        x_train, x_test = self._encoding.matrices()
        return x_train, y_train, x_test, y_test


def _labelled(table: Table, target: Column) -> tuple[Table, int]:
    """The rows with a target, and how many have none."""
    missing = np.isnan(target_numbers(Raw(table, target.source), target))
    if missing.all():
        raise DataError(f"{table.name} has no row with a target, {target.source!r}.")
    return (table.take(~missing) if missing.any() else table), int(missing.sum())


def is_images(
    table: Table,
    target: str | None,
    columns: Mapping[str, str] | None,
    drop: Sequence[str],
) -> bool:
    """Whether a table is read as small images; what is said of columns makes it a table."""
    if columns or drop or not is_pixel_table(table):
        return False
    labels = pixel_images(table)[1]
    return target is None or (labels is not None and labels.name == target)


def _images(table: Table, test: Any) -> Arrays:
    """A table of pixels as images."""
    images, labels = _labelled_images(table)
    if isinstance(test, int | float):
        if isinstance(test, bool) or not 0 < test < 1:
            raise DataError(f"test must be between 0 and 1, such as 0.2. Received: test={test!r}.")
        raw = Raw(Table(labels.rename("label").to_frame(), table.name), "label")
        mask = draw_test_rows(strata_of(raw), float(test))
        y = labels.to_numpy()
        return images[~mask], y[~mask], images[mask], y[mask]
    other, y_test = _labelled_images(as_table(test))
    return images, labels.to_numpy(), other, y_test.to_numpy()


def _labelled_images(table: Table) -> tuple[np.ndarray, Any]:
    images, labels = pixel_images(table)
    if labels is None:
        raise DataError(
            f"{table.name} holds images without labels, as for a contest; it serves kmlp predict. "
            "To train, name the file with the labels."
        )
    if labels.null_count():
        raise DataError(f"{table.name}: {labels.null_count()} images have no label. Drop them.")
    return images, labels
