"""TensorFlow: graphs for the epoch, XLA for the update, Philox for the bytes."""

import functools
import logging
import math
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

logger = logging.getLogger(__name__)


def compile(function: Callable) -> Callable:
    """The function as one graph: no Python between its steps. XLA only where it pays: on a GPU."""
    # A partial has no code object: else TensorFlow counts every program's first trace of one
    # method as retraces of a single function, and warns.
    program = functools.partial(function)
    return tf.function(program, autograph=False, jit_compile=_on_gpu() or None)


def compile_update(function: Callable) -> Callable:
    """The elementwise update fused by XLA, which is slower for the whole step on a CPU."""
    return tf.function(functools.partial(function), autograph=False, jit_compile=True)


def value_and_gradients(function: Callable, weights: list) -> tuple[tuple[Any, Any], list]:
    """Calls `function(weights)`, which returns `(scalar, aux)`, and differentiates the scalar."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        value, aux = function(weights)
    return (value, aux), tape.gradient(value, weights)


def random_words(key: Any, step: Any, size: int) -> Any:
    """Uniform random words, `(k, size)` `uint32`; member i's depend on `key[i]`, `step[i]` alone.

    Args:
        key: `(k, 2)` `int32`.
        step: `(k,)` `int32`.
        size: static.
    """
    key, step = tf.convert_to_tensor(key), tf.convert_to_tensor(step)
    seeds = tf.stack([key[:, 0], key[:, 1] + step], axis=1)
    words = [
        tf.random.stateless_uniform((size,), seeds[i], None, None, tf.uint32, alg="philox")
        for i in range(key.shape[0])
    ]
    return tf.stack(words)


def random_bytes(key: Any, step: Any, shape: tuple[int, ...]) -> Any:
    """Uniform random bytes, `(k, *shape)` `uint8`, keyed as `random_words`; `shape` is static."""
    size = math.prod(shape)
    words = random_words(key, step, -(-size // 4))
    drawn = tf.reshape(tf.bitcast(words, tf.uint8), (key.shape[0], -1))
    return tf.reshape(drawn[:, :size], (key.shape[0], *shape))


def set_threads() -> int:
    """One core a stack: half the time of one stack over all cores, the same results.

    TensorFlow takes its thread counts only before it starts; if it has started already with
    more, one stack at a time uses all cores.

    Returns:
        How many stacks to train at once.
    """
    if _on_gpu():
        return 1
    cores = _num_cores()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(max(2, cores))
    except RuntimeError:
        if tf.config.threading.get_intra_op_parallelism_threads() != 1:
            logger.info("TensorFlow has started before kmlp: one stack at a time, all cores")
            return 1
    return cores


def device_memory() -> int | None:
    """Bytes that TensorFlow may take of the first GPU's memory; None without a GPU."""
    if not _on_gpu():
        return None
    # TensorFlow tells no GPU's memory through its public names.
    from tensorflow.python.client import device_lib

    return next(d.memory_limit for d in device_lib.list_local_devices() if d.device_type == "GPU")


def _num_cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _on_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))
