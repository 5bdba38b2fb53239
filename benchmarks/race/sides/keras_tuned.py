"""The loop over seeds with the fastest `fit` that Keras's public interface gives.

One model is built and compiled for all members, many steps are one execution, the data lie in
memory as one tensor, whole batches are gathered and prefetched by tf.data (on TensorFlow), and
whether XLA compiles the step is measured.
"""

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kmlp.data import Dataset
from race.setting import Setting, scaled
from race.sides.keras_fit import network

VALIDATION_BATCH = 2000
_TRIAL_STEPS = 96


class FastFit:
    """A compiled model that is set back to fresh weights for each member.

    Args:
        model: built, not compiled.
        jit_compile, steps_per_execution: as for `compile`.
        metrics: as for `compile`.
    """

    def __init__(
        self, model: keras.Model, jit_compile: bool, steps_per_execution: int, metrics: list
    ) -> None:
        self.model = model
        model.compile(
            optimizer=keras.optimizers.Adam(1e-3),
            loss="sparse_categorical_crossentropy",
            metrics=metrics,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
        )
        model.optimizer.build(model.trainable_variables)

    def reset(self, weights: list[np.ndarray], learning_rate: float) -> None:
        """Makes it a new model with these initial weights."""
        self.model.set_weights(weights)
        for variable in self.model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        self.model.optimizer.learning_rate = learning_rate


class Trainer:
    """Fits one member after another with one compiled model."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        keras.config.set_dtype_policy(setting.dtype)
        self.setting, self.data = setting, data
        self.source = source_of(*scaled(data.x_train, data.y_train))
        train, _ = setting.member(0, data).split(data.rows)
        steps = -(-len(train) // setting.batch_size)
        (self.jit, self.steps), self.fit = self._fastest(steps)
        self.choice = f"XLA {'on' if self.jit else 'off'}, {self.steps} steps an execution"

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        return {"accuracy": statistics.fmean(self._fit(seed, epochs) for seed in seeds)}

    def _fit(self, seed: int, epochs: int) -> float:
        member = self.setting.member(seed, self.data)
        keras.utils.set_random_seed(seed)
        fresh = self._network().get_weights()
        self.fit.reset(fresh, member.train.learning_rate)
        train, val = member.split(self.data.rows)
        history = self.fit.model.fit(
            **self.source.training(train, self.setting.batch_size),
            **self.source.validation(val),
            epochs=epochs,
            verbose=0,
        )
        return history.history["val_accuracy"][-1]

    def _network(self) -> keras.Model:
        return network(self.setting.member(0, self.data).model, self.setting.widths(self.data))

    def _fastest(self, steps: int) -> tuple[tuple[bool, int], FastFit]:
        """Tries what `compile` can be told on some steps; the fastest stays."""
        trial = min(steps, _TRIAL_STEPS)
        rows = np.arange(min(trial * self.setting.batch_size, len(self.data.y_train)))
        tried = {}
        for choice in {(jit, min(n, steps)) for jit in (False, True) for n in (32, steps)}:
            fit = FastFit(self._network(), *choice, metrics=["accuracy"])
            training = self.source.training(rows, self.setting.batch_size)
            fit.model.fit(**training, epochs=1, verbose=0)
            started = time.perf_counter()
            fit.model.fit(**training, epochs=2, verbose=0)
            tried[choice] = (time.perf_counter() - started, fit)
        best = min(tried, key=lambda choice: tried[choice][0])
        return best, tried[best][1]


def source_of(x: np.ndarray, y: np.ndarray) -> Any:
    """Where `fit` takes its batches from on this backend."""
    return TensorSource(x, y) if keras.backend.backend() == "tensorflow" else ArraySource(x, y)


class ArraySource:
    """NumPy arrays: what there is without TensorFlow."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def training(self, rows: np.ndarray, batch_size: int) -> dict[str, Any]:
        return {"x": self.x[rows], "y": self.y[rows], "batch_size": batch_size}

    def validation(self, rows: np.ndarray) -> dict[str, Any]:
        return {
            "validation_data": (self.x[rows], self.y[rows]),
            "validation_batch_size": VALIDATION_BATCH,
        }


class TensorSource:
    """Tensors in memory, from which tf.data gathers whole batches ahead of the training."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        import tensorflow as tf

        self.tf = tf
        with tf.device("CPU"):
            self.x, self.y = tf.constant(x), tf.constant(y)

    def training(self, rows: np.ndarray, batch_size: int) -> dict[str, Any]:
        """Shuffled anew each epoch, the last smaller batch included."""
        tf, steps = self.tf, -(-len(rows) // batch_size)

        def shuffled(seed: Any) -> Any:
            order = tf.random.experimental.stateless_shuffle(tf.constant(rows), seed)
            return self._batches(order, len(rows), batch_size)

        # After set_random_seed a plain shuffle in here would give every epoch the same order.
        seeds = tf.data.Dataset.random(seed=random.getrandbits(31), rerandomize_each_iteration=True)
        batches = seeds.batch(2).take(1).flat_map(shuffled)
        return {"x": self._gathered(batches, steps)}

    def validation(self, rows: np.ndarray) -> dict[str, Any]:
        """Gathered once and kept."""
        steps = -(-len(rows) // VALIDATION_BATCH)
        batches = self._batches(self.tf.constant(rows), len(rows), VALIDATION_BATCH)
        return {"validation_data": self._gathered(batches, steps).cache()}

    def _batches(self, rows: Any, num_rows: int, batch_size: int) -> Any:
        slices, whole = self.tf.data.Dataset, num_rows // batch_size * batch_size
        batches = slices.from_tensor_slices(self.tf.reshape(rows[:whole], (-1, batch_size)))
        return (
            batches.concatenate(slices.from_tensors(rows[whole:])) if whole < num_rows else batches
        )

    def _gathered(self, batches: Any, steps: int) -> Any:
        tf = self.tf

        def gather(rows: Any) -> tuple[Any, Any]:
            return tf.gather(self.x, rows), tf.gather(self.y, rows)

        data = batches.apply(tf.data.experimental.assert_cardinality(steps))
        return data.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
