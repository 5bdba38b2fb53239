"""What to build, how to train it and what to compare: frozen dataclasses of plain types.

A config is checked when it is made, equal after a trip through JSON and TOML, and its
defaults are the only place where a default stands. No Keras here.
"""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from kmlp import fields
from kmlp.errors import ConfigError
from kmlp.rows import parse_resample

if TYPE_CHECKING:
    from kmlp.sweep import Sweep

AUTO = "auto"
STREAMS = ("init", "order", "noise", "split")
ACTIVATIONS = ("relu", "elu", "selu", "leaky_relu", "tanh", "gelu", "sigmoid")
INITIALIZERS = (
    "auto",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
)
_METRICS = ("cross_entropy", "accuracy", "mse")
MONITORS = ("auto", "loss", *_METRICS, *(f"val_{name}" for name in _METRICS))


class _Config:
    """What the configs share: conversion to and from plain dicts, JSON and TOML."""

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain types (tuples become lists, nested configs become dicts)."""
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; an unknown key is an error that names its nearest field."""
        names = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.__name__} is read from a table. Received: {values!r}.")
        for key in values:
            if key not in names:
                raise ConfigError(fields.unknown(key, names, cls.__name__))
        for f in dataclasses.fields(cls):  # type: ignore[arg-type]
            if f.name not in values and f.default is f.default_factory is dataclasses.MISSING:
                raise ConfigError(f"{cls.__name__} needs {f.name}.")
        return cls(**values)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_dict(json.loads(text))

    def to_toml(self) -> str:
        """TOML has no null: a field that is None is left out and reads back as its default."""
        import tomli_w

        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_toml(cls, text: str) -> Self:
        try:
            return cls.from_dict(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not valid TOML: {error}") from error


@dataclass(frozen=True, kw_only=True)
class MLPConfig(_Config):
    """The network: which layers, how wide, how regularized.

    Attributes:
        hidden_units: units of each hidden layer; `()` is a linear model, that is logistic or
            linear regression.
        activation: relu, elu, selu, leaky_relu, tanh, gelu or sigmoid.
        kernel_initializer: "auto" is He normal before relu, leaky_relu, elu and gelu, LeCun
            normal before selu, Glorot uniform else; or one of Keras's for all layers.
        input_scaling: "none"; "unit" divides `uint8` by 255; "standard" subtracts the mean of
            the member's own training rows and divides by their standard deviation; "auto" is
            "unit" for `uint8` and "standard" for other inputs.
        normalization: "none", "batch" or "layer", before each activation.
        dropout, input_dropout: fraction of the hidden units, of the inputs, dropped (Keras's
            meaning, not the retention probability of Srivastava et al. 2014).
        drop_connect: fraction of the hidden layers' weights and biases dropped.
        drop_connect_mask: one mask a "batch" or an "example".
        drop_connect_inference: by "mean" weights or by the paper's matched "moments".
        l1, l2: factors of the sum over all kernels, the output layer's included, of |w| and
            w^2; biases are not penalized.
        penalty_reduction: "sum", as Keras does, or "mean", the textbook's 1/n over the n
            weights of all kernels.
        max_norm: bound of the norm of every hidden unit's incoming weights; None is no bound.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> MLPConfig(hidden_units=(128, 64), dropout=0.2).dropout
        0.2
    """

    hidden_units: tuple[int, ...] = (128, 64)
    activation: str = "relu"
    kernel_initializer: str = "auto"
    input_scaling: str = "auto"
    normalization: str = "none"
    dropout: float = 0.0
    input_dropout: float = 0.0
    drop_connect: float = 0.0
    drop_connect_mask: str = "batch"
    drop_connect_inference: str = "mean"
    l1: float = 0.0
    l2: float = 0.0
    penalty_reduction: str = "sum"
    max_norm: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_units", fields.positive_ints(self, "hidden_units"))
        fields.check_choice(self, "activation", ACTIVATIONS)
        fields.check_choice(self, "kernel_initializer", INITIALIZERS)
        fields.check_choice(self, "input_scaling", ("auto", "none", "unit", "standard"))
        fields.check_choice(self, "normalization", ("none", "batch", "layer"))
        fields.check_choice(self, "drop_connect_mask", ("batch", "example"))
        fields.check_choice(self, "drop_connect_inference", ("mean", "moments"))
        fields.check_choice(self, "penalty_reduction", ("sum", "mean"))
        fields.check_rate(self, "dropout", "input_dropout", "drop_connect")
        fields.check_non_negative(self, "l1", "l2")
        fields.check_positive_or_none(self, "max_norm")
        for name in ("dropout", "drop_connect", "max_norm"):
            if getattr(self, name) and not self.hidden_units:
                raise ConfigError(
                    f"{name} acts on hidden layers, of which there are none. Received: "
                    f"hidden_units=(), {name}={getattr(self, name)!r}. Leave it out."
                )
        if self.drop_connect_inference == "moments" and self.normalization != "none":
            raise ConfigError(
                "drop_connect_inference='moments' averages the activation over the layer's own "
                "outputs, which a normalization would change. Received: normalization="
                f"{self.normalization!r}. Use drop_connect_inference='mean'."
            )
        fields.as_floats(self)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(_Config):
    """How a network is trained; the argument names and meanings are Keras's.

    Attributes:
        optimizer: sgd, adam, adamw or rmsprop; what is no field here is as in Keras.
        learning_rate: the first step's.
        momentum, nesterov: sgd's.
        weight_decay: decoupled from the gradient (Loshchilov and Hutter 2019): every step takes
            `learning_rate * weight_decay` of each weight away.
        clipnorm: bound of the norm of each weight's gradient, member by member; None is none.
        learning_rate_schedule: "constant"; "cosine" falls to 0 at `max_epochs`; "step" divides
            by 10 at 50 % and at 75 % of `max_epochs`.
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
        class_weight: weights of the classes in the training loss: "balanced" (n / (num_classes
            * n_c)), a mapping from class number or name to weight (1 where left out), or None.
        label_smoothing: fraction of the target spread evenly over the classes.
        dtype_policy: float32.

    Raises:
        ConfigError: a value is out of range.

    Example:
        >>> TrainConfig(optimizer="sgd", learning_rate=0.1, momentum=0.9).momentum
        0.9
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clipnorm: float | None = None
    learning_rate_schedule: str = "constant"
    reduce_on_plateau: Mapping[str, Any] | None = None
    gradient_noise: float = 0.0
    gradient_noise_decay: float = 0.0
    batch_size: int | str = 128
    max_epochs: int = 100
    early_stopping: bool = True
    monitor: str = "auto"
    min_delta: float = 1e-4
    patience: int = 5
    restore_best_weights: bool = True
    class_weight: str | Mapping[str, float] | None = None
    label_smoothing: float = 0.0
    dtype_policy: str = "float32"

    def __post_init__(self) -> None:
        fields.check_choice(self, "optimizer", ("sgd", "adam", "adamw", "rmsprop"))
        fields.check_choice(self, "dtype_policy", ("float32", "mixed_bfloat16"))
        fields.check_positive(self, "learning_rate")
        fields.check_rate(self, "momentum", "label_smoothing")
        fields.check_non_negative(
            self, "min_delta", "weight_decay", "gradient_noise", "gradient_noise_decay"
        )
        fields.check_positive_or_none(self, "clipnorm")
        fields.check_truth(self, "nesterov", "early_stopping", "restore_best_weights")
        fields.check_whole(self, "max_epochs", 1)
        fields.check_whole(self, "patience", 0, " of epochs")
        if self.batch_size != "full":
            fields.check_whole(self, "batch_size", 1, ' (or "full")')
        if self.optimizer != "sgd" and (self.momentum or self.nesterov):
            raise ConfigError(
                "momentum and nesterov belong to optimizer='sgd'. "
                f"Received: optimizer={self.optimizer!r}, momentum={self.momentum}."
            )
        self._check_schedule()
        self._check_monitor()
        if self.class_weight is not None:
            object.__setattr__(self, "class_weight", fields.class_weight(self.class_weight))
        fields.as_floats(self)

    def _check_schedule(self) -> None:
        if self.learning_rate_schedule == "plateau":
            raise ConfigError(
                "learning_rate_schedule='plateau' is written "
                "reduce_on_plateau = {factor = 0.5, patience = 3}."
            )
        fields.check_choice(self, "learning_rate_schedule", ("constant", "cosine", "step"))
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


@dataclass(frozen=True, kw_only=True)
class StudyConfig(_Config):
    """What to compare, on what, over how many seeds.

    `variants` holds names ("dropout"), names with a strength ("dropout=0.5") or tables that
    override fields of `model` and `train` ({"name": "wide", "hidden_units": [512, 256]}); "all"
    stands for every name there is.
    Seed s gives every variant the same initial weights, data order and validation split.
    `validation_fraction` of the training rows is held out, drawn by each seed and stratified
    by class; 0 is legal and then the training loss is monitored. `seed_streams` gives some of the
    streams init, order, noise and split a fixed seed ({"order": 0, "split": 0}); the others
    follow each member's own seed. `strengths="auto"` chooses the strength of every variant that is
    named without one on validation, with pilot seeds of their own; "default" takes the named ones.

    `num_seeds="auto"` compares on the validation rows at 10, 20, 40, ... seeds, at most
    `max_seeds`, and adds seeds to what is still undecided; where `half_width` is given (in the
    metric's own unit), an interval as narrow as that to either side needs no more: see
    `kmlp.looks`. `sweep` adds a variant for each value of a field ("dropout=0:0.8:9").

    Members beside the ordinary ones, for every variant: `resample` ("splits:5" or "bootstrap:20")
    trains `resample_seeds` seeds on each sample of the training rows; `folds` cross-validates on
    the training set, `repeats` times; `randomness` varies one of the streams at a time over
    `randomness_seeds` seeds, at each of three settings of the others.

    Raises:
        ConfigError: a value is out of range, a variant is unknown, or the baseline is not
            among the variants.

    Example:
        >>> StudyConfig(dataset="mnist", variants=("none", "l2=1e-4")).variant_names
        ('none', 'l2=0.0001')
    """

    dataset: str
    variants: tuple[str | Mapping[str, Any], ...] = ("none", "dropout", "l2", "dropout_l2")
    num_seeds: int | str = 10
    max_seeds: int = 40
    half_width: float | None = None
    first_seed: int = 0
    seed_streams: Mapping[str, int] | None = None
    model: MLPConfig = field(default_factory=MLPConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    validation_fraction: float = 1 / 6
    baseline: str = "none"
    strengths: str = "default"
    sweep: tuple[str, ...] = ()
    resample: str | None = None
    resample_seeds: int = 3
    folds: int | None = None
    repeats: int = 1
    randomness: bool = False
    randomness_seeds: int = 5

    def __post_init__(self) -> None:
        for name, kind in (("model", MLPConfig), ("train", TrainConfig)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, kind.from_dict(value))
            elif not isinstance(value, kind):
                raise ConfigError(fields.wanted(self, name, f"a table of {kind.__name__}'s fields"))
        if self.seed_streams is not None:
            streams = fields.seed_streams(self.seed_streams, STREAMS)
            object.__setattr__(self, "seed_streams", streams)
        fields.check_choice(self, "strengths", ("default", "auto"))
        if self.strengths == "auto" and not self.validation_fraction:
            raise ConfigError(
                "strengths='auto' chooses on validation rows, of which there are none. Received: "
                "validation_fraction=0. Hold some rows out, or name the strengths."
            )
        if self.num_seeds != AUTO:
            fields.check_whole(self, "num_seeds", 1)
        elif not self.validation_fraction:
            raise ConfigError(
                "num_seeds='auto' looks at validation rows, of which there are none. Received: "
                "validation_fraction=0. Hold some rows out, or name the number of seeds."
            )
        fields.check_whole(self, "max_seeds", 6)
        fields.check_whole(self, "first_seed", 0)
        fields.check_rate(self, "validation_fraction")
        fields.check_positive_or_none(self, "half_width")
        fields.as_floats(self)
        self._check_samples()
        self._check_variants()

    def _check_samples(self) -> None:
        listed = (self.sweep,) if isinstance(self.sweep, str) else tuple(self.sweep)
        object.__setattr__(self, "sweep", listed)
        for name in ("resample_seeds", "randomness_seeds", "repeats"):
            fields.check_whole(self, name, 1)
        fields.check_truth(self, "randomness")
        if self.folds is not None:
            fields.check_whole(self, "folds", 2)
        if self.resample is not None:
            parse_resample(self.resample, 0)

    def _check_variants(self) -> None:
        if not isinstance(self.variants, str | list | tuple):
            raise ConfigError(fields.wanted(self, "variants", "a list of names and tables"))
        listed = (self.variants,) if isinstance(self.variants, str) else self.variants
        object.__setattr__(self, "variants", tuple(map(_plain_table, listed)))
        names = self.variant_names
        if len(set(names)) < len(names):
            raise ConfigError(f"every variant needs its own name. Received: {', '.join(names)}.")
        if self.baseline not in names:
            raise ConfigError(
                f"the baseline must be one of the variants. Received: baseline="
                f"{self.baseline!r}, variants {', '.join(names)}. Add it, or name another."
            )

    def for_data(self, task: str, input_dtype: str) -> "StudyConfig":
        """The same study with "all" written out: every named variant that means something there.

        Label smoothing needs classes; inputs that are no `uint8` are standardized anyway.
        """
        from kmlp.variants import expand_all

        standardized = input_dtype != "uint8" and self.model.input_scaling in ("auto", "standard")
        pointless = ("label_smoothing",) * (task == "regression") + ("input_norm",) * standardized
        return dataclasses.replace(self, variants=expand_all(self.variants, pointless))

    @property
    def resolved_variants(self) -> tuple["Variant", ...]:
        """Every variant with its full configs, in the order given."""
        from kmlp.variants import expand_all, resolve_variant

        found = [resolve_variant(v, self.model, self.train) for v in expand_all(self.variants)]
        for variant in (v for sweep in self.sweeps for v in sweep.variants):
            swept = resolve_variant(variant, self.model, self.train)
            # A sweep may pass a variant that is there anyway.
            found += [swept] if swept not in found else []
        return tuple(found)

    @property
    def variant_names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.resolved_variants)

    @property
    def sweeps(self) -> tuple["Sweep", ...]:
        """What `sweep` stands for."""
        from kmlp.sweep import parse_sweep

        return tuple(map(parse_sweep, self.sweep))

    @property
    def most_seeds(self) -> int:
        """How many seeds a variant may have; where `num_seeds` is a number, has."""
        return self.num_seeds if isinstance(self.num_seeds, int) else self.max_seeds

    @property
    def seeds(self) -> range:
        """As many as `most_seeds`."""
        return range(self.first_seed, self.first_seed + self.most_seeds)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One thing to compare: its name, its strength in words, its full configs, and how many of
    the training rows it sees, where that is not all of them."""

    name: str
    strength: str
    model: MLPConfig
    train: TrainConfig
    num_train: int | None = None

    def __post_init__(self) -> None:
        if self.num_train is not None:
            fields.check_whole(self, "num_train", 1, " of training rows")


def _plain_table(variant: Any) -> Any:
    """A variant as JSON and TOML give it back: their arrays are lists."""
    if not isinstance(variant, Mapping):
        return variant
    return {k: list(v) if isinstance(v, tuple) else v for k, v in variant.items()}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value
