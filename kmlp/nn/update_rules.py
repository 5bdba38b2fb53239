"""The member-wise optimizer: Keras's update rules as pure functions over stacked weights.

Every weight is `(k, ..., units)` with three axes and every hyperparameter `(k, 1, 1)`, so each
member steps with its own. Keras's optimizer classes hold one scalar of each and cannot be called
statelessly on TensorFlow; the formulas and their order are theirs, and the tests hold them
equal: the penalty belongs to the gradient; noise is added; the gradient is clipped; weights
decay; the rule steps; the constraint is applied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.config import TrainConfig
from kmlp.nn import backend

Hyper = Mapping[str, Any]


@dataclass(frozen=True)
class UpdateRule:
    """How one weight is updated.

    Attributes:
        num_slots: number of state tensors a weight, each of its shape, zero at first.
        update: `(gradient, weight, slots, step, hyper) -> (weight, slots)`; `step` `(k, 1, 1)`
            counts from 0.
    """

    num_slots: int
    update: Callable[[Any, Any, list, Any, Hyper], tuple[Any, list]]


def update_rule(name: str, *, momentum: bool = False, nesterov: bool = False) -> UpdateRule:
    """The rule of "sgd", "adam", "adamw" or "rmsprop"; `momentum`: whether any member has some."""
    if name in ("adam", "adamw"):
        return UpdateRule(2, _adam)
    if name == "rmsprop":
        return UpdateRule(1, _rmsprop)
    if not momentum:
        return UpdateRule(0, _sgd)
    return UpdateRule(1, _nesterov if nesterov else _momentum)


def penalty_gradient(weight: Any, hyper: Hyper) -> Any:
    """The gradient of `l1 * sum|w| + l2 * sum w^2`, added directly: no pass through a loss."""
    return hyper["l1"] * ops.sign(weight) + 2 * hyper["l2"] * weight


def penalty(weight: Any, hyper: Hyper) -> Any:
    """`l1 * sum|w| + l2 * sum w^2` of each member: `(k,)`."""
    l1, l2 = (ops.reshape(hyper[name], (-1,)) for name in ("l1", "l2"))
    return l1 * ops.sum(ops.abs(weight), (1, 2)) + l2 * ops.sum(ops.square(weight), (1, 2))


def gaussian(words: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Standard normal values from uniform `uint32` words, by the inverse of the distribution.

    Args:
        words: `(k, size)`, one a value.
        shape: `(k, ...)` of as many values.
        dtype: of the result. A word gives 2^23 equally likely values, symmetric around 0.
    """
    uniform = ops.cast(ops.cast(ops.right_shift(words, 9), "int32"), dtype)
    centred = (2 * uniform + 1) * 2.0**-23 - 1
    return ops.reshape(ops.erfinv(centred) * 2**0.5, shape)


def noise_stddev(step: Any, hyper: Hyper) -> Any:
    """`stddev / (1 + t)^(gamma / 2)` (Neelakantan et al. 2015, https://arxiv.org/abs/1511.06807)."""
    t = ops.cast(step, hyper["gradient_noise"].dtype)
    return hyper["gradient_noise"] * ops.power(1 + t, -hyper["gradient_noise_decay"] / 2)


def clip_by_norm(gradient: Any, hyper: Hyper) -> Any:
    """A member's gradient of one weight, scaled down to a norm of `clipnorm`; infinity is none."""
    norm = ops.sqrt(ops.sum(ops.square(gradient), (1, 2), keepdims=True))
    clips = norm > hyper["clipnorm"]
    return ops.where(clips, gradient * (hyper["clipnorm"] / ops.where(clips, norm, 1)), gradient)


def constrain(kernel: Any, hyper: Hyper) -> Any:
    """Keras's `MaxNorm` on the incoming weights of each unit; infinity leaves them alone."""
    bound = hyper["max_norm"]
    norms = ops.sqrt(ops.sum(ops.square(kernel), axis=1, keepdims=True))
    bounded = kernel * (ops.minimum(norms, bound) / (keras.config.epsilon() + norms))
    return ops.where(bound < np.inf, bounded, kernel)


def average(mean: Any, weight: Any, step: Any, hyper: Hyper) -> Any:
    """The moving average of a weight after a step, as Keras's `use_ema`: m * mean + (1 - m) * w,
    and w itself after the first (Polyak and Juditsky 1992, https://doi.org/10.1137/0330046)."""
    share = ops.where(ops.equal(step, 0), 1, hyper["ema_momentum"])  # held as 1 - m
    return (1 - share) * mean + share * weight


def _sgd(gradient: Any, weight: Any, slots: list, step: Any, hyper: Hyper) -> tuple[Any, list]:
    return weight - hyper["learning_rate"] * gradient, slots


def _momentum(gradient: Any, weight: Any, slots: list, step: Any, hyper: Hyper) -> tuple[Any, list]:
    velocity = hyper["momentum"] * slots[0] - hyper["learning_rate"] * gradient
    return weight + velocity, [velocity]


def _nesterov(gradient: Any, weight: Any, slots: list, step: Any, hyper: Hyper) -> tuple[Any, list]:
    descent = hyper["learning_rate"] * gradient
    velocity = hyper["momentum"] * slots[0] - descent
    return weight + hyper["momentum"] * velocity - descent, [velocity]


def _adam(gradient: Any, weight: Any, slots: list, step: Any, hyper: Hyper) -> tuple[Any, list]:
    """Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, with Keras's other defaults."""
    # Constants unless some member has its own: the betas' records say that 1 - beta is held.
    share_1 = hyper.get("beta_1", 1 - TrainConfig.beta_1)
    share_2 = hyper.get("beta_2", 1 - TrainConfig.beta_2)
    epsilon = hyper.get("epsilon", TrainConfig.epsilon)
    t = ops.cast(step + 1, weight.dtype)
    power_1, power_2 = (_power(1 - share, t) for share in (share_1, share_2))
    rate = hyper["learning_rate"] * ops.sqrt(1 - power_2) / (1 - power_1)
    mean = slots[0] + (gradient - slots[0]) * share_1
    square = slots[1] + (ops.square(gradient) - slots[1]) * share_2
    return weight - mean * rate / (ops.sqrt(square) + epsilon), [mean, square]


def _power(beta: Any, t: Any) -> Any:
    """Cast as Keras does, which may round a beta to float32 first: in float64 it can be seen."""
    if not isinstance(beta, float):
        beta = backend.rounded_as_a_constant(beta)
    return ops.power(ops.cast(beta, t.dtype), t)


def _rmsprop(gradient: Any, weight: Any, slots: list, step: Any, hyper: Hyper) -> tuple[Any, list]:
    """Tieleman and Hinton 2012, with Keras's defaults."""
    rho, epsilon = 0.9, hyper.get("epsilon", TrainConfig.epsilon)
    square = rho * slots[0] + (1 - rho) * ops.square(gradient)
    return weight - hyper["learning_rate"] * gradient / ops.sqrt(square + epsilon), [square]
