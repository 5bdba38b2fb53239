"""An exported model as the server runs it: what TensorFlow loaded, checked by kmlp's manifest."""

import contextlib
import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kmlp.data.columns import Schema
from kmlp.data.preparation import known_columns
from kmlp.data.values import truth_of_words
from kmlp.deploy.graph.raw_inputs import RawInput, raw_inputs
from kmlp.deploy.prediction import predict_file
from kmlp.deploy.prediction_rows import csv_row
from kmlp.deploy.serving import LoadedModel, load_saved
from kmlp.errors import DataError
from kmlp.machine import import_quietly
from kmlp.serve.description import described
from kmlp.serve.folders import models_in
from kmlp.serve.servable import DEFAULT, Arrays, FilePredictions, Signature, Tensor
from kmlp.text import csv_cell, shortened

_ASSERTION = re.compile(r"assertion failed: \[(column .*?):\] \[(.*?)\]+\s*(?:\n|\[\[|$)")
_SMALL = 16 * 2**20
"""Bytes of weights, four million of them: their products with a few rows take a millisecond."""
_WARM_UP = (1, 32)  # rows: a graph's first calls are slow


def load_servable(folder: Path) -> "SavedServable":
    """Loads a version, and predicts once: one that cannot is not served.

    Args:
        folder: of the version.

    Raises:
        ModelError: damaged, or not kmlp's.
        DataError: it predicts nothing.
    """
    servable = SavedServable(load_saved(folder))
    for num_rows in _WARM_UP:
        inputs = servable.signatures[DEFAULT].inputs
        servable.predict(DEFAULT, {each.name: _blank(each, num_rows) for each in inputs})
    return servable


def choose_threads(path: Path) -> None:
    """Lets TensorFlow compute small networks in one thread each, before it has begun to compute.

    Handing work from thread to thread takes longer than their products: it doubled the time of a
    call. Where any is large, TensorFlow takes all cores, as it does without this.

    Args:
        path: what is to be served; see `models_in`.
    """
    folders = [each for versions in models_in(path).values() for each in versions.values()]
    sizes = [file.stat().st_size for f in folders for file in f.glob("variables/*")]
    if max(sizes, default=0) > _SMALL:
        return
    tensorflow = import_quietly("tensorflow")
    with contextlib.suppress(RuntimeError):  # it has begun
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


class SavedServable:
    """A loaded model; see `Servable`.

    Args:
        model: as `load_saved` gives it.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self.signatures = {
            name: _signature(model, inputs, outputs)
            for name, (inputs, outputs) in model.signatures.items()
        }
        self.description = described(model)

    @property
    def signature_def(self) -> Mapping[str, Any]:
        """Read anew each time: few ask, and it is large."""
        return _signature_def(self._model.path)

    def checked(self, signature: str, inputs: Arrays) -> Arrays:
        """Values of arrays are held to the training range, as `kmlp predict` does; but by a model
        whose answers flag what lies outside they are answered."""
        if self._model.schema is not None:
            return inputs
        flags = "out_of_range" in self._model.output_names
        return {name: self._model.checked(x, force=flags) for name, x in inputs.items()}

    def predict(self, signature: str, inputs: Arrays) -> Arrays:
        """What the graph gives.

        Raises:
            DataError: a cell is not of its column's kind.
        """
        import tensorflow as tf

        try:
            return self._model.call(signature, inputs)
        except tf.errors.InvalidArgumentError as error:
            raise DataError(_refusal(error)) from error

    def predict_file(self, path: Path) -> FilePredictions:
        """As `kmlp predict` writes it."""
        predictions = predict_file(self._model, path)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(map(csv_cell, predictions.fields))
        for batch in predictions.batches:
            writer.writerows(csv_row(row, predictions.fields) for row in batch)
        return FilePredictions(text.getvalue(), predictions.told(), predictions.num_rows)


def _signature(
    model: LoadedModel, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> Signature:
    schema = model.schema
    raw = raw_inputs(schema.columns) if schema else ()
    answered = tuple(_tensor(n, spec) for n, spec in outputs.items())
    if schema and inputs.keys() == {each.name for each in raw}:
        found = tuple(_raw_tensor(each, schema) for each in raw)
        names = {each.name for each in found}
        not_used = tuple(name for name in known_columns(schema) if name not in names)
        return Signature(found, answered, not_used)
    return Signature(tuple(_tensor(name, spec) for name, spec in inputs.items()), answered)


def _raw_tensor(each: RawInput, schema: Schema) -> Tensor:
    shape = tuple(size for size in each.shape if size)
    words: tuple[str, ...] = ()
    if each.kind == "boolean":
        column = next(c for c in schema.columns if c.source == each.columns[0])
        words = tuple(truth_of_words((column.values[0], column.values[1])))
    return Tensor(each.name, each.dtype, shape, each.kind, each.columns, words)


def _tensor(name: str, spec: Any) -> Tensor:
    return Tensor(name, spec.dtype.name, tuple(spec.shape[1:]))


def _blank(tensor: Tensor, num_rows: int) -> np.ndarray:
    shape = (num_rows, *tensor.shape)
    if tensor.dtype == "string":
        return np.full(shape, b"", dtype=object)
    return np.zeros(shape, tensor.dtype)


def _refusal(error: Exception) -> str:
    """A graph's own words, without TensorFlow's around them."""
    found = _ASSERTION.search(str(error))
    return shortened(f"{found[1]}: {found[2]}" if found else str(error))


def _signature_def(folder: Path) -> dict[str, Any]:
    """The signatures as TensorFlow Serving writes them, from the file that holds them."""
    from google.protobuf.json_format import MessageToDict
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: MessageToDict(
            definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, definition in sorted(saved.meta_graphs[0].signature_def.items())
    }
