"""What a model says of a file's examples, some at a time, and that as CSV or JSON lines."""

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kmlp.data.loading import is_table_name
from kmlp.deploy.inputs import Batch, count_inputs, read_inputs
from kmlp.deploy.prediction_rows import (
    USUAL_FIELDS,
    Predictions,
    Row,
    array_fields,
    array_row,
    csv_row,
)
from kmlp.deploy.serving import LoadedModel
from kmlp.errors import DataError, ForeignFileError
from kmlp.files import text_replacing
from kmlp.text import csv_cell

_SUFFIXES = (".csv", ".jsonl")
_LONGEST_ROW = 2**14
_LISTED = 8


def predict_file(
    model: LoadedModel,
    path: Path,
    *,
    dark_on_light: bool = False,
    keep: Sequence[str] = (),
    force: bool = False,
) -> Predictions:
    """Predicts a file or folder in batches, so that memory stays small.

    Of a table a row holds the columns kept, else its number from 0 as `row`; `label`, the class,
    and `probability_<class>` of every class, or `prediction`; of an ensemble `stddev`, of classes
    that of the label's probability, and `entropy` in nats. Of arrays and images a row holds
    `input`, its name or number, `label`, the class's number, `class` and its `probability`.
    A model that was exported at a coverage adds `set`, the names of classes, or `lower` and
    `upper`; one that knows ranges `out_of_range`: the columns whose cell training did not see, or
    of arrays without columns whether any value is.

    Args:
        model: as `load_saved` gives it.
        path: a table's file, or what `read_inputs` reads.
        dark_on_light: see `read_inputs`.
        keep: columns of a table that stand beside what is predicted.
        force: see `LoadedModel.predict`.

    Raises:
        DataError: what is wrong with which file, column or cell; some when batches are read.
    """
    if not os.path.isdir(path) and is_table_name(path):
        from kmlp.deploy.table_rows import predict_table

        if dark_on_light:
            raise DataError(f"{path}: --dark-on-light inverts images; a table has none.")
        return predict_table(model, path, keep, force=force)
    if keep:
        raise DataError(f"--keep names columns of a table; {path} is none by its name.")
    if model.schema is not None:
        raise DataError(
            f"{path}: the model takes a table's columns by name. Give a table, such as a .csv file."
        )
    found = read_inputs(path, model.input_shape, dark_on_light=dark_on_light)
    rows = (_rows(batch, model, force) for batch in found)
    return Predictions(array_fields(model), count_inputs(path), rows)


def write_predictions(
    predictions: Predictions, out: Path, advance: Callable[[int], Any] = lambda count: None
) -> None:
    """Writes them to a `.csv` or `.jsonl` file, which gets its name when it is whole.

    Args:
        predictions: are read to their end.
        out: the file; predictions of the same columns in it are replaced.
        advance: is told how many rows have been written.

    Raises:
        ForeignFileError: `out` is there, and holds no such predictions.
    """
    _refuse_foreign(out, predictions.fields)
    with text_replacing(out) as file:
        write = _writer(file, out.suffix, predictions.fields)
        for batch in predictions.batches:
            for row in batch:
                write(row)
            advance(len(batch))


def refuse_out(out: Path, input_path: Path) -> None:
    """Refuses what cannot be written, before anything is read.

    Raises:
        DataError: another suffix, or no such folder.
        ForeignFileError: it is the input itself, or no plain file.
    """
    if out.suffix not in _SUFFIXES:
        raise DataError(f"--out takes a .csv or .jsonl file. Received: {out}.")
    if not out.parent.is_dir():
        raise DataError(f"--out: no folder {out.parent}. Make it first.")
    if not out.exists():
        return
    if input_path.exists() and out.samefile(input_path):
        raise ForeignFileError(f"--out: {out} is the input itself. Name another file.")
    if not out.is_file():
        raise _foreign(out)


def _refuse_foreign(out: Path, fields: tuple[str, ...]) -> None:
    """Refuses what would be lost: predictions replace predictions."""
    if out.exists() and not (out.is_file() and _holds_predictions(out, fields)):
        raise _foreign(out, ", ".join(fields[:_LISTED]) + ", ..." * (len(fields) > _LISTED))


def _foreign(out: Path, fields: str = "") -> ForeignFileError:
    listed = f" ({fields})" if fields else ""
    return ForeignFileError(
        f"--out: {out} is there, and does not begin as these predictions do{listed}. It was not "
        "touched. Name another file, or remove it."
    )


def _holds_predictions(path: Path, fields: tuple[str, ...]) -> bool:
    """Whether a file is empty, or its first row has the columns of predictions and no others."""
    longest = max(_LONGEST_ROW, 8 * sum(map(len, fields)))
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        row = file.readline(longest)
    if not row:
        return True
    known = (*USUAL_FIELDS, fields)
    if path.suffix == ".csv":
        found = next(csv.reader([row]), [])
        return tuple(found) in [tuple(map(csv_cell, names)) for names in known]
    try:
        return tuple(json.loads(row)) in known
    except (ValueError, TypeError, RecursionError):
        return False


def _writer(file: Any, suffix: str, fields: Sequence[str]) -> Callable[[Row], Any]:
    if suffix == ".jsonl":
        return lambda row: file.write(json.dumps(row) + "\n")
    writer = csv.writer(file)
    writer.writerow(map(csv_cell, fields))
    return lambda row: writer.writerow(csv_row(row, fields))


def _rows(batch: Batch, model: LoadedModel, force: bool) -> list[Row]:
    outputs = model.outputs(batch.x, force=force)
    return [array_row(name, outputs, i, model) for i, name in enumerate(batch.names)]
