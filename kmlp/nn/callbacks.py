"""Member-wise early stopping and learning-rate reduction, with Keras's names and meanings.

They are `keras.callbacks.Callback`s whose every quantity is a vector over the members. The
logs hold `(k,)` arrays; `self.model` is the running training, which offers `weights` (tensors
with the member axis first), `learning_rate` `(k,)` and `stop_training`. With one member they
do what `keras.callbacks.EarlyStopping` and `ReduceLROnPlateau` do.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.stats.monitoring import direction


class _Monitor(keras.callbacks.Callback):
    """Keeps, by member, the best value of one metric; an improvement exceeds `min_delta`."""

    def __init__(self, monitor: str, min_delta: Any, mode: str) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be auto, min or max. Received: mode={mode!r}.")
        self.monitor = monitor
        self.min_delta = np.abs(np.asarray(min_delta, float))
        mode = direction(monitor) if mode == "auto" else mode
        self.sign = 1.0 if mode == "min" else -1.0
        self.best: np.ndarray | None = None

    def improved(self, logs: dict[str, Any] | None) -> np.ndarray:
        """Which members improved on their best, which is then updated: `(k,)` bool."""
        if not logs or self.monitor not in logs:
            raise ValueError(
                f"the monitored metric {self.monitor!r} is not in the logs. "
                f"Available: {', '.join(logs or ())}."
            )
        current = np.atleast_1d(np.asarray(logs[self.monitor], float))
        if self.best is None:
            self.best = current.copy()
            return np.ones(len(current), bool)
        # In float32, as Keras compares.
        margin = np.asarray(self.sign * current + self.min_delta, np.float32)
        better = np.less(margin, np.asarray(self.sign * self.best, np.float32))
        self.best = np.where(better, current, self.best)
        return better

    def take(self, indices: np.ndarray) -> None:
        """Keeps the vectors of these members only: the stack was compacted."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and value.ndim:
                setattr(self, name, value[indices])


