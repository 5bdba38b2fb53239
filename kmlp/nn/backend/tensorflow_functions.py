"""TensorFlow functions traced once for all devices, under names that do not depend on the process.

TensorFlow counts the functions it makes and puts the number into their names, and these into the
keys by which it keeps compiled programs: on the disk none would be found again by a process whose
threads came in another order.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.function_pb2 import FunctionDef

# What belongs to gradients, which nobody takes of a program, and is named by that number too.
_OF_GRADIENTS = ("_gradient_op_type", "forward_function_name", "backward_function_name")


class Traced:
    """A `tf.function` of nested tensors, called by name.

    Attributes:
        num_traces: how often it was traced: once for each shape of its arguments.
    """

    def __init__(self, function: Any) -> None:
        self._function, self._lock = function, threading.Lock()
        self._calls: dict[tuple, Callable] = {}

    @property
    def num_traces(self) -> int:
        return len(self._calls)

    def __call__(self, *arguments: Any) -> Any:
        flat = tf.nest.flatten(arguments)
        key = tuple((a.dtype, *a.shape) for a in flat)
        with self._lock:
            if key not in self._calls:
                self._calls[key] = self._trace(arguments)
        return self._calls[key](flat)

    def _trace(self, arguments: tuple) -> Callable:
        # Not of the caller's device: the others would each need a trace of their own.
        with tf.device(None):
            concrete = self._function.get_concrete_function(*arguments)
        if concrete.captured_inputs:
            return lambda flat: concrete(*tf.nest.pack_sequence_as(arguments, flat))
        library = {f.signature.name: f for f in concrete.graph.as_graph_def().library.function}
        top = concrete.function_def
        functions = _renamed(top.signature.name, {**library, top.signature.name: top})
        _register(functions)
        outputs, name = concrete.structured_outputs, functions[0].signature.name
        num_outputs = len(tf.nest.flatten(outputs))
        return lambda flat: tf.nest.pack_sequence_as(outputs, _call(name, flat, num_outputs))


def _renamed(top: str, functions: dict[str, FunctionDef]) -> list[FunctionDef]:
    """A function, first, and all that it calls, under names that follow from what they do."""
    order = list(dict.fromkeys(_reached(top, functions)))
    numbers = {name: f"kmlp_{i}" for i, name in enumerate(order)}
    numbered = [_copy(functions[name], numbers) for name in order]
    content = [f.SerializeToString(deterministic=True) for f in numbered]
    digest = hashlib.sha256(b"".join(content)).hexdigest()[:16]
    final = {name: f"kmlp_{digest}_{i}" for i, name in enumerate(order)}
    return [_copy(functions[name], final) for name in order]


def _reached(name: str, functions: dict[str, FunctionDef]) -> Iterator[str]:
    """The function and those it calls, in the order of the calls."""
    pending, seen = [name], set()
    while pending:
        name = pending.pop(0)
        if name in seen or name not in functions:
            continue
        seen.add(name)
        yield name
        for node in functions[name].node_def:
            for key in sorted(node.attr):
                pending += [f.name for f in _called(node.attr[key])]


def _called(value: AttrValue) -> list:
    """The functions that an attribute names."""
    return [value.func] if value.HasField("func") else list(value.list.func)


def _copy(function: FunctionDef, names: dict[str, str]) -> FunctionDef:
    """A function under its new name, calling others by theirs."""
    copy = FunctionDef()
    copy.CopyFrom(function)
    copy.signature.name = names[function.signature.name]
    for attributes in (copy.attr, *(node.attr for node in copy.node_def)):
        for key in _OF_GRADIENTS:
            attributes.pop(key, None)
    for node in copy.node_def:
        node.op = names.get(node.op, node.op)
        for key in node.attr:
            for called in _called(node.attr[key]):
                called.name = names.get(called.name, called.name)
    _number_arguments(copy)
    return copy


def _number_arguments(function: FunctionDef) -> None:
    """Some are named after the function that they were made for."""
    numbers = {a.name: f"kmlp_argument_{i}" for i, a in enumerate(function.signature.input_arg)}
    for argument in function.signature.input_arg:
        argument.name = numbers[argument.name]
    for node in function.node_def:
        for i, name in enumerate(node.input):
            node.input[i] = numbers.get(name, name)
    for key, name in list(function.ret.items()):
        function.ret[key] = numbers.get(name, name)


def _register(functions: list[FunctionDef]) -> None:
    """They stay for the process, as what XLA compiles of them does."""
    # TensorFlow has no public way to register a function under a given name, nor to call it.
    from tensorflow.python.eager import context

    known = context.context()
    for function in reversed(functions):
        if not known.has_function(function.signature.name.encode()):
            known.add_function_def(function)


def _call(name: str, inputs: list, num_outputs: int) -> list:
    from tensorflow.python.eager import context

    return context.context().call_function(name.encode(), inputs, num_outputs)
