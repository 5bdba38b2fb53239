"""Small members, stacks and their plain Keras twins, which several test modules train."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.seeds import Seeds
from kmlp.data import Dataset
from kmlp.engine.member import Member
from kmlp.engine.stack import Stack
from kmlp.engine.stack_training import DeviceData
from kmlp.nn.losses import class_weights
from kmlp.nn.mlp import adapt, build_mlp

# A divisor of the 240 rows of `tiny`: a smaller last batch is a step of its own to compile.
BATCH = 40


def make_member(data: Dataset, seed: int = 0, **changes: Any) -> Member:
    """A small member; `changes` are fields of either config."""
    model_fields = {f.name for f in dataclasses.fields(MLPConfig)}
    model = {k: v for k, v in changes.items() if k in model_fields}
    train = {k: v for k, v in changes.items() if k not in model_fields}
    return Member(
        model=MLPConfig(**{"hidden_units": (16, 8), "input_scaling": "none", **model}),
        train=TrainConfig(**{"batch_size": BATCH, **train}),
        seeds=Seeds.all(seed),
        validation_fraction=0.2,
        data_sha256=data.provenance.sha256,
    )


def train(stack: Stack, data: Dataset, num_epochs: int, first_epoch: int = 0) -> Stack:
    """Trains all members for some epochs, with no callbacks."""
    device = DeviceData(data)
    rows = np.stack([m.split(data.y_train)[0] for m in stack.members])
    stack.adapt(data, rows)
    for epoch in range(first_epoch, first_epoch + num_epochs):
        orders = [m.epoch_order(r, epoch) for m, r in zip(stack.members, rows, strict=True)]
        order = ops.convert_to_tensor(np.stack(orders))
        none_held_out, num_groups = order[:, :0], len(rows) // stack.program.group
        stack.state, _ = stack.program.train_epoch(
            stack.state,
            device.x_train,
            device.y_train,
            order,
            none_held_out,
            ops.convert_to_tensor(num_groups, "int32"),
        )
    return stack


def train_alone_in_keras(member: Member, data: Dataset, num_epochs: int) -> keras.Model:
    """The same initial weights and batches through Keras's own `train_on_batch`."""
    rows, _ = member.split(data.y_train)
    x, y = data.x_train, data.y_train
    batch_size = len(rows) if member.train.batch_size == "full" else member.train.batch_size
    model = build_mlp(member.model, data.spec, seed=member.seeds.init)
    adapt(model, x[rows], y[rows])
    num_steps = -(-len(rows) // batch_size) * member.train.max_epochs
    # A program that takes longer to compile than to run; on JAX each operation would be one.
    model.compile(
        keras_optimizer(member.train, num_steps),
        keras_loss(member, data, y[rows]),
        jit_compile=keras.backend.backend() == "jax",
    )
    weights = None
    if member.train.class_weight:
        weights = dict(
            enumerate(class_weights(member.train.class_weight, data.spec, y[rows]).tolist())
        )
    for epoch in range(num_epochs):
        order = member.epoch_order(rows, epoch)
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            model.train_on_batch(x[batch], y[batch], class_weight=weights)
    return model


def keras_optimizer(config: TrainConfig, num_steps: int = 1) -> keras.optimizers.Optimizer:
    """Keras's own optimizer with its own schedule; what Keras lacks, as a subclass writes it."""
    options = {"clipnorm": config.clipnorm, "weight_decay": config.weight_decay or None}
    if config.ema_momentum:
        options |= {"use_ema": True, "ema_momentum": config.ema_momentum}
    if config.optimizer == "sgd":
        options |= {"momentum": config.momentum, "nesterov": config.nesterov}
    else:
        options["epsilon"] = config.epsilon
    if config.optimizer in ("adam", "adamw"):
        options |= {"beta_1": config.beta_1, "beta_2": config.beta_2}
    if config.optimizer == "adamw":
        options["weight_decay"] = config.weight_decay
    kinds = {
        "sgd": keras.optimizers.SGD,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
    }
    kind = kinds[config.optimizer]
    if config.momentum_warm_up:
        kind = _rising(kind, config, num_steps)
    if any(
        v != 1 for n, v in vars(config).items() if n.endswith(("_rate_factor", "_decay_factor"))
    ):
        kind = _by_kind(kind, config)
    return kind(keras_schedule(config, num_steps), **options)


def _rising(kind: type, config: TrainConfig, num_steps: int) -> type:
    """An optimizer of this kind whose momentum rises evenly, then stays."""
    first, last = config.initial_momentum, config.momentum

    class Rising(kind):
        def update_step(self, gradient, variable, learning_rate):
            step = ops.cast(self.iterations, variable.dtype)
            part = ops.minimum(step / (config.momentum_warm_up * num_steps), 1)
            momentum = (1 - part) * first + part * last
            velocity = self.momentums[self._get_variable_index(variable)]
            descent = ops.cast(learning_rate, variable.dtype) * gradient
            velocity.assign(momentum * velocity - descent)
            variable.assign(variable + velocity)

    return Rising


def _by_kind(kind: type, config: TrainConfig) -> type:
    """An optimizer of this kind with rates and decays by kind of weight."""
    numbers = ("frequencies", "phases", "mixing", "offsets")
    kinds = {"bias": "bias", "scale": "scale", "alpha": "activation", "embeddings": "embedding"}
    kinds |= dict.fromkeys(numbers, "number")
    rates, decays = (
        {name: getattr(config, f"{kind}_{of}_factor") for name, kind in kinds.items()}
        for of in ("rate", "decay")
    )

    class ByKind(kind):
        def update_step(self, gradient, variable, learning_rate):
            # On TensorFlow it is the backend's own variable, whose name ends in ":0".
            name = variable.name.partition(":")[0].rpartition("/")[2]
            super().update_step(gradient, variable, learning_rate * rates.get(name, 1))

        def _apply_weight_decay(self, variables):
            for v in variables:
                rate = ops.cast(self.learning_rate, v.dtype) * rates.get(v.name, 1)
                v.assign(v - v * rate * (self.weight_decay or 0) * decays.get(v.name, 1))

    return ByKind


def keras_schedule(config: TrainConfig, num_steps: int) -> Any:
    """Keras's own schedule, or a formula where Keras has none."""
    schedules, rate = keras.optimizers.schedules, config.learning_rate
    kind, warm_up = config.learning_rate_schedule, round(config.warm_up * num_steps)
    if kind == "cosine" and warm_up:
        return schedules.CosineDecay(
            0.0, num_steps - warm_up, warmup_target=rate, warmup_steps=warm_up
        )
    if kind == "cosine":
        return schedules.CosineDecay(rate, num_steps)
    if kind == "exponential":
        return schedules.ExponentialDecay(rate, num_steps, config.decay_rate)
    if kind == "step":
        # Keras changes the rate after its boundary.
        boundaries = [round(0.5 * num_steps) - 1, round(0.75 * num_steps) - 1]
        return schedules.PiecewiseConstantDecay(boundaries, [rate, rate / 10, rate / 100])
    return rate


def keras_loss(member: Member, data: Dataset, targets: np.ndarray) -> Callable:
    """Keras's own loss; a regression's in units of the variance of its training targets."""
    smoothing, num_classes = member.train.label_smoothing, data.spec.num_classes
    if data.spec.task == "regression":
        variance = float(np.var(targets.astype(float)))
        return lambda y, p: ops.mean(ops.square(ops.reshape(y, (-1, 1)) - p), -1) / variance
    if data.spec.task == "binary":
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    if not smoothing:
        return keras.losses.SparseCategoricalCrossentropy()
    plain = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, reduction=None)
    return lambda y, p: plain(ops.one_hot(ops.reshape(y, (-1,)), num_classes), p)


def assert_same_weights(a: dict[str, np.ndarray], b: dict[str, np.ndarray], atol: float) -> None:
    """Two members' weights, by path."""
    assert a.keys() == b.keys()
    for path, weight in a.items():
        np.testing.assert_allclose(weight, b[path], rtol=0, atol=atol, err_msg=path)


def assert_same_as_keras(stack: Stack, k: int, model: keras.Model, atol: float) -> None:
    """Member `k` of a stack and a plain Keras model hold the same weights."""
    theirs = {v.path: ops.convert_to_numpy(v).reshape(-1) for v in model.variables}
    ours = {path: w.reshape(-1) for path, w in stack.weights_of(k).items()}
    assert set(ours) <= set(theirs)
    missing = {path.rpartition("/")[2] for path in set(theirs) - set(ours)}
    assert missing <= {"count", "seed_generator_state"} | _of_optimizer(model), missing
    assert_same_weights(ours, {path: theirs[path] for path in ours}, atol)


def _of_optimizer(model: keras.Model) -> set[str]:
    return {v.path.rpartition("/")[2] for v in model.optimizer.variables}
