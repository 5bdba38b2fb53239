"""A whole study: `run_study`, and the loops that people would write instead.

All train the same variants over the same splits with the same early stopping (on the plain
validation cross-entropy), score the networks on the validation and test rows, and keep the weights.
Initial weights, orders and masks are each side's own draws. The stacked study does more: it also
scores the training rows, keeps every curve and prediction, saves checkpoints and writes its results
and statistics.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kmlp.config import MLPConfig, StudyConfig, TrainConfig, Variant
from kmlp.data import Dataset
from kmlp.study.study import run_study
from race.setting import VALIDATION_FRACTION, Setting, scaled
from race.sides.keras_fit import network
from race.sides.keras_tuned import VALIDATION_BATCH, FastFit, source_of

_STEPS_PER_EXECUTION = 32


def study_config(
    setting: Setting, num_seeds: int, max_epochs: int, dtype: str = "float32"
) -> StudyConfig:
    return StudyConfig(
        dataset=setting.data,
        variants=setting.variants,
        num_seeds=num_seeds,
        model=MLPConfig(hidden_units=setting.hidden_units),
        train=TrainConfig(batch_size=setting.batch_size, max_epochs=max_epochs, dtype_policy=dtype),
        validation_fraction=VALIDATION_FRACTION,
        baseline=setting.variants[0],
    )


class StackedStudy:
    """The study in a fresh run folder."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        self.setting, self.data = setting, data

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        config = study_config(self.setting, len(seeds), epochs, self.setting.dtype)
        with tempfile.TemporaryDirectory() as folder:
            study = run_study(config, Path(folder) / "run", self.data)
        members = study.results["members"]
        return {
            "accuracy": statistics.fmean(m["test"]["accuracy"] for m in members),
            "epochs": statistics.fmean(m["stopped_epoch"] for m in members),
        }


class PlainLoop:
    """For each variant and seed: build, compile, fit with early stopping, evaluate, save."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        keras.config.set_dtype_policy(setting.dtype)
        self.setting, self.data, self.widths = setting, data, setting.widths(data)
        self.x, self.y = scaled(data.x_train, data.y_train)
        self.test = scaled(data.x_test, data.y_test)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, Any]:
        config = study_config(self.setting, self.setting.num_seeds, epochs)
        accuracies, stopped, seconds = [], [], []
        with tempfile.TemporaryDirectory() as folder:
            for variant in config.resolved_variants:
                seconds.append([])
                for seed in seeds:
                    started = time.perf_counter()
                    keras.utils.set_random_seed(seed)
                    model, history = self.fit(variant, seed)
                    accuracies.append(self.score(model))
                    model.save_weights(Path(folder) / f"{variant.name}_{seed}.weights.h5")
                    seconds[-1].append(time.perf_counter() - started)
                    stopped.append(len(history.epoch))
        return {
            "accuracy": statistics.fmean(accuracies),
            "epochs": statistics.fmean(stopped),
            "seconds": seconds,
        }

    def fit(self, variant: Variant, seed: int) -> tuple[keras.Model, Any]:
        model = network(variant.model, self.widths)
        model.compile(
            optimizer=keras.optimizers.Adam(variant.train.learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=_metrics(),
        )
        train, val = self.split(seed)
        history = model.fit(
            self.x[train],
            self.y[train],
            batch_size=variant.train.batch_size,
            epochs=variant.train.max_epochs,
            validation_data=(self.x[val], self.y[val]),
            callbacks=[_early_stopping(variant.train)],
            verbose=0,
        )
        return model, history

    def score(self, model: keras.Model) -> float:
        return model.evaluate(*self.test, verbose=0, return_dict=True)["accuracy"]

    def split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return self.setting.member(seed, self.data).split(self.data.y_train)


class TunedLoop(PlainLoop):
    """The same with one compiled model a variant, fed and executed as `keras_tuned` does it."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        super().__init__(setting, data)
        self.source = source_of(self.x, self.y)
        self.compiled: dict[str, FastFit] = {}

    def fit(self, variant: Variant, seed: int) -> tuple[keras.Model, Any]:
        if variant.name not in self.compiled:
            model = network(variant.model, self.widths)
            self.compiled[variant.name] = FastFit(
                model, _xla_pays(), _STEPS_PER_EXECUTION, metrics=_metrics()
            )
        fit = self.compiled[variant.name]
        fresh = network(variant.model, self.widths).get_weights()
        fit.reset(fresh, variant.train.learning_rate)
        train, val = self.split(seed)
        history = fit.model.fit(
            **self.source.training(train, variant.train.batch_size),
            **self.source.validation(val),
            epochs=variant.train.max_epochs,
            callbacks=[_early_stopping(variant.train)],
            verbose=0,
        )
        return fit.model, history

    def score(self, model: keras.Model) -> float:
        options = {"batch_size": VALIDATION_BATCH, "verbose": 0, "return_dict": True}
        return model.evaluate(*self.test, **options)["accuracy"]


def _metrics() -> list:
    """The plain cross-entropy beside the loss, which holds the penalty."""
    return ["accuracy", keras.metrics.SparseCategoricalCrossentropy(name="cross_entropy")]


def _early_stopping(train: TrainConfig) -> keras.callbacks.EarlyStopping:
    return keras.callbacks.EarlyStopping(
        monitor="val_cross_entropy",
        mode="min",
        min_delta=train.min_delta,
        patience=train.patience,
        restore_best_weights=True,
    )


def _xla_pays() -> bool:
    """JAX knows nothing else; with TensorFlow on a CPU it is slower."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
