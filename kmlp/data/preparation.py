"""A table in; encoded training and test rows out, with the schema that was found in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.arrays.cautions import of_shared_rows
from kmlp.data.columns import Schema
from kmlp.data.encoder import Told, encode_parts, encode_target, target_numbers
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
    if is_images(table, target, columns, drop):
        return Prepared(arrays=_images(table, test), schema=None)
    if target not in table.columns:
        infer_schema(table, target)  # says which columns there are
    assert target is not None
    if isinstance(test, str | Path) and is_table_file(test) and test not in table.columns:
        test = read_for(test, columns)
    train, held_out = split_test(table, target, test)
    schema = infer_schema(train, target, columns=columns, drop=drop, task=task)
    train, _ = _labelled(train, schema)
    held_out, num_unlabelled = _labelled(held_out, schema)
    y_train, y_test = (encode_target(part, schema.target) for part in (train, held_out))
    told = (Told(), Told(known=known_columns(schema)))
    x_train, x_test = encode_parts((train, held_out), schema.columns, told, use_up=use_up)
    arrays = (x_train, y_train, x_test, y_test)
    warnings = [f"test rows: {line}" for line in told[1].lines()]
    if num_unlabelled:
        warnings.append(f"test rows: {num_unlabelled:,} have no target and are left out")
    warnings += of_shared_rows(x_train, x_test)
    return Prepared(arrays=arrays, schema=replace(schema, warnings=(*schema.warnings, *warnings)))


def known_columns(schema: Schema) -> tuple[str, ...]:
    """Raw columns that are rightly not used: the target, and those left out."""
    return (schema.target.source, *schema.left_out)


def _labelled(table: Table, schema: Schema) -> tuple[Table, int]:
    """The rows with a target, and how many have none."""
    missing = np.isnan(target_numbers(Raw(table, schema.target.source), schema.target))
    if missing.all():
        raise DataError(f"{table.name} has no row with a target, {schema.target.source!r}.")
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
