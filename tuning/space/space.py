"""The search space: hyperparameters to configs. The only place that names `hp.*`."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kmlp.config import MLPConfig, TrainConfig, fields
from kmlp.config.records import NOT_OFF, Condition, Record
from kmlp.config.settings import RECORDS, setting, split, why_idle
from kmlp.data import DataSpec
from kmlp.errors import ConfigError
from kmlp.text import shown
from tuning.space.catalogue import DEFAULT, MAX_LAYERS, catalogue
from tuning.space.parameter import Parameter, Values
from tuning.space.reading import (
    Held,
    Narrowing,
    fixed_value,
    own_parameter,
    read_fixed,
    read_narrowing,
)

_LAYERS = ("num_layers", *(f"units_{i + 1}" for i in range(MAX_LAYERS)))


_PLATEAU = ("reduce_on_plateau", "plateau_factor", "plateau_patience")


_LEAST_RATE = 1 / 512


@dataclass(frozen=True)
class Space:
    """What a search varies, what it holds, and what it starts from.

    Attributes:
        parameters: what is searched, parents before what depends on them.
        fixed: parameters held at one value, by name.
        model, train: the base configs; what is neither searched nor fixed is theirs.

    Example:
        >>> spec = DataSpec(task="multiclass", input_shape=(4,), input_dtype="float32",
        ...                 num_classes=3, class_names=("a", "b", "c"))
        >>> space = make_space(spec, ["none", "dropout=0,0.5"], {"hidden_units": "16,8"})
        >>> model, train = space.configs({"dropout": 0.5})
        >>> model.hidden_units, model.dropout
        ((16, 8), 0.5)
    """

    parameters: tuple[Parameter, ...]
    fixed: Held
    model: MLPConfig
    train: TrainConfig

    def declare(self, hp: Any) -> dict[str, Any]:
        """Registers every parameter with KerasTuner.

        Args:
            hp: KerasTuner's `HyperParameters`.

        Returns:
            The values of those that count in this trial.
        """
        for parameter in self.parameters:
            hp.merge([_as_hyperparameter(parameter)], overwrite=False)
        # A conditional scope of KerasTuner's knows one chain of parents, a parameter may have two.
        return {p.name: hp.get(p.name) for p in self.parameters if hp.is_active(p.name)}

    def configs(self, values: Values) -> tuple[MLPConfig, TrainConfig]:
        """The configs of a trial.

        Args:
            values: of the parameters that count, by name.

        Raises:
            ConfigError: they do not go together.
        """
        given = {**self.fixed, **values}
        own = {k: v for k, v in given.items() if k in RECORDS and k not in _PLATEAU}
        own |= self._hidden_units(given) | self._plateau(given)
        if "sgd_learning_rate" in given and own.get("optimizer", self.train.optimizer) == "sgd":
            own["learning_rate"] = given["sgd_learning_rate"]
        model, train = split({name: _as_field(RECORDS[name], v) for name, v in own.items()})
        return dataclasses.replace(self.model, **model), dataclasses.replace(self.train, **train)

    def check(self) -> None:
        """Refuses a value that no config takes, before anything is trained.

        Raises:
            ConfigError: which parameter, and what is wrong with it.
        """
        for parameter in self.parameters:
            for value in parameter.listed or (parameter.min, parameter.max):
                values = self._around(parameter, value)
                try:
                    self.configs(values)
                except ConfigError as error:
                    raise ConfigError(
                        f"the space's {parameter.name}={shown(value)}: {error}"
                    ) from error

    def _around(self, parameter: Parameter, value: Any) -> dict[str, Any]:
        """The defaults, with this value and what it needs to count."""
        needed = {name: values[0] for name, values in parameter.conditions}
        values: dict[str, Any] = {}
        for p in self.parameters:
            if all(name in values and values[name] in allowed for name, allowed in p.conditions):
                values[p.name] = needed.get(p.name, value if p is parameter else p.default)
        return values

    def _hidden_units(self, given: Held) -> dict[str, Any]:
        if isinstance(widths := given.get("hidden_units"), str):
            return {"hidden_units": tuple(fields.read_widths(widths))}
        if not set(given) & set(_LAYERS):
            return {}
        base = self.model.hidden_units or MLPConfig.hidden_units
        depth = given.get("num_layers", len(base))
        widths = [given.get(f"units_{i + 1}", (*base, *base[-1:] * depth)[i]) for i in range(depth)]
        return {"hidden_units": tuple(widths)}

    def _plateau(self, given: Held) -> dict[str, Any]:
        if given.get("learning_rate_schedule", "constant") != "constant":
            return {"reduce_on_plateau": None}
        wanted = given.get("reduce_on_plateau")
        if wanted is None:
            return {}
        held = wanted if isinstance(wanted, Mapping) else self.train.reduce_on_plateau
        base = dict(held or {})
        named = {"factor": "plateau_factor", "patience": "plateau_patience"}
        own = {key: given[name] for key, name in named.items() if name in given}
        return {"reduce_on_plateau": {**base, **own} if _is_on(wanted) else None}


def _as_field(record: Record, value: Any) -> Any:
    """A parameter's value as the field's: see `catalogue`."""
    if record.off is None and value in (0, "none"):
        return None
    masks = record.draws is not None and record.draws.kind == "mask"
    # Masks of random bytes know no smaller rate.
    return 0.0 if masks and fields.is_number(value) and 0 < value < _LEAST_RATE else value


def make_space(
    spec: DataSpec,
    space: Narrowing = "default",
    fixed: Held | Sequence[str] = (),
    *,
    model: MLPConfig | None = None,
    train: TrainConfig | None = None,
) -> Space:
    """A search space from a preset, narrowed and partly fixed.

    Args:
        spec: the data's task and inputs.
        space: "default", "all" (everything there is) or "none"; or a list of such a word and of
            parameters, each by name alone (its own range) or as "name=values" and
            "name=low:high:log"; or a table from names to values or ranges, its `preset` one of
            the words. What is named is added to the preset.
        fixed: values by name, or a list of "name=value"; any field of the configs, or a
            parameter.
        model, train: the base configs.

    Raises:
        ConfigError: an unknown name, a value that does not fit, or a parameter that can never
            count.
    """
    known, (preset, narrowed) = catalogue(spec), read_narrowing(space)
    base = Space((), {}, model or MLPConfig(), train or TrainConfig())
    held = {k: fixed_value(k, v, known) for k, v in read_fixed(fixed).items()}
    chosen = {"default": DEFAULT, "all": dict.fromkeys(known), "none": {}}[preset]
    if both := sorted(set(held) & set(narrowed)):
        raise ConfigError(f"{both[0]} is both searched and fixed. Leave one of them out.")
    named = {*held, *narrowed}
    if "hidden_units" in named and (layers := [n for n in _LAYERS if n in named]):
        raise ConfigError(
            f"hidden_units says the whole network, {layers[0]} a part of it. Leave one of them out."
        )
    dropped = {*held, *(_LAYERS if "hidden_units" in named else ())}
    dropped |= {"sgd_learning_rate"} if "learning_rate" in held else set()
    names = [n for n in known if (n in chosen and n not in dropped) or n in narrowed]
    found = {n: known[n].narrowed(chosen[n]) if chosen.get(n) else known[n] for n in names}
    for name, text in narrowed.items():
        start = known.get(name) or own_parameter(name, text, known, base.model, base.train)
        found[name] = start if text in ("", True) else start.narrowed(text)
    if "linear" in (found["hidden_units"].listed or () if "hidden_units" in found else ()):
        # What acts on hidden layers alone hangs on it, and parents come first.
        found = {"hidden_units": found["hidden_units"], **found}
    base = dataclasses.replace(base, fixed=held)
    result = dataclasses.replace(base, parameters=_resolved(found, base, named=set(narrowed)))
    _refuse_idle({*held, *narrowed}, result)
    if "sgd_learning_rate" in held and not _may_use_sgd(result):
        raise ConfigError(_never_counts("sgd_learning_rate", ("optimizer", ("sgd",))))
    deepest = next((p for p in result.parameters if p.name == "num_layers"), None)
    if deepest and max(deepest.listed or (deepest.max or 0,)) > MAX_LAYERS:
        raise ConfigError(
            f"num_layers is at most {MAX_LAYERS}. Received: {deepest.listed}. For deeper networks "
            "list widths: hidden_units=64-64-64-64,128-64."
        )
    result.configs({})
    result.check()
    return result


def _refuse_idle(named: set[str], space: Space) -> None:
    """Refuses what was said of a field that means nothing in any network of the space."""
    model, train = space.configs({})
    searched = {p.name for p in space.parameters}
    held = {**vars(model), **vars(train)}
    known = {name: value for name, value in held.items() if name not in searched}
    if searched & set(_LAYERS):
        del known["hidden_units"]
    for name in sorted(named & RECORDS.keys()):
        is_said = name in searched or held[name] != RECORDS[name].default
        if is_said and (why := why_idle(name, known)):
            raise ConfigError(f"{why}, as in all of this space. Leave it out, or search both.")


def _as_hyperparameter(p: Parameter) -> Any:
    """A `hp.Boolean`, `hp.Choice`, `hp.Int` or `hp.Float` with its conditions."""
    from keras_tuner.engine import hyperparameters

    conditions = [
        {"class_name": "Parent", "config": {"name": name, "values": list(values)}}
        for name, values in p.conditions
    ]
    config: dict[str, Any] = {"name": p.name, "default": p.default, "conditions": conditions}
    if p.kind == "bool":
        kind = hyperparameters.Boolean
    elif p.listed is not None:
        kind = hyperparameters.Choice
        config["values"] = list(p.listed)
    else:
        kind = hyperparameters.Int if p.kind == "int" else hyperparameters.Float
        config |= {"min_value": p.min, "max_value": p.max, "sampling": p.sampling}
    return kind.from_config(config)


def _resolved(
    found: Mapping[str, Parameter], base: Space, *, named: set[str]
) -> tuple[Parameter, ...]:
    """The parameters with conditions on what is searched alone; those that never count left out."""
    kept: dict[str, Parameter] = {}
    has_layers = bool({"hidden_units", *_LAYERS} & found.keys() or base.fixed.keys() & set(_LAYERS))
    for name, parameter in found.items():
        conditions: list[Condition] = []
        for condition in parameter.conditions:
            if condition[0] == "hidden_units" and has_layers and "hidden_units" not in kept:
                continue  # no network of the space is linear
            left = _left_of(condition, kept, base)
            if left is not None and not left[1]:
                if name in named:
                    raise ConfigError(_never_counts(name, condition))
                break
            conditions += [left] if left else []
        else:
            kept[name] = dataclasses.replace(parameter, conditions=tuple(conditions))
    return tuple(kept.values())


def _left_of(
    condition: Condition, searched: Mapping[str, Parameter], base: Space
) -> Condition | None:
    """What of a condition is open: None where it always holds, no values where it never does."""
    name, values = condition
    parent = searched.get(name)
    listed = parent.listed if parent else (_base_value(name, base),)
    if listed is None:
        return None
    allowed = tuple(v for v in listed if _is_allowed(name, v, values))
    return None if len(allowed) == len(listed) and not _is_conditional(parent) else (name, allowed)


def _is_allowed(name: str, value: Any, values: tuple[Any, ...]) -> bool:
    if values is not NOT_OFF:
        return value in values
    if name == "hidden_units":
        return bool(fields.read_widths(value) if isinstance(value, str) else value)
    return RECORDS[name].is_on(_as_field(RECORDS[name], value))


def _is_conditional(parent: Parameter | None) -> bool:
    """A parent that does not always count keeps its children's conditions on it."""
    return parent is not None and bool(parent.conditions)


def _base_value(name: str, base: Space) -> Any:
    if name == "num_layers" and name not in base.fixed:
        return len(base.model.hidden_units)
    value = base.fixed[name] if name in base.fixed else setting(name, base.model, base.train)
    if name == "reduce_on_plateau":
        return _is_on(value)
    return 0 if value is None else value  # as parameters have it


def _is_on(plateau: Any) -> bool:
    """Of `reduce_on_plateau`: True, or a table, which may be empty."""
    return isinstance(plateau, Mapping) or bool(plateau)


def _may_use_sgd(space: Space) -> bool:
    searched = next((p.values for p in space.parameters if p.name == "optimizer"), None)
    return "sgd" in (searched or (_base_value("optimizer", space),))


def _never_counts(name: str, condition: Condition) -> str:
    parent, values = condition
    wanted = "one of " + ", ".join(map(str, values))
    if values is NOT_OFF:
        off = RECORDS[parent].off
        wanted = f"other than {'linear' if off == () else 0 if off is None else off}"
    hint = " Search sgd_learning_rate instead." if name == "learning_rate" else ""
    return f"{name} counts only with {parent} {wanted}, which this space never has.{hint}"
