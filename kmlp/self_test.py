"""A few steps of a small stack on the device, beside the same steps in NumPy.

What is compiled and the device are in it; the reference has no part in them. TensorFloat-32, in
which GPUs train, is off meanwhile: its rounding would hide a wrong gradient.
"""

import time
from dataclasses import dataclass

import numpy as np

from kmlp import backend
from kmlp.config import MLPConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.member import Member, Seeds
from kmlp.stack import build_stack
from kmlp.stack_run import DeviceData, StackRun

# Float32 on both; a GPU sums in another order.
TOLERANCES = {"cpu": 1e-5, "gpu": 1e-4}
_NUM_EPOCHS = 2
_Weights = dict[str, np.ndarray]


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
    """Trains three members that differ in seed, rate and penalty, and compares their weights."""
    started = time.perf_counter()
    data, members = _task()
    device = "gpu" if backend.device_memory() is not None else "cpu"
    with backend.place(0), backend.full_precision():
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
    num_rows, batch_size = len(members[0].split(data.y_train)[0]), members[0].train.batch_size
    assert isinstance(batch_size, int)
    return SelfTest(
        # A NaN is no small difference.
        difference=float(np.nan_to_num(np.max(differences), nan=np.inf)),
        tolerance=TOLERANCES[device],
        num_members=len(members),
        num_steps=_NUM_EPOCHS * -(-num_rows // batch_size),
        seconds=time.perf_counter() - started,
    )


def _task() -> tuple[Dataset, list[Member]]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12))
    y = np.arange(120) % 3
    x = (centres[y] + rng.normal(size=(120, 12))).astype(np.float32)
    data = Dataset.from_arrays(x, y, x[:30], y[:30], name="self-test")
    members = [
        Member(
            model=MLPConfig(hidden_units=(16, 8), input_scaling="none", l2=l2),
            train=TrainConfig(optimizer="sgd", learning_rate=rate, batch_size=32),
            seeds=Seeds.all(seed),
            validation_fraction=1 / 6,
            data_sha256=data.provenance.sha256,
        )
        for seed, (rate, l2) in enumerate([(0.05, 0.0), (0.1, 1e-3), (0.02, 1e-2)])
    ]
    return data, members


def _train_in_numpy(member: Member, data: Dataset, initial: _Weights) -> _Weights:
    """Plain gradient descent of a relu network in float64, on the member's own batches."""
    weights = {path: w.astype(np.float64) for path, w in initial.items()}
    rows, _ = member.split(data.y_train)
    size = member.train.batch_size
    assert isinstance(size, int)
    for epoch in range(_NUM_EPOCHS):
        order = member.epoch_order(rows, epoch)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            gradients = _gradients(weights, data.x_train[batch], data.y_train[batch])
            for path, gradient in gradients.items():
                if path.endswith("/kernel"):
                    gradient += 2 * member.model.l2 * weights[path]
                weights[path] -= member.train.learning_rate * gradient
    return weights


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
