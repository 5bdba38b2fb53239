"""One stack in training: its epochs, its members' bookkeeping, and its state as plain arrays."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.data.dataset import Dataset
from kmlp.data.rows.scoring import score_rows
from kmlp.engine.member import Member, splits_of
from kmlp.engine.planning.evaluation import evaluation_rows, row_width
from kmlp.engine.planning.width import can_shrink
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.stack import Stack
from kmlp.engine.trainer import MemberResult
from kmlp.nn.callbacks import MemberwiseEarlyStopping, MemberwiseReduceLROnPlateau
from kmlp.nn.loops import padded
from kmlp.stats.monitoring import resolved_monitor


class DeviceData:
    """A data set's arrays on the device, once for all stacks: `x` flattened, raw dtype; with the
    training targets, the rows' weights where these differ."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.x_train = ops.convert_to_tensor(data.x_train.reshape(len(data.x_train), -1))
        self.y_train: Any = ops.convert_to_tensor(data.y_train)
        if data.rows.weight is not None:
            self.y_train = (self.y_train, ops.convert_to_tensor(data.rows.weight))
        self.x_test = ops.convert_to_tensor(data.x_test.reshape(-1, data.spec.num_features))
        self.y_test = ops.convert_to_tensor(data.y_test)


@dataclass
class _Record:
    """What is known of one member while its stack trains."""

    member: Member
    curves: dict[str, list[float]] = field(default_factory=dict)
    status: str = "done"
    best_epoch: int = 0
    stopped_epoch: int = 0
    weights: list[np.ndarray] = field(default_factory=list)


