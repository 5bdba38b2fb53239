"""The products with NumPy's BLAS: a thread a core, each its own members, results in place."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kmlp.data import Dataset
from kmlp.machine import num_cores
from race.setting import Setting
from race.sides.floors import NUM_BATCHES, inputs_and_kernels, num_steps


class Trainer:
    """One member after another in each thread."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.batch, self.steps = setting.batch_size, num_steps(setting, data)
        self.arrays = [
            (x[0], [k[0] for k in kernels])
            for x, kernels in (inputs_and_kernels(setting, data, 1) for _ in range(num_cores()))
        ]
        self.choice = f"{num_cores()} threads, one member each"

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        cores = num_cores()
        shares = [seeds[i::cores] for i in range(cores)]
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda share, a: self._run(len(share) * epochs, *a), shares, self.arrays))
        return {"accuracy": None}

    def _run(self, num_epochs: int, x: np.ndarray, kernels: list[np.ndarray]) -> None:
        whole, rest = self.steps
        full, last = _Step(self.batch, kernels), _Step(rest, kernels)
        for _ in range(num_epochs):
            for step in range(whole):
                start = step % NUM_BATCHES * self.batch
                full.run(x[start : start + self.batch])
            if rest:
                last.run(x[:rest])


class _Step:
    """The products of one step into arrays that stay."""

    def __init__(self, batch: int, kernels: list[np.ndarray]) -> None:
        self.kernels = kernels
        self.outputs = [np.empty((batch, k.shape[1]), np.float32) for k in kernels]
        self.backward = [np.empty((batch, k.shape[0]), np.float32) for k in kernels]
        self.gradients = [np.empty_like(k) for k in kernels]

    def run(self, x: np.ndarray) -> None:
        inputs = [x, *self.outputs[:-1]]
        for value, kernel, out in zip(inputs, self.kernels, self.outputs, strict=True):
            np.matmul(value, kernel, out=out)
        gradient = self.outputs[-1]
        for i in reversed(range(len(self.kernels))):
            np.matmul(inputs[i].T, gradient, out=self.gradients[i])
            if i:
                gradient = np.matmul(gradient, self.kernels[i].T, out=self.backward[i])
