"""What to build, how to train it and what to compare: frozen dataclasses of plain types.

A config is checked when it is made, equal after a trip through JSON and TOML, and its
defaults are the only place where a default stands. No Keras here.
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from kmlp.errors import ConfigError

# Fields whose feature is not built yet: any other value is refused, never ignored.
_AVAILABLE: dict[str, tuple[Any, ...]] = {
    "activation": ("relu",),
    "kernel_initializer": ("auto",),
    "input_scaling": ("auto", "none", "unit"),
    "normalization": ("none",),
    "input_dropout": (0.0,),
    "drop_connect": (0.0,),
    "drop_connect_mask": ("batch",),
    "drop_connect_inference": ("mean",),
    "penalty_reduction": ("sum",),
    "max_norm": (None,),
    "optimizer": ("sgd", "adam"),
    "weight_decay": (0.0,),
    "clipnorm": (None,),
    "learning_rate_schedule": ("constant",),
    "gradient_noise": (0.0,),
    "gradient_noise_decay": (0.0,),
    "class_weight": (None,),
    "label_smoothing": (0.0,),
    "dtype_policy": ("float32",),
    "seed_streams": (None,),
}
_MONITORS = ("auto", "loss", "cross_entropy", "accuracy", "val_cross_entropy", "val_accuracy")


class _Config:
    """What the configs share: conversion to and from plain dicts, JSON and TOML."""

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain types (tuples become lists, nested configs become dicts)."""
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; an unknown key is an error that names its nearest field."""
        names = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for key in values:
            if key not in names:
                raise ConfigError(_unknown(key, names, cls.__name__))
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

    Rates are fractions of units dropped (Keras's meaning, not the retention probability of
    Srivastava et al. 2014). `l1` and `l2` multiply the sum over all kernels, the output
    layer's included, of |w| and w^2, as Keras's regularizers do; biases are not penalized.

    Raises:
        ConfigError: a value is out of range, or its feature is not available yet.

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
        _refuse_unavailable(self)
        object.__setattr__(self, "hidden_units", _positive_ints(self, "hidden_units"))
        _check_rate(self, "dropout")
        _check_non_negative(self, "l1", "l2")
        _as_floats(self)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(_Config):
    """How a network is trained; the argument names and meanings are Keras's.

    `monitor="auto"` is the plain validation cross-entropy, or the training loss where no
    validation rows are held out. `reduce_on_plateau` is None or a mapping with any of
    `factor`, `patience` (epochs) and `min_learning_rate`. `min_delta` is in the monitored
    metric's unit, `patience` and `max_epochs` in epochs, `batch_size` in rows.

    Raises:
        ConfigError: a value is out of range, or its feature is not available yet.

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
    batch_size: int = 128
    max_epochs: int = 100
    early_stopping: bool = True
    monitor: str = "auto"
    min_delta: float = 1e-4
    patience: int = 5
    restore_best_weights: bool = True
    class_weight: None = None
    label_smoothing: float = 0.0
    dtype_policy: str = "float32"

    def __post_init__(self) -> None:
        _refuse_unavailable(self)
        _check_positive(self, "learning_rate")
        _check_rate(self, "momentum")
        _check_non_negative(self, "min_delta", "patience")
        for name in ("batch_size", "max_epochs"):
            _check_count(self, name)
        for name in ("nesterov", "early_stopping", "restore_best_weights"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(_wanted(self, name, "true or false"))
        if not isinstance(self.patience, int):
            raise ConfigError(_wanted(self, "patience", "a whole number of epochs"))
        if self.optimizer != "sgd" and (self.momentum or self.nesterov):
            raise ConfigError(
                "momentum and nesterov belong to optimizer='sgd'. "
                f"Received: optimizer={self.optimizer!r}, momentum={self.momentum}."
            )
        if self.monitor not in _MONITORS:
            raise ConfigError(_wanted(self, "monitor", "one of " + ", ".join(_MONITORS)))
        if self.reduce_on_plateau is not None:
            object.__setattr__(self, "reduce_on_plateau", _check_plateau(self.reduce_on_plateau))
        _as_floats(self)


@dataclass(frozen=True, kw_only=True)
class StudyConfig(_Config):
    """What to compare, on what, over how many seeds.

    `variants` holds names ("dropout"), names with a strength ("dropout=0.5") or tables that
    override fields of `model` and `train` ({"name": "wide", "hidden_units": [512, 256]}).
    Seed s gives every variant the same initial weights, data order and validation split.
    `validation_fraction` of the training rows is held out, drawn by each seed and stratified
    by class; 0 is legal and then the training loss is monitored.

    Raises:
        ConfigError: a value is out of range, a variant is unknown, or the baseline is not
            among the variants.

    Example:
        >>> StudyConfig(dataset="mnist", variants=("none", "l2=1e-4")).variant_names
        ('none', 'l2=0.0001')
    """

    dataset: str
    variants: tuple[str | Mapping[str, Any], ...] = ("none", "dropout", "l2", "dropout_l2")
    num_seeds: int = 10
    first_seed: int = 0
    seed_streams: None = None
    model: MLPConfig = field(default_factory=MLPConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    validation_fraction: float = 1 / 6
    baseline: str = "none"

    def __post_init__(self) -> None:
        _refuse_unavailable(self)
        for name, kind in (("model", MLPConfig), ("train", TrainConfig)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, kind.from_dict(value))
            elif not isinstance(value, kind):
                raise ConfigError(_wanted(self, name, f"a table of {kind.__name__}'s fields"))
        if not isinstance(self.variants, str | list | tuple):
            raise ConfigError(_wanted(self, "variants", "a list of names and tables"))
        listed = (self.variants,) if isinstance(self.variants, str) else self.variants
        object.__setattr__(self, "variants", tuple(map(_plain_table, listed)))
        _check_count(self, "num_seeds")
        _check_non_negative(self, "first_seed")
        if not isinstance(self.first_seed, int):
            raise ConfigError(_wanted(self, "first_seed", "a whole number"))
        _check_rate(self, "validation_fraction")
        _as_floats(self)
        names = self.variant_names
        if len(set(names)) < len(names):
            raise ConfigError(f"every variant needs its own name. Received: {', '.join(names)}.")
        if self.baseline not in names:
            raise ConfigError(
                f"the baseline must be one of the variants. Received: baseline="
                f"{self.baseline!r}, variants {', '.join(names)}. Add it, or name another."
            )

    @property
    def resolved_variants(self) -> tuple["Variant", ...]:
        """Every variant with its full configs, in the order given."""
        from kmlp.variants import resolve_variant

        return tuple(resolve_variant(v, self.model, self.train) for v in self.variants)

    @property
    def variant_names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.resolved_variants)

    @property
    def seeds(self) -> range:
        return range(self.first_seed, self.first_seed + self.num_seeds)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One thing to compare: its name, its strength in words, and its full configs."""

    name: str
    strength: str
    model: MLPConfig
    train: TrainConfig


def read_study_file(path: str | Path) -> StudyConfig:
    """Reads a study from a TOML file.

    Raises:
        ConfigError: the file is missing, is no TOML, or holds a value that is refused; the
            message names the file.
    """
    path = Path(path)
    try:
        return StudyConfig.from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigError, TypeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _wanted(config: Any, name: str, what: str) -> str:
    return f"{name} must be {what}. Received: {name}={getattr(config, name)!r}."


def _unknown(key: str, names: list[str], owner: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(names)}."
    return f"{owner} has no field {key!r}.{hint}"


def _refuse_unavailable(config: Any) -> None:
    for f in dataclasses.fields(config):
        allowed = _AVAILABLE.get(f.name)
        if allowed is not None and getattr(config, f.name) not in allowed:
            listed = " or ".join(repr(value) for value in allowed)
            raise ConfigError(
                f"{f.name}={getattr(config, f.name)!r} is not available in this version of kmlp. "
                f"Use {f.name}={listed}."
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_rate(config: Any, name: str) -> None:
    value = getattr(config, name)
    if not _is_number(value) or not 0 <= value < 1:
        hint = " Did you mean a keep probability? Use 1 - p." if "drop" in name else ""
        raise ConfigError(_wanted(config, name, "in [0, 1)") + hint)


def _check_non_negative(config: Any, *names: str) -> None:
    for name in names:
        if not _is_number(getattr(config, name)) or getattr(config, name) < 0:
            raise ConfigError(_wanted(config, name, "a number of at least 0"))


def _check_positive(config: Any, name: str) -> None:
    if not _is_number(getattr(config, name)) or getattr(config, name) <= 0:
        raise ConfigError(_wanted(config, name, "a number above 0"))


def _as_floats(config: Any) -> None:
    """0 and 0.0 are equal but not the same in JSON, from which a member's id is made."""
    for f in dataclasses.fields(config):
        if f.type is float:
            object.__setattr__(config, f.name, float(getattr(config, f.name)))


def _check_count(config: Any, name: str) -> None:
    value = getattr(config, name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(_wanted(config, name, "a whole number of at least 1"))


def _positive_ints(config: Any, name: str) -> tuple[int, ...]:
    value = getattr(config, name)
    units = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(u, int) and not isinstance(u, bool) and u > 0 for u in units):
        raise ConfigError(_wanted(config, name, "whole numbers above 0, such as (128, 64)"))
    return units


def _check_plateau(value: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"factor": 0.1, "patience": 10, "min_learning_rate": 0.0}
    if not isinstance(value, Mapping) or not set(value) <= set(defaults):
        raise ConfigError(
            "reduce_on_plateau must be None or a mapping with any of factor, patience and "
            f"min_learning_rate. Received: reduce_on_plateau={value!r}."
        )
    plateau = {**defaults, **value}
    factor, patience, lowest = plateau.values()
    whole = isinstance(patience, int) and all(map(_is_number, plateau.values()))
    if not whole or not 0 < factor < 1 or patience < 0 or lowest < 0:
        raise ConfigError(
            "reduce_on_plateau needs a factor in (0, 1), a patience of at least 0 epochs and a "
            f"min_learning_rate of at least 0. Received: reduce_on_plateau={value!r}."
        )
    return {"factor": factor, "patience": patience, "min_learning_rate": float(lowest)}


def _plain_table(variant: Any) -> Any:
    """A variant as JSON and TOML give it back: their arrays are lists."""
    if not isinstance(variant, Mapping):
        return variant
    return {k: list(v) if isinstance(v, tuple) else v for k, v in variant.items()}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value
