"""Variants by name: what each changes in the base configs, and its default strength."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.config import fields
from kmlp.config.network import MLPConfig
from kmlp.config.training import TrainConfig
from kmlp.errors import ConfigError
from kmlp.text import name_trouble, shortened, shown


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
        if trouble := name_trouble(self.name):
            raise ConfigError(f"this is no name: {trouble}")
        if self.num_train is not None:
            fields.check_whole(self, "num_train", 1, " of training rows")

    def trains_as(self, other: "Variant") -> bool:
        """Whether both have the same configuration, whatever they are called."""
        mine, theirs = ((v.model, v.train, v.num_train) for v in (self, other))
        return mine == theirs


VARIANTS: dict[str, dict[str, Any]] = {
    "none": {},
    "dropout": {"dropout": 0.2},
    "drop_connect": {"drop_connect": 0.2},
    "l1": {"l1": 1e-5},
    "l2": {"l2": 5e-4},
    "l1_l2": {"l1": 1e-5, "l2": 1e-4},
    "dropout_l2": {"dropout": 0.2, "l2": 5e-4},
    "batch_norm": {"normalization": "batch"},
    "layer_norm": {"normalization": "layer"},
    "input_norm": {"input_scaling": "standard"},
    "gradient_noise": {"gradient_noise": 0.01, "gradient_noise_decay": 0.55},
    "max_norm": {"max_norm": 3.0},
    "label_smoothing": {"label_smoothing": 0.1},
    "no_early_stopping": {"early_stopping": False},
}


def expand_all(
    variants: Sequence[str | Mapping[str, Any]], without: Sequence[str] = ()
) -> tuple[str | Mapping[str, Any], ...]:
    """Writes out "all": every named variant but those in `without`.

    Example:
        >>> expand_all(("all", "dropout=0.5"), ["no_early_stopping"])[-2:]
        ('label_smoothing', 'dropout=0.5')
    """
    if "all" not in variants:
        return tuple(variants)
    named = [name for name in VARIANTS if name not in without]
    return (*named, *(v for v in variants if v != "all" and v not in named))


def resolve_variant(
    variant: str | Mapping[str, Any], model: MLPConfig, train: TrainConfig
) -> Variant:
    """Applies a variant to the base configs.

    Args:
        variant: a name in `VARIANTS`, "name=value" for another strength of a variant with
            one strength, or a mapping with a `name` and fields of either config, or `num_train`.
        model: the base network, which the variant overrides.
        train: the base training, which the variant overrides.

    Raises:
        ConfigError: the name, a field or a value is not known.

    Example:
        >>> resolve_variant("dropout=0.5", MLPConfig(), TrainConfig()).strength
        'dropout=0.5'
    """
    name, overrides = _parse(variant)
    model_fields = {f.name for f in dataclasses.fields(MLPConfig)}
    train_fields = {f.name for f in dataclasses.fields(TrainConfig)}
    for key in overrides:
        if key not in (known := model_fields | train_fields | {"num_train"}):
            raise ConfigError(
                f"variant {shown(name)}: "
                + fields.unknown(key, sorted(known), "the study's configs")
            )
    try:
        return Variant(
            name=name,
            strength=", ".join(f"{k}={plain(v)}" for k, v in overrides.items()),
            model=dataclasses.replace(
                model, **{k: v for k, v in overrides.items() if k in model_fields}
            ),
            train=dataclasses.replace(
                train, **{k: v for k, v in overrides.items() if k in train_fields}
            ),
            num_train=overrides.get("num_train"),
        )
    except ConfigError as error:
        raise ConfigError(f"variant {shown(name)}: {error}") from error


def _parse(variant: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(variant, Mapping):
        overrides = dict(variant)
        name = overrides.pop("name", None)
        if not isinstance(name, str) or not name:
            raise ConfigError(f"a variant table needs a name. Received: {shown(dict(variant))}.")
        return name, overrides
    if not isinstance(variant, str):
        raise ConfigError(f"a variant is a name or a table. Received: {shown(variant)}.")
    name, equals, value = variant.partition("=")
    if name not in VARIANTS:
        raise ConfigError(
            f"unknown variant {shown(variant)}. Known by name: {', '.join(VARIANTS)}, and all of "
            "them as all; any other is a table in the study file."
        )
    if not equals:
        return name, dict(VARIANTS[name])
    return _with_strength(name, value)


def _with_strength(name: str, value: str) -> tuple[str, dict[str, Any]]:
    main = [key for key, default in VARIANTS[name].items() if isinstance(default, float)]
    if len(main) != 1 and name != "gradient_noise":
        raise ConfigError(
            f"variant {name!r} has no single strength to set. Received: "
            f"{name}={shortened(value)}. Write a table in the study file that names each field."
        )
    try:
        strength = float(value)
    except ValueError:
        raise ConfigError(f"variant {name!r}: {shown(value)} is not a number.") from None
    return f"{name}={plain(strength)}", {**VARIANTS[name], main[0]: strength}


def plain(value: Any) -> str:
    """A value as a variant's strength and name write it: a float with six digits at most."""
    return f"{value:g}" if isinstance(value, float) else str(value)
