"""JAX: everything is one XLA program, keys are JAX's own."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras


def compile(function: Callable) -> Callable:
    """The function as one XLA program."""
    return jax.jit(function)


def compile_update(function: Callable) -> Callable:
    """The epoch around it is one XLA program already."""
    return function


def value_and_gradients(function: Callable, weights: list) -> tuple[tuple[Any, Any], list]:
    """Calls `function(weights)`, which returns `(scalar, aux)`, and differentiates the scalar."""
    return jax.value_and_grad(function, has_aux=True)(weights)


def random_words(key: Any, step: Any, size: int) -> Any:
    """Uniform random words, `(k, size)` `uint32`; member i's depend on `key[i]`, `step[i]` alone.

    Args:
        key: `(k, 2)` `int32`.
        step: `(k,)` `int32`.
        size: static.
    """

    def draw(words: Any, count: Any) -> Any:
        member = jax.random.wrap_key_data(words.astype(jnp.uint32), impl="threefry2x32")
        return jax.random.bits(jax.random.fold_in(member, count), (size,), jnp.uint32)

    return jax.vmap(draw)(*map(keras.ops.convert_to_tensor, (key, step)))


def random_bytes(key: Any, step: Any, shape: tuple[int, ...]) -> Any:
    """Uniform random bytes, `(k, *shape)` `uint8`, keyed as `random_words`; `shape` is static."""
    size = math.prod(shape)
    words = random_words(key, step, -(-size // 4))
    drawn = jax.lax.bitcast_convert_type(words, jnp.uint8).reshape(len(words), -1)
    return drawn[:, :size].reshape(len(words), *shape)


def set_threads() -> int:
    """XLA spreads one program over the cores by itself: one stack at a time."""
    return 1


def device_memory() -> int | None:
    """Bytes that JAX may take of the first device's memory; None on a CPU."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    return (device.memory_stats() or {}).get("bytes_limit")
