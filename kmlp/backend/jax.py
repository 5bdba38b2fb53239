"""JAX: XLA spreads one program over the cores by itself, so there is one place."""

import contextlib
from collections.abc import Callable
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


def num_places() -> int:
    """One stack at a time."""
    return 1


def place(index: int) -> contextlib.AbstractContextManager:
    """The whole device."""
    return contextlib.nullcontext()
