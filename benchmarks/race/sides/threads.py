"""How PyTorch's threads are shared out: measured, not guessed."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from kmlp.machine import num_cores


@dataclass(frozen=True)
class Arrangement:
    """So many Python threads, each with so many of PyTorch's."""

    workers: int
    intra_op: int

    def __str__(self) -> str:
        return f"{self.workers} x {self.intra_op} threads"

    def map(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
        """`function` of each part, several at once."""
        torch.set_num_threads(self.intra_op)
        if self.workers == 1:
            return [function(part) for part in parts]

        def one(part: Any) -> Any:
            torch.set_num_threads(self.intra_op)
            return function(part)

        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(one, parts))


def arrangements(device: torch.device, num_members: int) -> list[Arrangement]:
    """What is worth trying: on a GPU one thread gives all the work."""
    cores = num_cores()
    if device.type != "cpu" or cores == 1:
        return [Arrangement(1, cores)]
    single = [Arrangement(1, cores), Arrangement(1, 1)]
    return single if num_members == 1 else [*single, Arrangement(min(cores, num_members), 1)]


def fastest(choices: Sequence[Any], trial: Callable[[Any], None]) -> Any:
    """The choice whose trial is shortest, each tried twice after a warm-up, in turn; one that fails
    is out, unless all do."""
    seconds, failed = dict.fromkeys(choices, float("inf")), {}
    for round_ in range(3):
        for choice in choices:
            if choice in failed:
                continue
            started = time.perf_counter()
            try:
                trial(choice)
            except Exception as error:
                failed[choice] = error
                print(f"not tried further: {choice}: {error}", file=sys.stderr)
                continue
            if round_:
                seconds[choice] = min(seconds[choice], time.perf_counter() - started)
    if len(failed) == len(seconds):
        raise next(iter(failed.values()))
    return min((c for c in seconds if c not in failed), key=lambda choice: seconds[choice])


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(device: torch.device, dtype: str) -> Any:
    """The context of the forward pass and the loss."""
    return torch.autocast(device.type, torch.bfloat16, enabled=dtype == "mixed_bfloat16")
