"""A table's file for a model: its rows matched by name and encoded, some at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.encoder import Told
from kmlp.data.pixels import pixel_images
from kmlp.data.preparation import known_columns
from kmlp.data.reading.cells import Wanted
from kmlp.data.tables import Batches, Table, as_table, read_batches
from kmlp.data.values import Raw, categories
from kmlp.deploy.prediction_rows import Predictions, Row, table_fields, table_row
from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError


def predict_table(
    model: LoadedModel, path: Path, keep: Sequence[str] = (), *, force: bool = False
) -> Predictions:
    """What a model says of the rows of a table's file; see `predict_file`."""
    batches = open_table(model, path, keep)
    fields = table_fields(model, keep)
    told = Told(known=(*known_of(model), *keep))
    rows = _predicted(model, batches, keep, told, force=force)
    num_names = max(1, len(keep))
    return Predictions(fields, batches.num_rows, rows, lambda: told.lines(), num_names)


def open_table(model: LoadedModel, source: Any, keep: Sequence[str] = ()) -> Batches:
    """A table's file, whose words stay as they are written: codes keep their zeros.

    Args:
        model: whose columns are read.
        source: the file's path; or a frame, which is one batch.
        keep: columns that are handed on.

    Raises:
        DataError: it cannot be read, or lacks a column that is to be kept.
    """
    if not isinstance(source, str | Path):
        table = as_table(source)
        return Batches(table.name, tuple(table.columns), table.height, "", lambda: iter([table]))
    kinds = model.schema.inputs if model.schema else {}
    words = [name for name, kind in kinds.items() if kind == "category"]
    if model.schema is None and model.feature_names:
        kinds = dict.fromkeys(model.feature_names, "number")
    wanted = Wanted(
        text=[*words, *(name for name in keep if name not in kinds)],
        written=model.schema.written if model.schema else {},
    )
    batches = read_batches(source, wanted=wanted)
    for name in keep:
        if name not in batches.names:
            listed = ", ".join(map(repr, batches.names[:20]))
            raise DataError(f"--keep: {source} has no column {name!r}. It holds: {listed}.")
    return batches


def known_of(model: LoadedModel) -> tuple[str, ...]:
    """Columns of a table that a model rightly does not use."""
    return known_columns(model.schema) if model.schema else ()


def outputs_of(
    model: LoadedModel, table: Table, told: Told, *, force: bool = False
) -> dict[str, np.ndarray]:
    """What a model says of a table's rows, whatever it was trained on.

    Raises:
        DataError: a column is missing, a cell is not of its kind, or the model's inputs have no
            names to find columns by.
    """
    if model.schema is not None:
        return model.outputs(table, told)
    told.num_rows += table.height
    if len(model.input_shape) == 2:
        return model.outputs(pixel_images(table)[0], force=force)
    if not model.feature_names:
        raise DataError(
            f"{table.name}: the model was trained on arrays whose columns have no names to find a "
            "table's columns by. Save the rows as they were in training: np.save('x.npy', x)."
        )
    known = {*model.feature_names, *told.known, *told.extra}
    told.extra += [name for name in table.columns if name not in known]
    found = [name for name in model.feature_names if name in table.columns]
    return model.outputs(table.frame.select(found), force=force)


def _predicted(
    model: LoadedModel, batches: Batches, keep: Sequence[str], told: Told, *, force: bool
) -> Iterator[list[Row]]:
    start = 0
    for table in batches.tables():
        outputs = outputs_of(model, table, told, force=force)
        ids = _ids(table, keep, start)
        yield [table_row(own, outputs, i, model) for i, own in enumerate(ids)]
        start += table.height


def _ids(table: Table, keep: Sequence[str], start: int) -> list[Row]:
    """What names each row: the columns that are kept, else its number."""
    if not keep:
        return [{"row": start + i} for i in range(table.height)]
    columns = [categories(Raw(table, name)).fill_null("").to_list() for name in keep]
    return [dict(zip(keep, cells, strict=True)) for cells in zip(*columns, strict=True)]
