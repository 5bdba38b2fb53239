"""Sweeps: one field over a range of values, a variant for each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.config import fields
from kmlp.config.settings import RECORDS
from kmlp.config.variants import VARIANTS, plain
from kmlp.errors import ConfigError
from kmlp.text import shown

MOST_VALUES = 1000
_FORMS = (
    "field=start:stop:count, with :log behind it where steps are factors, or field=a,b,..., "
    "as dropout=0:0.8:9, l2=1e-6:1e-2:9:log, num_train=100,300,1000 or hidden_units=64,64-32"
)


@dataclass(frozen=True)
class Sweep:
    """One field and the values it takes.

    Attributes:
        field: of `MLPConfig` or `TrainConfig`, or `num_train`.
        scale: "linear" or "log" of a range; "list" of values that were written out.
        values: numbers, words, or lists of widths.
    """

    field: str
    scale: str
    values: tuple[Any, ...]

    @property
    def variants(self) -> tuple[str | dict[str, Any], ...]:
        """One a value, as a study file writes them. Where a named variant has that strength, as
        `gradient_noise` with its decay, it is that variant."""
        if self.field in VARIANTS:
            return tuple(f"{self.field}={plain(v)}" for v in self.values)
        return tuple({"name": f"{self.field}={written(v)}", self.field: v} for v in self.values)


def parse_sweep(text: str) -> Sweep:
    """Reads a sweep as the command line and a study file write it.

    Raises:
        ConfigError: no such field, or another form.

    Example:
        >>> parse_sweep("dropout=0:0.8:5").values
        (0.0, 0.2, 0.4, 0.6, 0.8)
        >>> parse_sweep("hidden_units=64,64-32").variants[1]
        {'name': 'hidden_units=64-32', 'hidden_units': [64, 32]}
    """
    field, equals, listed = text.partition("=") if isinstance(text, str) else ("", "", "")
    if not equals:
        raise ConfigError(f"a sweep is {_FORMS}. Received: {shown(text)}.")
    names = sorted({*RECORDS, "num_train"})
    if field not in names:
        raise ConfigError(
            f"sweep {shown(text)}: " + fields.unknown(field, names, "the study's configs")
        )
    is_whole = field == "num_train" or type(RECORDS[field].default) is int
    scale = "list"
    if ":" in listed:
        scale, values = _range(text, listed.split(":"), is_whole)
    else:
        values = [_value(field, word.strip()) for word in listed.split(",") if word.strip()]
    if len(values) > MOST_VALUES:
        raise ConfigError(
            f"a sweep takes at most {MOST_VALUES:,} values, each a variant. "
            f"Received: {len(values):,}."
        )
    if len(values) < 2 or len(set(map(repr, values))) < len(values):
        raise ConfigError(f"a sweep takes two different values or more. Received: {shown(text)}.")
    return Sweep(field, scale, tuple(values))


def _range(text: str, parts: list[str], is_whole: bool) -> tuple[str, list[Any]]:
    scale = "log" if parts[3:] == ["log"] else "linear"
    try:
        start, stop, count = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        raise ConfigError(f"a sweep is {_FORMS}. Received: {shown(text)}.") from None
    if parts[3:] not in ([], ["log"]) or count < 2:
        raise ConfigError(f"a sweep is {_FORMS}. Received: {shown(text)}.")
    if count > MOST_VALUES:
        raise ConfigError(
            f"a sweep takes at most {MOST_VALUES:,} values, each a variant. "
            f"Received: {shown(text)}."
        )
    if not np.isfinite([start, stop]).all():
        raise ConfigError(f"a sweep starts and stops at finite numbers. Received: {shown(text)}.")
    if scale == "log" and min(start, stop) <= 0:
        raise ConfigError(f"a sweep by factors starts and stops above 0. Received: {shown(text)}.")
    steps = np.geomspace(start, stop, count) if scale == "log" else np.linspace(start, stop, count)
    # Six digits, as a variant's name has: 0.3 and not 0.30000000000000004.
    return scale, [round(float(v)) if is_whole else float(f"{v:.6g}") for v in steps]


def _value(field: str, word: str) -> Any:
    """A value that is written out: a number, a word, or widths with a hyphen between them."""
    if field == "hidden_units":
        return fields.read_widths(word)
    if word in ("true", "false"):
        return word == "true"
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def written(value: Any) -> str:
    """A value as a variant's name has it.

    Example:
        >>> written(0.5), written([64, 32])
        ('0.5', '64-32')
    """
    return "-".join(map(str, value)) or "linear" if isinstance(value, list) else plain(value)
