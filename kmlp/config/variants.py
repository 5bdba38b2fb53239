"""Variants by name: what each changes in the base configs, and its default strength."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.config import fields
from kmlp.config.network import MLPConfig
from kmlp.config.network_checks import usual_scaling
from kmlp.config.recipes.auto import AUTO, is_auto
from kmlp.config.recipes.known import RECIPES, recipe_of_name
from kmlp.config.recipes.recipe import Recipe
from kmlp.config.records import described, records_of
from kmlp.config.settings import RECORDS, setting, split, why_idle
from kmlp.config.training import TrainConfig
from kmlp.errors import ConfigError
from kmlp.text import name_trouble, nearest, shortened, shown


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One thing to compare: its name, its strength in words, its full configs, and how many of
    the training rows it sees, where that is not all of them."""

    name: str
    strength: str
    model: MLPConfig
    train: TrainConfig
    num_train: int | None = described(None, title="training rows")

    def __post_init__(self) -> None:
        if trouble := name_trouble(self.name):
            raise ConfigError(f"this is no name: {trouble}")
        if self.num_train is not None:
            fields.check_whole(self, "num_train", 1, " of training rows")

    def trains_as(self, other: "Variant") -> bool:
        """Whether both have the same configuration, whatever they are called."""
        mine, theirs = ((v.model, v.train, v.num_train) for v in (self, other))
        return mine == theirs


_OF_DATA = (
    *("missing_indicators", "max_categories", "min_category_count"),
    *("class_weight", "dtype_policy"),
)
_COMBINED: dict[str, dict[str, Any]] = {
    "l1_l2": {"l1": 1e-5, "l2": 1e-4},
    "dropout_l2": {"dropout": 0.2, "l2": 5e-4},
}
# Many networks in one, which take as much longer.
_SHARED: dict[str, dict[str, Any]] = {
    "batch_ensemble": {"weight_sharing": "batch_ensemble", "num_subnetworks": 4},
}
_COMBINED_STRENGTHS = {
    "l1_l2": tuple({"l1": f, "l2": 10 * f} for f in (1e-6, 3e-6, 1e-5, 3e-5, 1e-4)),
    "dropout_l2": tuple(
        {"dropout": rate, "l2": factor}
        for rate, factor in ((0.1, 1e-5), (0.2, 1e-5), (0.2, 1e-4), (0.4, 1e-5), (0.4, 1e-4))
    ),
}


def _strengths(config: type) -> dict[str, dict[str, Any]]:
    """The variants named as the field whose strength they set."""
    known = records_of(config).items()
    return {name: {name: r.strength, **r.beside} for name, r in known if r.strength is not None}


def _kinds(config: type) -> dict[str, dict[str, Any]]:
    """The variants named as the kind of layer or rule that they choose."""
    return {
        variant: {name: value}
        for name, record in records_of(config).items()
        for variant, value in record.variants.items()
    }


VARIANTS: dict[str, dict[str, Any]] = {
    "none": {},
    **_strengths(MLPConfig),
    **_COMBINED,
    **_kinds(MLPConfig),
    **_strengths(TrainConfig),
    **_kinds(TrainConfig),
    **_SHARED,
}
"""What each named variant sets."""

STRENGTHS: dict[str, tuple[dict[str, float], ...]] = {
    **{name: tuple({name: s} for s in r.pilot) for name, r in RECORDS.items() if r.pilot},
    **_COMBINED_STRENGTHS,
}
"""What `strengths="auto"` tries of each variant that has a strength, from weak to strong."""


def expand_all(
    variants: Sequence[str | Mapping[str, Any]], without: Sequence[str] = ()
) -> tuple[str | Mapping[str, Any], ...]:
    """Writes out "all": every named variant but those in `without`, and many networks in one.

    Example:
        >>> expand_all(("all", "dropout=0.5"), ["no_early_stopping"])[-2:]
        ('mixup', 'dropout=0.5')
    """
    if "all" not in variants:
        return tuple(variants)
    named = [name for name in VARIANTS if name not in without and name not in _SHARED]
    return (*named, *(v for v in variants if v != "all" and v not in named))


