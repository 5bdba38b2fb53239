"""The stack: many members as one functional Keras model, and the programs that train it.

A stack is its members and a `State`: nested lists and dicts of tensors whose first axis is
always the member. A `Program` is what is compiled; it holds no state, so that every stack of
one structure and size shares it, in every thread.
"""

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from kmlp import backend
from kmlp.data.dataset import DataSpec
from kmlp.errors import ConfigError
from kmlp.layers import StackedDense, StackedDropout, StackedScaling
from kmlp.member import Member, seed_words
from kmlp.model import (
    assemble,
    build_mlp,
    input_scale,
    kernel_initializer,
    load_member_weights,
)
from kmlp.optimizers import penalty, penalty_gradient, update_rule

State = dict[str, Any]
_EVALUATION_BATCH = 512
_program_lock = threading.Lock()


@dataclass(frozen=True)
class Structure:
    """What the members of one stack share; all else may differ by member, as a vector."""

    # A stack needs these parts if any member does; the strength 0 switches them off by member.
    ANY: ClassVar = ("dropout", "penalty", "momentum")

    hidden_units: tuple[int, ...]
    activation: str
    input_scaling: str
    dropout: bool
    penalty: bool
    optimizer: str
    momentum: bool
    nesterov: bool
    batch_size: int
    max_epochs: int
    monitor: str
    validation_fraction: float

    @classmethod
    def of(cls, member: Member) -> "Structure":
        """The structure of one member."""
        model, train = member.model, member.train
        return cls(
            hidden_units=model.hidden_units,
            activation=model.activation,
            input_scaling=model.input_scaling,
            dropout=model.dropout > 0,
            penalty=model.l1 > 0 or model.l2 > 0,
            optimizer=train.optimizer,
            momentum=train.momentum > 0,
            nesterov=train.nesterov,
            batch_size=train.batch_size,
            max_epochs=train.max_epochs,
            monitor=train.monitor,
            validation_fraction=member.validation_fraction,
        )

    def merge(self, other: "Structure") -> "Structure | None":
        """One structure for members of both, or None where a stack cannot hold both."""
        merged = {}
        for name, mine in vars(self).items():
            theirs = getattr(other, name)
            if mine != theirs and name not in Structure.ANY:
                return None
            merged[name] = mine or theirs
        return Structure(**merged)


class Stack:
    """Members trained at once.

    Attributes:
        members: in the order of the member axis.
        spec: the data's shapes and classes.
        structure: what the members share.
        program: what is compiled, shared with other stacks.
        state: tensors, member axis first: `weights`, `others` (the layers' non-trainable
            variables), `slots` (the optimizer's, by weight), `step`, `hyper`.
    """

    def __init__(
        self, members: Sequence[Member], spec: DataSpec, structure: Structure, state: State
    ) -> None:
        self.members, self.spec, self.structure, self.state = tuple(members), spec, structure, state
        self.program = program_for(structure, len(members), spec)

    @property
    def model(self) -> keras.Model:
        """The stack as a functional Keras model with the present weights.

        `(k, batch, features)` raw inputs to `(k, batch, num_classes)` logits.
        """
        model = _stacked_model(self.structure, len(self.members), self.spec)
        for variable, value in zip(model.trainable_variables, self.state["weights"], strict=True):
            variable.assign(value)
        others = zip(model.non_trainable_variables, self.state["others"], strict=True)
        for variable, value in others:
            variable.assign(value)
        return model

    def take(self, indices: Sequence[int] | np.ndarray) -> "Stack":
        """The same members, fewer of them: how a stack is compacted."""
        rows = ops.convert_to_tensor(np.asarray(indices, "int32"))
        state = keras.tree.map_structure(lambda a: ops.take(a, rows, axis=0), self.state)
        return Stack([self.members[i] for i in indices], self.spec, self.structure, state)


def build_stack(members: Sequence[Member], spec: DataSpec) -> Stack:
    """Builds a stack with every member's own initial weights.

    Args:
        members: one or more of one structure.
        spec: the data's shapes and classes.

    Raises:
        ConfigError: the members cannot share a stack; the message says what differs.

    Example:
        >>> from kmlp import MLPConfig, Member, Seeds, TrainConfig
        >>> spec = DataSpec(task="multiclass", input_shape=(4,), input_dtype="float32",
        ...                 num_classes=3, class_names=("a", "b", "c"))
        >>> members = [Member(model=MLPConfig(), train=TrainConfig(), seeds=Seeds.all(seed),
        ...                   validation_fraction=0.2, data_sha256="") for seed in range(3)]
        >>> build_stack(members, spec).model.output_shape
        (3, None, 3)
    """
    structure = functools.reduce(_merge, map(Structure.of, members))
    return Stack(members, spec, structure, _initial_state(members, spec, structure))


def extract_member(stack: Stack, k: int) -> keras.Model:
    """Member `k` as the plain functional model that `build_mlp` makes, with its weights."""
    model = build_mlp(stack.members[k].model, stack.spec)
    load_member_weights(model, [ops.convert_to_numpy(w)[k] for w in stack.state["weights"]])
    return model


