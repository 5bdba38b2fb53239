"""How to train it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmlp.config import fields
from kmlp.config.base import Config
from kmlp.config.records import NOT_OFF, Condition, Draws, Search, choice, described
from kmlp.config.training_checks import ADAM, ADAPTIVE, SCHEDULES, check_training

_SGD: Condition = ("optimizer", ("sgd",))
_ADAM: Condition = ("optimizer", ADAM)
_ADAPTIVE: Condition = ("optimizer", ADAPTIVE)
_STOPPING: tuple[Condition, ...] = (("early_stopping", NOT_OFF),)
_CONSTANT: Condition = ("learning_rate_schedule", ("constant",))
# Of what each kind has its weights, where that is said by a field.
_MAKES: dict[str, tuple[Condition, ...]] = {
    "scale": (("learned_scale", NOT_OFF),),
    "activation": (("parametric_activation", NOT_OFF),),
    "number": (("number_embedding", ("periodic",)),),
}
_DECAYS: tuple[Condition, ...] = (("weight_decay", NOT_OFF),)
_DROPOUTS = ("dropout", "layer_dropout")
_FALLING = ("exponential", "inverse")


def _schedule_of(**known: Any) -> Any:
    """How a strength changes with the steps."""
    return described("constant", held="stack", off="constant", since="0.2.0", **known)


def _warm_up_of(name: str, **known: Any) -> Any:
    """In which part of all steps a strength, or the rate, rises."""
    return described(0.0, held="step", off=0.0, switch=name, since="0.2.0", **known)


def _rate_factor_of(kind: str) -> Any:
    """What the learning rate of one kind of weight is multiplied with."""
    return _factor_of(f"{kind}_rate_factor", _MAKES.get(kind, ()))


def _decay_factor_of(kind: str) -> Any:
    """What the weight decay of one kind of weight is multiplied with."""
    return _factor_of(f"{kind}_decay_factor", (*_DECAYS, *_MAKES.get(kind, ())))


def _factor_of(name: str, needs: tuple[Condition, ...]) -> Any:
    return described(1.0, held="step", off=1.0, switch=name, needs=needs, since="0.2.0")


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
    momentum_warm_up: float = _warm_up_of("momentum_warm_up", needs=(("momentum", NOT_OFF),))
    initial_momentum: float = described(
        0.0,
        held="step",
        off=0.0,
        switch="momentum_warm_up",
        needs=(("momentum_warm_up", NOT_OFF),),
        since="0.2.0",
    )
    nesterov: bool = described(
        False,
        held="stack",
        off=False,
        needs=(("momentum", NOT_OFF),),
        search=choice(False, True, when=(_SGD,)),
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
    weight_decay_schedule: str = _schedule_of(needs=_DECAYS)
    dropout_schedule: str = _schedule_of(acts_with=_DROPOUTS)
    decay_rate: float = described(
        0.01,
        held="step",
        off=0.01,
        switch="decay_rate",
        acts_with=tuple(
            (f"{of}_schedule", _FALLING) for of in ("learning_rate", "weight_decay", "dropout")
        ),
        since="0.2.0",
    )
    warm_up: float = _warm_up_of("warm_up")
    weight_decay_warm_up: float = _warm_up_of("weight_decay_warm_up", needs=_DECAYS)
    dropout_warm_up: float = _warm_up_of("dropout_warm_up", acts_with=_DROPOUTS)
    bias_rate_factor: float = _rate_factor_of("bias")
    scale_rate_factor: float = _rate_factor_of("scale")
    activation_rate_factor: float = _rate_factor_of("activation")
    embedding_rate_factor: float = _rate_factor_of("embedding")
    number_rate_factor: float = _rate_factor_of("number")
    bias_decay_factor: float = _decay_factor_of("bias")
    scale_decay_factor: float = _decay_factor_of("scale")
    activation_decay_factor: float = _decay_factor_of("activation")
    embedding_decay_factor: float = _decay_factor_of("embedding")
    number_decay_factor: float = _decay_factor_of("number")
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
        0.0,
        held="step",
        off=0.0,
        needs=(("gradient_noise", NOT_OFF),),
        search=choice(0.0, 0.55),
    )
    batch_size: int | str = described(
        128, held="stack", search=choice(64, 128, 256, 512, preset=True)
    )
    max_epochs: int = described(100, held="stack")
    early_stopping: bool = described(True, off=False, variants={"no_early_stopping": False})
    monitor: str = described("auto", held="stack")
    min_delta: float = described(1e-4)
    patience: int = described(5, needs=_STOPPING)
    restore_best_weights: bool = described(True, needs=_STOPPING)
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
        check_training(self)
        if self.class_weight is not None:
            object.__setattr__(self, "class_weight", fields.class_weight(self.class_weight))
        fields.as_floats(self)
