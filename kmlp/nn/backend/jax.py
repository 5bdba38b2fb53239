"""JAX: a place is a device; of a CPU there is one, over whose cores XLA spreads a program."""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax

from kmlp.machine import cpu_info

logger = logging.getLogger(__name__)
# Places trace one and the same Keras model, which is not made for two threads.
_TRACING = threading.RLock()
# What is planned for where a device does not tell: cards with less are rare.
_UNKNOWN_MEMORY = 4 * 2**30


def compile(function: Callable, *, fused: bool = True) -> Callable:
    """The function as one XLA program."""

    @functools.wraps(function)
    def traced(*arguments: Any) -> Any:
        with _TRACING:
            return function(*arguments)

    return jax.jit(traced)


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


def multiplies_bfloat16() -> bool:
    """On a CPU that has instructions for it."""
    on_cpu = jax.local_devices()[0].platform == "cpu"
    return on_cpu and "avx512_bf16" in cpu_info("flags").split()


def bfloat16_product(a: Any, b: Any, axes: tuple[int, int]) -> Any:
    """Asked to come out as float32: of what comes out as bfloat16 XLA multiplies float32."""
    paired = tuple(range(a.ndim - 2))
    numbers = (((axes[0],), (axes[1],)), (paired, paired))
    return jax.lax.dot_general(a, b, numbers, preferred_element_type="float32")


def laid_out(tensor: Any) -> Any:
    """A row that nothing is moved across has but one order."""
    return jax.lax.optimization_barrier(tensor.reshape(-1)).reshape(tensor.shape)


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
    """One a device: each GPU, or the whole CPU."""
    return len(jax.local_devices())


def device_memory() -> int | None:
    """Bytes that JAX may take of the device that has least; None on a CPU."""
    found = [_memory(device) for device in jax.local_devices() if device.platform != "cpu"]
    return min(found, default=None)


def _memory(device: Any) -> int:
    """Not every allocator tells its limit."""
    limit = (device.memory_stats() or {}).get("bytes_limit")
    if not limit:
        _warn_of_unknown_memory(f"{device.device_kind} ({device.platform}:{device.id})")
    return limit or _UNKNOWN_MEMORY


@functools.cache
def _warn_of_unknown_memory(device: str) -> None:
    """Once a process."""
    logger.warning(
        "JAX does not say how much memory %s has: stacks are planned for %d GiB. Unset "
        "XLA_PYTHON_CLIENT_ALLOCATOR if it is set.",
        device,
        _UNKNOWN_MEMORY // 2**30,
    )


def place(index: int) -> contextlib.AbstractContextManager:
    """One of the devices."""
    return jax.default_device(jax.local_devices()[index])


def place_name(index: int) -> tuple[str, str]:
    """The device's model, but of a CPU, and its name."""
    device = jax.local_devices()[index]
    model = "" if device.platform == "cpu" else device.device_kind
    return model, f"{device.platform}:{device.id}"


def copies_data() -> bool:
    """A program reads from its own device."""
    return num_places() > 1


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
    for device in jax.local_devices():
        major, dot, minor = str(getattr(device, "compute_capability", "")).partition(".")
        capability = (int(major), int(minor)) if dot else None
        found.append((device.platform, device.device_kind, capability))
    return found
