"""The layers that prepare a table's columns: impute, scale, one-hot, embed; plain and stacked."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config.seeds import seed_words
from kmlp.config.tables.encoding import NUM_KNOTS, TRAINED, Encoding
from kmlp.nn.columns.numbers import initial_waves, periodic, piecewise_linear
from kmlp.nn.columns.quantiles import as_normal_quantiles
from kmlp.nn.feature_layers import smoothly_clipped

ENCODING, EMBEDDINGS = "encoding", "embeddings"
_KNOTS = ("knots", "low", "high")
TWO_AXES = (*TRAINED, *_KNOTS)
"""Weights that have two axes in one network."""
# Kernels are drawn at the places 0, 1, ... of their stream: this is none of theirs.
_PLACE = (0, 1)


class _Encode(keras.layers.Layer):
    """What both topologies share: the computation, on weights with a member axis.

    Args:
        plan: the features.
        seed: keys the initial embeddings; None draws them anew.
    """

    def __init__(self, plan: Encoding, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # In a lower precision codes would be rounded to other codes.
        self.autocast = False
        self.plan, self.seed = plan, seed

    def add_state(self, lead: tuple[int, ...], gap: tuple[int, ...]) -> None:
        """Statistics `(*lead, *gap, numbers)`, the codes' slots `(*lead, codes)` and embeddings
        `(*lead, rows, width)`, as far as there are such columns."""
        plan = self.plan
        options: dict[str, Any] = {"trainable": False, "autocast": False}
        if plan.numbers:
            shape = (*lead, *gap, len(plan.numbers))
            self.median = self.add_weight(shape, "zeros", **options, name="median")
            self.center = self.add_weight(shape, "zeros", **options, name="center")
            self.gain = self.add_weight(shape, "ones", **options, name="gain")
        if plan.numbers and plan.scaling == "quantile":
            shape = (*lead, NUM_KNOTS, len(plan.numbers))
            self.knots = [self.add_weight(shape, "zeros", **options, name=name) for name in _KNOTS]
        if plan.binned:
            shape = (*lead, *gap, len(plan.binned) * plan.num_bins)
            self.bins = [
                self.add_weight(shape, "zeros", **options, name=name)
                for name in ("bin_start", "bin_gain", "bin_high")
            ]
        if plan.waves:
            self.waves = {
                name: self.add_weight((*lead, *shape), self._initial(name, lead), name=name)
                for name, shape in plan.wave_shapes.items()
            }
        if plan.categories:
            shape = (*lead, plan.first_codes[-1])
            self.remap = self.add_weight(shape, "zeros", dtype="int32", **options, name="remap")
        if plan.scaled_one_hot and plan.one_hot:
            shape = (*lead, *gap, len(plan.one_hot_features))
            self.one_hot_center = self.add_weight(shape, "zeros", **options, name="one_hot_center")
            self.one_hot_gain = self.add_weight(shape, "ones", **options, name="one_hot_gain")
        if plan.embedded:
            shape = (*lead, plan.num_embeddings, plan.embedding_dim)
            initial = self._initial(EMBEDDINGS, lead)
            self.embeddings = self.add_weight(shape, initial, name=EMBEDDINGS)

    def encode(self, x: Any, member_axis: Any) -> Any:
        """`(k, batch, columns)` to `(k, batch, features)`.

        Args:
            x: the encoded matrix.
            member_axis: gives a weight its leading axis `k`.
        """
        parts, plan = [], self.plan
        if plan.numbers:
            parts += self._numbers(x, member_axis)
        if plan.categories:
            slots = self._slots(x, member_axis(self.remap))
            if plan.one_hot:
                parts.append(self._one_hot(slots[..., : len(plan.one_hot)], member_axis))
            if plan.embedded:
                table = member_axis(self.embeddings)
                parts.append(self._embedded(slots[..., len(plan.one_hot) :], table))
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], self.plan.width)

    def get_config(self) -> dict[str, Any]:
        own = {"plan": dataclasses.asdict(self.plan), "seed": self.seed}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_Encode":
        return cls(**config | {"plan": Encoding.from_dict(config["plan"])})

    def _initial(self, name: str, lead: tuple[int, ...]) -> Any:
        """An initializer of one network's weight; a stack's members have theirs set."""
        if lead:
            return "zeros"
        return lambda shape, dtype: initial_weight(self.plan, name, self.seed, dtype)

    def _numbers(self, x: Any, member_axis: Any) -> list:
        """Numbers imputed, then scaled and embedded; and which were missing."""
        plan = self.plan
        numbers = ops.cast(_columns(x, plan.numbers), self.variable_dtype)
        missing = ops.isnan(numbers)
        filled = ops.where(missing, member_axis(self.median), numbers)
        scaled = self._scaled(filled, member_axis)
        found = [_columns(scaled, plan.unbinned)] if plan.unbinned else []
        if plan.waves:
            weights = {
                name: ops.cast(member_axis(w), self.variable_dtype)
                for name, w in self.waves.items()
            }
            found.append(periodic(_columns(scaled, plan.waves), weights))
        if plan.binned:
            bins = [member_axis(table) for table in self.bins]
            found.append(piecewise_linear(_columns(filled, plan.binned), *bins))
        if plan.indicators:
            found.append(_columns(missing, plan.indicators))
        return [ops.cast(v, self.compute_dtype) for v in found]

    def _scaled(self, filled: Any, member_axis: Any) -> Any:
        if self.plan.scaling == "quantile":
            knots = [member_axis(table) for table in self.knots]
            return self._clipped(as_normal_quantiles(filled, *knots) * member_axis(self.gain))
        scaled = (filled - member_axis(self.center)) * member_axis(self.gain)
        return self._clipped(scaled)

    def _slots(self, x: Any, remap: Any) -> Any:
        """The slot of each category, `(k, batch, columns of categories)`; -1 for missing."""
        plan = self.plan
        codes = _columns(x, tuple(c.place for c in plan.categories))
        unseen = np.array([c.num_values for c in plan.categories], np.int32)
        missing = ops.isnan(codes)
        known = ops.cast(ops.where(missing, 0, codes), "int32")
        known = ops.where((known < 0) | (known > unseen), unseen, known)
        places = ops.where(missing, unseen + 1, known) + np.array(plan.first_codes[:-1], np.int32)
        return _rows_of_members(remap, places)

    def _one_hot(self, slots: Any, member_axis: Any) -> Any:
        """1 where a row has a feature's category, -1 where it has the other of two."""
        columns, plus, minus = zip(*self.plan.one_hot_features, strict=True)
        taken = _columns(slots, columns)
        features = ops.cast(ops.equal(taken, np.array(plus, np.int32)), self.compute_dtype)
        if not self.plan.scaled_one_hot:
            return features
        features = ops.cast(features, self.variable_dtype)
        other = ops.equal(taken, np.array(minus, np.int32))
        features = features - ops.cast(other, self.variable_dtype)
        features = (features - member_axis(self.one_hot_center)) * member_axis(self.one_hot_gain)
        return ops.cast(self._clipped(features), self.compute_dtype)

    def _clipped(self, features: Any) -> Any:
        return features if self.plan.clip is None else smoothly_clipped(features, self.plan.clip)

    def _embedded(self, slots: Any, table: Any) -> Any:
        """Each column's row of the table; zeros where it is missing."""
        there = ops.expand_dims(slots >= 0, -1)
        rows = _rows_of_members(table, ops.maximum(slots, 0))
        rows = ops.cast(ops.where(there, rows, 0), self.compute_dtype)
        width = len(self.plan.embedded) * self.plan.embedding_dim
        return ops.reshape(rows, (rows.shape[0], -1, width))


