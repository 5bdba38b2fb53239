"""PyTorch with batched weights: K members as one `baddbmm` a layer.

Each has its own permutation, dropout masks and learning rate. Adam is either PyTorch's fused
kernel on each member's slices or a few operations on whole tensors; gradients are those of batched
products, eager or through `torch.compile`, or `vmap` over `grad` of one network; which, how many
members together and on how many threads is measured.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from kmlp.data import Dataset
from kmlp.machine import num_cores
from race.setting import DROPOUT, L2, Setting, scaled
from race.sides.threads import Arrangement, arrangements, best_device, fastest, precision
from race.sides.torch_loop import network

_VALIDATION_BATCH = 2000
_TRIAL_STEPS = 48
_EPSILON = 1e-7
_KINDS = ("eager", "compiled", "vmap")


class Adam(Protocol):
    def step(self, gradients: Sequence[torch.Tensor]) -> None: ...


class SlicedAdam:
    """PyTorch's fused Adam with a parameter group a member: one pass over the weights."""

    def __init__(self, weights: Sequence[torch.Tensor], rates: Sequence[float]) -> None:
        self.slices = [[w.detach()[k] for w in weights] for k in range(len(rates))]
        groups = []
        for slices, rate in zip(self.slices, rates, strict=True):
            kernels, biases = slices[::2], slices[1::2]
            groups += [
                {"params": kernels, "lr": rate, "weight_decay": 2 * L2},
                {"params": biases, "lr": rate},
            ]
        self.optimizer = torch.optim.Adam(groups, eps=_EPSILON, fused=True)

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        for k, slices in enumerate(self.slices):
            for weight, gradient in zip(slices, gradients, strict=True):
                weight.grad = gradient[k]
        self.optimizer.step()


class WholeAdam:
    """Adam in place on whole tensors, with a vector of learning rates."""

    def __init__(self, weights: Sequence[torch.Tensor], rates: Sequence[float]) -> None:
        self.weights = [w.detach() for w in weights]
        self.means = [torch.zeros_like(w) for w in self.weights]
        self.squares = [torch.zeros_like(w) for w in self.weights]
        self.rates = torch.tensor(rates, device=weights[0].device).reshape(-1, 1, 1)
        self.count = 0

    def step(self, gradients: Sequence[torch.Tensor]) -> None:
        self.count += 1
        correction = (1 - 0.999**self.count) ** 0.5
        rates = self.rates / (1 - 0.9**self.count)
        parts = zip(self.weights, gradients, self.means, self.squares, strict=True)
        for i, (weight, gradient, mean, square) in enumerate(parts):
            if i % 2 == 0:
                gradient = gradient.add(weight, alpha=2 * L2)
            mean.lerp_(gradient, 0.1)
            square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            scale = square.sqrt().div_(correction).add_(_EPSILON)
            weight.sub_(torch.div(mean, scale, out=scale).mul_(rates))


@dataclass(frozen=True)
class _Choice:
    arrangement: Arrangement
    together: int
    adam: type
    kind: str = "eager"

    def __str__(self) -> str:
        adam = "fused by member" if self.adam is SlicedAdam else "on whole tensors"
        return f"{self.together} together, {self.arrangement}, Adam {adam}, {self.kind}"


