"""Gaussian noise on every gradient, as a wrapper round any Keras optimizer."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kmlp.errors import ConfigError


@keras.saving.register_keras_serializable("kmlp")
class GradientNoise(keras.optimizers.Optimizer):
    """Adds Gaussian noise to every gradient before an inner optimizer uses it.

    The gradient g of step t becomes g + N(0, stddev_t^2) with
    stddev_t = stddev / (1 + t)^(decay / 2), t the inner optimizer's `iterations` (Neelakantan et
    al. 2015, https://arxiv.org/abs/1511.06807: their eta is `stddev` squared, 0.01, 0.3 or 1; their
    gamma is `decay`, 0.55). Noise is independent over steps, variables and members.

    A full Keras optimizer, to be used in `compile` and `fit`. Everything else is the inner
    optimizer's and set there: learning rate or schedule, clipping (of the noisy gradient), weight
    decay, moving averages. With gradient accumulation the noise is that of one large batch: the
    accumulated gradient has stddev_t. Where the loss is scaled, so is the noise. The state of
    the seed is saved and loaded with the optimizer's variables, so a run that is resumed
    continues with the noise that it would have had.

    Shape:
        gradients and variables of any shape; `(k, ...)` where `stddev` has a value per member.

    Args:
        inner_optimizer: a `keras.optimizers.Optimizer`.
        stddev: standard deviation at step 0, in the gradient's unit: a number, or `(k,)` numbers,
            one for each member along the leading axis of every variable. 0 adds nothing.
        decay: 0 keeps the noise constant.
        seed: None or an integer; keys the noise.
        name: of the optimizer.

    Raises:
        ConfigError: an argument is out of range, or, when it is built, a variable's leading axis
            is not `k` long.

    Example:
        >>> optimizer = GradientNoise(keras.optimizers.SGD(1.0), stddev=0.1, decay=0.55, seed=0)
        >>> weight = keras.Variable(ops.zeros(1000))
        >>> optimizer.apply([ops.zeros(1000)], [weight])
        >>> round(float(ops.std(weight)), 2)
        0.1
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        stddev: float | Sequence[float] | np.ndarray,
        decay: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        _check_optimizer(inner_optimizer)
        super().__init__(learning_rate=0.0, name=name)
        self.stddev, self.decay = _checked_stddev(stddev), _checked_decay(decay)
        self.seed = _checked_seed(seed)
        self.inner_optimizer = inner_optimizer
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        # Keras tracks an optimizer's attributes that are variables, but looks into no generator.
        self._seed_state = self.seed_generator.state

    def build(self, variables: Sequence[Any]) -> None:
        for variable in variables if self.stddev.ndim else ():
            if tuple(variable.shape[:1]) != self.stddev.shape:
                raise ConfigError(
                    f"stddev has {self.stddev.size} values, one for each member, so every variable "
                    f"needs a leading axis of {self.stddev.size}. Received: {variable.name} of "
                    f"shape {tuple(variable.shape)}. Write one number to treat all alike."
                )
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        super().build(variables)

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        given = trainable_variables
        if given is None and not self.built:
            raise ValueError("the optimizer is not built. Pass trainable_variables as well.")
        variables = list(self._trainable_variables if given is None else given)
        if not self.built:
            self.build(variables)
        self.inner_optimizer.apply(self._with_noise(grads, variables), variables)

    def stateless_apply(
        self, optimizer_variables: list, grads: list, trainable_variables: list
    ) -> tuple[list, list]:
        # The inner optimizer's own stateless form, which for loss scaling is not its `apply`.
        mapping = list(zip(self.variables, optimizer_variables, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            noisy = self._with_noise(grads, self._trainable_variables)
        own = [scope.get_current_value(variable) for variable in self._variables]
        inner = optimizer_variables[len(own) :]
        updated, inner = self.inner_optimizer.stateless_apply(inner, noisy, trainable_variables)
        return updated, own + inner

    def _with_noise(self, grads: Sequence[Any], variables: Sequence[Any]) -> list:
        if not self.stddev.any():
            return list(grads)
        stddev = self._stddev_now()
        return [
            g if g is None or _is_overwritten(v) else ops.add(g, self._noise(v, g.dtype, stddev))
            for g, v in zip(grads, variables, strict=True)
        ]

    def _noise(self, variable: Any, dtype: Any, stddev: Any) -> Any:
        shape = tuple(variable.shape)
        if self.stddev.ndim:
            stddev = ops.reshape(stddev, (-1, *(1,) * (len(shape) - 1)))
        noise = keras.random.normal(shape, dtype=dtype, seed=self.seed_generator)
        return noise * ops.cast(stddev, dtype)

    def _stddev_now(self) -> Any:
        """stddev_t in the unit of the gradients as they come, `()` or `(k,)`."""
        step = ops.cast(self.inner_optimizer.iterations, "float32")
        # The mean of n noisy gradients has 1 / sqrt(n) of their noise.
        accumulated = math.sqrt(self.inner_optimizer.gradient_accumulation_steps or 1)
        stddev = ops.convert_to_tensor(self.stddev * accumulated, "float32")
        return self.scale_loss(stddev * ops.power(1 + step, -self.decay / 2))

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": keras.saving.serialize_keras_object(self.inner_optimizer),
            "stddev": self.stddev.tolist(),
            "decay": self.decay,
            "seed": self.seed,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "GradientNoise":
        # Copied, because Keras puts a schedule's object in the place of its config.
        inner = copy.deepcopy(config["inner_optimizer"])
        inner = keras.saving.deserialize_keras_object(inner, custom_objects)
        return cls(**{**config, "inner_optimizer": inner})

    @property
    def variables(self) -> list:
        return self._variables + self.inner_optimizer.variables

    def set_weights(self, weights: Sequence[Any]) -> None:
        num_own = len(self._variables)
        super().set_weights(weights[:num_own])
        self.inner_optimizer.set_weights(weights[num_own:])

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def loss_scale_factor(self) -> float | None:
        return self.inner_optimizer.loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        # Keras's base class sets its default before there is an inner optimizer.
        if hasattr(self, "inner_optimizer"):
            self.inner_optimizer.loss_scale_factor = factor

    def scale_loss(self, loss: Any) -> Any:
        return self.inner_optimizer.scale_loss(loss)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)


def _is_overwritten(variable: Any) -> bool:
    """Whether its gradient is a new value, as for the scales of float8, and no gradient."""
    return getattr(variable, "overwrite_with_gradient", False)


def _check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ConfigError(
            "inner_optimizer must be a keras.optimizers.Optimizer. Received: inner_optimizer="
            f"{optimizer!r}. Write, for instance, GradientNoise(keras.optimizers.Adam(), 0.01)."
        )


def _checked_stddev(stddev: Any) -> np.ndarray:
    try:
        values = np.array(stddev)
    except ValueError:  # a ragged list
        values = np.array(None)
    is_number = values.dtype.kind in "iuf" and values.ndim <= 1 and values.size
    if not is_number or not np.isfinite(values).all() or values.min() < 0:
        raise ConfigError(
            "stddev must be a number of at least 0, or a list of one for each member. "
            f"Received: stddev={stddev!r}. For a variance (eta) write stddev=eta ** 0.5."
        )
    return values.astype(float)


def _checked_decay(decay: Any) -> float:
    is_number = isinstance(decay, int | float | np.number)
    if not is_number or not math.isfinite(decay) or decay < 0:
        raise ConfigError(
            f"decay must be a number of at least 0. Received: decay={decay!r}. "
            "Write 0 for constant noise, 0.55 for noise that falls as in the paper."
        )
    return float(decay)


def _checked_seed(seed: Any) -> int | None:
    if seed is not None and not isinstance(seed, int | np.integer):
        raise ConfigError(
            f"seed must be an integer or None. Received: seed={seed!r}. "
            "Write None for noise that differs from run to run."
        )
    return None if seed is None else int(seed)
