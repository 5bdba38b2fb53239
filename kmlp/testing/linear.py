"""A member as a linear model: one gradient step an epoch, in NumPy."""

import math
from collections.abc import Mapping

import numpy as np

from kmlp.config.seeds import generator
from kmlp.data.dataset import Dataset, DataSpec
from kmlp.data.rows.scoring import score_rows
from kmlp.engine.member import Member
from kmlp.engine.trainer import MemberResult

# An epoch is one step: with it the usual learning rates learn something in a few of them.
_STEP = 30.0
_TOO_LARGE = 1e6


class LinearRun:
    """A member in training, whatever its network: as the engine's in all that is told of it.

    It learns, each seed's stream has its say, `learning_rate`, `dropout` and `l2` count, training
    stops early and diverges; other fields say nothing here. One member's result depends on nothing
    but the member and the data.

    Args:
        member: what to train; its rows, seeds and stopping are its own.
        data: what it trains on.
    """

    def __init__(self, member: Member, data: Dataset) -> None:
        self.member, self.data, self.epoch, self.status = member, data, 0, "done"
        self.rows, self.held_out = member.split(data.rows)
        self.fold = member.fold(data.rows)
        self.targets, self._center, self._scale = _targets(data, self.rows)
        shape = (data.spec.num_features + 1, self.targets.shape[1])
        self.weights = 0.1 * generator(member.seeds.init, "init").normal(size=shape)
        self.best, self.best_epoch, self._least = self.weights, 0, np.inf
        self.curves: dict[str, list[float]] = {}

    @property
    def stopped(self) -> bool:
        """Whether it has diverged, or not improved for so long."""
        train = self.member.train
        waited = self.epoch - self.best_epoch
        return self.status == "diverged" or (train.early_stopping and waited > train.patience)

    def train_epoch(self) -> dict[str, float]:
        """One step on half of the training rows, in this epoch's order; the epoch's logs."""
        model, seeds = self.member.model, self.member.seeds
        order = self.member.epoch_order(self.rows, self.epoch)
        batch = order[: (len(order) + 1) // 2]
        x = _inputs(self.data.x_train[batch], self.data.spec)
        noise = generator(seeds.noise, "noise", self.epoch)
        x = x * (noise.random(x.shape) >= model.dropout) / (1 - model.dropout)
        errors = _outputs(x @ self.weights, self.data.spec) - self.targets[batch]
        gradient = x.T @ (self._weights_of(batch)[:, None] * errors)
        gradient = gradient / len(batch) + model.l2 * self.weights
        self.weights = self.weights - _STEP * self.member.train.learning_rate * gradient
        self.epoch += 1
        return self._log()

    def _log(self) -> dict[str, float]:
        own = self._scores(self.data.x_train, self.rows)
        logs = {"loss": next(iter(own.values())), **own}
        if len(self.held_out):
            held_out = self._scores(self.data.x_train, self.held_out)
            logs |= {f"val_{name}": value for name, value in held_out.items()}
        for name, value in logs.items():
            self.curves.setdefault(name, []).append(value)
        plain = next(iter(own))
        self._judge(logs.get(f"val_{plain}", logs["loss"]), logs["loss"])
        return logs

    def _judge(self, monitored: float, loss: float) -> None:
        if not loss < _TOO_LARGE:
            self.status, self.weights = "diverged", np.full_like(self.weights, np.nan)
        if monitored < self._least or not self.best_epoch:
            self.best, self.best_epoch, self._least = self.weights, self.epoch, monitored

    def _scores(self, x: np.ndarray, rows: np.ndarray) -> dict[str, float]:
        """The plain loss first, then the accuracy of classes."""
        outputs, targets = self._forward(x[rows]), self.targets[rows]
        weights = self._weights_of(rows)
        if self.data.spec.task == "regression":
            return {"mse": float(np.average(np.square(outputs - targets)[:, 0], weights=weights))}
        hits = outputs.argmax(1) == targets.argmax(1)
        loss = -float(np.average(outputs[targets == 1], weights=weights))
        return {"cross_entropy": loss, "accuracy": float(np.average(hits, weights=weights))}

    def _weights_of(self, rows: np.ndarray) -> np.ndarray:
        """How much rows count, of mean 1 over the training rows."""
        weight = self.data.rows.weight
        return np.ones(len(rows)) if weight is None else weight[rows] / weight[self.rows].mean()

    def _forward(self, x: np.ndarray) -> np.ndarray:
        outputs = _inputs(x, self.data.spec) @ self.weights
        return outputs if self.data.spec.task == "regression" else _log_softmax(outputs)

    def predictions(self, x: np.ndarray) -> np.ndarray:
        """Of `(n, ...)` examples, as they are recorded: log-probabilities, or numbers in the
        target's own unit."""
        outputs = self._forward(x)
        if self.data.spec.task == "regression":
            outputs = self._center + self._scale * outputs[:, 0]
        return self.data.spec.in_unit(outputs.astype(np.float32))

    def load(self, weights: Mapping[str, np.ndarray]) -> None:
        """Takes what a `MemberResult` has."""
        kernel, bias = (weights[f"predictions/{name}"] for name in ("kernel", "bias"))
        self.weights = np.vstack([kernel, bias])

    def result(self) -> MemberResult:
        """At its restored epoch."""
        train = self.member.train
        if train.early_stopping and train.restore_best_weights:
            self.weights = self.best
        held_out = self.data.x_train[self.fold] if len(self.fold) else self.data.x_test
        predictions, kept = self.predictions(held_out), self.member.calibration(self.data.rows)
        return MemberResult(
            member=self.member,
            status=self.status,
            best_epoch=self.best_epoch,
            stopped_epoch=self.epoch,
            curves={name: np.asarray(v, np.float32) for name, v in self.curves.items()},
            weights={
                "predictions/kernel": self.weights[:-1].astype(np.float32),
                "predictions/bias": self.weights[-1].astype(np.float32),
            },
            predictions=predictions,
            validation=self.predictions(self.data.x_train[self.held_out]),
            validation_rows=self.held_out,
            fold=self.fold,
            metrics=self._metrics(predictions),
            seconds=1.0,
            calibration=self.predictions(self.data.x_train[kept]),
            calibration_rows=kept,
        )

    def _metrics(self, predictions: np.ndarray) -> dict[str, dict[str, float]]:
        data, parts = self.data, {"train": self.rows, "val": self.held_out}
        found = {
            part: score_rows(data, self.predictions(data.x_train[rows]), rows)
            for part, rows in parts.items()
            if len(rows)
        }
        if not len(predictions):
            return found
        if len(self.fold):
            return {**found, "fold": score_rows(data, predictions, self.fold)}
        return {**found, "test": score_rows(data, predictions)}

    def arrays(self) -> dict[str, np.ndarray]:
        """All that the next epoch depends on, and what is known so far."""
        numbers = [self.epoch, self.best_epoch, self.status == "diverged", self._least]
        curves = {f"curve/{name}": np.asarray(curve) for name, curve in self.curves.items()}
        return {
            "numbers": np.array(numbers, float),
            "weights": self.weights,
            "best": self.best,
            **curves,
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Goes back to what `arrays` gave."""
        epoch, best_epoch, diverged, self._least = arrays["numbers"].tolist()
        self.epoch, self.best_epoch = int(epoch), int(best_epoch)
        self.status = "diverged" if diverged else "done"
        self.weights, self.best = arrays["weights"], arrays["best"]
        prefix = "curve/"
        self.curves = {
            name.removeprefix(prefix): value.tolist()
            for name, value in arrays.items()
            if name.startswith(prefix)
        }


def _inputs(x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """`(n, features + 1)`: images in [0, 1], and a one for the bias."""
    flat = x.reshape(len(x), math.prod(x.shape[1:])) / (
        255.0 if spec.input_dtype == "uint8" else 1.0
    )
    return np.hstack([flat, np.ones((len(x), 1))])


def _targets(data: Dataset, rows: np.ndarray) -> tuple[np.ndarray, float, float]:
    """`(n, outputs)` one-hot classes, or standardized targets; their mean and deviation."""
    if data.spec.task != "regression":
        return np.eye(data.spec.num_classes)[data.y_train], 0.0, 1.0
    y, weight = data.y_train[rows], data.rows.weight
    if weight is None:
        center, scale = float(y.mean()), float(y.std()) or 1.0
    else:
        center = float(np.average(y, weights=weight[rows]))
        scale = float(np.average(np.square(y - center), weights=weight[rows])) ** 0.5 or 1.0
    return ((data.y_train - center) / scale)[:, None], center, scale


def _outputs(linear: np.ndarray, spec: DataSpec) -> np.ndarray:
    """What the targets are compared with: probabilities, or numbers."""
    return linear if spec.task == "regression" else np.exp(_log_softmax(linear))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
