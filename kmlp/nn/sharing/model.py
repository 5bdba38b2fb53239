"""A network of sub-networks as a Keras model, which Keras's own `fit` trains as they are meant."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("kmlp")
class SubnetworkModel(keras.Model):
    """A functional model that trains each sub-network on its own loss.

    In training its outputs are `(batch, m, ...)`: the loss is the mean of the m losses, metrics are
    of the mean output (Gorishniy et al. 2025, https://arxiv.org/abs/2410.24210).
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if len(y_pred.shape) == 3:
            m = y_pred.shape[1]
            y_pred, y = ops.reshape(y_pred, (-1, y_pred.shape[2])), ops.repeat(y, m, axis=0)
            if sample_weight is not None:
                sample_weight = ops.repeat(sample_weight, m, axis=0)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if len(y_pred.shape) == 3:
            y_pred = ops.mean(y_pred, axis=1)
        return super().compute_metrics(x, y, y_pred, sample_weight)
