"""The stacked normalization layers: moments, gains and offsets of each member's own."""

from typing import Any

import keras
from keras import ops

from kmlp.nn.stacked_layers import Stacked


class _StackedNormalization(Stacked):
    """What they share: a gain and an offset of each member's own units.

    Shape:
        input and output `(k, batch, units)`; all weights `(k, 1, units)`.
    """

    def __init__(self, *, epsilon: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = (input_shape[0], 1, input_shape[2])
        self.gamma = self.add_weight(shape, "ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape, "zeros", autocast=False, name="beta")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("kmlp")
class StackedBatchNormalization(_StackedNormalization):
    """Batch normalization by each member's own batch and moving statistics, with Keras's
    momentum (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167)."""

    def __init__(self, *, momentum: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum

    def build(self, input_shape: tuple[int, ...]) -> None:
        super().build(input_shape)
        shape = self.gamma.shape
        options: dict[str, Any] = {"trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(shape, "zeros", **options, name="moving_mean")
        self.moving_variance = self.add_weight(shape, "ones", **options, name="moving_variance")

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = self.widened(inputs)
        if training:
            mean, variance = ops.moments(x, axes=(1,), keepdims=True)
            for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scaled = (x - mean) * (self.gamma * ops.rsqrt(variance + self.epsilon)) + self.beta
        return ops.cast(scaled, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


@keras.saving.register_keras_serializable("kmlp")
class StackedLayerNormalization(_StackedNormalization):
    """Layer normalization with each member's own gain and offset (Ba et al. 2016,
    https://arxiv.org/abs/1607.06450)."""

    def call(self, inputs: Any) -> Any:
        x = self.widened(inputs)
        mean, variance = ops.moments(x, axes=(2,), keepdims=True)
        scaled = (x - mean) * ops.rsqrt(variance + self.epsilon) * self.gamma + self.beta
        return ops.cast(scaled, self.compute_dtype)
