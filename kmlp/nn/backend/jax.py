"""JAX: XLA spreads one program over the cores by itself, so there is one place."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax


def compile(function: Callable, *, fused: bool = True) -> Callable:
    """The function as one XLA program."""
    return jax.jit(function)


def fuse(function: Callable) -> Callable:
    """The program around it is XLA's already."""
    return function


def value_and_gradients(function: Callable, weights: list) -> tuple[tuple[Any, Any], list]:
    """Calls `function(weights)`, which returns `(scalar, aux)`, and differentiates the scalar."""
    return jax.value_and_grad(function, has_aux=True)(weights)


def in_one_pass(function: Callable, tensors: list) -> list:
    """`function(*tensors)`, elementwise, as it is."""
    return function(*tensors)


def rounded_as_a_constant(value: Any) -> Any:
    """A tensor's value as if it had been a Python number that Keras casts: as it is."""
    return value


def keep_programs(folder: Path) -> bool:
    """JAX keeps and finds compiled programs in this folder, unless it was given another."""
    if getattr(jax.config, "jax_compilation_cache_dir") not in (None, str(folder)):  # noqa: B009
        return False
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    return True


def set_flags() -> None:
    """None are needed."""


def num_places() -> int:
    """One stack at a time."""
    return 1


def device_memory() -> int | None:
    """Bytes that JAX may take of the first device's memory; None on a CPU."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    return (device.memory_stats() or {}).get("bytes_limit")


def place(index: int) -> contextlib.AbstractContextManager:
    """The whole device."""
    return contextlib.nullcontext()


def forget_programs(index: int) -> bool:
    """Lets go of all that JAX has compiled in this process: what runs keeps what it runs."""
    jax.clear_caches()
    return True


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Without TensorFloat-32, which GPUs from Ampere on multiply in."""
    with jax.default_matmul_precision("highest"):
        yield


def devices() -> list[tuple[str, str, tuple[int, int] | None]]:
    """Each device's kind ("cpu", "gpu", "tpu"), name, and a GPU's compute capability."""
    found: list[tuple[str, str, tuple[int, int] | None]] = []
    for device in jax.devices():
        major, dot, minor = str(getattr(device, "compute_capability", "")).partition(".")
        capability = (int(major), int(minor)) if dot else None
        found.append((device.platform, device.device_kind, capability))
    return found