def resolve_variant(
    variant: str | Mapping[str, Any],
    model: MLPConfig,
    train: TrainConfig,
    *,
    unsaid: Collection[str] = (),
) -> Variant:
    """Applies a variant to the base configs.

    Args:
        variant: a name in `VARIANTS`, "name=value" for another strength of a variant with
            one strength, a recipe's name, "auto", or a mapping with a `name` and fields of
            either config, or `num_train`, or a `recipe` with the parts that it is `without`.
        model: the base network, which the variant overrides; a recipe takes from it only how
            columns are read.
        train: the base training, which the variant overrides; a recipe takes from it only the
            classes' weights and the precision.
        unsaid: fields that its strength leaves out, as all variants of a study set them alike.

    Raises:
        ConfigError: the name, a field or a value is not known.

    Example:
        >>> resolve_variant("dropout=0.5", MLPConfig(), TrainConfig()).strength
        'dropout=0.5'
    """
    name, overrides, said = _parse(variant)
    if _is_recipe(variant):
        model, train = _bare(model, train)
    of_model, of_train = split(overrides)
    for key in overrides:
        if key not in (known := {*RECORDS, "num_train"}):
            raise ConfigError(
                f"variant {shown(name)}: "
                + fields.unknown(key, sorted(known), "the study's configs")
            )
    try:
        return Variant(
            name=name,
            strength=", ".join(f"{k}={plain(v)}" for k, v in said.items() if k not in unsaid),
            model=dataclasses.replace(model, **of_model),
            train=dataclasses.replace(train, **of_train),
            num_train=overrides.get("num_train"),
        )
    except ConfigError as error:
        raise ConfigError(f"variant {shown(name)}: {error}") from error


def refuse_idle(
    variants: Sequence[str | Mapping[str, Any]], model: MLPConfig, train: TrainConfig
) -> None:
    """Refuses what a variant says of a field that means nothing there: it would be one by name
    alone.

    Args:
        variants: as `resolve_variant` takes them, those of sweeps included.
        model, train: the base configs, which may say how what a variant switches on acts.

    Raises:
        ConfigError: the field, and beside what it means nothing.
    """
    resolved = [resolve_variant(v, model, train) for v in variants]
    for said, variant in zip(variants, resolved, strict=True):
        names = [name for name in _parse(said)[2] if name in RECORDS]
        idle = [w for n in names if (w := _why_idle(n, variant))]
        # What a variant by name sets beside its strength it sets of any strength.
        if idle and (isinstance(said, Mapping) or len(idle) == len(names)):
            name = shown(variant.name)
            raise ConfigError(f"variant {name}: {idle[0]}. Change that, or leave it out.")


def _why_idle(name: str, variant: Variant) -> str:
    if setting(name, variant.model, variant.train) == RECORDS[name].default:
        return ""
    return why_idle(name, {**vars(variant.model), **vars(variant.train)})


def refuse_twins(variants: Sequence[Variant], task: str, input_dtype: str) -> None:
    """Refuses two variants that are one network: it would be compared with itself.

    Args:
        variants: with their full configs.
        task: of the data; two classes alone may have one output or two.
        input_dtype: of the data, by which `input_scaling="auto"` is one of the others.

    Raises:
        ConfigError: the names of both.
    """
    known: dict[str, Variant] = {}
    for variant in variants:
        scaling = variant.model.input_scaling
        if scaling == "auto":
            scaling = usual_scaling(input_dtype)
        model = dataclasses.replace(
            variant.model,
            input_scaling=scaling,
            class_outputs=variant.model.class_outputs and task == "binary",
        )
        # AdamW's decay is a field of its own.
        optimizer = {"adamw": "adam"}.get(variant.train.optimizer, variant.train.optimizer)
        train = dataclasses.replace(variant.train, optimizer=optimizer)
        same = dataclasses.replace(variant, model=model, train=train)
        twin = next((name for name, other in known.items() if same.trains_as(other)), None)
        if twin is not None:
            raise ConfigError(
                f"the variants {shown(twin)} and {shown(variant.name)} are one network, which "
                "would be compared with itself. Leave one of them out."
            )
        known[variant.name] = same


def with_swept(
    named: Sequence[Variant], swept: Sequence[Variant], baseline: str
) -> tuple[Variant, ...]:
    """The variants with those of sweeps that are no network yet: a sweep may pass one that is there
    by another name, as dropout=0 is none. The baseline keeps its own name."""
    found = list(named)
    base = [v for v in (*named, *swept) if v.name == baseline]
    for variant in swept:
        is_new = not any(map(variant.trains_as, (*found, *base)))
        if is_new or (variant in base and variant not in found):
            found.append(variant)
    return tuple(found)


