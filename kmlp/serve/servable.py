"""What the server asks of a model, whatever computes it: signatures, a check, outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

DEFAULT = "serving_default"
"""The signature that is called where a request names none."""
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature.

    Attributes:
        name: in the signature.
        dtype: as NumPy calls it: "uint8", "float32", "float64", "int32"; "string" of text.
        shape: of one row: () of a number or a text.
        kind: of a table's input "number", "category", "boolean" or "date"; else "array".
        columns: of a table's input, the raw columns that it takes.
        words: of a truth value, in lower case, all that is known; empty of others.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    kind: str = "array"
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signature:
    """What a model can be asked, and what it answers; the first axis of every tensor is rows.

    Attributes:
        inputs, outputs: in their order.
        not_used: raw columns of the training table that the model does without: rows may hold
            them.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    not_used: tuple[str, ...] = ()


@dataclass(frozen=True)
class FilePredictions:
    """What a model says of the rows of a file.

    Attributes:
        csv: as `kmlp predict` writes it.
        told: what of the rows should be looked at, a line each.
        num_rows: how many there are.
    """

    csv: str
    told: list[str]
    num_rows: int


class Servable(Protocol):
    """A version of a model in memory."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """By name; one is called `serving_default`."""

    @property
    def signature_def(self) -> Mapping[str, Any]:
        """The same in TensorFlow's own words, as `/metadata` shows it."""

    @property
    def description(self) -> Mapping[str, Any]:
        """What the page must know: plain values for JSON."""

    def checked(self, signature: str, inputs: Arrays) -> Arrays:
        """One request's inputs as they are computed with.

        Raises:
            DataError: values that this model cannot mean anything by; what to send instead.
        """

    def predict(self, signature: str, inputs: Arrays) -> Arrays:
        """The outputs of rows that may come from several requests; called in another thread.

        Raises:
            DataError: a cell of some row is refused, and with it all of them.
        """

    def predict_file(self, path: Path) -> FilePredictions:
        """What it says of a table's file, or of a file of arrays; called in another thread.

        Raises:
            DataError: the file, the column or the cell, and what to do.
        """
