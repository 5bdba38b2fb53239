"""`TrainConfig` as arguments of Keras's own `compile` and `fit`."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import TrainConfig
from kmlp.config.records import is_on
from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from kmlp.nn.losses import class_weights
from kmlp.nn.steps.gradient_noise import GradientNoise
from kmlp.nn.steps.schedules import schedule_factor
from kmlp.stats.monitoring import direction, resolved_monitor

_OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
}

# Keras has no such thing, or no validation of averaged weights that EarlyStopping would follow.
_OF_STACKS = (
    *("weight_decay_schedule", "weight_decay_warm_up", "dropout_schedule", "dropout_warm_up"),
    *("bias_rate_factor", "scale_rate_factor", "activation_rate_factor"),
    *("embedding_rate_factor", "number_rate_factor", "bias_decay_factor"),
    *("ema_momentum", "mixup", "keep_last_best", "momentum_warm_up"),
)


@keras.saving.register_keras_serializable("kmlp")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """`TrainConfig.learning_rate_schedule`, for a number of steps that may be told later.

    Args:
        learning_rate: what the schedule's factor is of.
        kind: a `learning_rate_schedule`.
        num_steps: of the whole training; set it before training where it is None.
        warm_up, decay_rate: as in `TrainConfig`.
    """

    def __init__(
        self,
        learning_rate: float,
        kind: str,
        num_steps: int | None = None,
        warm_up: float = 0.0,
        decay_rate: float = TrainConfig.decay_rate,
    ) -> None:
        self.learning_rate, self.kind, self.num_steps = learning_rate, kind, num_steps
        self.warm_up, self.decay_rate = warm_up, decay_rate

    def __call__(self, step: Any) -> Any:
        if self.num_steps is None:
            raise ConfigError(
                f"learning_rate_schedule={self.kind!r} needs the number of steps. Train with "
                "MLPHyperModel.fit, or write MLPHyperModel(spec, num_train=ROWS)."
            )
        options: dict[str, Any] = {"warm_up": self.warm_up, "decay_rate": self.decay_rate}
        return self.learning_rate * schedule_factor(self.kind, step, self.num_steps, **options)

    def get_config(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "kind": self.kind,
            "num_steps": self.num_steps,
            "warm_up": self.warm_up,
            "decay_rate": self.decay_rate,
        }


def compile_model(
    model: keras.Model, train: TrainConfig, spec: DataSpec, num_train: int | None = None
) -> keras.Model:
    """Compiles what `build_mlp` made, with the optimizer, the loss and the metrics of a config.

    Args:
        model: is changed.
        train: the config.
        spec: the data.
        num_train: training rows; a schedule needs them, now or in `set_num_steps`.

    Returns:
        The same model.
    """
    optimizer = make_optimizer(train)
    model.compile(optimizer, _loss(model, train, spec), metrics=_metrics(model, spec))
    # Else KerasTuner, which loads weights before anything trains, would drop the optimizer's state.
    optimizer.build(model.trainable_variables)
    if num_train is not None:
        set_num_steps(model, train, num_train)
    return model


def make_optimizer(train: TrainConfig) -> keras.optimizers.Optimizer:
    """Keras's optimizer of a config, in gradient noise where there is some.

    Raises:
        ConfigError: the config has what Keras's own training knows not.
    """
    for name in _OF_STACKS:
        if is_on(train, name):
            raise ConfigError(
                f"{name} is for networks that kmlp trains, not for Keras's own fit. Received: "
                f"{name}={getattr(train, name)!r}. Leave it out, or search with kmlp tune."
            )
    rate: Any = train.learning_rate
    if train.learning_rate_schedule != "constant" or train.warm_up:
        kind = train.learning_rate_schedule
        rate = Schedule(rate, kind, warm_up=train.warm_up, decay_rate=train.decay_rate)
    options: dict[str, Any] = {"learning_rate": rate, "clipnorm": train.clipnorm}
    if train.weight_decay or train.optimizer == "adamw":
        options["weight_decay"] = train.weight_decay
    if train.optimizer in ("adam", "adamw"):
        options |= {"beta_1": train.beta_1, "beta_2": train.beta_2}
    if train.optimizer != "sgd":
        options["epsilon"] = train.epsilon
    else:
        options |= {"momentum": train.momentum, "nesterov": train.nesterov}
    optimizer = _OPTIMIZERS[train.optimizer](**options)
    if train.gradient_noise:
        return GradientNoise(optimizer, train.gradient_noise, train.gradient_noise_decay)
    return optimizer


def set_num_steps(model: keras.Model, train: TrainConfig, num_train: int) -> None:
    """Tells the schedule, if there is one, how long the training is."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    schedule = optimizer._learning_rate
    if isinstance(schedule, Schedule):
        schedule.num_steps = -(-num_train // batch_size(train, num_train)) * train.max_epochs


def batch_size(train: TrainConfig, num_train: int) -> int:
    """Rows a step; "full" is all of them."""
    return num_train if isinstance(train.batch_size, str) else train.batch_size


def make_callbacks(
    train: TrainConfig, spec: DataSpec, *, validated: bool
) -> list[keras.callbacks.Callback]:
    """Early stopping and plateau as the config has them.

    Args:
        train: the config.
        spec: the data.
        validated: whether there are validation rows; else the training loss is monitored.
    """
    monitor = resolved_monitor(train.monitor, spec.task, validated=validated)
    if monitor.startswith("val_") and not validated:
        raise ConfigError(
            f"monitor={monitor!r} needs validation rows. Give validation_data or "
            "validation_split to search()."
        )
    options: dict[str, Any] = {
        "monitor": monitor,
        "mode": direction(monitor),
        "min_delta": train.min_delta,
    }
    found: list[keras.callbacks.Callback] = []
    if train.early_stopping:
        found.append(
            keras.callbacks.EarlyStopping(
                patience=train.patience,
                restore_best_weights=train.restore_best_weights,
                **options,
            )
        )
    if plateau := train.reduce_on_plateau:
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                factor=plateau["factor"],
                patience=plateau["patience"],
                min_lr=plateau["min_learning_rate"],
                **options,
            )
        )
    return found


