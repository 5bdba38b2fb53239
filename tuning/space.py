"""Hyperparameters to configs: the only place that names `hp.*`."""

from typing import Any

from kmlp.config import MLPConfig, TrainConfig


def sample_mlp(hp: Any) -> MLPConfig:
    """A network of two hidden layers: widths, dropout and L2.

    Args:
        hp: KerasTuner's `HyperParameters`.
    """
    return MLPConfig(
        hidden_units=(
            hp.Choice("units_1", [64, 128, 256, 512], default=128),
            hp.Choice("units_2", [32, 64, 128, 256], default=64),
        ),
        dropout=hp.Float("dropout", 0.0, 0.6, step=0.1, default=0.0),
        l2=hp.Choice("l2", [0.0, 1e-5, 1e-4, 1e-3], default=0.0),
    )


def sample_training(hp: Any) -> TrainConfig:
    """The learning rate of Adam, on a log scale."""
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    return TrainConfig(learning_rate=rate)