class Program:
    """The compiled functions of one structure at one number of members; pure, no state.

    - `train_epoch(state, x, y, order) -> (state, logs)`: one epoch; `order` `(k, n)` rows.
    - `evaluate(state, x, y, rows) -> logs`: plain cross-entropy and accuracy of `rows` `(k, n)`.
    - `log_probabilities(state, x, rows)`: `(k, n, num_classes)`.

    `x` is `(num_rows, features)` on the device, `y` `(num_rows,)`; logs are `(k,)`.
    """

    def __init__(self, structure: Structure, num_members: int, spec: DataSpec) -> None:
        self.structure = structure
        self.model = _stacked_model(structure, num_members, spec)
        self.rule = update_rule(
            structure.optimizer, momentum=structure.momentum, nesterov=structure.nesterov
        )
        self._is_kernel = [v.name == "kernel" for v in self.model.trainable_variables]
        self._update = backend.compile_update(self._apply_gradients)
        self.train_epoch: Callable = backend.compile(self._train_epoch)
        self.evaluate: Callable = backend.compile(self._evaluate)
        self.log_probabilities: Callable = backend.compile(self._log_probabilities)

    def _train_epoch(self, state: State, x: Any, y: Any, order: Any) -> tuple[State, dict]:
        def step(rows: Any, carry: tuple) -> tuple:
            state, totals = carry
            state, batch_totals = self._train_step(state, x, y, rows)
            return state, _add(totals, batch_totals)

        carry = (state, _zero_totals(order))
        state, totals = _for_batches(order, self.structure.batch_size, step, carry)
        logs = _means(totals, order.shape[1])
        penalties = [penalty(w, state["hyper"]) for w in self._kernels(state["weights"])]
        logs["loss"] = sum(penalties, logs["cross_entropy"])
        return state, logs

    def _train_step(self, state: State, x: Any, y: Any, rows: Any) -> tuple[State, dict]:
        examples, labels = ops.take(x, rows, axis=0), ops.take(y, rows, axis=0)

        def objective(weights: list) -> tuple[Any, tuple]:
            logits, others = self.model.stateless_call(
                weights, state["others"], examples, training=True
            )
            losses = cross_entropy(labels, logits)
            # Summed over members, averaged over the batch: each gradient is a solo run's.
            return ops.sum(ops.mean(losses, axis=1)), (others, logits, losses)

        (_, aux), gradients = backend.value_and_gradients(objective, state["weights"])
        others, logits, losses = aux
        weights, slots = self._update(
            gradients, state["weights"], state["slots"], state["step"], state["hyper"]
        )
        state = {
            "weights": weights,
            "others": others,
            "slots": slots,
            "step": state["step"] + 1,
            "hyper": state["hyper"],
        }
        return state, _totals(labels, logits, losses)

    def _apply_gradients(
        self, gradients: list, weights: list, slots: list, step: Any, hyper: dict
    ) -> tuple[list, list]:
        hyper = {name: ops.reshape(value, (-1, 1, 1)) for name, value in hyper.items()}
        step = ops.reshape(step, (-1, 1, 1))
        new_weights, new_slots = [], []
        for gradient, weight, slot, kernel in zip(
            gradients, weights, slots, self._is_kernel, strict=True
        ):
            if kernel and self.structure.penalty:
                gradient = gradient + penalty_gradient(weight, hyper)
            weight, slot = self.rule.update(gradient, weight, slot, step, hyper)
            new_weights.append(weight)
            new_slots.append(slot)
        return new_weights, new_slots

    def _evaluate(self, state: State, x: Any, y: Any, rows: Any) -> dict:
        def step(batch: Any, totals: dict) -> dict:
            logits = self._logits(state, ops.take(x, batch, axis=0))
            labels = ops.take(y, batch, axis=0)
            return _add(totals, _totals(labels, logits, cross_entropy(labels, logits)))

        totals = _for_batches(rows, _EVALUATION_BATCH, step, _zero_totals(rows))
        return _means(totals, rows.shape[1])

    def _log_probabilities(self, state: State, x: Any, rows: Any) -> Any:
        return ops.log_softmax(self._logits(state, ops.take(x, rows, axis=0)))

    def _logits(self, state: State, examples: Any) -> Any:
        weights, others = state["weights"], state["others"]
        return self.model.stateless_call(weights, others, examples, training=False)[0]

    def _kernels(self, weights: list) -> list:
        return [w for w, kernel in zip(weights, self._is_kernel, strict=True) if kernel]


def program_for(structure: Structure, num_members: int, spec: DataSpec) -> Program:
    """The program of a structure and a size: built once a process, whatever thread asks."""
    with _program_lock:
        return _program(structure, num_members, spec, keras.config.dtype_policy().name)


