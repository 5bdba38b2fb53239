"""The member-wise optimizer: Keras's update rules as pure functions over stacked weights.

Every weight is `(k, ...)` and every hyperparameter `(k,)`, so each member steps with its own.
Keras's optimizer classes hold one scalar of each and cannot be called statelessly on
TensorFlow; the formulas are theirs, and the tests hold them equal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

Hyper = Mapping[str, Any]


@dataclass(frozen=True)
class UpdateRule:
    """How one weight is updated.

    Attributes:
        num_slots: number of state tensors a weight, each of its shape, zero at first.
        update: `(gradient, weight, slots, step, hyper) -> (weight, slots)`; `step` `(k, 1, 1)`
            counts from 0; `hyper` holds `(k, 1, 1)` tensors.
    """

    num_slots: int
    update: Callable[[Any, Any, list, Any, Hyper], tuple[Any, list]]


def update_rule(name: str, *, momentum: bool = False, nesterov: bool = False) -> UpdateRule:
    """The rule of "sgd" or "adam"; `momentum` says whether any member has some."""
    if name == "adam":
        return UpdateRule(2, _adam)
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
    """Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, with Keras's defaults."""
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-7
    t = ops.cast(step + 1, weight.dtype)
    # Cast as Keras does, which rounds the betas to float32 first: in float64 it can be seen.
    power_1 = ops.power(ops.cast(beta_1, weight.dtype), t)
    power_2 = ops.power(ops.cast(beta_2, weight.dtype), t)
    rate = hyper["learning_rate"] * ops.sqrt(1 - power_2) / (1 - power_1)
    mean = slots[0] + (gradient - slots[0]) * (1 - beta_1)
    square = slots[1] + (ops.square(gradient) - slots[1]) * (1 - beta_2)
    return weight - mean * rate / (ops.sqrt(square) + epsilon), [mean, square]