def _is_recipe(variant: str | Mapping[str, Any]) -> bool:
    if isinstance(variant, str):
        return variant in RECIPES or is_auto(variant)
    return "recipe" in variant


def _bare(model: MLPConfig, train: TrainConfig) -> tuple[MLPConfig, TrainConfig]:
    """What a recipe begins from: the defaults, and of the base what is the data's and the
    machine's; with a regularizer more it would not be what its name says."""
    of_model, of_train = split({name: setting(name, model, train) for name in _OF_DATA})
    return MLPConfig(**of_model), TrainConfig(**of_train)


def _parse(variant: str | Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The name, what the variant sets, and what of it its strength says: of a recipe, whose name
    says the rest, what was changed."""
    if isinstance(variant, Mapping):
        said = dict(variant)
        name = said.pop("name", None)
        if not isinstance(name, str) or not name:
            raise ConfigError(f"a variant table needs a name. Received: {shown(dict(variant))}.")
        values = _of_recipe(name, said) if "recipe" in said else {}
        chosen = {"recipe": variant["recipe"]} if name == AUTO and "recipe" in variant else {}
        return name, {**values, **said}, {**chosen, **said}
    if not isinstance(variant, str):
        raise ConfigError(f"a variant is a name or a table. Received: {shown(variant)}.")
    name, equals, value = variant.partition("=")
    if name not in (*VARIANTS, *RECIPES, AUTO):
        raise ConfigError(
            f"unknown variant {shown(variant)}.{_meant(name, value)} Known by name: "
            f"{', '.join(VARIANTS)}, and all of them as all; the recipes {', '.join(RECIPES)}, "
            f"and the one chosen for tables as {AUTO}; any other is a table in the study file."
        )
    if equals:
        name, values = _with_strength(name, value)
        return name, values, values
    if name in RECIPES or name == AUTO:
        return name, _recipe(name).fields("multiclass"), {}
    return name, dict(VARIANTS[name]), VARIANTS[name]


def _of_recipe(variant: str, table: dict[str, Any]) -> dict[str, Any]:
    """What the recipe of a variant's table sets; the words on it are taken out."""
    recipe, without = table.pop("recipe"), table.pop("without", [])
    try:
        names = [without] if isinstance(without, str) else without
        if not isinstance(names, list | tuple):
            raise ConfigError(f"without lists a recipe's parts. Received: {shown(without)}.")
        if names and recipe == AUTO:
            raise ConfigError(
                "auto has no parts: which recipe it is depends on the data. Name the recipe that "
                "lacks some."
            )
        return _recipe(recipe).fields(table.pop("task", "multiclass"), names)
    except ConfigError as error:
        raise ConfigError(f"variant {shown(variant)}: {error}") from error


def _recipe(name: Any) -> Recipe:
    """The recipe of a name; before the data are known one stands in for "auto", to check names
    and fields by; `StudyConfig.resolved_variants` gives none of that away."""
    return next(iter(RECIPES.values())) if name == AUTO else recipe_of_name(name)


def _meant(name: str, strength: str) -> str:
    """The question whether another variant is meant, of the strength that was said."""
    near = nearest(name, (*VARIANTS, *RECIPES, AUTO, "all"))
    if near is None:
        return ""
    with_strength = f"{near}={shortened(strength)}" if strength and near in RECORDS else near
    return f" Did you mean {with_strength!r}?"


def _with_strength(name: str, value: str) -> tuple[str, dict[str, Any]]:
    if name not in RECORDS:
        raise ConfigError(
            f"variant {name!r} has no single strength to set. Received: "
            f"{name}={shortened(value)}. Write a table in the study file that names each field."
        )
    try:
        strength = float(value)
    except ValueError:
        raise ConfigError(f"variant {name!r}: {shown(value)} is not a number.") from None
    return f"{name}={plain(strength)}", {**VARIANTS[name], name: strength}


def plain(value: Any) -> str:
    """A value as a variant's strength and name write it: a float with six digits at most."""
    return f"{value:g}" if isinstance(value, float) else str(value)
