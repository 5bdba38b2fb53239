"""What is kept of a member: the rows of a run folder's ledger, and its arrays' names."""

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kmlp.stats.metrics import HIGHER_IS_BETTER
from kmlp.study.run_folder.integrity import Table

_PARTS = {"train", "val", "test", "fold"}


def read_object(text: str, kind: type) -> dict[str, Any]:
    """The fields of a dataclass from JSON.

    Raises:
        ValueError: it is no JSON, or has other fields.

    Example:
        >>> @dataclass
        ... class Point:
        ...     x: int
        >>> read_object('{"x": 1}', Point)
        {'x': 1}
    """
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    needed, known = _names(kind)
    if not isinstance(values, dict) or not needed <= values.keys() <= known:
        raise ValueError(f"not the fields of a {kind.__name__}")
    return values


@functools.cache
def _names(kind: type) -> tuple[set[str], set[str]]:
    """The fields of a dataclass that have no default, and all of them."""
    fields = dataclasses.fields(kind)
    return {f.name for f in fields if f.default is dataclasses.MISSING}, {f.name for f in fields}


@dataclass(frozen=True, kw_only=True)
class MemberRecord:
    """A finished member: plain values; its arrays are read with `RunFolder.arrays`.

    Attributes:
        id: see `Member.id`.
        status: "done" or "diverged".
        best_epoch, stopped_epoch: counted from 1.
        metrics: `train`, `val`, and `test` or, in cross-validation, `fold` -> metric -> value.
        seconds: its share of its stack's wall time.
        settings: of a reference that was tuned, what validation chose beside scikit-learn's
            defaults; None of all others.
        device: where several kinds train, the processor or card that trained it; else None: the
            folder's.
        stack: the name of the stack that it trained in; None of references, and of members that an
            earlier release recorded.
        place: where that stack trained; None where `stack` is.
    """

    id: str
    status: str
    best_epoch: int
    stopped_epoch: int
    metrics: Mapping[str, Mapping[str, float]]
    seconds: float
    settings: Mapping[str, float] | None = None
    device: str | None = None
    stack: str | None = None
    place: str | None = None

    def to_json(self) -> str:
        """What `read` takes; what is None left out, as earlier releases wrote it."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return json.dumps(said)

    @classmethod
    def read(cls, text: str) -> Self:
        """The record of a row.

        Raises:
            ValueError: it is none.
        """
        record = cls(**read_object(text, cls))
        scores = [s for part in _values(record.metrics) for s in _values(part)]
        names = {name for part in record.metrics.values() for name in part}
        numbers = [record.seconds, *scores, *_values(record.settings or {})]
        epochs = (record.best_epoch, record.stopped_epoch)
        named = (record.device, record.stack, record.place)
        if (
            not (isinstance(record.id, str) and all(isinstance(n, str | None) for n in named))
            or record.status not in ("done", "diverged")
            or {*map(type, epochs)} != {int}
            or not (record.metrics.keys() <= _PARTS and names <= HIGHER_IS_BETTER.keys())
            or not {*map(type, numbers)} <= {int, float}
        ):
            raise ValueError("not the record of a member")
        return record


def outputs_name(part: str, outputs: np.ndarray) -> str:
    """Of the array that holds a member's outputs on a part of the data: `(n,)` numbers, or
    `(n, num_classes)` log-probabilities."""
    return f"{part}_{'predictions' if outputs.ndim == 1 else 'log_probabilities'}"


def outputs_in(arrays: Mapping[str, np.ndarray], part: str = "test") -> np.ndarray:
    """A member's outputs on a part of the data, among its arrays."""
    # The others are not read from the file.
    named = ((name, arrays[name]) for name in arrays if name.startswith(f"{part}_"))
    return next(a for name, a in named if name == outputs_name(part, a))


def has_outputs(arrays: Mapping[str, np.ndarray], part: str) -> bool:
    """Whether a member's arrays hold its outputs on a part of the data."""
    return any(name == outputs_name(part, a) for name, a in arrays.items())


def _values(table: Any) -> Iterable[Any]:
    if not isinstance(table, dict):
        raise ValueError(f"not a table: {table!r}")
    return table.values()


def member_of(id: str, record: str, arrays: str, sha256: str) -> tuple[MemberRecord, str]:
    """A member's record and its arrays' hash, from its row.

    Raises:
        ValueError: it is not a row that kmlp writes.
    """
    found = MemberRecord.read(record)
    if found.id != id or arrays != f"arrays/{id}.npz":
        raise ValueError("not the row of a member")
    return found, sha256


def _is_member(*row: str) -> bool:
    try:
        member_of(*row)
    except ValueError:
        return False
    return True


MEMBER = Table(
    "member", {"id": str, "record": str, "arrays": str, "sha256": str}, "id", is_sound=_is_member
)
ATTEMPT = Table("attempt", {"id": str, "begun": int, "barren": int, "furthest": int}, "id")
# A stack is named by its checkpoints' folder.
EPOCH = Table("epoch", {"stack": str, "epoch": int, "num_members": int})
