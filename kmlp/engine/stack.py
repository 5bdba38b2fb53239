"""The stack: many members as one functional Keras model, and the state that training changes.

A stack is its members and a `State`: nested lists and dicts of tensors whose first axis is
always the member. What is compiled is a `Program`, which stacks of one signature share.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config.network_checks import resolved_scaling
from kmlp.config.seeds import seed_words
from kmlp.config.settings import RECORDS
from kmlp.config.tables.encoding import Encoding
from kmlp.data.dataset import Dataset, DataSpec
from kmlp.engine.compatibility import check_member
from kmlp.engine.compiled import WEIGHT_SCALE, Program, State, stacked_model
from kmlp.engine.initial.weights import copied, initial_weights
from kmlp.engine.member import Member
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.signature import Signature
from kmlp.nn.columns.encoding import ENCODING, TWO_AXES
from kmlp.nn.columns.statistics import column_statistics
from kmlp.nn.losses import class_weights
from kmlp.nn.mlp import InitialNetworks, Statistics, build_mlp, load_member_weights, target_range
from kmlp.nn.topology import follows_rows, penalties

_STATISTICS = ("moving_mean", "moving_variance", "mean", "variance", "lowest", "highest")


class Stack:
    """Members trained at once.

    Attributes:
        members: in the order of the member axis.
        spec: the data's shapes and classes.
        signature: what the members share.
        program: what is compiled, shared with other stacks.
        state: tensors, member axis first; its parts are described at `Program`.
    """

    def __init__(
        self,
        members: Sequence[Member],
        spec: DataSpec,
        signature: Signature,
        state: State,
        group: int | None = None,
    ) -> None:
        self.members, self.spec, self.signature, self.state = tuple(members), spec, signature, state
        self.program = PROGRAMS.get(signature, len(members), spec, group)

    @property
    def model(self) -> keras.Model:
        """The stack as a functional Keras model with the present weights.

        `(k, batch, features)` raw inputs to `(k, batch, num_outputs)` logits, or standardized
        predictions.
        """
        model = stacked_model(self.signature, len(self.members), self.spec)
        for part, variables in (
            ("weights", model.trainable_variables),
            ("others", model.non_trainable_variables),
        ):
            for variable, value in zip(variables, self.state[part], strict=True):
                variable.assign(value)
        return model

    @property
    def restorable(self) -> list:
        """What an epoch's weights are: trained ones, or their averages, and moving statistics."""
        moving = [self.state["others"][i] for i in self._moving()]
        return [*self.program.step.kept(self.state), *moving]

    def restore(self, values: Sequence[Any]) -> None:
        """Sets what `restorable` gave."""
        num_weights, others = len(self.state["weights"]), list(self.state["others"])
        for i, value in zip(self._moving(), values[num_weights:], strict=True):
            others[i] = value
        self.state = {**self.state, "weights": list(values[:num_weights]), "others": others}

    def adapt(self, data: Dataset, rows: Sequence[np.ndarray]) -> None:
        """Sets what members take from their own training rows: the statistics of columns, of
        standardized inputs and of a regression's target, balanced class weights, and, before the
        first step, initial weights that follow from rows.

        Args:
            data: the data set.
            rows: of each member the `(n,)` indices of its training rows.
        """
        self.state = {**self.state, "targets": self._target_state(data, rows)}
        # Members of one split share their rows: a study's variants are paired by seed.
        known = {r.tobytes(): r for r in rows}
        found = {key: self._input_state(data.x_train, r) for key, r in known.items()}
        each = [found[r.tobytes()] for r in rows]
        if self.signature.model.clamped_predictions:
            weight = data.rows.weight
            weights = [None if weight is None else weight[r] for r in rows]
            ranges = [target_range(data.y_train[r], w) for r, w in zip(rows, weights, strict=True)]
            each = [{**state, **bounds} for state, bounds in zip(each, ranges, strict=True)]
        for path in each[0]:
            self._assign(path, np.stack([state[path] for state in each]))
        self._initialize(data.x_train, rows)

    def weights_of(self, k: int) -> dict[str, np.ndarray]:
        """Member `k`'s weights by their path in the plain model, in its shapes, with statistics."""
        return _of_member(k, self._named_weights())

    def all_weights(self) -> list[dict[str, np.ndarray]]:
        """Those of every member, fetched at once."""
        named = {path: ops.convert_to_numpy(w) for path, w in self._named_weights().items()}
        return [_of_member(k, named) for k in range(len(self.members))]

    def _named_weights(self) -> dict[str, Any]:
        variables = self.program.model.trainable_variables
        named = {v.path: w for v, w in zip(variables, self.state["weights"], strict=True)}
        for variable, value in self._others():
            is_of_columns = variable.path.startswith(f"{ENCODING}/")
            if variable.name in _STATISTICS or is_of_columns:
                named[variable.path] = value
        if self.spec.task == "regression":
            targets = {name: v for name, v in self.state["targets"].items() if name != WEIGHT_SCALE}
            named |= {f"predictions/{name}": v for name, v in targets.items()}
        return named

    def load(self, weights: Sequence[Mapping[str, np.ndarray]]) -> None:
        """Sets every member's weights from what `weights_of` gave."""
        for path in weights[0]:
            layer, _, name = path.partition("/")
            values = np.stack([w[path] for w in weights])
            if layer == "predictions":
                tensor = ops.convert_to_tensor(values.reshape(-1), keras.config.floatx())
                self.state["targets"] = {**self.state["targets"], name: tensor}
            else:
                self._assign(path, values)

    def take(self, indices: Sequence[int] | np.ndarray) -> "Stack":
        """The same members, fewer of them or in another order: how a stack is compacted."""
        rows = ops.convert_to_tensor(np.asarray(indices, "int32"))
        state = keras.tree.map_structure(lambda a: ops.take(a, rows, axis=0), self.state)
        return self.holding([self.members[i] for i in indices], state)

    def holding(self, members: Sequence[Member], state: State) -> "Stack":
        """A stack of these members of this one; of another size they train all at a time."""
        group = self.program.group if len(members) == len(self.members) else None
        return Stack(members, self.spec, self.signature, state, group)

    def _others(self) -> list[tuple[Any, Any]]:
        variables = self.program.model.non_trainable_variables
        return list(zip(variables, self.state["others"], strict=True))

    def _moving(self) -> list[int]:
        return [i for i, (v, _) in enumerate(self._others()) if v.name.startswith("moving_")]

    def _assign(self, path: str, values: np.ndarray) -> None:
        """Replaces one weight of the stacked layers."""
        model = self.program.model
        for part, variables in (
            ("weights", model.trainable_variables),
            ("others", model.non_trainable_variables),
        ):
            for i, variable in enumerate(variables):
                if variable.path == path:
                    tensor = ops.convert_to_tensor(values.reshape(variable.shape), variable.dtype)
                    replaced = [*self.state[part]]
                    replaced[i] = tensor
                    self.state = {**self.state, part: replaced}

    def _initialize(self, x: np.ndarray, rows: Sequence[np.ndarray]) -> None:
        """Sets the initial weights that follow from rows, each member's by itself."""
        asking = [k for k, m in enumerate(self.members) if follows_rows(m.model)]
        if not asking or ops.convert_to_numpy(self.state["step"]).any():
            return
        every = self.all_weights()
        networks = functools.cache(lambda config: InitialNetworks(config, self.spec))
        for k in asking:
            config, seed = self.members[k].model, self.members[k].seeds.init
            every[k] = networks(config).weights(seed, every[k], x[rows[k]])
        self.load(every)

    def _input_state(self, x: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What a member takes from its own rows of the inputs, by path."""
        if self.spec.columns:
            plan = Encoding.of(self.signature.model, self.spec)
            found = column_statistics(plan, x, rows)
            return {f"{ENCODING}/{name}": value for name, value in found.items()}
        if resolved_scaling(self.signature.model.input_scaling, self.spec) == "standard":
            statistics = Statistics.of(x, rows)
            return {"scaling/mean": statistics.mean, "scaling/variance": statistics.variance}
        return {}

    def _target_state(self, data: Dataset, rows: Sequence[np.ndarray]) -> dict[str, Any]:
        found: dict[str, np.ndarray] = {}
        weight = data.rows.weight
        if self.spec.task == "regression":
            each = [Statistics.of(data.y_train, r, weight) for r in rows]
            found["mean"] = np.concatenate([s.mean for s in each])
            found["variance"] = np.concatenate([s.variance for s in each])
        if weight is not None:
            found[WEIGHT_SCALE] = np.array([1 / weight[r].mean(dtype=np.float64) for r in rows])
        if "class_weight" in self.signature.needs:
            found["class_weight"] = np.stack(
                [
                    class_weights(
                        m.train.class_weight,
                        self.spec,
                        data.y_train[r],
                        None if weight is None else weight[r],
                    )
                    for m, r in zip(self.members, rows, strict=True)
                ]
            )
        dtype = keras.config.floatx()
        return {name: ops.convert_to_tensor(value, dtype) for name, value in found.items()}


def build_stack(members: Sequence[Member], spec: DataSpec, group: int | None = None) -> Stack:
    """Builds a stack with every member's own initial weights.

    Args:
        members: one or more of one signature.
        spec: the data's shapes and classes.
        group: how many of them train at a time, a divisor of their number; all where omitted.

    Raises:
        ConfigError: the members cannot share a stack, or a member's config does not fit the
            data; the message says what differs or what to write instead.

    Example:
        >>> from kmlp import MLPConfig, Member, Seeds, TrainConfig
        >>> spec = DataSpec(task="multiclass", input_shape=(4,), input_dtype="float32",
        ...                 num_classes=3, class_names=("a", "b", "c"))
        >>> members = [Member(model=MLPConfig(), train=TrainConfig(), seeds=Seeds.all(seed),
        ...                   validation_fraction=0.2, data_sha256="") for seed in range(3)]
        >>> build_stack(members, spec).model.output_shape
        (3, None, 3)
    """
    for member in members:
        check_member(member, spec)
    signature = Signature.of_all(members)
    program = PROGRAMS.get(signature, len(members), spec, group)
    return Stack(members, spec, signature, _initial_state(members, spec, program), group)


def extract_member(stack: Stack, k: int) -> keras.Model:
    """Member `k` as the plain functional model that `build_mlp` makes, with its weights."""
    model = build_mlp(stack.members[k].model, stack.spec)
    load_member_weights(model, stack.weights_of(k))
    return model


def _initial_state(members: Sequence[Member], spec: DataSpec, program: Program) -> State:
    weights = initial_weights(members, program.model, spec)
    num_slots, dtype = program.step.num_slots, keras.config.floatx()
    keys = {}
    if (name := "gradient_noise") in program.needs:
        keys[name] = ops.convert_to_tensor(_noise_keys(members, name, 0))
    return {
        "weights": weights,
        "others": _initial_others(members, program.model),
        "slots": [[ops.zeros_like(w) for _ in range(num_slots)] for w in weights],
        "step": ops.zeros(len(members), dtype="int32"),
        "hyper": {
            k: ops.convert_to_tensor(v, dtype)
            for k, v in _hyper(members, spec, program.needs).items()
        },
        "keys": keys,
        "targets": {},
    }


def _hyper(
    members: Sequence[Member], spec: DataSpec, needs: Collection[str]
) -> dict[str, list[float]]:
    """Every number that the step takes and that differs by member; what is off is infinity or 0.

    Of fields that came later, those that are switched on: what was saved before has no others.
    """
    penalized = [dict(zip(("l1", "l2"), penalties(m.model, spec), strict=True)) for m in members]
    return {
        name: [
            record.in_stack(p.get(name, m.setting(name)))
            for p, m in zip(penalized, members, strict=True)
        ]
        for name, record in RECORDS.items()
        if record.held == "step" and (not record.since or record.switch in needs)
    }


def _initial_others(members: Sequence[Member], model: keras.Model) -> list:
    """As the layers say, but for the strengths and keys of what draws noise."""
    values: dict[str, Any] = {}
    for layer in model.layers:
        if field := getattr(layer, "field", None):
            index = int(layer.name.rpartition("_")[2])
            values[layer.strength.path] = [m.strength(field, index) for m in members]
            values[layer.key.path] = _noise_keys(members, field, index)
    return [
        ops.convert_to_tensor(values[v.path], v.dtype) if v.path in values else copied(v)
        for v in model.non_trainable_variables
    ]


def _noise_keys(members: Sequence[Member], field: str, index: int) -> np.ndarray:
    """Each member's key for the draws of one field at one layer: `(k, 2)` `int32`."""
    draws = RECORDS[field].draws
    assert draws is not None
    place = (draws.key, index)
    return np.stack([seed_words(m.seeds.noise, "noise", *place).view("int32") for m in members])


def _of_member(k: int, named: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {path: _plain(path, ops.convert_to_numpy(value[k])) for path, value in named.items()}


def _plain(path: str, value: np.ndarray) -> np.ndarray:
    """One member's slice in the plain model's shape: kernels and the like have two axes, and what
    is each sub-network's own."""
    is_plain = path.rpartition("/")[2] not in ("kernel", *TWO_AXES) and value.shape[:1] <= (1,)
    return value.reshape(-1) if is_plain else value
