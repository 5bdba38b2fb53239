"""The products as one TensorFlow graph an epoch: a thread a core, each its own members."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from kmlp.data import Dataset
from kmlp.machine import num_cores
from race.setting import Setting
from race.sides.floors import NUM_BATCHES, inputs_and_kernels, num_steps, products


class Trainer:
    """Groups of members; how many together is measured."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data = setting, data
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.workers = 1 if on_gpu else num_cores()
        # The judge gives one intra-op thread; as many operations at once as there are stacks.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, self.workers))
        self.dtype = tf.bfloat16 if setting.dtype == "mixed_bfloat16" else tf.float32
        self.programs: dict[int, Any] = {}
        share = -(-setting.num_members // self.workers)
        sizes = {share} if on_gpu else {1, min(5, share), min(10, share)}
        self.together = min(sorted(sizes), key=self._trial)
        self.choice = f"{self.together} together, {self.workers} threads"

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        self._map(len(seeds), epochs, self.together)
        return {"accuracy": None}

    def _trial(self, size: int) -> float:
        """Seconds a member of an epoch."""
        count = size * self.workers
        self._map(count, 1, size)
        started = time.perf_counter()
        self._map(count, 1, size)
        return (time.perf_counter() - started) / count

    def _map(self, count: int, epochs: int, together: int) -> None:
        sizes = [min(together, count - start) for start in range(0, count, together)]
        for size in set(sizes):
            if size not in self.programs:
                self.programs[size] = self._program(size)
        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(lambda size: self._run(size, epochs), sizes))

    def _run(self, size: int, epochs: int) -> None:
        for _ in range(epochs):
            self.programs[size]()[0].numpy()

    def _program(self, size: int) -> Any:
        x, kernels = inputs_and_kernels(self.setting, self.data, size)
        batches = x.reshape(size, NUM_BATCHES, self.setting.batch_size, -1).swapaxes(0, 1)
        x = tf.cast(tf.constant(batches), self.dtype)
        kernels = [tf.cast(tf.constant(kernel), self.dtype) for kernel in kernels]
        whole, rest = num_steps(self.setting, self.data)

        def body(step: Any, _: Any) -> tuple:
            return step + 1, _products(tf.gather(x, step % NUM_BATCHES), kernels)

        @tf.function(autograph=False)
        def epoch() -> list:
            nothing = [tf.zeros_like(kernel) for kernel in reversed(kernels)]
            _, found = tf.while_loop(
                lambda step, _: step < whole, body, (0, nothing), parallel_iterations=1
            )
            return found + _products(x[0, :, :rest], kernels) if rest else found

        return epoch


def _products(x: Any, kernels: list) -> list:
    return products(tf.matmul, tf.linalg.matrix_transpose, x, kernels)