class StackRun:
    """A stack in training, epoch by epoch: what the callbacks see as their model.

    Attributes:
        epoch: the number of finished epochs.
        stop_training: whether every member has stopped.
    """

    def __init__(
        self, stack: Stack, data: DeviceData, place: int = 0, num_members: int | None = None
    ) -> None:
        self.whole, self.stack, self.data, self.place = stack, stack, data, place
        self.num_members = num_members or len(stack.members)
        self.epoch, self.seconds = 0, 0.0
        self.stop_training = False
        members, self.position = stack.members[: self.num_members], np.arange(len(stack.members))
        splits = splits_of(members, data.data.rows)
        self.train_rows = [train for train, _ in splits]
        self.val_rows = [val for _, val in splits]
        self.folds = [m.fold(data.data.rows) for m in members]
        stack.adapt(data.data, [self.train_rows[i] for i in self._rows_of])
        self.records = [_Record(m) for m in members]
        self._set_callbacks()

    @property
    def weights(self) -> list:
        """What an epoch's weights are, moving statistics included; member axis first."""
        return self.stack.restorable

    @property
    def learning_rate(self) -> Any:
        """`(k,)`; settable."""
        return self.stack.state["hyper"]["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, value: np.ndarray) -> None:
        hyper = self.stack.state["hyper"]
        dtype = hyper["learning_rate"].dtype
        self.stack.state["hyper"] = {**hyper, "learning_rate": ops.convert_to_tensor(value, dtype)}

    def train_epoch(self) -> None:
        """One epoch of every member still in the stack, then its validation and the callbacks."""
        started = time.perf_counter()
        stack, data = self.stack, self.data
        num_groups = 1 + np.flatnonzero(self._is_running())[-1] // stack.program.group
        end = num_groups * stack.program.group
        order = ops.convert_to_tensor(self._order(end))
        val_rows = ops.convert_to_tensor(self._filled([self.val_rows[i] for i in self._rows_of], 1))
        num_groups = ops.convert_to_tensor(num_groups, "int32")
        with PROGRAMS.compiling(stack.program, self.place):
            stack.state, logs = stack.program.train_epoch(
                stack.state, data.x_train, data.y_train, order, val_rows, num_groups
            )
        self.logs = {name: np.array(ops.convert_to_numpy(v), float) for name, v in logs.items()}
        for values in self.logs.values():
            # Nothing was trained there.
            values[end:] = np.nan
        self._record_epoch()
        self.epoch += 1
        self.seconds += time.perf_counter() - started

    def _order(self, end: int) -> np.ndarray:
        """The rows of this epoch in order, of members up to the slot `end`: `(k, n)`."""
        order = [self.train_rows[i] for i in self._rows_of]
        for k, member in enumerate(self.stack.members[:end]):
            order[k] = member.epoch_order(order[k], self.epoch)
        return self._filled(order, 0)

    def _filled(self, rows: Sequence[np.ndarray], part: int) -> np.ndarray:
        """`(k, n)` of members' rows to train on, 0, or to validate on, 1: as its program takes."""
        counts = self.stack.signature.counts
        return padded(rows, counts[part]) if counts else np.stack(rows)

    @property
    def _rows_of(self) -> np.ndarray:
        """Which member's rows each slot has; a slot that stands for nobody, the last member's."""
        return np.minimum(self.position, self.num_members - 1)

    def _is_running(self) -> np.ndarray:
        """Which slots hold a member that has not stopped."""
        stopped = self.early_stopping.stopped if self.epoch else False
        return (self.position < self.num_members) & ~np.broadcast_to(stopped, self.position.shape)

    def report(self) -> tuple[list[Member], int, dict[str, np.ndarray]]:
        """Members that trained in the last epoch, the number of finished epochs, their logs."""
        members = [self.stack.members[i] for i in self.trained]
        logs = {name: value[self.trained] for name, value in self.logs.items()}
        return members, self.epoch, logs

    def compact(self) -> None:
        """Drops stopped members once they are half the stack, so that they cost no more time.

        A smaller stack is another program, which takes as long to compile as some epochs of a
        small data set to train: there the stopped ones stay. What decides is the same at every
        run, so that a resumed run takes the same turns.
        """
        running = np.flatnonzero(~self.early_stopping.stopped)
        if self.stack.program.group < len(self.position):
            self._gather(running)
            return
        can = can_shrink(self.stack.members[0], self.stack.spec, len(self.train_rows[0]))
        if 2 * len(running) > len(self.position) or not can:
            return
        self._harvest(self.early_stopping.stopped)
        self._take(running)

    def _gather(self, running: np.ndarray) -> None:
        """Brings the running members into the first groups, once they fill fewer: the others are
        not computed."""
        group = self.stack.program.group
        if -(-len(running) // group) < 1 + running[-1] // group:
            others = np.setdiff1d(np.arange(len(self.position)), running)
            self._take(np.concatenate([running, others]))

    def _take(self, indices: np.ndarray) -> None:
        self.stack = self.stack.take(indices)
        self.position = self.position[indices]
        for callback in self.callbacks:
            callback.take(indices)

    def results(self) -> list[MemberResult]:
        """Every member at its restored epoch, evaluated in one pass."""
        self._harvest(np.ones(len(self.position), bool))
        weights = [r.weights for r in self.records]
        weights += weights[-1:] * (len(self.whole.members) - self.num_members)
        self.whole.restore([ops.convert_to_tensor(np.stack(w)) for w in zip(*weights, strict=True)])
        data, kept = self.data, self.records[0].member.calibration(self.data.data.rows)
        train = self._predictions(data.x_train, len(data.data.y_train))
        if any(map(len, self.folds)):
            held_out = [train[k][rows] for k, rows in enumerate(self.folds)]
        else:
            held_out = list(self._predictions(data.x_test, len(data.data.y_test)))
        every = self.whole.all_weights()
        return [
            MemberResult(
                member=r.member,
                # A finite loss of the rows seen so far does not make every prediction finite.
                status=r.status if _are_finite(train[k], held_out[k]) else "diverged",
                best_epoch=r.best_epoch,
                stopped_epoch=r.stopped_epoch,
                curves={name: np.asarray(v, np.float32) for name, v in r.curves.items()},
                weights=every[k],
                predictions=held_out[k],
                validation=train[k][self.val_rows[k]],
                validation_rows=self.val_rows[k],
                fold=self.folds[k],
                metrics=self._metrics(k, train[k], held_out[k]),
                seconds=self.seconds / len(self.records),
                calibration=train[k][kept],
                calibration_rows=kept,
            )
            for k, r in enumerate(self.records)
        ]

    def snapshot(self) -> dict[str, np.ndarray]:
        """Everything that the next epoch depends on, and what is known so far, as plain arrays."""
        arrays = {"run": np.array([self.epoch, self.stop_training]), "position": self.position}
        arrays["seconds"] = np.array(self.seconds)
        for i, value in enumerate(keras.tree.flatten(self.stack.state)):
            arrays[f"state/{i}"] = ops.convert_to_numpy(value)
        for i, weight in enumerate(self.early_stopping.kept_weights or []):
            arrays[f"kept/{i}"] = ops.convert_to_numpy(weight)
        for i, callback in enumerate(self.callbacks):
            for name, value in vars(callback).items():
                if isinstance(value, np.ndarray):
                    arrays[f"callback/{i}/{name}"] = value
        for i, record in enumerate(self.records):
            arrays[f"record/{i}"] = np.array(
                [record.status == "diverged", record.best_epoch, record.stopped_epoch]
            )
            for name, curve in record.curves.items():
                arrays[f"curve/{i}/{name}"] = np.array(curve)
            for j, weight in enumerate(record.weights):
                arrays[f"weight/{i}/{j}"] = weight
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Goes back to a snapshot of a run of the same members."""
        epoch, stop_training = arrays["run"]
        self.epoch, self.stop_training = int(epoch), bool(stop_training)
        self.position, self.seconds = arrays["position"], float(arrays["seconds"])
        members = [self.whole.members[i] for i in self._rows_of]
        values = [ops.convert_to_tensor(v) for v in _numbered(arrays, "state")]
        state = keras.tree.pack_sequence_as(self.whole.state, values)
        self.stack = self.whole.holding(members, state)
        kept = _numbered(arrays, "kept")
        self.early_stopping.kept_weights = [ops.convert_to_tensor(w) for w in kept]
        for key, value in arrays.items():
            kind, _, rest = key.partition("/")
            if kind == "callback":
                index, _, name = rest.partition("/")
                setattr(self.callbacks[int(index)], name, value)
            elif kind == "record":
                record = self.records[int(rest)]
                record.status = "diverged" if value[0] else "done"
                record.best_epoch, record.stopped_epoch = int(value[1]), int(value[2])
                record.weights = _numbered(arrays, f"weight/{rest}")
            elif kind == "curve":
                index, _, name = rest.partition("/")
                self.records[int(index)].curves[name] = value.tolist()

    def _set_callbacks(self) -> None:
        trains = [m.train for m in self.stack.members]
        monitor = self._monitor()
        min_delta = np.asarray([t.min_delta for t in trains])
        self.early_stopping = MemberwiseEarlyStopping(
            monitor=monitor,
            min_delta=min_delta,
            patience=[t.patience if t.early_stopping else np.inf for t in trains],
            restore_best_weights=[t.early_stopping and t.restore_best_weights for t in trains],
            keep_last_best=[t.keep_last_best for t in trains],
        )
        self.callbacks: list[Any] = [self.early_stopping]
        plateaus = [t.reduce_on_plateau or {} for t in trains]
        if any(plateaus):
            self.callbacks.append(
                MemberwiseReduceLROnPlateau(
                    monitor=monitor,
                    min_delta=min_delta,
                    factor=[p.get("factor", 1.0) for p in plateaus],
                    patience=[p.get("patience", np.inf) for p in plateaus],
                    min_lr=[p.get("min_learning_rate", 0.0) for p in plateaus],
                )
            )
        for callback in self.callbacks:
            callback.set_model(self)

    def _monitor(self) -> str:
        stack, validated = self.stack, bool(len(self.val_rows[0]))
        monitor = stack.signature.train.monitor
        return resolved_monitor(monitor, stack.spec.task, validated=validated)

    def _record_epoch(self) -> None:
        stopped = ~self._is_running()
        self.trained = np.flatnonzero(~stopped)
        for k in self.trained:
            curves = self.records[self.position[k]].curves
            for name, value in self.logs.items():
                curves.setdefault(name, []).append(float(value[k]))
        for callback in self.callbacks:
            callback.on_epoch_end(self.epoch, self.logs)
        finite = np.isfinite(np.stack(list(self.logs.values()))).all(axis=0)
        for k in np.flatnonzero(~finite & ~stopped):
            self.records[self.position[k]].status = "diverged"
        self.early_stopping.stop(~finite | (self.position >= self.num_members), self.epoch)

    def _harvest(self, which: np.ndarray) -> None:
        early = self.early_stopping
        kept = [ops.convert_to_numpy(w) for w in early.kept_weights or self.weights]
        for k in np.flatnonzero(which & (self.position < self.num_members)):
            record = self.records[self.position[k]]
            record.weights = [w[k] for w in kept]
            record.best_epoch = int(early.best_epoch[k]) + 1
            stopped = early.stopped_epoch[k] + 1 if early.stopped[k] else self.epoch
            record.stopped_epoch = int(stopped)

    def _metrics(
        self, k: int, train: np.ndarray, held_out: np.ndarray
    ) -> dict[str, dict[str, float]]:
        """Final scores of a member from its predictions of all training rows, and of its fold or
        all test rows, where there are any."""
        data = self.data.data
        parts = {"train": self.train_rows[k], "val": self.val_rows[k]}
        metrics = {
            part: score_rows(data, train[rows], rows) for part, rows in parts.items() if len(rows)
        }
        if not len(held_out):
            return metrics
        if len(fold := self.folds[k]):
            return {**metrics, "fold": score_rows(data, held_out, fold)}
        return {**metrics, "test": score_rows(data, held_out)}

    def _predictions(self, x: Any, num_rows: int) -> np.ndarray:
        """Every member's predictions of all rows, `(k, num_rows, ...)`."""
        stack, k = self.whole, len(self.whole.members)
        data, width = self.data.data, row_width(stack.spec, stack.signature.model)
        # One size for training and test rows is one program: the last chunk is filled up.
        size = min(evaluation_rows(k, width), max(len(data.y_train), len(data.y_test)))
        shape = () if stack.spec.task == "regression" else (stack.spec.num_classes,)
        predictions = np.empty((self.num_members, num_rows, *shape), keras.config.floatx())
        for start in range(0, num_rows, size):
            rows = np.minimum(np.arange(start, start + size, dtype="int32"), num_rows - 1)
            examples = ops.take(x, ops.convert_to_tensor(rows), axis=0)
            predicted = ops.convert_to_numpy(stack.program.predict(stack.state, examples))
            end = min(start + size, num_rows)
            predictions[:, start:end] = predicted[: self.num_members, : end - start]
        return stack.spec.in_unit(predictions)


def _numbered(arrays: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    """The arrays `prefix/0`, `prefix/1`, ..."""
    found: list[np.ndarray] = []
    while (key := f"{prefix}/{len(found)}") in arrays:
        found.append(arrays[key])
    return found


def _are_finite(*predictions: np.ndarray) -> bool:
    """No NaN and no infinite number; a log-probability may be -inf."""
    return not any(np.isnan(p).any() or np.isposinf(p).any() for p in predictions)