def fit_class_weight(
    train: TrainConfig, spec: DataSpec, labels: np.ndarray
) -> dict[int, float] | None:
    """Keras's `class_weight`, by class index; "balanced" counts the training labels `(n,)`."""
    if train.class_weight is None:
        return None
    return dict(enumerate(class_weights(train.class_weight, spec, labels).tolist()))


def _loss(model: keras.Model, train: TrainConfig, spec: DataSpec) -> Any:
    smoothing = train.label_smoothing
    if spec.task == "regression":
        return _standardized_error(model)
    if spec.task == "binary":
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    if not smoothing:
        return keras.losses.SparseCategoricalCrossentropy()

    def smoothed(labels: Any, probabilities: Any) -> Any:
        """Keras smooths only targets that are written out."""
        targets = ops.one_hot(ops.reshape(labels, (-1,)), spec.num_classes)
        return keras.losses.categorical_crossentropy(
            targets, probabilities, label_smoothing=smoothing
        )

    return smoothed


def _standardized_error(model: keras.Model) -> Any:
    """The squared error in units of the variance that the model's last layer was adapted to."""
    last = model.get_layer("predictions")

    def standardized_mse(targets: Any, predictions: Any) -> Any:
        error = ops.cast(ops.reshape(targets, (-1, 1)), predictions.dtype) - predictions
        return ops.mean(ops.square(error), axis=-1) / ops.reshape(last.variance, ())

    return standardized_mse


def _binary_loss(labels: Any, probabilities: Any) -> Any:
    """Keras's metric of this name takes labels as a column only."""
    labels = ops.cast(ops.reshape(labels, (-1, 1)), probabilities.dtype)
    return keras.losses.binary_crossentropy(labels, probabilities)


def _metrics(model: keras.Model, spec: DataSpec) -> Sequence[Any]:
    """The plain loss by kmlp's name, and the score of the task."""
    if spec.task == "regression":
        mse = keras.metrics.MeanMetricWrapper(_standardized_error(model), name="mse")
        return [mse, keras.metrics.RootMeanSquaredError(name="rmse")]
    if spec.task == "binary":
        return [keras.metrics.MeanMetricWrapper(_binary_loss, name="cross_entropy"), "accuracy"]
    return [keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy"), "accuracy"]
