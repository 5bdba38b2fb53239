"""A table in; encoded training and test rows out, with the schema that was found in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.arrays.cautions import of_absent_classes, of_repeated_rows, of_shared_rows
from kmlp.data.columns import Column, Schema
from kmlp.data.encoder import Encoding, Told, encode_target, target_numbers
from kmlp.data.holdout import draw_test_rows, split_test, split_validation, strata_of
from kmlp.data.inference import infer_schema
from kmlp.data.inference.identifiers import repeated_identifiers
from kmlp.data.inference.order import rows_in_time
from kmlp.data.pixels import is_pixel_table, pixel_images
from kmlp.data.reading.cells import Wanted
from kmlp.data.rows.options import NO_OPTIONS, RowOptions
from kmlp.data.rows.parting import PartedCells
from kmlp.data.rows.record import Rows
from kmlp.data.sampling import checked_share, chosen_test, is_folds
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
        rows: what is known of training rows; None where nothing was said.
        test_weight: how much each test row counts; None where all count alike.
    """

    arrays: Arrays
    schema: Schema | None
    rows: Rows | None = None
    test_weight: np.ndarray | None = None


def read_for(
    path: str | Path,
    columns: Mapping[str, str] | None,
    written: Mapping[str, str] | None = None,
) -> Table:
    """A file's table, with the cells of what is said to be a category as they are written.

    Codes such as 00123 keep their zeros. `written` says how other rows write dates and numbers,
    as `Table.written` and `Schema.written` do.
    """
    text = [name for name, kind in (columns or {}).items() if kind == "category"]
    return read_table(path, wanted=Wanted(text=text, written=written or {}))


def prepare(
    data: Any,
    target: str | None,
    *,
    test: Any = None,
    columns: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    task: str = "auto",
    options: RowOptions = NO_OPTIONS,
    use_up: bool = False,
) -> Prepared:
    """Parts a table into training and test rows, and encodes both by the training rows' schema.

    See `Dataset.from_table` and `RowOptions` for the arguments; with `use_up` the table's columns
    are dropped as they are encoded, to save memory: it is nobody else's.

    Raises:
        DataError: the column, the cell and what to do.
    """
    table = as_table(data)
    if task != "regression" and not options and is_images(table, target, columns, drop):
        return Prepared(arrays=_images(table, test), schema=None)
    if target not in table.columns:
        infer_schema(table, target)  # says which columns there are
    assert target is not None
    options.check(table.columns, target, table.name)
    test, given = (_own_file(part, table, columns) for part in (test, options.validation))
    options = replace(options, validation=given)
    fitted, validation = split_validation(table, target, test, options)
    train, held_out = split_test(fitted, target, test, options=options)
    grown = _Grown({"validation": validation, "test": held_out}, options, use_up)
    left_out = dict.fromkeys(drop, "dropped as asked") | options.left_out(target, columns or {})
    how: dict[str, Any] = {"columns": columns, "drop": left_out, "task": task}
    # Before columns are used up.
    warnings = of_shuffling(train, target, options, test)
    schema = infer_schema(train, target, **how, each=grown)
    arrays, rows = grown.arrays(schema)
    warnings += grown.warnings(schema)
    if names := schema.class_names:
        warnings += of_absent_classes(names, np.bincount(arrays[3], minlength=len(names)))
    x_train, _, x_test, _ = arrays
    warnings += of_shared_rows(x_train, x_test) if len(x_test) else of_repeated_rows(x_train)
    schema = replace(
        schema,
        warnings=(*schema.warnings, *warnings),
        weight_on=options.weight_on or "",
    )
    return Prepared(arrays=arrays, schema=schema, rows=rows, test_weight=grown.test_weight)


