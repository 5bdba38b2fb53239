"""What a user writes of a space, read: presets, narrowings, own parameters, fixed values."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.config import MLPConfig, TrainConfig, fields
from kmlp.config.settings import RECORDS, setting
from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown
from tuning.space.catalogue import MAX_LAYERS
from tuning.space.parameter import Parameter, read_spec

PRESETS = ("default", "all", "none")


Narrowing = str | Sequence[str] | Mapping[str, Any]
"""A preset; words; or a table from names to values or ranges."""
Held = Mapping[str, Any]
"""What is not searched, by the names of parameters or of fields, whatever these take."""


def read_narrowing(space: Narrowing) -> tuple[str, dict[str, Any]]:
    """The preset, and by parameter its text, values or range; "" for its own range."""
    if isinstance(space, Mapping):
        table = dict(space)
        preset = table.pop("preset", "default")
        if preset in PRESETS:
            return preset, table
        raise ConfigError(
            f"a space's preset is one of {', '.join(PRESETS)}. Received: {shown(preset)}."
            + did_you_mean(preset, PRESETS)
        )
    words = [space] if isinstance(space, str) else list(space)
    presets = [word for word in words if word in PRESETS]
    if len(presets) > 1:
        raise ConfigError(f"a space begins with one preset. Received: {', '.join(presets)}.")
    narrowed: dict[str, Any] = {}
    for word in words:
        if word not in PRESETS:
            name, _, text = word.partition("=")
            narrowed[name.strip()] = text
    return (presets or ["default"])[0], narrowed


def read_fixed(fixed: Held | Sequence[str]) -> dict[str, Any]:
    """Values by name from a table, or from words as "name=value".

    Raises:
        ConfigError: a word without a value.
    """
    if isinstance(fixed, Mapping):
        return dict(fixed)
    pairs = {}
    for word in fixed:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"a fixed value is written name=value. Received: {shown(word)}.")
        pairs[name.strip()] = text.strip()
    return pairs


def fixed_value(name: str, value: Any, known: Mapping[str, Parameter]) -> Any:
    """A value, maybe in text, that a parameter or a field is held at: plain, as JSON has it."""
    if name not in known and name not in RECORDS:
        raise ConfigError(fields.unknown(name, _all_names(known), "the search space"))
    if name == "hidden_units":
        value = fields.read_widths(value) if isinstance(value, str) else value
        return list(value) if isinstance(value, list | tuple) else value
    if name == "num_layers":
        depth = str(value)
        if not (depth.isdecimal() and len(depth) < 3 and 1 <= int(depth) <= MAX_LAYERS):
            raise ConfigError(
                f"num_layers is a whole number from 1 to {MAX_LAYERS}. Received: {shown(value)}."
            )
        return int(depth)
    if not isinstance(value, str):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return value


def own_parameter(
    name: str,
    text: Any,
    known: Mapping[str, Parameter],
    model: MLPConfig,
    train: TrainConfig,
) -> Parameter:
    """A field that the catalogue does not hold, over values that must be named."""
    if name not in RECORDS:
        names = [*_all_names(known), *PRESETS]
        raise ConfigError(fields.unknown(name, names, "the search space"))
    if text in ("", True):
        raise ConfigError(f"{name} has no range of its own: name its values, as {name}=A,B.")
    default = setting(name, model, train)
    if name == "hidden_units":
        default = _spelled(default, read_spec(name, text).get("values", ()))
    common: dict[str, Any] = {"name": name, "conditions": RECORDS[name].needs, "default": default}
    if isinstance(default, bool):
        return Parameter(kind="bool", **common)
    if not isinstance(default, int | float | str):
        raise ConfigError(f"{name} cannot be searched. Fix it: {name}=VALUE.")
    return Parameter(kind="choice", values=(default,), **common)


def _spelled(widths: Sequence[int], words: Sequence[Any]) -> str:
    """The base's layers as they are spelled among the values, if they are: "128-64" or "128x64"."""
    read = {word: fields.read_widths(word) for word in words if isinstance(word, str)}
    same = (word for word, units in read.items() if units == list(widths))
    return next(same, "-".join(map(str, widths)) or "linear")


def _all_names(known: Mapping[str, Parameter]) -> list[str]:
    return sorted({*known, *RECORDS})
