"""A hypermodel for any of KerasTuner's own tuners."""

from typing import Any

import keras
import keras_tuner

from kmlp.data import DataSpec
from kmlp.model import build_mlp
from tuning.space import sample_mlp, sample_training


class MLPHyperModel(keras_tuner.HyperModel):
    """Builds and compiles kmlp's plain model from a trial's hyperparameters.

    Args:
        spec: the data's shapes and classes, as `load_dataset(...).spec`.

    Example:
        tuner = keras_tuner.RandomSearch(MLPHyperModel(data.spec), objective="val_accuracy")
        tuner.search(x_train, y_train, validation_split=0.2, epochs=5)
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(name="mlp")
        self.spec = spec

    def build(self, hp: Any) -> keras.Model:
        """A compiled model from raw examples to probabilities."""
        model = build_mlp(sample_mlp(hp), self.spec)
        model.compile(
            keras.optimizers.Adam(sample_training(hp).learning_rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model