@functools.lru_cache(maxsize=64)
def _program(structure: Structure, num_members: int, spec: DataSpec, policy: str) -> Program:
    return Program(structure, num_members, spec)


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Per example: `(k, batch)` labels and `(k, batch, num_classes)` logits to `(k, batch)`."""
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)


class _StackedLayers:
    """The stacked twins of Keras's layers."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    def scaling(self, spec: DataSpec) -> keras.layers.Layer:
        return StackedScaling(input_scale(self.structure, spec), name="scaling")

    def dense(self, index: int, units: int, name: str) -> keras.layers.Layer:
        return StackedDense(units, name=name)

    def dropout(self, index: int, name: str) -> keras.layers.Layer | None:
        return StackedDropout(name=name) if self.structure.dropout else None


def _stacked_model(structure: Structure, num_members: int, spec: DataSpec) -> keras.Model:
    shape = (num_members, None, spec.num_features)
    inputs = keras.Input(batch_shape=shape, dtype=spec.input_dtype, name="inputs")
    logits = assemble(inputs, structure, spec, _StackedLayers(structure))
    return keras.Model(inputs, logits, name="stack")


def _initial_state(members: Sequence[Member], spec: DataSpec, structure: Structure) -> State:
    program = program_for(structure, len(members), spec)
    weights = _initial_weights(members, program.model)
    num_slots = program.rule.num_slots
    hyper = {
        "learning_rate": [m.train.learning_rate for m in members],
        "momentum": [m.train.momentum for m in members],
        "l1": [m.model.l1 for m in members],
        "l2": [m.model.l2 for m in members],
    }
    return {
        "weights": weights,
        "others": _initial_others(members, program.model),
        "slots": [[ops.zeros_like(w) for _ in range(num_slots)] for w in weights],
        "step": ops.zeros(len(members), dtype="int32"),
        "hyper": {k: ops.convert_to_tensor(v, keras.config.floatx()) for k, v in hyper.items()},
    }


def _initial_weights(members: Sequence[Member], model: keras.Model) -> list:
    """Each member's own draw with the fans of one member; biases start at zero."""
    weights, index = [], 0
    for variable in model.trainable_variables:
        if variable.name != "kernel":
            weights.append(ops.zeros(variable.shape, variable.dtype))
            continue
        drawn = [
            kernel_initializer(m.model, index, m.seeds.init)(variable.shape[1:], variable.dtype)
            for m in members
        ]
        weights.append(ops.stack(drawn))
        index += 1
    return weights


def _initial_others(members: Sequence[Member], model: keras.Model) -> list:
    layers = [layer for layer in model.layers if isinstance(layer, StackedDropout)]
    values: dict[str, Any] = {}
    for index, layer in enumerate(layers):
        keys = [seed_words(m.seeds.noise, "noise", index).view("int32") for m in members]
        values[layer.rate.path] = [m.model.dropout for m in members]
        values[layer.key.path] = np.stack(keys)
        values[layer.step.path] = np.zeros(len(members), "int32")
    variables = model.non_trainable_variables
    return [ops.convert_to_tensor(values[v.path], v.dtype) for v in variables]


def _merge(a: Structure, b: Structure) -> Structure:
    merged = a.merge(b)
    if merged is None:
        differ = [n for n, v in vars(a).items() if n not in Structure.ANY and v != getattr(b, n)]
        raise ConfigError(
            "the members of a stack must share their structure. They differ in "
            + ", ".join(f"{n} ({getattr(a, n)!r} and {getattr(b, n)!r})" for n in differ)
            + "."
        )
    return merged


def _for_batches(rows: Any, batch_size: int, step: Callable, carry: Any) -> Any:
    """`carry = step(batch, carry)` over `rows` `(k, n)`; the last, smaller batch included.

    Shapes stay static: the whole batches in one compiled loop, the rest after it.
    """
    k, num_rows = rows.shape
    full = num_rows // batch_size

    def body(i: Any, carry: Any) -> Any:
        return step(ops.slice(rows, (0, i * batch_size), (k, batch_size)), carry)

    carry = ops.fori_loop(0, full, body, carry) if full else carry
    return step(rows[:, full * batch_size :], carry) if num_rows % batch_size else carry


def _totals(labels: Any, logits: Any, losses: Any) -> dict:
    hits = ops.cast(ops.equal(ops.cast(ops.argmax(logits, -1), labels.dtype), labels), "int32")
    return {"cross_entropy": ops.sum(losses, axis=1), "accuracy": ops.sum(hits, axis=1)}


def _zero_totals(rows: Any) -> dict:
    k = rows.shape[0]
    dtype = keras.config.floatx()
    return {"cross_entropy": ops.zeros(k, dtype), "accuracy": ops.zeros(k, "int32")}


def _add(totals: dict, more: dict) -> dict:
    return {name: totals[name] + more[name] for name in totals}


def _means(totals: dict, num_rows: int) -> dict:
    return {k: ops.cast(v, keras.config.floatx()) / num_rows for k, v in totals.items()}