class MemberwiseEarlyStopping(_Monitor):
    """Stops each member when its monitored metric has not improved for `patience` epochs.

    Args:
        monitor: name of the metric in the logs.
        min_delta: smallest change that counts, in the metric's unit; scalar or `(k,)`.
        patience: epochs without improvement before a member stops; scalar or `(k,)`;
            infinity never stops it.
        mode: "min", "max" or "auto": as is known of kmlp's metrics and losses; of others say it.
        restore_best_weights: whether the member's weights are those of its best epoch, or of
            the epoch at which it stopped; scalar or `(k,)`.
        keep_last_best: whether the best epoch is the last of those with the best value of all,
            equal ones included and whatever `min_delta` is, which Keras has not; else it is the
            first that improved. When a member stops does not depend on it. Scalar or `(k,)`.

    Attributes (each `(k,)`, epochs from 0):
        best_epoch, stopped_epoch, wait, stopped.
    """

    def __init__(
        self,
        monitor: str = "val_cross_entropy",
        min_delta: Any = 0.0,
        patience: Any = 0,
        mode: str = "auto",
        restore_best_weights: Any = False,
        keep_last_best: Any = False,
    ) -> None:
        super().__init__(monitor, min_delta, mode)
        self.patience = np.asarray(patience, float)
        self.restore_best_weights = np.asarray(restore_best_weights, bool)
        wanted = np.asarray(keep_last_best, bool)
        # One value where nobody asks for it: checkpoints of earlier releases know no vector of it.
        self.keep_last_best = wanted if wanted.any() else np.asarray(False)
        self.best_of_all: np.ndarray | None = None
        self.kept_weights: list | None = None
        self.wait = np.zeros(0)
        self.best_epoch = self.stopped_epoch = np.zeros(0, int)
        self.stopped = np.zeros(0, bool)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        better = self.improved(logs)
        if self.kept_weights is None:
            self._begin(len(better))
            self.kept_weights = list(self.model.weights)
        better &= ~self.stopped
        self.wait = np.where(better, 0, self.wait + 1)
        best = np.where(self.keep_last_best, self._is_none_better(logs), better) & ~self.stopped
        self.best_epoch = np.where(best, epoch, self.best_epoch)
        keep = np.where(self.restore_best_weights, best, ~self.stopped)
        self._keep_weights(keep)
        stops = (self.wait >= self.patience) & ~better & ~self.stopped & (epoch > 0)
        self.stop(stops, epoch)

    def stop(self, which: np.ndarray, epoch: int) -> None:
        """Marks members as stopped at this epoch."""
        self.stopped_epoch = np.where(which & ~self.stopped, epoch, self.stopped_epoch)
        self.stopped = self.stopped | which
        if self.stopped.all():
            self.model.stop_training = True

    def take(self, indices: np.ndarray) -> None:
        super().take(indices)
        rows = ops.convert_to_tensor(np.asarray(indices, "int32"))
        self.kept_weights = [ops.take(w, rows, axis=0) for w in self.kept_weights or []]

    def _is_none_better(self, logs: dict[str, Any] | None) -> np.ndarray:
        """Whether no epoch so far was better than this one, in float32: `(k,)` bool."""
        current = self.sign * np.atleast_1d(np.asarray((logs or {})[self.monitor], np.float32))
        before = np.full_like(current, np.inf) if self.best_of_all is None else self.best_of_all
        self.best_of_all = np.fmin(before, current)
        return current <= before

    def _begin(self, num_members: int) -> None:
        self.wait = np.zeros(num_members)
        self.best_epoch = np.zeros(num_members, int)
        self.stopped_epoch = np.full(num_members, -1)
        self.stopped = np.zeros(num_members, bool)

    def _keep_weights(self, keep: np.ndarray) -> None:
        mask = ops.convert_to_tensor(keep.reshape(-1, 1, 1))
        pairs = zip(self.model.weights, self.kept_weights or [], strict=True)
        self.kept_weights = [ops.where(mask, new, old) for new, old in pairs]


class MemberwiseReduceLROnPlateau(_Monitor):
    """Multiplies a member's learning rate by `factor` after `patience` epochs without improvement.

    Args:
        monitor, min_delta, mode: as for `MemberwiseEarlyStopping`.
        factor: in (0, 1); scalar or `(k,)`.
        patience: epochs; scalar or `(k,)`; infinity never reduces it.
        cooldown: epochs to wait after a reduction; scalar or `(k,)`.
        min_lr: lower bound of the rate; scalar or `(k,)`.
    """

    def __init__(
        self,
        monitor: str = "val_cross_entropy",
        factor: Any = 0.1,
        patience: Any = 10,
        mode: str = "auto",
        min_delta: Any = 1e-4,
        cooldown: Any = 0,
        min_lr: Any = 0.0,
    ) -> None:
        super().__init__(monitor, min_delta, mode)
        self.factor, self.min_lr = np.asarray(factor, float), np.asarray(min_lr, float)
        self.patience, self.cooldown = np.asarray(patience, float), np.asarray(cooldown)
        self.wait: np.ndarray | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        better = self.improved(logs)
        if self.wait is None:
            self.wait = np.zeros(len(better))
            self.cooldown_counter = np.zeros(len(better), int)
        cooling = self.cooldown_counter > 0
        self.cooldown_counter = self.cooldown_counter - cooling
        counts = ~better & (self.cooldown_counter == 0)
        self.wait = np.where(better | cooling, 0, self.wait) + counts
        rate = np.asarray(ops.convert_to_numpy(self.model.learning_rate))
        due = counts & (self.wait >= self.patience) & (rate > np.float32(self.min_lr))
        if due.any():
            self.model.learning_rate = np.where(
                due, np.maximum(rate * self.factor, self.min_lr), rate
            )
            self.cooldown_counter = np.where(due, self.cooldown, self.cooldown_counter)
            self.wait = np.where(due, 0, self.wait)
