"""Trains stacks: epochs, validation, member-wise stopping, compaction, final evaluation."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from keras import ops

from kmlp import backend
from kmlp.callbacks import MemberwiseEarlyStopping, MemberwiseReduceLROnPlateau
from kmlp.data.dataset import Dataset, DataSpec
from kmlp.member import Member
from kmlp.stack import Stack, Structure, build_stack

OnEpoch = Callable[[Sequence[Member], int, dict[str, np.ndarray]], None]
_CACHE_PARAMETERS = 550_000
_TEST_CHUNK = 2000


@dataclass(frozen=True, kw_only=True)
class MemberResult:
    """What training one member gave.

    Attributes:
        member: what was trained.
        status: "done", or "diverged" where a loss was not finite.
        best_epoch, stopped_epoch: counted from 1.
        curves: by metric, `(epochs,)`: `loss`, `cross_entropy`, `accuracy` and their `val_`.
        weights: kernels `(in, units)` and biases `(1, units)` at the restored epoch.
        test_log_probabilities: `(num_test, num_classes)` `float32`.
        metrics: `train`, `val`, `test` -> `accuracy`, `cross_entropy` at the restored epoch.
        seconds: this member's share of its stack's wall time.
    """

    member: Member
    status: str
    best_epoch: int
    stopped_epoch: int
    curves: dict[str, np.ndarray]
    weights: list[np.ndarray]
    test_log_probabilities: np.ndarray
    metrics: dict[str, dict[str, float]]
    seconds: float


class DeviceData:
    """A data set's arrays on the device, once for all stacks: `x` flattened, raw dtype."""

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.x_train = ops.convert_to_tensor(data.x_train.reshape(len(data.x_train), -1))
        self.y_train = ops.convert_to_tensor(data.y_train)
        self.x_test = ops.convert_to_tensor(data.x_test.reshape(len(data.x_test), -1))
        self.y_test = ops.convert_to_tensor(data.y_test)


def fit_stack(
    stack: Stack, data: DeviceData, *, on_epoch: OnEpoch | None = None
) -> list[MemberResult]:
    """Trains a stack until every member has stopped, and evaluates each at its restored epoch.

    Args:
        stack: as `build_stack` made it.
        data: on the device.
        on_epoch: called after each epoch with the members still running, the epoch from 1,
            and the logs, `(k,)` each.

    Returns:
        One result a member, in the stack's order.
    """
    started = time.perf_counter()
    run = _StackRun(stack, data)
    for epoch in range(stack.structure.max_epochs):
        run.train_epoch(epoch)
        if on_epoch:
            on_epoch(*run.report(epoch))
        if run.stop_training:
            break
        run.compact()
    return run.results(time.perf_counter() - started)


def plan_stacks(members: Sequence[Member], spec: DataSpec) -> list[list[Member]]:
    """Groups members into stacks: neighbours of one structure, as many as the cache holds.

    Wide members together would fall out of the core's cache at every step, so a stack's size
    follows from the number of weights of one member.
    """
    stacks: list[list[Member]] = []
    structure: Structure | None = None
    for member in members:
        own = Structure.of(member)
        if structure == own and len(stacks[-1]) < stack_size(member, spec):
            stacks[-1].append(member)
        else:
            stacks.append([member])
            structure = own
    return stacks


