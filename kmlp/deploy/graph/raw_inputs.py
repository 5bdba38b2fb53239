"""What an exported table's signature takes: raw columns by names that every server can write."""

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kmlp.data.columns import Column

ENCODED = "encoded"
"""The signature of a table's model that takes the encoded matrix, gaps as NaN."""
NUMBERS = "numbers"
MOST_NUMBERS = 200
"""More number columns than these are one input: a signature of thousands loads slowly."""
_UNSAFE = re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True)
class RawInput:
    """One input of the signature.

    Attributes:
        name: in the signature: letters, digits and underscores, whatever the column is called.
        kind: "number", "category", "boolean" or "date".
        columns: the raw columns that it takes, by their names in the table; one but for `numbers`.
    """

    name: str
    kind: str
    columns: tuple[str, ...]

    @property
    def dtype(self) -> str:
        """Of its values: numbers are doubles, of which float32 would lose digits; all else text."""
        return "float64" if self.kind == "number" else "string"

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(batch,), of many numbers (batch, columns)."""
        return (None,) if len(self.columns) == 1 else (None, len(self.columns))


def raw_inputs(columns: Sequence[Column]) -> tuple[RawInput, ...]:
    """The inputs of a signature, in the order of the raw columns.

    Args:
        columns: those of a `Schema`.

    Example:
        >>> age = Column(name="Age (years)", kind="number", source="Age (years)")
        >>> [(i.name, i.dtype, i.columns) for i in raw_inputs([age])]
        [('Age_years', 'float64', ('Age (years)',))]
    """
    kinds = {c.source: "date" if c.part else c.kind for c in columns}
    numbers = tuple(name for name, kind in kinds.items() if kind == "number")
    taken: set[str] = set()
    found = []
    if len(numbers) > MOST_NUMBERS:
        found.append(RawInput(_safe_name(NUMBERS, 0, taken), "number", numbers))
        kinds = {name: kind for name, kind in kinds.items() if kind != "number"}
    for place, (name, kind) in enumerate(kinds.items(), start=1):
        found.append(RawInput(_safe_name(name, place, taken), kind, (name,)))
    return tuple(found)


def _safe_name(name: str, place: int, taken: set[str]) -> str:
    """An identifier that no other input has, not even in other case."""
    plain = _UNSAFE.sub("_", name).strip("_")
    if not plain or plain[0].isdigit() or keyword.iskeyword(plain):
        plain = f"column_{plain or place}"
    free, number = plain, 2
    while free.lower() in taken:
        free, number = f"{plain}_{number}", number + 1
    taken.add(free.lower())
    return free
