"""Checks of a config's fields: each says what it got, what it wanted and what to do."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown

MOST = 2**31 - 1
"""No field holds a larger whole number: what counts so far does not end."""


def wanted(config: Any, name: str, what: str) -> str:
    """The message of a field that holds something else."""
    return f"{name} must be {what}. Received: {name}={shown(getattr(config, name))}."


def unknown(key: str, names: Sequence[str], owner: str) -> str:
    """The message of a field that is not there, with the nearest name that is."""
    hint = did_you_mean(key, names) or f" It has: {', '.join(names)}."
    return f"{owner} has no field {shown(key)}.{hint}"


def is_number(value: Any) -> bool:
    """A finite number that is no truth value."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:  # an integer that no float holds
        return False


def is_whole(value: Any, lowest: int = 0) -> bool:
    """An integer of at least `lowest` that is no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= lowest


def check_choice(config: Any, name: str, choices: Sequence[str]) -> None:
    if (value := getattr(config, name)) not in choices:
        raise ConfigError(
            wanted(config, name, "one of " + ", ".join(choices)) + did_you_mean(value, choices)
        )


def check_rate(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not is_number(value) or not 0 <= value < 1:
            meant = "drop" in name and is_number(value) and value >= 1
            hint = " Did you mean a keep probability? Use 1 - p." if meant else ""
            raise ConfigError(wanted(config, name, "in [0, 1)") + hint)


def check_non_negative(config: Any, *names: str) -> None:
    for name in names:
        if not is_number(getattr(config, name)) or getattr(config, name) < 0:
            raise ConfigError(wanted(config, name, "a number of at least 0"))


def check_positive(config: Any, *names: str) -> None:
    for name in names:
        if not is_number(getattr(config, name)) or getattr(config, name) <= 0:
            raise ConfigError(wanted(config, name, "a number above 0"))


def check_positive_or_none(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value is not None and (not is_number(value) or value <= 0):
            raise ConfigError(wanted(config, name, "a number above 0, or left out"))


def check_whole(
    config: Any, name: str, lowest: int, what: str = "", highest: int = MOST, why: str = ""
) -> None:
    """Refuses what is no whole number from `lowest` to `highest`; `why` there is an end."""
    if not is_whole(getattr(config, name), lowest):
        raise ConfigError(wanted(config, name, f"a whole number{what} of at least {lowest}"))
    if getattr(config, name) > highest:
        raise ConfigError(wanted(config, name, f"at most {highest:,}") + why)
    object.__setattr__(config, name, int(getattr(config, name)))


def check_truth(config: Any, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(config, name), bool):
            raise ConfigError(wanted(config, name, "true or false"))


def as_floats(config: Any) -> None:
    """0 and 0.0 are equal but not the same in JSON, from which a member's id is made."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if f.type in (float, float | None) and value is not None:
            object.__setattr__(config, f.name, float(value))


def positive_ints(config: Any, name: str) -> tuple[int, ...]:
    """A tuple of widths from a number, a list or a tuple; it may be empty."""
    value = getattr(config, name)
    units = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(is_whole(u, 1) and u <= MOST for u in units):
        raise ConfigError(wanted(config, name, "whole numbers above 0, such as (128, 64)"))
    return tuple(map(int, units))


def rates(config: Any, name: str) -> tuple[float, ...]:
    """A tuple of rates in [0, 1) from a list or a tuple; it may be empty."""
    value = getattr(config, name)
    if not isinstance(value, list | tuple) or not all(is_number(r) and 0 <= r < 1 for r in value):
        raise ConfigError(wanted(config, name, "rates in [0, 1), such as (0.2, 0.5)"))
    return tuple(map(float, value))


def read_widths(text: str) -> list[int]:
    """Widths of layers as a word says them, one after the other: "128-64"; "linear" has none.

    Raises:
        ConfigError: it is no such word.

    Example:
        >>> read_widths("128-64"), read_widths("128,64"), read_widths("linear")
        ([128, 64], [128, 64], [])
    """
    if text == "linear":
        return []
    parts = re.split("[-x,]", text.strip())
    if not all(p.strip().isdecimal() and len(p) < 20 for p in parts):
        raise ConfigError(
            "hidden_units are whole numbers with hyphens between them, as 128-64, or linear for no "
            f"hidden layer. Received: {shown(text)}."
        )
    return [int(part) for part in parts]


def plateau(value: Any) -> dict[str, Any]:
    """`reduce_on_plateau` with all three of its settings."""
    defaults: dict[str, Any] = {"factor": 0.1, "patience": 10, "min_learning_rate": 0.0}
    if not isinstance(value, Mapping) or not set(value) <= set(defaults):
        raise ConfigError(
            "reduce_on_plateau must be None or a mapping with any of factor, patience and "
            f"min_learning_rate. Received: reduce_on_plateau={shown(value)}."
        )
    settings = {**defaults, **value}
    factor, patience, lowest = settings.values()
    if (
        not all(map(is_number, settings.values()))
        or not is_whole(patience)
        or not 0 < factor < 1
        or lowest < 0
    ):
        raise ConfigError(
            "reduce_on_plateau needs a factor in (0, 1), a patience of at least 0 epochs and a "
            f"min_learning_rate of at least 0. Received: reduce_on_plateau={shown(value)}."
        )
    return {"factor": factor, "patience": patience, "min_learning_rate": float(lowest)}


def class_weight(value: Any) -> str | dict[str, float]:
    """ "balanced", or weights above 0 by class or in the classes' order; the keys become text, as
    in JSON."""
    if isinstance(value, str) and value == "balanced":
        return value
    if hasattr(value, "tolist"):  # an array, the weight of class 0 first
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if (
        not isinstance(value, Mapping)
        or not value
        or not all(is_number(w) and w > 0 for w in value.values())
    ):
        raise ConfigError(
            'class_weight must be "balanced" or a mapping from classes to weights above 0, such '
            f"as {{0: 1.0, 1: 5.0}}. Received: class_weight={shown(value)}."
        )
    weights = {str(key): float(weight) for key, weight in value.items()}
    if len(weights) < len(value):
        raise ConfigError(
            f"class_weight names a class twice. Received: class_weight={shown(value)}."
        )
    return weights


def seed_streams(value: Any, streams: Sequence[str]) -> dict[str, int]:
    """A fixed seed for some of the streams; the others follow each member's own seed."""
    if not isinstance(value, Mapping) or not value:
        raise ConfigError(
            "seed_streams must be a mapping that gives some streams a fixed seed, such as "
            f"{{order: 0, split: 0}}; the streams are {', '.join(streams)}. "
            f"Received: seed_streams={shown(value)}."
        )
    for key, seed in value.items():
        if key not in streams:
            raise ConfigError(unknown(key, streams, "seed_streams"))
        if not is_whole(seed):
            raise ConfigError(
                f"seed_streams.{key} must be a whole number. Received: {shown(seed)}."
            )
    if len(value) == len(streams):
        raise ConfigError(
            "seed_streams fixes every stream, so that all seeds would be the same network. "
            f"Leave out the one that is to vary: {', '.join(streams)}."
        )
    return dict(value)
