"""A loop over seeds with plain Keras `fit`, as people write it."""

import statistics
from collections.abc import Sequence

import keras

from kmlp.config import MLPConfig
from kmlp.data import Dataset
from race.setting import Setting, scaled


def network(config: MLPConfig, widths: Sequence[int]) -> keras.Model:
    """A network in Keras's own layers, from scaled inputs; weights are drawn as kmlp draws them.

    Args:
        config: the regularizers that Keras's own layers have, and batch normalization.
        widths: from the number of features to the number of classes.
    """
    layers: list = [keras.Input(widths[:1])]
    penalty = keras.regularizers.L1L2(config.l1, config.l2) if config.l1 or config.l2 else None
    bound = keras.constraints.MaxNorm(config.max_norm) if config.max_norm else None
    for units in widths[1:-1]:
        layers.append(
            keras.layers.Dense(
                units,
                activation="linear" if config.normalization == "batch" else "relu",
                kernel_initializer="he_normal",
                kernel_regularizer=penalty,
                kernel_constraint=bound,
            )
        )
        if config.normalization == "batch":
            layers += [keras.layers.BatchNormalization(), keras.layers.Activation("relu")]
        if config.dropout:
            layers.append(keras.layers.Dropout(config.dropout))
    output = keras.layers.Dense(
        widths[-1], activation="softmax", kernel_regularizer=penalty, dtype="float32"
    )
    return keras.Sequential([*layers, output])


class Trainer:
    """Builds, compiles and fits one model after another."""

    def __init__(self, setting: Setting, data: Dataset) -> None:
        keras.config.set_dtype_policy(setting.dtype)
        self.setting, self.data = setting, data
        self.x, self.y = scaled(data.x_train, data.y_train)

    def train(self, seeds: Sequence[int], epochs: int) -> dict[str, float]:
        return {"accuracy": statistics.fmean(self._fit(seed, epochs) for seed in seeds)}

    def _fit(self, seed: int, epochs: int) -> float:
        member = self.setting.member(seed, self.data)
        keras.utils.set_random_seed(seed)
        model = network(member.model, self.setting.widths(self.data))
        model.compile(
            optimizer=keras.optimizers.Adam(member.train.learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        train, val = member.split(self.data.rows)
        history = model.fit(
            self.x[train],
            self.y[train],
            batch_size=self.setting.batch_size,
            epochs=epochs,
            validation_data=(self.x[val], self.y[val]),
            verbose=0,
        )
        return history.history["val_accuracy"][-1]
