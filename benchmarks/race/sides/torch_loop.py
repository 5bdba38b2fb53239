"""A tuned PyTorch loop: data on the device, whole batches by `index_select`, fused Adam."""

import statistics
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from kmlp.data import Dataset
from kmlp.machine import num_cores
from race.setting import DROPOUT, L2, Setting, scaled
from race.sides.threads import arrangements, best_device, fastest, precision

_VALIDATION_BATCH = 2000
_TRIAL_STEPS = 96


def network(widths: Sequence[int], seed: int) -> nn.Sequential:
    """The members' network; initial weights as kmlp draws them."""
    generator = torch.Generator().manual_seed(seed)
    layers: list[nn.Module] = []
    for i, (inputs, units) in enumerate(pairwise(widths)):
        dense = nn.Linear(inputs, units)
        nn.init.zeros_(dense.bias)
        if i == len(widths) - 2:
            nn.init.xavier_uniform_(dense.weight, generator=generator)
            layers.append(dense)
        else:
            nn.init.kaiming_normal_(dense.weight, nonlinearity="relu", generator=generator)
            # In this order both may work in place; the result is that of relu before dropout.
            layers += [dense, nn.Dropout(DROPOUT, inplace=True), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Trainer:
    """One member after another, or one a core, whichever is faster."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data, self.device = setting, data, best_device()
        x, y = scaled(data.x_train, data.y_train)
        self.x, self.y = torch.from_numpy(x).to(self.device), torch.from_numpy(y).to(self.device)
        some = range(min(setting.num_members, num_cores()))
        self.arrangement = fastest(
            arrangements(self.device, setting.num_members),
            lambda choice: choice.map(lambda seed: self._fit(seed, 1, _TRIAL_STEPS), some),
        )
        self.choice = str(self.arrangement)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        accuracies = self.arrangement.map(lambda seed: self._fit(seed, epochs), seeds)
        return {"accuracy": statistics.fmean(accuracies)}

    def _fit(self, seed: int, epochs: int, max_steps: int | None = None) -> float:
        member = self.setting.member(seed, self.data)
        model = network(self.setting.widths(self.data), seed).to(self.device)
        optimizer = torch.optim.Adam(
            [
                # Adam's coupled weight decay is the gradient of the penalty.
                {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 2 * L2},
                {"params": [p for p in model.parameters() if p.ndim == 1]},
            ],
            lr=member.train.learning_rate,
            eps=1e-7,
            fused=True,
        )
        train, val = (
            torch.from_numpy(rows).to(self.device) for rows in member.split(self.data.rows)
        )
        accuracy = 0.0
        for _ in range(epochs):
            order = train[torch.randperm(len(train), device=self.device)]
            self._train_epoch(model, optimizer, order.split(self.setting.batch_size)[:max_steps])
            if max_steps is None:
                accuracy = self._accuracy(model, val)
        return accuracy

    def _train_epoch(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, batches: Sequence[torch.Tensor]
    ) -> None:
        model.train()
        for rows in batches:
            examples, targets = self.x.index_select(0, rows), self.y.index_select(0, rows)
            with precision(self.device, self.setting.dtype):
                loss = nn.functional.cross_entropy(model(examples), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def _accuracy(self, model: nn.Module, val: torch.Tensor) -> float:
        """And the loss, which is validated too."""
        model.eval()
        hits, total = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        for rows in val.split(_VALIDATION_BATCH):
            targets = self.y.index_select(0, rows)
            with precision(self.device, self.setting.dtype):
                logits = model(self.x.index_select(0, rows))
            total += nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
            hits += (logits.argmax(1) == targets).sum()
        return (hits / len(val)).item()
