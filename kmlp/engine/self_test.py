"""A few steps of a small stack on the device, beside the same steps in NumPy.

What is compiled and the device are in it; the reference has no part in them. TensorFloat-32, in
which GPUs train, is off meanwhile: its rounding would hide a wrong gradient.
"""

import time
from dataclasses import dataclass

import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.programs.kept import PROGRAMS
from kmlp.engine.stack import build_stack
from kmlp.engine.stack_training import DeviceData, StackRun
from kmlp.nn import backend

# Float32 on both; a GPU sums in another order.
TOLERANCES = {"cpu": 1e-5, "gpu": 1e-4}
_NUM_EPOCHS, _BATCH_SIZE = 2, 32
# With a factor of the learning rates.
_OPTIMIZERS = {"sgd": 1.0, "adam": 0.1}
_Weights = dict[str, np.ndarray]
_Moments = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class SelfTest:
    """What the test found.

    Attributes:
        difference: the largest of any weight of any member after the last step.
        tolerance: what it may be.
        num_members, num_steps: what was trained.
        seconds: compiling included.
    """

    difference: float
    tolerance: float
    num_members: int
    num_steps: int
    seconds: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.tolerance


def run_self_test() -> SelfTest:
    """Trains a stack by SGD and one by Adam, of three members that differ in seed, rate and
    penalty, and compares their weights; on each accelerator, or on one core."""
    started = time.perf_counter()
    data = _data()
    stacks = [_members(data, optimizer, scale) for optimizer, scale in _OPTIMIZERS.items()]
    device = "gpu" if backend.device_memory() is not None else "cpu"
    differences: list[float] = []
    for place in range(backend.num_places() if device == "gpu" else 1):
        with PROGRAMS.used(), backend.place(place), backend.full_precision():
            # A NaN is no small difference.
            differences += [np.nan_to_num(_difference(s, data), nan=np.inf) for s in stacks]
    num_rows = len(stacks[0][0].split(data.rows)[0])
    return SelfTest(
        difference=float(max(differences)),
        tolerance=TOLERANCES[device],
        num_members=sum(map(len, stacks)),
        num_steps=_NUM_EPOCHS * -(-num_rows // _BATCH_SIZE),
        seconds=time.perf_counter() - started,
    )


def _difference(members: list[Member], data: Dataset) -> float:
    """The largest of any weight between the stack and its members in NumPy."""
    run = StackRun(build_stack(members, data.spec), DeviceData(data))
    initial = [run.stack.weights_of(k) for k in range(len(members))]
    for _ in range(_NUM_EPOCHS):
        run.train_epoch()
    trained = [run.stack.weights_of(k) for k in range(len(members))]
    expected = [_train_in_numpy(m, data, w) for m, w in zip(members, initial, strict=True)]
    differences = [
        np.abs(weights[path] - reference[path]).max()
        for weights, reference in zip(trained, expected, strict=True)
        for path in weights
    ]
    return np.max(differences)


def _data() -> Dataset:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12))
    y = np.arange(120) % 3
    x = (centres[y] + rng.normal(size=(120, 12))).astype(np.float32)
    return Dataset.from_arrays(x, y, x[:30], y[:30], name="self-test")


def _members(data: Dataset, optimizer: str, scale: float) -> list[Member]:
    return [
        Member(
            model=MLPConfig(hidden_units=(16, 8), input_scaling="none", l2=l2),
            train=TrainConfig(
                optimizer=optimizer, learning_rate=scale * rate, batch_size=_BATCH_SIZE
            ),
            seeds=Seeds.all(seed),
            validation_fraction=1 / 6,
            data_sha256=data.provenance.sha256,
        )
        for seed, (rate, l2) in enumerate([(0.05, 0.0), (0.1, 1e-3), (0.02, 1e-2)])
    ]


def _train_in_numpy(member: Member, data: Dataset, initial: _Weights) -> _Weights:
    """Trains a relu network in float64 on the member's own batches."""
    weights = {path: w.astype(np.float64) for path, w in initial.items()}
    moments = {path: (np.zeros_like(w), np.zeros_like(w)) for path, w in weights.items()}
    rows, _ = member.split(data.rows)
    step = 0
    for epoch in range(_NUM_EPOCHS):
        order = member.epoch_order(rows, epoch)
        for start in range(0, len(order), _BATCH_SIZE):
            batch, step = order[start : start + _BATCH_SIZE], step + 1
            gradients = _gradients(weights, data.x_train[batch], data.y_train[batch])
            for path, gradient in gradients.items():
                if path.endswith("/kernel"):
                    gradient += 2 * member.model.l2 * weights[path]
                if member.train.optimizer == "adam":
                    moments[path], gradient = _adam(moments[path], gradient, step)
                weights[path] -= member.train.learning_rate * gradient
    return weights


def _adam(moments: _Moments, gradient: np.ndarray, step: int) -> tuple[_Moments, np.ndarray]:
    """The next moments and the direction, with Keras's defaults; steps count from 1."""
    first = 0.9 * moments[0] + 0.1 * gradient
    second = 0.999 * moments[1] + 0.001 * gradient**2
    correction = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    return (first, second), correction * first / (np.sqrt(second) + 1e-7)


def _gradients(weights: _Weights, x: np.ndarray, y: np.ndarray) -> _Weights:
    """Of the mean cross-entropy."""
    layers = list(dict.fromkeys(path.rpartition("/")[0] for path in weights))
    inputs = [x.astype(np.float64)]
    for layer in layers:
        z = inputs[-1] @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]
        inputs.append(np.maximum(z, 0) if layer != layers[-1] else z)
    p = np.exp(inputs[-1] - inputs[-1].max(axis=1, keepdims=True))
    gradient = (p / p.sum(axis=1, keepdims=True) - np.eye(p.shape[1])[y]) / len(y)
    found: _Weights = {}
    for layer, value in zip(reversed(layers), inputs[-2::-1], strict=True):
        found[f"{layer}/kernel"] = value.T @ gradient
        found[f"{layer}/bias"] = gradient.sum(axis=0)
        gradient = (gradient @ weights[f"{layer}/kernel"].T) * (value > 0)
    return found