def stack_size(member: Member, spec: DataSpec) -> int:
    """How many members like this one train together on a core."""
    widths = (spec.num_features, *member.model.hidden_units, spec.num_classes)
    weights = sum(a * b for a, b in pairwise(widths))
    return max(1, min(10, _CACHE_PARAMETERS // weights))


def train_members(
    members: Sequence[Member],
    data: Dataset,
    *,
    on_epoch: OnEpoch | None = None,
    on_result: Callable[[list[MemberResult]], None] | None = None,
) -> list[MemberResult]:
    """Trains members in stacks, several stacks at once, one a core.

    Args:
        members: any; those of one structure should be neighbours.
        data: what they train on.
        on_epoch: as for `fit_stack`; called from the stacks' threads.
        on_result: called with each finished stack's results, in its thread.

    Returns:
        One result a member, in the members' order.
    """
    workers = backend.set_threads()
    device_data = DeviceData(data)

    def train(group: list[Member]) -> list[MemberResult]:
        results = fit_stack(build_stack(group, data.spec), device_data, on_epoch=on_epoch)
        if on_result:
            on_result(results)
        return results

    stacks = plan_stacks(members, data.spec)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(train, group) for group in stacks]
        try:
            return [result for future in futures for result in future.result()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass
class _Record:
    """What is known of one member while its stack trains."""

    member: Member
    curves: dict[str, list[float]] = field(default_factory=dict)
    status: str = "done"
    best_epoch: int = 0
    stopped_epoch: int = 0
    weights: list[np.ndarray] = field(default_factory=list)


class _StackRun:
    """A stack in training: what the callbacks see as their model."""

    def __init__(self, stack: Stack, data: DeviceData) -> None:
        self.whole, self.stack, self.data = stack, stack, data
        self.stop_training = False
        splits = [m.split(data.data.y_train) for m in stack.members]
        self.train_rows = np.stack([train for train, _ in splits])
        self.val_rows = np.stack([val for _, val in splits])
        self.records = [_Record(m) for m in stack.members]
        self.position = np.arange(len(stack.members))
        self._set_callbacks()

    @property
    def weights(self) -> list:
        """The trainable weights, member axis first."""
        return self.stack.state["weights"]

    @property
    def learning_rate(self) -> Any:
        """`(k,)`; settable."""
        return self.stack.state["hyper"]["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, value: np.ndarray) -> None:
        hyper = self.stack.state["hyper"]
        dtype = hyper["learning_rate"].dtype
        self.stack.state["hyper"] = {**hyper, "learning_rate": ops.convert_to_tensor(value, dtype)}

    def train_epoch(self, epoch: int) -> None:
        """One epoch of every member still in the stack, then its validation and the callbacks."""
        stack, data = self.stack, self.data
        rows = self.train_rows[self.position]
        order = np.stack(
            [m.epoch_order(r, epoch) for m, r in zip(stack.members, rows, strict=True)]
        )
        stack.state, logs = stack.program.train_epoch(
            stack.state, data.x_train, data.y_train, ops.convert_to_tensor(order)
        )
        if self.val_rows.shape[1]:
            val = self._evaluate(stack, data.x_train, data.y_train, self.val_rows[self.position])
            logs = {**logs, **{f"val_{name}": value for name, value in val.items()}}
        self.logs = {name: np.asarray(ops.convert_to_numpy(v), float) for name, v in logs.items()}
        self._record_epoch(epoch)

    def report(self, epoch: int) -> tuple[list[Member], int, dict[str, np.ndarray]]:
        """Members still running, the epoch from 1, their logs."""
        running = np.flatnonzero(~self.early_stopping.stopped)
        members = [self.stack.members[i] for i in running]
        return members, epoch + 1, {name: value[running] for name, value in self.logs.items()}

    def compact(self) -> None:
        """Drops stopped members once they are half the stack, so that they cost no more time."""
        running = np.flatnonzero(~self.early_stopping.stopped)
        if 2 * len(running) > len(self.position):
            return
        self._harvest(self.early_stopping.stopped)
        self.stack = self.stack.take(running)
        self.position = self.position[running]
        for callback in self.callbacks:
            callback.take(running)

    def results(self, seconds: float) -> list[MemberResult]:
        """Every member at its restored epoch, evaluated in one pass."""
        self._harvest(np.ones(len(self.position), bool))
        stacked = [np.stack(w) for w in zip(*(r.weights for r in self.records), strict=True)]
        self.whole.state = {
            **self.whole.state,
            "weights": [ops.convert_to_tensor(w) for w in stacked],
        }
        metrics = self._metrics()
        test = self._test_log_probabilities()
        scores = _scores(self.data.data.y_test, test)
        return [
            MemberResult(
                member=r.member,
                status=r.status,
                best_epoch=r.best_epoch,
                stopped_epoch=r.stopped_epoch,
                curves={name: np.asarray(v, np.float32) for name, v in r.curves.items()},
                weights=r.weights,
                test_log_probabilities=test[k],
                metrics={**metrics[k], "test": {name: float(v[k]) for name, v in scores.items()}},
                seconds=seconds / len(self.records),
            )
            for k, r in enumerate(self.records)
        ]

    def _set_callbacks(self) -> None:
        trains = [m.train for m in self.stack.members]
        monitor = self._monitor()
        min_delta = np.asarray([t.min_delta for t in trains])
        self.early_stopping = MemberwiseEarlyStopping(
            monitor=monitor,
            min_delta=min_delta,
            patience=[t.patience if t.early_stopping else np.inf for t in trains],
            restore_best_weights=[t.early_stopping and t.restore_best_weights for t in trains],
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
        monitor = self.stack.structure.monitor
        if monitor == "auto":
            return "val_cross_entropy" if self.val_rows.shape[1] else "loss"
        return monitor

    def _record_epoch(self, epoch: int) -> None:
        stopped = self.early_stopping.stopped if epoch else np.zeros(len(self.position), bool)
        for k in np.flatnonzero(~stopped):
            curves = self.records[self.position[k]].curves
            for name, value in self.logs.items():
                curves.setdefault(name, []).append(float(value[k]))
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, self.logs)
        finite = np.isfinite(np.stack(list(self.logs.values()))).all(axis=0)
        for k in np.flatnonzero(~finite & ~stopped):
            self.records[self.position[k]].status = "diverged"
        self.early_stopping.stop(~finite, epoch)
        self.last_epoch = epoch

    def _harvest(self, which: np.ndarray) -> None:
        early = self.early_stopping
        kept = [ops.convert_to_numpy(w) for w in early.kept_weights or self.weights]
        for k in np.flatnonzero(which):
            record = self.records[self.position[k]]
            record.weights = [w[k] for w in kept]
            record.best_epoch = int(early.best_epoch[k]) + 1
            record.stopped_epoch = (
                int(early.stopped_epoch[k] if early.stopped[k] else self.last_epoch) + 1
            )

    def _metrics(self) -> list[dict[str, dict[str, float]]]:
        data = self.data
        parts = {"train": self.train_rows, "val": self.val_rows}
        metrics: list[dict[str, dict[str, float]]] = [{} for _ in self.records]
        for part, rows in parts.items():
            if rows.shape[1]:
                logs = self._evaluate(self.whole, data.x_train, data.y_train, rows)
                counts = np.rint(ops.convert_to_numpy(logs["accuracy"]) * float(rows.shape[1]))
                losses = ops.convert_to_numpy(logs["cross_entropy"])
                for k, member in enumerate(metrics):
                    accuracy = float(counts[k]) / rows.shape[1]
                    member[part] = {"accuracy": accuracy, "cross_entropy": float(losses[k])}
        return metrics

    def _test_log_probabilities(self) -> np.ndarray:
        stack, num_test = self.whole, len(self.data.data.y_test)
        chunks = []
        for start in range(0, num_test, _TEST_CHUNK):
            rows = np.arange(start, min(start + _TEST_CHUNK, num_test), dtype="int32")
            rows = ops.convert_to_tensor(np.tile(rows, (len(stack.members), 1)))
            chunks.append(stack.program.log_probabilities(stack.state, self.data.x_test, rows))
        return np.concatenate([ops.convert_to_numpy(c) for c in chunks], axis=1)

    @staticmethod
    def _evaluate(stack: Stack, x: Any, y: Any, rows: np.ndarray) -> dict[str, Any]:
        return stack.program.evaluate(stack.state, x, y, ops.convert_to_tensor(rows))


def _scores(labels: np.ndarray, log_probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy and cross-entropy, `(k,)` `float64`, of `(k, n, num_classes)` log-probabilities."""
    hits = (log_probabilities.argmax(axis=-1) == labels).sum(axis=1)
    chosen = np.take_along_axis(log_probabilities, labels[None, :, None], axis=-1)[..., 0]
    return {
        "accuracy": hits / len(labels),
        "cross_entropy": -chosen.mean(axis=1, dtype=np.float64),
    }
