"""The products with PyTorch: how many members together, on how many threads, is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kmlp.data import Dataset
from kmlp.machine import num_cores
from race.setting import Setting
from race.sides.floors import NUM_BATCHES, inputs_and_kernels, num_steps, products
from race.sides.threads import Arrangement, arrangements, best_device, fastest

_TRIAL_STEPS = 64


@dataclass(frozen=True)
class _Choice:
    arrangement: Arrangement
    together: int

    def __str__(self) -> str:
        return f"{self.together} together, {self.arrangement}"


class Trainer:
    """Groups of members, one after another or one a core."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data, self.device = setting, data, best_device()
        self.dtype = torch.bfloat16 if setting.dtype == "mixed_bfloat16" else torch.float32
        self.steps = num_steps(setting, data)
        self.arrays: dict[int, Any] = {}
        self._chosen = fastest(self._choices(), self._trial)
        self.choice = str(self._chosen)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        self._map(self._chosen, len(seeds), epochs, self.steps)
        return {"accuracy": None}

    def _choices(self) -> list[_Choice]:
        count = self.setting.num_members
        if self.device.type != "cpu":
            return [_Choice(Arrangement(1, 1), count)]
        return [
            _Choice(a, size)
            for a in arrangements(self.device, count)
            for size in sorted({1, min(5, count), min(10, count)})
            if size * a.workers <= max(count, a.workers)
        ]

    def _trial(self, choice: _Choice) -> None:
        count = min(self.setting.num_members, 10 * num_cores())
        self._map(choice, count, 1, (_TRIAL_STEPS, 0))

    def _map(self, choice: _Choice, count: int, epochs: int, steps: tuple[int, int]) -> None:
        size = choice.together
        sizes = [min(size, count - start) for start in range(0, count, size)]
        for size in set(sizes):
            if size not in self.arrays:
                self.arrays[size] = self._tensors(size)
        choice.arrangement.map(lambda size: self._run(size, epochs, steps), sizes)
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _tensors(self, size: int) -> Any:
        x, kernels = inputs_and_kernels(self.setting, self.data, size)
        batches = x.reshape(size, NUM_BATCHES, self.setting.batch_size, -1).swapaxes(0, 1)
        tensors = [
            torch.tensor(array).to(self.device, self.dtype) for array in (*batches, *kernels)
        ]
        if size == 1:
            tensors = [tensor[0] for tensor in tensors]
        return tensors[:NUM_BATCHES], tensors[NUM_BATCHES:]

    @torch.no_grad()
    def _run(self, size: int, epochs: int, steps: tuple[int, int]) -> None:
        batches, kernels = self.arrays[size]
        whole, rest = steps
        for _ in range(epochs):
            for step in range(whole):
                products(torch.matmul, _transpose, batches[step % NUM_BATCHES], kernels)
            if rest:
                products(torch.matmul, _transpose, batches[0][..., :rest, :], kernels)


def _transpose(x: torch.Tensor) -> torch.Tensor:
    return x.transpose(-1, -2)
