"""Raw columns become the encoded matrix inside the graph, as `kmlp.data.encoder` makes it.

What it holds is the schema's columns; which words mean what, it takes from where the encoder does.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kmlp.data.columns import Column
from kmlp.data.reading.cells import MISSING_AMONG_NUMBERS
from kmlp.data.values import code_of_words, truth_of_words
from kmlp.deploy.graph import dates
from kmlp.deploy.graph.raw_inputs import RawInput, raw_inputs

_LARGEST = float(np.finfo(np.float32).max)
# What Unicode calls white space, as polars strips it.
_SPACE = r"[\t-\r\x{85}\p{Z}]+"
_AROUND = f"^{_SPACE}|{_SPACE}$"
_MISSING, _UNKNOWN = -1.0, -2.0
_NAN = np.float64(math.nan)


class RawStage(tf.Module):
    """From raw columns by name to `(batch, columns)` `float32`, NaN where missing.

    A category that training lacks has a code of its own. A cell that is not of its column's kind
    is refused with the column's name: nothing is predicted for the whole batch.

    Args:
        columns: those of a `Schema`.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns, self.inputs = tuple(columns), raw_inputs(columns)
        # Tables that are not a module's own are not saved with it.
        self._words = {
            str(place): _table(_numbers_of(column), _default(column))
            for place, column in enumerate(columns)
            if column.kind != "number" and not column.part
        }
        gaps = dict.fromkeys(("", *MISSING_AMONG_NUMBERS), _MISSING)
        self._gaps = _table(gaps, 0.0)

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """The inputs as a signature's."""
        return {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in self.inputs}

    def __call__(self, **raw: Any) -> Any:
        cells = {name: v for each in self.inputs for name, v in _apart(each, raw[each.name])}
        found: dict[str, Any] = {}
        encoded = [self._encoded(place, cells, found) for place in range(len(self._columns))]
        return tf.stack(encoded, axis=1)

    def _encoded(self, place: int, cells: Mapping[str, Any], found: dict[str, Any]) -> Any:
        column = self._columns[place]
        given = cells[column.source]
        if column.part:
            if column.source not in found:
                found[column.source] = self._moments(column.source, given)
            ticks, missing = found[column.source]
            numbers = tf.where(missing, _NAN, dates.part_of(ticks, column.part))
        elif column.kind == "number":
            numbers = _finite(column.source, given)
        else:
            numbers = self._looked_up(place, given)
        if column.kind != "number":
            return tf.cast(numbers, tf.float32)
        return _scaled(numbers, column)

    def _moments(self, name: str, given: Any) -> tuple[Any, Any]:
        cells = _tidy(given)
        missing = self._gaps.lookup(cells) < 0
        ticks, is_date = dates.moments(cells)
        with _refusing(name, f"no date, {dates.DATE_FORM}", given, missing | is_date):
            return tf.identity(ticks), tf.identity(missing)

    def _looked_up(self, place: int, given: Any) -> Any:
        column, cells = self._columns[place], _tidy(given)
        if column.kind == "boolean":
            cells = tf.strings.lower(cells, encoding="utf-8")
        numbers = self._words[str(place)].lookup(cells)
        known = tf.not_equal(numbers, _UNKNOWN)
        words = " nor ".join(column.values[:2])
        with _refusing(column.source, f"neither {words}", given, known):
            return tf.where(tf.equal(numbers, _MISSING), _NAN, numbers)


def _apart(each: RawInput, given: Any) -> list[tuple[str, Any]]:
    """An input's raw columns with their cells `(batch,)`."""
    if len(each.columns) == 1:
        return [(each.columns[0], given)]
    return list(zip(each.columns, tf.unstack(given, axis=1), strict=True))


def _numbers_of(column: Column) -> dict[str, float]:
    """What each word of a column becomes; missing ones and none at all are the same."""
    if column.kind == "boolean":
        known = truth_of_words((column.values[0], column.values[1]))
    else:
        known = code_of_words(column.values)
    return {word: _MISSING if math.isnan(v) else v for word, v in {"": math.nan, **known}.items()}


def _default(column: Column) -> float:
    return _UNKNOWN if column.kind == "boolean" else float(len(column.values))


def _table(numbers: Mapping[str, float], default: float) -> tf.lookup.StaticHashTable:
    keys = tf.constant(list(numbers), tf.string)
    values = tf.constant(list(numbers.values()), tf.float64)
    initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(initializer, default)


def _tidy(cells: Any) -> Any:
    return tf.strings.regex_replace(cells, _AROUND, "")


def _finite(name: str, numbers: Any) -> Any:
    fits = tf.math.logical_not(tf.math.is_inf(numbers))
    with _refusing(name, "infinite; a missing number is NaN", numbers, fits):
        return tf.identity(numbers)


def _scaled(numbers: Any, column: Column) -> Any:
    """As `kmlp.data.encoder.scaled`; powers of two are exact."""
    unit = np.ldexp(1.0, -column.exponent)
    small = numbers * unit - np.ldexp(column.offset, -column.exponent)
    small = tf.where(tf.math.is_nan(small), small, tf.clip_by_value(small, -_LARGEST, _LARGEST))
    return tf.cast(small, tf.float32)


def _refusing(name: str, why: str, cells: Any, fits: Any) -> Any:
    """What is computed inside waits for the check that every cell fits."""
    strange = tf.boolean_mask(cells, tf.math.logical_not(fits))
    # Without quotes, which TensorFlow would show with backslashes.
    said = [f"column {name}: a cell is {why}:", strange]
    return tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), said, summarize=1)])
