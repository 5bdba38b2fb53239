"""A table's row as the numbers that a network takes: Python's own library alone.

    specification = json.load(open("encoder.json"))
    matrix = numpy.array([encode(row, specification)], numpy.float32)

A missing value is None, NaN or an empty text.
"""

import datetime
import math
from typing import Any

_LARGEST = 3.4028234663852886e38  # float32's
_START = datetime.datetime(1970, 1, 1)


def encode(row: dict[str, Any], specification: dict[str, Any]) -> list[float]:
    """The columns of the encoded matrix, NaN where missing.

    Args:
        row: the raw columns by their names: numbers, and text of all else.
        specification: what `encoder.json` holds.
    """
    return [_encoded(row[column["source"]], column) for column in specification["columns"]]


def _encoded(cell: Any, column: dict[str, Any]) -> float:
    if cell is None or cell == "" or cell != cell:
        return math.nan
    if column["kind"] == "number" and not column["part"]:
        return _scaled(float(cell), column)
    cell = str(cell).strip()
    if column["part"]:
        if cell in column["gaps"]:
            return math.nan
        value = _part(cell, column["part"])
        return _scaled(value, column) if column["kind"] == "number" else value
    word = cell.lower() if column["kind"] == "boolean" else cell
    if word not in column["words"] and column["unseen"] is None:
        raise ValueError(f"column {column['source']}: {cell!r} is none of {list(column['words'])}")
    value = column["words"].get(word, column["unseen"])
    return math.nan if value is None else value


def _scaled(value: float, column: dict[str, Any]) -> float:
    small = math.ldexp(value, -column["exponent"]) - math.ldexp(
        column["offset"], -column["exponent"]
    )
    return max(-_LARGEST, min(_LARGEST, small))


def _part(cell: str, part: str) -> float:
    moment = datetime.datetime.fromisoformat(cell)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    seconds = (moment - _START) / datetime.timedelta(seconds=1)
    parts = {"elapsed": seconds / 86400, "hour": seconds % 86400 / 3600, "day": moment.day}
    return float((parts | {"month": moment.month - 1, "weekday": moment.weekday()})[part])
