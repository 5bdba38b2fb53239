"""How good a model is on the labelled rows of a table, without any training set at hand."""

import dataclasses
from typing import Any, cast

import numpy as np

from kmlp.data.columns import Column
from kmlp.data.encoder import Told, encode_target, target_numbers
from kmlp.data.rows.cells import RowCells
from kmlp.data.rows.options import RowOptions
from kmlp.data.tables import Table
from kmlp.data.values import Raw
from kmlp.deploy.scoring import has_seen_all, scores_of, training_data
from kmlp.deploy.serving import LoadedModel
from kmlp.deploy.table_rows import known_of, open_table, outputs_of
from kmlp.errors import DataError
from kmlp.text import shown


def _held_out(model: LoadedModel) -> str:
    """What else can be scored of the file that was trained on, at a sentence's end."""
    if has_seen_all(model):
        return "; none was held out from it, and what to expect of it stands in the model's card"
    return ", or write the --test of training, as --test 0.2, to score the rows that were held out"


def evaluate_table(model: LoadedModel, source: Any, target: str | None = None) -> dict[str, Any]:
    """Scores on every labelled row of a table, by the model's own columns and classes.

    Args:
        model: as `kmlp.load_saved` gives it.
        source: a table's file, or a frame with the labels in it; it may lack some of the classes.
        target: the column of labels; the training table's where omitted.

    Returns:
        As `kmlp.evaluate`, and `told`: what of the rows should be looked at, a line each.

    Raises:
        DataError: a column is missing, a cell is not of its kind, a label is none of the model's
            classes, or the file is the one that the model was trained on.
    """
    column = _target(model, target)
    batches = open_table(model, source)
    if batches.sha256 and batches.sha256 == training_data(model).get("file_sha256"):
        raise DataError(
            f"{source}: the model was trained on rows of this very file; their scores say nothing "
            f"of new rows. Name a file of other rows{_held_out(model)}."
        )
    told, labels, outputs = Told(known=(*known_of(model), column.source)), [], []
    num_unlabelled, weights = 0, _Weights(model)
    for table in batches.tables():
        labelled, found = _labels(table, column)
        num_unlabelled += table.height - len(found)
        if len(found):
            labels.append(found)
            weights.read(labelled)
            outputs.append(outputs_of(model, labelled, told))
    if not labels:
        raise DataError(f"{batches.name}: no row has a label in column {column.source!r}.")
    joined = {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]}
    lines = told.lines()
    if num_unlabelled:
        lines.append(
            f"{num_unlabelled:,} rows have no label in column {column.source!r} and are left out"
        )
    scores = scores_of(model, joined, np.concatenate(labels), weights.together)
    return {**scores, "told": [*lines, *weights.told]}


class _Weights:
    """How much rows count, by the column that said so in training.

    Attributes:
        told: that there is no such column, and all rows count alike.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._column = model.schema.weight_on if model.schema else ""
        self._parts: list[np.ndarray] = []
        self.told: list[str] = []

    def read(self, table: Table) -> None:
        """Those of a batch.

        Raises:
            DataError: a cell is no weight.
        """
        if self._column and self._column in table.columns:
            options = RowOptions(weight_on=self._column)
            self._parts.append(cast(np.ndarray, RowCells.read(table, options).weight))
        elif self._column:
            self.told = [
                f"no column {self._column!r}, by which rows counted in training: all count alike"
            ]

    @property
    def together(self) -> np.ndarray | None:
        """`(n,)`; None where all count alike."""
        return np.concatenate(self._parts) if self._parts else None


def _target(model: LoadedModel, name: str | None) -> Column:
    """What the labels are."""
    if model.schema is not None:
        column = model.schema.target
        return dataclasses.replace(column, name=name, source=name) if name else column
    if name is None:
        raise DataError("which column holds the labels? Say --target COLUMN.")
    kind = "number" if "prediction" in model.output_names else "category"
    return Column(name=name, kind=kind, source=name, values=model.class_names)


def _labels(table: Table, target: Column) -> tuple[Table, np.ndarray]:
    """The rows that have a label, and these: places among the classes, or numbers in their unit."""
    if target.source not in table.columns:
        listed = ", ".join(map(repr, table.columns[:20]))
        raise DataError(
            f"{table.name} has no column {shown(target.source)} of labels. It holds: {listed}. Say "
            "--target COLUMN if it is called otherwise; without labels it serves kmlp predict."
        )
    numbers = target_numbers(Raw(table, target.source), target)
    known = ~np.isnan(numbers)
    if not known.all():
        table, numbers = table.take(known), numbers[known]
    return table, numbers if target.kind == "number" else encode_target(table, target)
