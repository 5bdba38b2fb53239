"""TensorFlow functions traced once for all devices, under names that do not depend on the process.

TensorFlow counts the functions it makes and puts the number into their names, and these into the
keys by which it keeps compiled programs: on the disk none would be found again by a process whose
threads came in another order.
"""

import functools
import hashlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.function_pb2 import FunctionDef

# What belongs to gradients, which nobody takes of a program, and is named by that number too.
_OF_GRADIENTS = ("_gradient_op_type", "forward_function_name", "backward_function_name")


class Traced:
    """A function of nested tensors as TensorFlow's, called by name.

    Its graphs are let go once they are traced: what is called is their definitions, and these go
    with this object.

    Args:
        function: of nested tensors.
        jit_compile: whether XLA compiles it, as of `tf.function`.

    Attributes:
        num_traces: how often it was traced: once for each shape of its arguments.
    """

    def __init__(self, function: Callable, jit_compile: bool | None) -> None:
        self._function, self._lock = function, threading.Lock()
        self._jit_compile = jit_compile
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
        # A partial has no code object: else TensorFlow counts every program's first trace of one
        # method as retraces of a single function, and warns.
        program = functools.partial(self._function)
        traced = tf.function(program, autograph=False, jit_compile=self._jit_compile)
        # Not of the caller's device: the others would each need a trace of their own.
        with tf.device(None):
            concrete = traced.get_concrete_function(*arguments)
        if concrete.captured_inputs:
            like = _places_in(arguments)
            return lambda flat: concrete(*tf.nest.pack_sequence_as(like, flat))
        library = {f.signature.name: f for f in concrete.graph.as_graph_def().library.function}
        top = concrete.function_def
        _forget_gradients([top, *library.values()])
        functions = _renamed(top.signature.name, {**library, top.signature.name: top})
        _register(functions)
        names = [function.signature.name for function in functions]
        weakref.finalize(self, _forget, names).atexit = False
        outputs, name = _places_in(concrete.structured_outputs), names[0]
        num_outputs = len(tf.nest.flatten(outputs))
        _let_go(concrete.graph)
        return lambda flat: tf.nest.pack_sequence_as(outputs, _call(name, flat, num_outputs))


class Fused:
    """A function that XLA compiles as one inside a program that is not XLA's.

    TensorFlow keeps a graph for each shape of its arguments: until they are forgotten.
    """

    known: ClassVar[weakref.WeakSet["Fused"]] = weakref.WeakSet()

    def __init__(self, function: Callable) -> None:
        self._function = function
        self.forget()
        self.known.add(self)

    def forget(self) -> None:
        """Lets go of what was traced; it is traced once more when it is called."""
        program = functools.partial(self._function)
        self._traced = tf.function(program, autograph=False, jit_compile=True)

    def __call__(self, *arguments: Any) -> Any:
        return self._traced(*arguments)


def _places_in(nested: Any) -> Any:
    """The same without its tensors, which hold their graph, or memory."""
    return tf.nest.map_structure(lambda _: 0, nested)


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


def _forget_gradients(functions: list[FunctionDef]) -> None:
    """What TensorFlow would call to differentiate a function with a gradient of its own, in a
    program that takes its gradients itself: it would hold the program's graphs for good."""
    # TensorFlow registers each anew whenever it is traced, and has no way to let go of it.
    from tensorflow.python.framework import ops

    registered = getattr(ops.gradient_registry, "_registry", {})
    for function in functions:
        for node in function.node_def:
            if "_gradient_op_type" in node.attr:
                name = node.attr["_gradient_op_type"].s.decode()
                if name.startswith("CustomGradient-"):
                    registered.pop(name, None)


def _let_go(graph: Any) -> None:
    """A graph that is defined, with those of its loops: their circles pass through what Python does
    not collect."""
    # TensorFlow has no public way; it does so itself, but not with the graphs of loops.
    from tensorflow.python.framework.func_graph import dismantle_func_graph

    for operation in graph.get_operations():
        for name in ("_body_graph", "_cond_graph"):
            if inside := getattr(operation, name, None):
                _let_go(inside)
    dismantle_func_graph(graph)


def _register(functions: list[FunctionDef]) -> None:
    """They stay until they are forgotten as often as they were registered."""
    # TensorFlow has no public way to register a function under a given name, nor to call it.
    from tensorflow.python.eager import context

    for function in reversed(functions):
        context.context().add_function_def(function)


def _forget(names: list[str]) -> None:
    """The functions of a program that is gone, with the kernels that TensorFlow made of them."""
    from tensorflow.python.eager import context

    for name in names:
        if context.context().has_function(name):
            context.context().remove_function(name)


def _call(name: str, inputs: list, num_outputs: int) -> list:
    from tensorflow.python.eager import context

    return context.context().call_function(name.encode(), inputs, num_outputs)
