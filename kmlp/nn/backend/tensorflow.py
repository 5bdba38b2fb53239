"""TensorFlow: one XLA program an epoch; a place is a GPU, or a device of one thread for a core."""

import contextlib
import functools
import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

# TensorFlow has no public names for them.
from tensorflow.compiler.tf2xla.ops.gen_xla_ops import xla_dot_v2, xla_optimization_barrier
from tensorflow.compiler.xla.xla_data_pb2 import DotDimensionNumbers

from kmlp.machine import cpu_info, num_cores
from kmlp.nn.backend.tensorflow_functions import Fused, Traced
from kmlp.nn.backend.tensorflow_programs import compiled_programs

logger = logging.getLogger(__name__)
_CACHE_FLAG = "--tf_xla_persistent_cache_directory"
# With which it was tried: an unknown flag ends the process, and earlier ones crashed on a CPU.
_KEEPS_PROGRAMS, _TAKES_FLAGS = re.compile(r"2\.(20|21)\."), re.compile(r"2\.21\.")
_OPTIONS, _WIDTH = "--xla_backend_extra_options", "--xla_cpu_prefer_vector_width"
# Values of a tensor: smaller ones stay in the first caches between loops, and what is written out
# for each result has to be compiled.
_LARGE = 2**16
_ONE_PASS = f"{_OPTIONS}=xla_cpu_use_multi_output_fusion=true"


def compile(function: Callable, *, fused: bool = True) -> Callable:
    """The function as one program: no Python between its steps.

    Args:
        function: of tensors.
        fused: whether XLA compiles it, without a kernel launch between its steps, as it always
            does for a GPU. On a CPU only TensorFlow's own kernels know bfloat16's matrix units.
    """
    return Traced(function, fused or _on_gpu() or None)


def fuse(function: Callable) -> Callable:
    """The elementwise function as one XLA program inside one that is not XLA's."""
    return Fused(function)


def value_and_gradients(function: Callable, weights: list) -> tuple[tuple[Any, Any], list]:
    """Calls `function(weights)`, which returns `(scalar, aux)`, and differentiates the scalar."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        value, aux = function(weights)
    return (value, aux), tape.gradient(value, weights)


def in_one_pass(function: Callable, tensors: list) -> list:
    """`function(*tensors)`, a list of tensors, elementwise and of one shape: all of them computed
    in one loop over memory, where XLA does so.

    XLA puts what reads the same into one loop, but not what reads another's result; so each result
    gets a computation of its own, which XLA must not recognize before it has made its loops.
    """
    asked = _ONE_PASS in os.environ.get("XLA_FLAGS", "").split()
    worth = tensors[0].shape.num_elements() >= _LARGE
    # For a GPU XLA does so by itself.
    if tf.executing_eagerly() or _on_gpu() or not (asked and worth):
        return function(*tensors)
    found = function(*tensors)
    for i in range(1, len(found)):
        # In another order each: of equal barriers XLA makes one.
        apart = xla_optimization_barrier([*tensors[i:], *tensors[:i]])
        start = len(tensors) - i
        found[i] = function(*apart[start:], *apart[:start])[i]
    return found


def rounded_as_a_constant(value: Any) -> Any:
    """A tensor's value as if it had been a Python number that Keras casts: through float32."""
    return tf.cast(tf.cast(value, tf.float32), value.dtype)


def multiplies_bfloat16() -> bool:
    """In XLA, on a CPU that has instructions for it; with matrix units TensorFlow's own kernels
    are faster, which only graphs call."""
    known = cpu_info("flags").split()
    native = "avx512_bf16" in known and "amx_bf16" not in known
    return native and not _on_gpu() and bool(_TAKES_FLAGS.match(tf.__version__))


def bfloat16_product(a: Any, b: Any, axes: tuple[int, int]) -> Any:
    """Asked to come out as float32: of what comes out as bfloat16 XLA multiplies float32."""
    paired = range(len(a.shape) - 2)
    numbers = DotDimensionNumbers(
        lhs_contracting_dimensions=[axes[0]],
        rhs_contracting_dimensions=[axes[1]],
        lhs_batch_dimensions=paired,
        rhs_batch_dimensions=paired,
    )
    return xla_dot_v2(a, b, numbers.SerializeToString(), b"", tf.float32)


def laid_out(tensor: Any) -> Any:
    """A row that nothing is moved across has but one order."""
    (row,) = xla_optimization_barrier([tf.reshape(tensor, (-1,))])
    return tf.reshape(row, tensor.shape)