def of_shuffling(train: Table, target: str, options: RowOptions, test: Any = None) -> list[str]:
    """Rows that should perhaps not be parted at random, where nothing says yet how they are.

    Args:
        train: the rows, in the order in which they came.
        target: the column to predict.
        options: what is said of rows.
        test: as for `split_test`; rows that are given to test are not drawn.
    """
    said = options.columns
    if {"group_on", "time_on", "fold_on"} & set(said):
        return []
    others = {target, *said.values()}
    is_drawn = test is None or is_folds(test) or isinstance(test, int | float)
    in_time = rows_in_time(train, others) if is_drawn else []
    return [*repeated_identifiers(train, others), *in_time]


def _own_file(rows: Any, table: Table, columns: Mapping[str, str] | None) -> Any:
    """Rows of their own in a file, read as the table was; anything else as it is."""
    is_file = isinstance(rows, str | Path) and is_table_file(rows) and rows not in table.columns
    return read_for(rows, columns, table.written) if is_file else rows


def known_columns(schema: Schema) -> tuple[str, ...]:
    """Raw columns that are rightly not used: the target, and those left out."""
    return (schema.target.source, *schema.left_out)


class _Grown:
    """Training, validation and test rows that are encoded as soon as it is known what a raw column
    is; and what columns say of them, read before these are used up."""

    def __init__(
        self, held_out: Mapping[str, Table | None], options: RowOptions, use_up: bool
    ) -> None:
        self._held_out = {name: table for name, table in held_out.items() if table is not None}
        self._names = {name: table.columns for name, table in self._held_out.items()}
        self._told = {name: Told() for name in self._held_out}
        self._options, self._use_up = options, use_up
        self._num_unlabelled: dict[str, int] = {}
        self._tables: dict[str, Table] = {}

    def __call__(
        self, labelled: Table, target: Column, source: str, columns: Sequence[Column]
    ) -> None:
        if not self._tables:
            self._begin(labelled, target)
        self._encoding.add(source, columns)

    def _begin(self, labelled: Table, target: Column) -> None:
        self._tables["training"] = labelled
        for name, table in self._held_out.items():
            self._tables[name], self._num_unlabelled[name] = _labelled(table, target)
        tables = tuple(self._tables.values())
        told = (Told(), *self._told.values())
        self._encoding = Encoding(tables, told, use_up=self._use_up)
        self._said = PartedCells.read(self._tables, self._options)

    def arrays(self, schema: Schema) -> tuple[Arrays, Rows | None]:
        """Both sets, and what is known of training rows: of these the last are those that
        validate, if some are given."""
        y = [encode_target(table, schema.target) for table in self._tables.values()]
        x = self._encoding.matrices()
        rows = self._said.known_rows(np.concatenate(y[:-1])) if self._options else None
        together = (a[0] if len(a) == 2 else np.concatenate(a[:-1]) for a in (x, y))
        x_train, y_train = together
        return (x_train, y_train, x[-1], y[-1]), rows

    @property
    def test_weight(self) -> np.ndarray | None:
        return self._said.test_weight

    def warnings(self, schema: Schema) -> list[str]:
        """What should be told of rows that are not learned from."""
        used, found = {*known_columns(schema), *schema.inputs}, []
        for name, told in self._told.items():
            told.extra += [column for column in self._names[name] if column not in used]
            found += [f"{name} rows: {line}" for line in told.lines()]
            if number := self._num_unlabelled[name]:
                found.append(f"{name} rows: {number:,} have no target and are left out")
        return found


def _labelled(table: Table, target: Column) -> tuple[Table, int]:
    """The rows with a target, and how many have none."""
    missing = np.isnan(target_numbers(Raw(table, target.source), target))
    if table.height and missing.all():
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
    test = chosen_test(test, len(images))
    if is_folds(test):
        return images, labels.to_numpy(), images[:0], labels.to_numpy()[:0]
    if isinstance(test, int | float):
        share = checked_share(test)
        raw = Raw(Table(labels.rename("label").to_frame(), table.name), "label")
        mask = draw_test_rows(strata_of(raw), share)
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
