"""The products as one XLA program of all members, a loop over steps inside."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from kmlp.data import Dataset
from race.setting import Setting
from race.sides.floors import NUM_BATCHES, inputs_and_kernels, num_steps, products


class Trainer:
    """All members at once, as on a GPU."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data = setting, data
        self.dtype = jnp.bfloat16 if setting.dtype == "mixed_bfloat16" else jnp.float32
        self.programs: dict[int, Any] = {}
        self.choice = "all together"

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        size = len(seeds)
        if size not in self.programs:
            self.programs[size] = self._program(size)
        program, arrays = self.programs[size]
        for _ in range(epochs):
            jax.block_until_ready(program(*arrays))
        return {"accuracy": None}

    def _program(self, size: int) -> Any:
        x, kernels = inputs_and_kernels(self.setting, self.data, size)
        batches = x.reshape(size, NUM_BATCHES, self.setting.batch_size, -1).swapaxes(0, 1)
        whole, rest = num_steps(self.setting, self.data)

        @jax.jit
        def epoch(x: Any, kernels: list) -> list:
            def body(step: Any, _: list) -> list:
                return _products(x[step % NUM_BATCHES], kernels)

            nothing = [jnp.zeros_like(kernel) for kernel in reversed(kernels)]
            found = jax.lax.fori_loop(0, whole, body, nothing)
            return found + _products(x[0, :, :rest], kernels) if rest else found

        return epoch, (
            jnp.asarray(batches, self.dtype),
            [jnp.asarray(kernel, self.dtype) for kernel in kernels],
        )


def _products(x: Any, kernels: list) -> list:
    return products(jnp.matmul, lambda a: jnp.swapaxes(a, -1, -2), x, kernels)