def keep_programs(folder: Path) -> bool:
    """TensorFlow keeps and finds compiled programs in this folder: asked by a flag, which is read
    when it first computes; one that names another folder stays."""
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if _CACHE_FLAG not in flags and _KEEPS_PROGRAMS.match(tf.__version__):
        kinds = "--tf_xla_persistent_cache_device_types=CPU,XLA_CPU,XLA_CPU_JIT"
        os.environ["TF_XLA_FLAGS"] = f"{flags} {_CACHE_FLAG}={folder} {kinds}".strip()
    return f"{_CACHE_FLAG}={folder}" in os.environ.get("TF_XLA_FLAGS", "").split()


def set_flags() -> None:
    """Asks XLA for loops of several results, and for vectors as wide as the processor's: by flags,
    which it reads when it first compiles. What the user has set stays."""
    flags = os.environ.get("XLA_FLAGS", "")
    if not _TAKES_FLAGS.match(tf.__version__):
        return
    if _OPTIONS not in flags:
        flags = f"{flags} {_ONE_PASS}"
    if _WIDTH not in flags and "avx512f" in cpu_info("flags").split():
        flags = f"{flags} {_WIDTH}=512"
    os.environ["XLA_FLAGS"] = flags.strip()


def num_places() -> int:
    """One a GPU, or on a CPU one a core: a virtual device whose thread pool has one thread.

    Programs of one device would share its pool: two stacks would run on one thread, or both on
    both, which costs more than it brings. What else the process computes has a device of its own,
    the first: so programs can be forgotten that nobody runs. TensorFlow takes devices and threads
    only before it starts; if it has started already, one stack at a time uses what there is. The
    one thread stays for all that the process computes with TensorFlow later.
    """
    if _on_gpu():
        return len(tf.config.list_logical_devices("GPU"))
    if _OWN.first:
        return len(tf.config.list_logical_devices("CPU")) - _OWN.first
    cores = num_cores()
    os.environ["TF_OVERRIDE_GLOBAL_THREADPOOL"] = "1"
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(max(2, cores))
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * (1 + cores),
        )
        _OWN.first = 1
    except (RuntimeError, ValueError):
        logger.debug("TensorFlow has started before kmlp and keeps its devices")
    places = len(tf.config.list_logical_devices("CPU")) - _OWN.first
    if places == 1 < cores:
        _warn_of_one_place()
    return places


@functools.cache
def _warn_of_one_place() -> None:
    """Once a process."""
    logger.warning(
        "TensorFlow had started before kmlp: one stack trains at a time on all cores, more slowly. "
        "Train with kmlp before anything is computed with TensorFlow."
    )


def place(index: int) -> contextlib.AbstractContextManager:
    """One of the places."""
    return tf.device(f"GPU:{index}" if _on_gpu() else f"CPU:{_OWN.first + index}")


def place_name(index: int) -> tuple[str, str]:
    """The GPU's model, of a core none, and the place's name."""
    if not _on_gpu():
        return "", f"cpu:{index}"
    models = [name for kind, name, _ in devices() if kind == "gpu"]
    # Of GPUs that the user has split nobody tells which of them a part is of.
    is_whole = num_places() == len(models)
    return models[index] if is_whole else " or ".join(sorted(set(models))), f"gpu:{index}"


def copies_data() -> bool:
    """Cores share what there is in memory."""
    return _on_gpu() and num_places() > 1


def forget_programs(index: int) -> bool:
    """Lets go of all that XLA has compiled for a place in which nothing runs: of devices that kmlp
    alone has, where TensorFlow is known to take it; and anywhere of the graphs of what is fused.

    TensorFlow keeps them in a resource of the device, and makes another where none is.
    """
    for fused in Fused.known:
        fused.forget()
    if not (_OWN.first and _TAKES_FLAGS.match(tf.__version__)) or _on_gpu():
        return False
    with place(index):
        tf.raw_ops.DestroyResourceOp(resource=compiled_programs())
    return True


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Without TensorFloat-32, which GPUs from Ampere on multiply in."""
    kept = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(kept)


@dataclass
class _Own:
    """Which devices kmlp alone computes on.

    Attributes:
        first: the first of them, by number; 0 where it shares them all.
    """

    first: int = 0


_OWN = _Own()


def _on_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def device_memory() -> int | None:
    """Bytes that TensorFlow may take of the GPU that has least; None without a GPU."""
    if not _on_gpu():
        return None
    # TensorFlow tells no GPU's memory through its public names.
    from tensorflow.python.client import device_lib

    return min(d.memory_limit for d in device_lib.list_local_devices() if d.device_type == "GPU")


def devices() -> list[tuple[str, str, tuple[int, int] | None]]:
    """Each device's kind ("cpu", "gpu"), name, and a GPU's compute capability."""
    found: list[tuple[str, str, tuple[int, int] | None]] = []
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device)
        kind = device.device_type.lower()
        name = details.get("device_name", device.name)
        found.append((kind, name, details.get("compute_capability")))
    return [d for d in found if not d[0].startswith("xla")]
