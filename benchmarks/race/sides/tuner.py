"""KerasTuner: one trial of the fixed configuration, executed once a seed."""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import keras_tuner

from kmlp.data import Dataset
from race.setting import Setting, scaled
from race.sides.keras_fit import network


class _Fixed(keras_tuner.HyperModel):
    """No hyperparameters: each execution is the next member."""

    def __init__(self, trainer: "Trainer", seeds: Iterator[int]) -> None:
        super().__init__()
        self.trainer, self.seeds = trainer, seeds
        self.accuracies: list[float] = []

    def build(self, hp: Any) -> keras.Model:
        setting, data = self.trainer.setting, self.trainer.data
        hp.Fixed("members", "as given")
        # The search builds a model once before its executions, to learn the hyperparameters.
        self.seed = next(self.seeds)
        self.member = setting.member(self.seed, data)
        keras.utils.set_random_seed(self.seed)
        model = network(self.member.model, setting.widths(data))
        model.compile(
            optimizer=keras.optimizers.Adam(self.member.train.learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
        x, y = self.trainer.x, self.trainer.y
        train, val = self.member.split(self.trainer.data.rows)
        history = model.fit(x[train], y[train], *args, validation_data=(x[val], y[val]), **kwargs)
        self.accuracies.append(history.history["val_accuracy"][-1])
        return history


class Trainer:
    """A random search of one trial."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        keras.config.set_dtype_policy(setting.dtype)
        self.setting, self.data = setting, data
        self.x, self.y = scaled(data.x_train, data.y_train)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        fixed = _Fixed(self, iter([seeds[0], *seeds]))
        with tempfile.TemporaryDirectory() as folder:
            search = keras_tuner.RandomSearch(
                fixed,
                objective=keras_tuner.Objective("val_accuracy", "max"),
                max_trials=1,
                executions_per_trial=len(seeds),
                directory=folder,
            )
            search.search(batch_size=self.setting.batch_size, epochs=epochs, verbose=0)
        return {"accuracy": statistics.fmean(fixed.accuracies)}
