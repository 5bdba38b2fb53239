"""Products of a training step whose operands are rounded to bfloat16, summed up in float32.

The network around them stays in full precision: a processor that multiplies bfloat16 is no faster
at anything else in it.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from kmlp.nn import backend


@ops.custom_gradient
def rounded_product(inputs: Any, kernel: Any) -> tuple[Any, Callable]:
    """`inputs @ kernel`; the products of its gradients are rounded alike.

    Args:
        inputs: `(..., batch, in)`.
        kernel: `(..., in, units)`.

    Returns:
        `(..., batch, units)`, of the inputs' dtype.
    """
    dtype, axis = inputs.dtype, len(inputs.shape) - 2
    x, w = ops.cast(inputs, "bfloat16"), ops.cast(kernel, "bfloat16")

    def product(a: Any, b: Any, *axes: int) -> Any:
        return ops.cast(backend.bfloat16_product(a, b, (axis + axes[0], axis + axes[1])), dtype)

    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, Any]:
        (upstream,) = args or (upstream,)
        g = ops.cast(upstream, "bfloat16")
        # Over an axis that is not the last one of the left side XLA multiplies float32.
        columns = backend.laid_out(ops.swapaxes(x, axis, axis + 1))
        return product(g, w, 1, 1), product(columns, g, 1, 0)

    return product(x, w, 1, 0), gradient