class Trainer:
    """Batches of members, one after another or one a core."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data, self.device = setting, data, best_device()
        x, y = scaled(data.x_train, data.y_train)
        self.x, self.y = torch.from_numpy(x).to(self.device), torch.from_numpy(y).to(self.device)
        self._gradients = {
            "eager": self._autograd,
            "compiled": self._through(torch.compile(self._loss, dynamic=False)),
            "vmap": self._vmapped,
        }
        chosen = fastest(self._choices(), self._trial)
        # How gradients are made is tried with the best of the rest: compiling takes a minute each.
        kinds = [dataclasses.replace(chosen, kind=kind) for kind in _KINDS]
        self._chosen = fastest(kinds, self._trial)
        self.choice = str(self._chosen)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        found = self._map(self._chosen, seeds, epochs, None)
        return {"accuracy": torch.cat(found).mean().item()}

    def _choices(self) -> list[_Choice]:
        count = self.setting.num_members
        if self.device.type != "cpu":
            few = [SlicedAdam] if count <= 10 else []
            return [_Choice(Arrangement(1, 1), count, adam) for adam in (WholeAdam, *few)]
        found = []
        for arrangement in arrangements(self.device, count):
            together = min(10, -(-count // arrangement.workers))
            for size in sorted({together, min(5, together)}):
                found += [_Choice(arrangement, size, adam) for adam in (SlicedAdam, WholeAdam)]
        return found

    def _trial(self, choice: _Choice) -> None:
        workers, size = choice.arrangement.workers, choice.together
        batches = max(workers, num_cores() * 5 // size) if self.device.type == "cpu" else 1
        # As many members whatever the choice, so that the times compare.
        self._map(choice, range(min(self.setting.num_members, batches * size)), 1, _TRIAL_STEPS)

    def _map(
        self, choice: _Choice, seeds: Sequence[int], epochs: int, max_steps: int | None
    ) -> list[torch.Tensor]:
        parts = [seeds[i : i + choice.together] for i in range(0, len(seeds), choice.together)]
        return choice.arrangement.map(
            lambda part: self._fit(part, epochs, choice, max_steps), parts
        )

    def _fit(
        self, seeds: Sequence[int], epochs: int, choice: _Choice, max_steps: int | None
    ) -> torch.Tensor:
        """Validation accuracies, `(k,)`."""
        members = [self.setting.member(seed, self.data) for seed in seeds]
        splits = [m.split(self.data.y_train) for m in members]
        train, val = (
            torch.stack([torch.from_numpy(s[i]) for s in splits]).to(self.device) for i in (0, 1)
        )
        weights = self._initial(seeds)
        optimizer = choice.adam(weights, [m.train.learning_rate for m in members])
        gradients_of = self._gradients[choice.kind]
        accuracies = torch.zeros(len(seeds))
        for _ in range(epochs):
            orders = [torch.randperm(train.shape[1], device=self.device) for _ in seeds]
            order = train.gather(1, torch.stack(orders))
            for rows in order.split(self.setting.batch_size, dim=1)[:max_steps]:
                optimizer.step(gradients_of(weights, rows))
            if max_steps is None:
                accuracies = self._accuracies(weights, val)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return accuracies.cpu()

    def _initial(self, seeds: Sequence[int]) -> list[torch.Tensor]:
        """Kernels `(k, in, units)` and biases `(k, 1, units)` in turn."""
        solo = [
            list(network(self.setting.widths(self.data), seed).state_dict().values())
            for seed in seeds
        ]
        stacked = [torch.stack(tensors) for tensors in zip(*solo, strict=True)]
        shaped = [w.transpose(1, 2) if w.ndim == 3 else w.unsqueeze(1) for w in stacked]
        return [w.contiguous().to(self.device).requires_grad_() for w in shaped]

    def _autograd(self, weights: list[torch.Tensor], rows: torch.Tensor) -> Sequence[torch.Tensor]:
        return torch.autograd.grad(self._loss(weights, rows), weights)

    @staticmethod
    def _through(loss: Callable) -> Callable:
        """The gradients of a loss that was compiled."""
        return lambda weights, rows: torch.autograd.grad(loss(weights, rows), weights)

    def _loss(self, weights: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        """Summed over members, averaged over the batch."""
        targets = self.y.index_select(0, rows.reshape(-1))
        with precision(self.device, self.setting.dtype):
            logits = self._forward(weights, rows, training=True)
            losses = functional.cross_entropy(
                logits.reshape(len(targets), -1), targets, reduction="sum"
            )
        return losses / rows.shape[1]

    def _vmapped(self, weights: list[torch.Tensor], rows: torch.Tensor) -> Sequence[torch.Tensor]:
        """As `torch.func` writes ensembles: the gradient of one network, mapped over members."""
        k, batch = rows.shape
        x = self.x.index_select(0, rows.reshape(-1)).view(k, batch, -1)
        targets = self.y.index_select(0, rows.reshape(-1)).view(k, batch)
        one = torch.func.grad(self._loss_of_one)
        return torch.func.vmap(one, randomness="different")(
            tuple(w.detach() for w in weights), x, targets
        )

    def _loss_of_one(
        self, weights: Sequence[torch.Tensor], x: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """A member's: nothing in place, which `vmap` does not take."""
        with precision(self.device, self.setting.dtype):
            pairs = list(zip(weights[::2], weights[1::2], strict=True))
            for kernel, bias in pairs[:-1]:
                x = functional.dropout(x @ kernel + bias, DROPOUT, True).relu()
            return functional.cross_entropy(x @ pairs[-1][0] + pairs[-1][1], targets)

    def _forward(
        self, weights: list[torch.Tensor], rows: torch.Tensor, training: bool
    ) -> torch.Tensor:
        k, batch = rows.shape
        x = self.x.index_select(0, rows.reshape(-1)).view(k, batch, -1)
        pairs = list(zip(weights[::2], weights[1::2], strict=True))
        for kernel, bias in pairs[:-1]:
            x = torch.baddbmm(bias, x, kernel)
            x = functional.dropout(x, DROPOUT, training, inplace=True).relu_()
        return torch.baddbmm(pairs[-1][1], x, pairs[-1][0])

    @torch.no_grad()
    def _accuracies(self, weights: list[torch.Tensor], val: torch.Tensor) -> torch.Tensor:
        """And the losses, which are validated too."""
        hits = torch.zeros(len(val), device=self.device)
        total = torch.zeros(len(val), device=self.device)
        # Rows of all members together fit where one member's do.
        for rows in val.split(max(64, _VALIDATION_BATCH // len(val)), dim=1):
            targets = self.y.index_select(0, rows.reshape(-1)).view(rows.shape)
            with precision(self.device, self.setting.dtype):
                logits = self._forward(weights, rows, training=False).float()
            losses = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
            total += losses.sum(dim=1)
            hits += (logits.argmax(2) == targets).sum(dim=1)
        return hits / val.shape[1]
