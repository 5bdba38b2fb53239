"""Raw columns become the encoded matrix inside the graph, as `kmlp.data.encoder` makes it.

What it holds is the schema's columns; which words mean what, it takes from where the encoder does.
All columns of a kind are computed as one matrix: an operation on a single row takes microseconds
whatever its width, and a table has dozens of columns.
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
        words = {
            f"{_prefix(place)}{word}": number
            for place, column in enumerate(columns)
            if _holds_words(column)
            for word, number in _numbers_of(column).items()
        }
        self._words = _table(words or {"": _MISSING}, _UNKNOWN)
        self._gaps = _table(dict.fromkeys(("", *MISSING_AMONG_NUMBERS), _MISSING), 0.0)

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """The inputs as a signature's."""
        return {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in self.inputs}

    def __call__(self, **raw: Any) -> Any:
        kinds = dict.fromkeys(each.kind for each in self.inputs)
        cells = {kind: self._together(kind, raw) for kind in kinds}
        found = [
            part
            for kind, given in cells.items()
            for part in self._encoded(kind, [i for i in self.inputs if i.kind == kind], given)
        ]
        places = [place for part, _ in found for place in part]
        matrix = tf.concat([values for _, values in found], axis=1)
        if places == sorted(places):
            return matrix
        return tf.gather(matrix, np.argsort(places), axis=1)

    def _together(self, kind: str, raw: Mapping[str, Any]) -> Any:
        """All cells of a kind, `(batch, raw columns)`."""
        given = [raw[each.name] for each in self.inputs if each.kind == kind]
        return tf.stack(given, axis=1) if given[0].shape.rank == 1 else tf.concat(given, axis=1)

    def _encoded(
        self, kind: str, inputs: Sequence[RawInput], cells: Any
    ) -> list[tuple[list[int], Any]]:
        """Places of encoded columns, and these: `(batch, places)` `float32`."""
        names = [name for each in inputs for name in each.columns]
        if kind == "date":
            return self._dates(names, cells)
        place_of = {c.source: place for place, c in enumerate(self._columns)}
        places = [place_of[name] for name in names]
        columns = [self._columns[place] for place in places]
        if kind == "number":
            return [(places, _scaled(_finite(names, cells), columns))]
        return [(places, self._looked_up(places, columns, cells))]

    def _looked_up(self, places: Sequence[int], columns: Sequence[Column], given: Any) -> Any:
        cells = _tidy(given)
        if columns[0].kind == "boolean":
            cells = tf.strings.lower(cells, encoding="utf-8")
        prefixes = tf.constant([_prefix(place) for place in places])
        numbers = self._words.lookup(prefixes + cells)
        is_known = tf.not_equal(numbers, _UNKNOWN)
        if columns[0].kind == "boolean":
            whys = [f"neither {' nor '.join(column.values[:2])}" for column in columns]
            with _refusing([c.source for c in columns], whys, given, is_known):
                numbers = tf.identity(numbers)
        else:
            unseen = np.array([float(len(column.values)) for column in columns])
            numbers = tf.where(is_known, numbers, unseen)
        return tf.cast(tf.where(tf.equal(numbers, _MISSING), _NAN, numbers), tf.float32)

    def _dates(self, names: Sequence[str], given: Any) -> list[tuple[list[int], Any]]:
        """Their parts, those of one kind together."""
        cells = _tidy(given)
        missing = self._gaps.lookup(cells) < 0
        ticks, is_date = dates.moments(cells)
        why = f"no date, {dates.DATE_FORM}"
        with _refusing(names, [why] * len(names), given, missing | is_date):
            ticks, missing = tf.identity(ticks), tf.identity(missing)
        return [self._part(part, names, ticks, missing) for part in self._parts]

    @property
    def _parts(self) -> list[str]:
        return list(dict.fromkeys(column.part for column in self._columns if column.part))

    def _part(
        self, part: str, names: Sequence[str], ticks: Any, missing: Any
    ) -> tuple[list[int], Any]:
        places = [place for place, column in enumerate(self._columns) if column.part == part]
        columns = [self._columns[place] for place in places]
        which = [names.index(column.source) for column in columns]
        ticks, missing = (tf.gather(each, which, axis=1) for each in (ticks, missing))
        return places, _scaled(tf.where(missing, _NAN, dates.part_of(ticks, part)), columns)


def _holds_words(column: Column) -> bool:
    return column.kind != "number" and not column.part


def _prefix(place: int) -> str:
    """What tells a column's words from the same words in another's."""
    return f"{place} "


def _numbers_of(column: Column) -> dict[str, float]:
    """What each word of a column becomes; missing ones and none at all are the same."""
    if column.kind == "boolean":
        known = truth_of_words((column.values[0], column.values[1]))
    else:
        known = code_of_words(column.values)
    return {word: _MISSING if math.isnan(v) else v for word, v in {"": math.nan, **known}.items()}


def _table(numbers: Mapping[str, float], default: float) -> tf.lookup.StaticHashTable:
    keys = tf.constant(list(numbers), tf.string)
    values = tf.constant(list(numbers.values()), tf.float64)
    initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
    return tf.lookup.StaticHashTable(initializer, default)


def _tidy(cells: Any) -> Any:
    return tf.strings.regex_replace(cells, _AROUND, "")


def _finite(names: Sequence[str], numbers: Any) -> Any:
    fits = tf.math.logical_not(tf.math.is_inf(numbers))
    why = "infinite; a missing number is NaN"
    with _refusing(names, [why] * len(names), numbers, fits):
        return tf.identity(numbers)


def _scaled(numbers: Any, columns: Sequence[Column]) -> Any:
    """As `kmlp.data.encoder.scaled`; powers of two are exact, and codes stay as they are."""
    exponents = np.array([column.exponent for column in columns])
    units = np.ldexp(1.0, -exponents)
    offsets = np.ldexp(np.array([column.offset for column in columns], float), -exponents)
    small = numbers * units - offsets
    small = tf.where(tf.math.is_nan(small), small, tf.clip_by_value(small, -_LARGEST, _LARGEST))
    return tf.cast(small, tf.float32)


def _refusing(names: Sequence[str], whys: Sequence[str], cells: Any, fits: Any) -> Any:
    """What is computed inside waits for the check that every cell fits.

    Args:
        names: of the raw columns.
        whys: of each, what a cell is that does not fit.
        cells, fits: `(batch, raw columns)`.
    """
    # Without quotes, which TensorFlow would show with backslashes.
    texts = [f"column {name}: a cell is {why}:" for name, why in zip(names, whys, strict=True)]

    def refuse() -> Any:
        place = tf.argmax(tf.reshape(tf.cast(tf.math.logical_not(fits), tf.int32), [-1]))
        text = tf.gather(tf.constant(texts), place % len(texts))
        said = [text, tf.gather(tf.reshape(cells, [-1]), place)]
        with tf.control_dependencies([tf.raw_ops.Assert(condition=False, data=said, summarize=1)]):
            return tf.constant(False)

    all_fit = tf.cond(tf.reduce_all(fits), lambda: tf.constant(True), refuse)
    return tf.control_dependencies([all_fit])
