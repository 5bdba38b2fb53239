"""What the configs share: plain types in and out."""

import dataclasses
import datetime
import json
import tomllib
from collections.abc import Mapping
from typing import Any, Self

from kmlp.config import fields
from kmlp.errors import ConfigError
from kmlp.text import shortened, shown

_DEPTH = 10
_DEEPEST = f"A study needs five levels at most; {_DEPTH} are read."


class Config:
    """What the configs share: conversion to and from plain dicts, JSON and TOML."""

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain types (tuples become lists, nested configs become dicts)."""
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; an unknown key is an error that names its nearest field."""
        names = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.__name__} is read from a table. Received: {shown(values)}.")
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
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"not valid JSON: {shortened(str(error))}") from error
        return cls.from_dict(values)

    def to_toml(self) -> str:
        """TOML has no null: a field that is None is left out and reads back as its default."""
        import tomli_w

        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_toml(cls, text: str) -> Self:
        return cls.from_dict(parse_toml(text))


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML document as a table.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        # Some editors of Windows write a mark before the first character.
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ConfigError(f"tables and lists are nested too deeply. {_DEEPEST}") from None
    except ValueError as error:  # its own error, and Python's of integers with too many digits
        raise ConfigError(f"not valid TOML: {shortened(str(error))}") from error
    _refuse_unheld(table, "the file")
    return table


def _refuse_unheld(value: Any, where: str, depth: int = 0) -> None:
    """Refuses what is nested beyond use, and dates, which no field holds."""
    if depth > _DEPTH:
        raise ConfigError(f"{where}: tables and lists are nested too deeply. {_DEEPEST}")
    if isinstance(value, datetime.date | datetime.time):
        raise ConfigError(
            f"{where}: no field holds a date or a time. Received: {value}. A name is written "
            f'between quotes: "{value}".'
        )
    if isinstance(value, dict):
        for key, held in value.items():
            _refuse_unheld(held, shortened(key), depth + 1)
    elif isinstance(value, list):
        for held in value:
            _refuse_unheld(held, where, depth + 1)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value
