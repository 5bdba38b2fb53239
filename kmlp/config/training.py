"""How to train it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.config.records import NOT_OFF, Condition, Draws, Search, choice, described
from kmlp.errors import ConfigError
from kmlp.stats.monitoring import MONITORS

_SGD: Condition = ("optimizer", ("sgd",))
_ADAM: Condition = ("optimizer", ("adam", "adamw"))
_ADAPTIVE: Condition = ("optimizer", ("adam", "adamw", "rmsprop"))
_CONSTANT: Condition = ("learning_rate_schedule", ("constant",))
SCHEDULES = (
    *("constant", "cosine", "step", "flat_cosine", "coslog4", "exponential"),
    *("inverse", "cosine_restarts"),
)

# Of weights; what is left, kernels and what normalizes, has the learning rate itself.
_KINDS = ("bias", "scale", "activation", "embedding", "number")


def _schedule_of(*strength: str) -> Any:
    """How a strength changes with the steps."""
    return described("constant", held="stack", off="constant", acts_with=strength, since="0.2.0")


def _warm_up_of(name: str, *strength: str) -> Any:
    """In which part of all steps a strength, or the rate, rises."""
    return described(0.0, held="step", off=0.0, switch=name, acts_with=strength, since="0.2.0")


def _factor_of(name: str, *strength: str) -> Any:
    """What the learning rate, or a strength, of one kind of weight is multiplied with."""
    return described(1.0, held="step", off=1.0, switch=name, acts_with=strength, since="0.2.0")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """How a network is trained; the argument names and meanings are Keras's.

    Attributes:
        optimizer: sgd, adam, adamw or rmsprop; what is no field here is as in Keras.
        learning_rate: the first step's.
        momentum, nesterov: sgd's.
        momentum_warm_up, initial_momentum: part of `max_epochs` in which the momentum rises evenly
            from `initial_momentum`; 0 has it from the first step on.
        beta_1, beta_2: adam's and adamw's; how much of the running mean of gradients, and of
            squared gradients, a step keeps.
        epsilon: adam's, adamw's and rmsprop's; keeps the divisor of a step above 0.
        weight_decay: decoupled from the gradient (Loshchilov and Hutter 2019): every step takes
            `learning_rate * weight_decay` of each weight away.
        clipnorm: bound of the norm of each weight's gradient, member by member; None is none.
        learning_rate_schedule: "constant"; "cosine" falls to 0 at `max_epochs`; "step" divides
            by 10 at 50 % and at 75 % of `max_epochs`; "flat_cosine" falls in the second half;
            "coslog4" rises and falls four times; "exponential" and "inverse" (as 1 / (1 + c t))
            fall to `decay_rate`; "cosine_restarts" are three cosines, each twice as long.
        weight_decay_schedule, dropout_schedule: the same, of these strengths.
        decay_rate: the factor that "exponential" and "inverse" end at.
        warm_up, weight_decay_warm_up, dropout_warm_up: part of `max_epochs` in which the rate or
            strength rises from 0; its schedule runs in the rest.
        bias_rate_factor, scale_rate_factor, activation_rate_factor, embedding_rate_factor,
            number_rate_factor: what the learning rate of biases, of learned input scales, of
            parametric activations, of embeddings of categories, and of numbers, is multiplied with.
        bias_decay_factor, scale_decay_factor, activation_decay_factor, embedding_decay_factor,
            number_decay_factor: what the weight decay of these is multiplied with, beside the rate;
            0 is none.
        ema_momentum: how much of their moving average a step keeps of weights that are averaged;
            0 averages none. Averages are validated, kept and exported.
        reduce_on_plateau: None or a mapping with any of `factor` (0.1 where left out), `patience`
            (10 epochs) and `min_learning_rate` (0); early stopping's patience should be longer.
        gradient_noise: stddev of the Gaussian noise on every gradient at step 0.
        gradient_noise_decay: gamma; the stddev at step t is `stddev / (1 + t)^(gamma / 2)`.
        batch_size: rows, or "full".
        max_epochs, patience: epochs.
        monitor: a metric of the epoch logs: `loss` (what is minimized on the training rows,
            penalty included), `cross_entropy` and `accuracy`, or `mse` for regression, and
            their `val_`; "auto" is the plain validation cross-entropy or mse, or the training
            loss where no validation rows are held out.
        min_delta: in the monitored metric's unit; mse is in units of the variance of the
            training targets.
        keep_last_best: whether the best epoch is the last of those with the best value, instead of
            the first that improved by more than `min_delta`.
        class_weight: weights of the classes in the training loss: "balanced" (n / (num_classes
            * n_c)), a mapping from class number or name to weight (1 where left out), a list or
            array with the weight of class 0 first, or None.
        label_smoothing: fraction of the target spread evenly over the classes.
        mixup: alpha of the Beta distribution by which rows, and their losses, are mixed; 0 is none.
        dtype_policy: float32, or mixed_bfloat16: a training step's products in bfloat16; weights,
            losses and all that is evaluated stay in float32.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> TrainConfig(optimizer="sgd", learning_rate=0.1, momentum=0.9).momentum
        0.9
    """

    # AdamW is Adam with weight decay, which is a parameter of its own.
    optimizer: str = described("adam", held="stack", search=choice("adam", "rmsprop", "sgd"))
    learning_rate: float = described(
        1e-3, held="step", search=Search(low=1e-4, high=1e-2, when=(_ADAPTIVE,), preset=True)
    )
    momentum: float = described(
        0.0,
        held="step",
        off=0.0,
        switch="momentum",
        search=choice(0.0, 0.5, 0.9, 0.95, 0.99, when=(_SGD,), preset=True),
    )
    momentum_warm_up: float = _warm_up_of("momentum_warm_up", "momentum")
    initial_momentum: float = described(
        0.0,
        held="step",
        off=0.0,
        switch="momentum_warm_up",
        acts_with=("momentum_warm_up",),
        since="0.2.0",
    )
    nesterov: bool = described(
        False,
        held="stack",
        off=False,
        search=choice(False, True, when=(_SGD, ("momentum", NOT_OFF))),
    )
    beta_1: float = described(
        0.9,
        held="step",
        off=0.9,
        switch="beta_1",
        complement=True,
        search=choice(0.9, 0.95, 0.8, 0.5, when=(_ADAM,)),
        since="0.2.0",
    )
    beta_2: float = described(
        0.999,
        held="step",
        off=0.999,
        switch="beta_2",
        complement=True,
        search=choice(0.999, 0.99, 0.95, 0.9, when=(_ADAM,)),
        since="0.2.0",
    )
    epsilon: float = described(
        1e-7,
        held="step",
        off=1e-7,
        switch="epsilon",
        search=choice(1e-7, 1e-8, 1e-5, 1e-3, when=(_ADAPTIVE,)),
        since="0.2.0",
    )
    weight_decay: float = described(
        0.0,
        held="step",
        off=0.0,
        switch="weight_decay",
        search=choice(0.0, 1e-4, 1e-3, 1e-2, 1e-1),
    )
    clipnorm: float | None = described(
        None, held="step", off=None, switch="clipnorm", search=choice(0.0, 0.1, 1.0, 10.0)
    )
    learning_rate_schedule: str = described(
        "constant",
        held="stack",
        search=choice(*SCHEDULES, preset=("constant", "cosine", "step")),
    )
    weight_decay_schedule: str = _schedule_of("weight_decay")
    dropout_schedule: str = _schedule_of()
    decay_rate: float = described(0.01, held="step", off=0.01, switch="decay_rate", since="0.2.0")
    warm_up: float = _warm_up_of("warm_up")
    weight_decay_warm_up: float = _warm_up_of("weight_decay_warm_up", "weight_decay")
    dropout_warm_up: float = _warm_up_of("dropout_warm_up")
    bias_rate_factor: float = _factor_of("bias_rate_factor")
    scale_rate_factor: float = _factor_of("scale_rate_factor")
    activation_rate_factor: float = _factor_of("activation_rate_factor")
    embedding_rate_factor: float = _factor_of("embedding_rate_factor")
    number_rate_factor: float = _factor_of("number_rate_factor")
    bias_decay_factor: float = _factor_of("bias_decay_factor", "weight_decay")
    scale_decay_factor: float = _factor_of("scale_decay_factor", "weight_decay")
    activation_decay_factor: float = _factor_of("activation_decay_factor", "weight_decay")
    embedding_decay_factor: float = _factor_of("embedding_decay_factor", "weight_decay")
    number_decay_factor: float = _factor_of("number_decay_factor", "weight_decay")
    reduce_on_plateau: Mapping[str, Any] | None = described(
        None, off=None, search=choice(False, True, when=(_CONSTANT,))
    )
    ema_momentum: float = described(
        0.0,
        title="momentum of averaged weights",
        held="step",
        off=0.0,
        switch="ema_momentum",
        complement=True,
        since="0.2.0",
    )
    gradient_noise: float = described(
        0.0,
        unit="stddev",
        held="step",
        off=0.0,
        switch="gradient_noise",
        draws=Draws(kind="normal", place="gradients", key=2),
        strength=0.01,
        beside={"gradient_noise_decay": 0.55},
        pilot=(0.001, 0.01, 0.03, 0.1, 0.3),
        search=choice(0.0, 0.001, 0.01, 0.03, 0.1),
    )
    gradient_noise_decay: float = described(
        0.0, held="step", off=0.0, search=choice(0.0, 0.55, when=(("gradient_noise", NOT_OFF),))
    )
    batch_size: int | str = described(
        128, held="stack", search=choice(64, 128, 256, 512, preset=True)
    )
    max_epochs: int = described(100, held="stack")
    early_stopping: bool = described(True, off=False, variants={"no_early_stopping": False})
    monitor: str = described("auto", held="stack")
    min_delta: float = described(1e-4)
    patience: int = described(5)
    restore_best_weights: bool = described(True)
    keep_last_best: bool = described(False, off=False, since="0.2.0")
    class_weight: str | Mapping[str, float] | None = described(
        None,
        held="rows",
        off=None,
        switch="class_weight",
        classes_only=True,
        search=choice("none", "balanced"),
    )
    label_smoothing: float = described(
        0.0,
        held="step",
        off=0.0,
        switch="label_smoothing",
        classes_only=True,
        strength=0.1,
        pilot=(0.02, 0.05, 0.1, 0.15, 0.2),
        search=choice(0.0, 0.05, 0.1, 0.2, preset=True),
    )
    mixup: float = described(
        0.0,
        title="mixup's alpha",
        held="layer",
        off=0.0,
        switch="mixup",
        draws=Draws(kind="mixture", place="batch", key=5),
        strength=0.2,
        pilot=(0.05, 0.1, 0.2, 0.4, 1.0),
        since="0.2.0",
    )
    dtype_policy: str = described("float32", held="stack")

    def __post_init__(self) -> None:
        fields.check_choice(self, "optimizer", ("sgd", "adam", "adamw", "rmsprop"))
        fields.check_choice(self, "dtype_policy", ("float32", "mixed_bfloat16"))
        fields.check_positive(self, "learning_rate", "epsilon", "decay_rate")
        fields.check_rate(self, "momentum", "beta_1", "beta_2", "ema_momentum", "label_smoothing")
        fields.check_rate(self, "warm_up", "weight_decay_warm_up", "dropout_warm_up")
        fields.check_rate(self, "momentum_warm_up", "initial_momentum")
        fields.check_non_negative(
            self, "min_delta", "weight_decay", "gradient_noise", "gradient_noise_decay"
        )
        fields.check_non_negative(self, *(f"{kind}_rate_factor" for kind in _KINDS))
        fields.check_non_negative(self, *(f"{kind}_decay_factor" for kind in _KINDS), "mixup")
        fields.check_positive_or_none(self, "clipnorm")
        fields.check_truth(self, "nesterov", "early_stopping")
        fields.check_truth(self, "restore_best_weights", "keep_last_best")
        fields.check_whole(self, "max_epochs", 1)
        fields.check_whole(self, "patience", 0, " of epochs")
        if self.batch_size != "full":
            fields.check_whole(self, "batch_size", 1, ' (or "full")')
        self._check_optimizer()
        for name in ("learning_rate", "weight_decay", "dropout"):
            self._check_schedule(name)
        self._check_plateau()
        self._check_monitor()
        if self.class_weight is not None:
            object.__setattr__(self, "class_weight", fields.class_weight(self.class_weight))
        fields.as_floats(self)

    def _check_optimizer(self) -> None:
        """Refuses what another rule knows: it would have no effect, and nobody would notice."""
        if self.optimizer != "sgd" and (self.momentum or self.nesterov):
            raise ConfigError(
                "momentum and nesterov belong to optimizer='sgd'. "
                f"Received: optimizer={self.optimizer!r}, momentum={self.momentum}."
            )
        if self.momentum_warm_up and not self.momentum:
            raise ConfigError(
                "momentum_warm_up rises to a momentum. Received: momentum=0.0, "
                f"momentum_warm_up={self.momentum_warm_up}. Set momentum, or leave it out."
            )
        if self.initial_momentum and not self.momentum_warm_up:
            raise ConfigError(
                "initial_momentum is what momentum rises from in its warm-up. Received: "
                f"initial_momentum={self.initial_momentum}, momentum_warm_up=0.0. Say both, or "
                "neither."
            )
        owners = {"beta_1": _ADAM, "beta_2": _ADAM, "epsilon": _ADAPTIVE}
        for name, (_, optimizers) in owners.items():
            value = getattr(self, name)
            if self.optimizer not in optimizers and value != getattr(TrainConfig, name):
                *others, last = map(repr, optimizers)
                raise ConfigError(
                    f"{name} belongs to optimizer={', '.join(others)} and {last}. Received: "
                    f"optimizer={self.optimizer!r}, {name}={value}. Leave it out."
                )

    def _check_schedule(self, of: str) -> None:
        name, warm_up = f"{of}_schedule", "warm_up" if of == "learning_rate" else f"{of}_warm_up"
        if getattr(self, name) == "plateau":
            raise ConfigError(
                f"{name}='plateau' is written reduce_on_plateau = {{factor = 0.5, patience = 3}}."
            )
        fields.check_choice(self, name, SCHEDULES)
        if getattr(self, name) == "coslog4" and getattr(self, warm_up):
            raise ConfigError(
                f"{name}='coslog4' rises from 0 by itself. Received: "
                f"{warm_up}={getattr(self, warm_up)}. Leave it out."
            )

    def _check_plateau(self) -> None:
        if self.reduce_on_plateau is None:
            return
        object.__setattr__(self, "reduce_on_plateau", fields.plateau(self.reduce_on_plateau))
        if self.learning_rate_schedule != "constant":
            raise ConfigError(
                "reduce_on_plateau and a learning_rate_schedule exclude each other. Received: "
                f"learning_rate_schedule={self.learning_rate_schedule!r}. Leave one of them out."
            )

    def _check_monitor(self) -> None:
        if self.monitor not in MONITORS:
            hint = (
                " The plain validation loss is val_cross_entropy, or val_mse for regression."
                if self.monitor == "val_loss"
                else ""
            )
            raise ConfigError(
                fields.wanted(self, "monitor", "one of " + ", ".join(MONITORS)) + hint
            )