@keras.saving.register_keras_serializable("kmlp")
class ColumnEncoding(_Encode):
    """Prepares a table's columns for one network: see `Encoding` for what becomes of them.

    Its statistics come from `column_statistics`, as `kmlp.nn.mlp.adapt` sets them.

    Shape:
        input `(batch, columns)`, NaN for missing; output `(batch, features)`. `median`, `center`,
        `gain` `(numbers,)`; `remap` `(codes,)`; `embeddings` `(rows, embedding_dim)`; where they
        are needed `knots`, `low`, `high` `(NUM_KNOTS, numbers)`, `one_hot_center` and
        `one_hot_gain` `(one-hot features,)`, `bin_start`, `bin_gain` and `bin_high`
        `(numbers * num_bins,)`, and the weights of `periodic`.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_state((), ())

    def call(self, inputs: Any) -> Any:
        return self.encode(inputs[None], lambda weight: ops.expand_dims(weight, 0))[0]


@keras.saving.register_keras_serializable("kmlp")
class StackedColumnEncoding(_Encode):
    """`ColumnEncoding` for many members, each with statistics and embeddings of its own.

    Initial embeddings are zeros: each member's own are set from its seed.

    Shape:
        input `(k, batch, columns)`; output `(k, batch, features)`. `median`, `center`, `gain`
        `(k, 1, numbers)`; `remap` `(k, codes)`; `embeddings` `(k, rows, embedding_dim)`; the
        others with an axis `k` in front, too.
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.add_state((input_shape[0],), (1,))

    def call(self, inputs: Any) -> Any:
        return self.encode(inputs, ops.convert_to_tensor)


def initial_weight(plan: Encoding, name: str, seed: int | None, dtype: str) -> Any:
    """The initial value of one of the layer's trained weights, by its name."""
    if name == EMBEDDINGS:
        return initial_embeddings(plan, seed, dtype)
    return initial_waves(plan, name, seed, dtype)


def initial_embeddings(plan: Encoding, seed: int | None, dtype: str) -> Any:
    """Rows of length 1 in the mean of their squares, as one-hot rows have, where the plan says no
    standard deviation; "other" starts at 0.

    So a network that met no other category in training takes an unseen one for a missing one.

    Args:
        plan: the features.
        seed: keys the draw, as it does the kernels'; None draws anew.
        dtype: of the table `(rows, embedding_dim)`.
    """
    drawn = None if seed is None else int(seed_words(seed, "init", *_PLACE, count=1)[0] >> 1)
    stddev = plan.embedding_stddev or plan.embedding_dim**-0.5
    initializer = keras.initializers.RandomNormal(stddev=stddev, seed=drawn)
    is_known = np.ones((plan.num_embeddings, 1))
    is_known[np.cumsum([column.num_slots for column in plan.embedded]) - 1] = 0
    table = initializer((plan.num_embeddings, plan.embedding_dim), dtype)
    return table * ops.convert_to_tensor(is_known, dtype)


def _columns(x: Any, places: tuple[int, ...]) -> Any:
    """Some columns of the last axis; all in their order cost nothing."""
    if places == tuple(range(x.shape[-1])):
        return x
    return ops.take(x, np.array(places, np.int32), axis=-1)


def _rows_of_members(table: Any, places: Any) -> Any:
    """Each member's own entries: `(k, n, ...)` at `(k, batch, m)` gives `(k, batch, m, ...)`."""
    num_members, size = table.shape[:2]
    flat = ops.reshape(table, (num_members * size, *table.shape[2:]))
    starts = np.arange(num_members, dtype=np.int32)[:, None, None] * np.int32(size)
    return ops.take(flat, places + starts, axis=0)
