"""A hypermodel for any of KerasTuner's own tuners."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from kmlp.config import MLPConfig, TrainConfig
from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from kmlp.nn.mlp import adapt, build_mlp
from tuning.space.compiling import (
    batch_size,
    compile_model,
    fit_class_weight,
    make_callbacks,
    set_num_steps,
)
from tuning.space.reading import Held, Narrowing
from tuning.space.space import make_space


class MLPHyperModel(keras_tuner.HyperModel):
    """Builds, compiles and fits kmlp's plain model from a trial's hyperparameters.

    It works in `keras_tuner.RandomSearch`, `Hyperband` and the others, where a trial is one
    Keras model after the other. All of the configs holds there: regularizers, optimizer, schedule,
    class weights, early stopping. What does not: seeds (Keras draws its own) and validation rows
    (`search` gets them). The stock Hyperband goes on from the best epoch of the best execution, not
    from each one's own last. `tuning.tune` has none of these limits.

    Args:
        spec: the data's shapes and classes, as `load_dataset(...).spec`.
        space, fixed, model, train: see `make_space`.
        num_train: training rows; needed only where what `build` made is trained by other means
            than `fit`, with a schedule.

    Example:
        tuner = keras_tuner.RandomSearch(
            MLPHyperModel(data.spec), objective=keras_tuner.Objective("val_accuracy", "max")
        )
        tuner.search(x_train, y_train, validation_data=(x_val, y_val))
    """

    def __init__(
        self,
        spec: DataSpec,
        space: Narrowing = "default",
        fixed: Held | Sequence[str] = (),
        *,
        model: MLPConfig | None = None,
        train: TrainConfig | None = None,
        num_train: int | None = None,
    ) -> None:
        super().__init__(name="mlp")
        self.spec, self.num_train = spec, num_train
        self.space = make_space(spec, space, fixed, model=model, train=train)

    def build(self, hp: Any) -> keras.Model:
        """A compiled model from raw examples to probabilities or predictions."""
        model, train = self.space.configs(self.space.declare(hp))
        return compile_model(build_mlp(model, self.spec), train, self.spec, self.num_train)

    def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        """Trains as the trial's config says; Keras's arguments are those of `Model.fit`.

        Standardized inputs and targets are adapted to the training rows first. `epochs`, which
        the stock Hyperband sets, goes before the config's `max_epochs`.

        Raises:
            ConfigError: `x` and `y` are no arrays, or a monitor needs validation rows.
        """
        _, train = self.space.configs(self.space.declare(hp))
        x, y = _training_rows(args, kwargs)
        adapt(model, x, y)
        set_num_steps(model, train, len(y))
        validated = kwargs.get("validation_data") is not None or bool(
            kwargs.get("validation_split")
        )
        callbacks = [
            *kwargs.pop("callbacks", []),
            *make_callbacks(train, self.spec, validated=validated),
        ]
        defaults = {
            "batch_size": batch_size(train, len(y)),
            "epochs": train.max_epochs,
            "class_weight": fit_class_weight(train, self.spec, y),
        }
        return model.fit(*args, **{**defaults, **kwargs}, callbacks=callbacks)


def _training_rows(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """What `fit` will train on: Keras takes the last rows for `validation_split`."""
    x, y = (*args, kwargs.get("x"), kwargs.get("y"))[:2] if args else (kwargs["x"], kwargs["y"])
    if len(args) == 1:
        y = kwargs.get("y")
    if not isinstance(x, np.ndarray) or not isinstance(y, np.ndarray):
        raise ConfigError(
            "search(x, y, ...) needs NumPy arrays. Received: "
            f"{type(x).__name__} and {type(y).__name__}."
        )
    kept = int(len(x) * (1 - kwargs.get("validation_split", 0.0)))
    return x[:kept], y[:kept]
