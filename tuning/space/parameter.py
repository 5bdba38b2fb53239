"""One hyperparameter: its range or its values, and when it counts. No KerasTuner, no Keras."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kmlp.config.fields import is_number, is_whole
from kmlp.config.records import Condition
from kmlp.errors import ConfigError
from kmlp.text import shown

Value = bool | int | float | str
Values = Mapping[str, Value]
"""What a trial drew, by the names of the parameters that count."""
KINDS = ("float", "int", "choice", "bool")
SAMPLINGS = ("linear", "log")
_MOST_VALUES = 1_000_000  # of a range in steps, which is listed


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A hyperparameter of a search.

    Attributes:
        name: a field of `MLPConfig` or `TrainConfig`, or one that fields are made of (`units_1`).
        kind: "float" and "int" have a range, "choice" has values, "bool" is true or false.
        min, max: the ends of the range, both included.
        step: between neighbours, by addition; None is any value.
        sampling: "linear" or "log": where the range is even.
        values: what a choice takes, all of one type.
        default: where a grid begins; one of its values.
        conditions: `(name, values)` of other parameters, all of which must hold for this one to
            count.

    Raises:
        ConfigError: an empty range, values of mixed types, a default that is none of them.

    Example:
        >>> Parameter(name="dropout", kind="choice", values=(0.0, 0.2), default=0.0).values
        (0.0, 0.2)
    """

    name: str
    kind: str
    min: float | None = None
    max: float | None = None
    step: float | None = None
    sampling: str = "linear"
    values: tuple[Any, ...] = ()
    default: Any = None
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            self._refuse(f"kind must be one of {', '.join(KINDS)}", self.kind)
        if self.kind == "bool":
            object.__setattr__(self, "values", (False, True))
        (self._check_range if self.is_range else self._check_values)()
        if self.default is None:
            first = self.min if self.is_range else self.values[0]
            object.__setattr__(self, "default", first)
        if not self.holds(self.default):
            self._refuse("the default must be one of its values", self.default)

    @property
    def is_range(self) -> bool:
        return self.kind in ("float", "int")

    @property
    def listed(self) -> tuple[Any, ...] | None:
        """All values it can take, in order; None of a range without steps."""
        if not self.is_range:
            return self.values
        assert self.min is not None
        assert self.max is not None
        step = self.step or (1 if self.kind == "int" and self.sampling == "linear" else None)
        if step is None:
            return None
        count = int((self.max - self.min) / step + 1e-9) + 1
        as_kind = int if self.kind == "int" else _clean
        return tuple(as_kind(self.min + i * step) for i in range(count))

    def holds(self, value: Any) -> bool:
        """Whether it can take this value."""
        if self.listed is not None:
            return any(type(v) is type(value) and v == value for v in self.listed)
        return is_number(value) and self.min <= value <= self.max

    def narrowed(self, spec: Any) -> "Parameter":
        """The same parameter over another range or other values; its conditions stay.

        Args:
            spec: a list of values; a table with `min`, `max`, `step`, `sampling` or `values`,
                and `default`; or either in text: "0,0.2,0.5", "1e-4:1e-2:log", "0:0.5:0.1".

        Raises:
            ConfigError: it is none of these, or does not fit the parameter's type.
        """
        table = read_spec(self.name, spec)
        values: tuple[Any, ...] = ()
        range_: dict[str, Any] = {}
        if "values" in table:
            values = tuple(_as(self, v) for v in table["values"])
            kind = "bool" if self.kind == "bool" else "choice"
            if kind == "bool" and set(values) != {False, True}:
                self._refuse("to hold it at one value, fix it", spec)
        else:
            kind = "int" if self._is_int else "float"
            range_ = {k: _as(self, table[k]) for k in ("min", "max", "step") if k in table}
            range_["sampling"] = table.get("sampling", "linear")
        empty: dict[str, Any] = {"min": None, "max": None, "step": None, "sampling": "linear"}
        new = replace(
            self, kind=kind, values=values, default=_first(kind, values, range_), **empty | range_
        )
        wanted = _as(self, table["default"]) if "default" in table else self.default
        if "default" in table or new.holds(wanted):
            new = replace(new, default=wanted)
        return new

    @property
    def _is_int(self) -> bool:
        return self.kind == "int" or (bool(self.values) and type(self.values[0]) is int)

    def _check_range(self) -> None:
        whole = self.kind == "int"
        ends = (self.min, self.max)
        if not all(is_whole(e, -(2**62)) if whole else is_number(e) for e in ends):
            self._refuse(f"min and max must be {'whole ' * whole}numbers", ends)
        assert self.min is not None
        assert self.max is not None
        if self.min >= self.max:
            self._refuse("min must be below max; to hold it at one value, fix it", ends)
        if self.sampling not in SAMPLINGS:
            self._refuse(f"sampling must be one of {', '.join(SAMPLINGS)}", self.sampling)
        if self.sampling == "log" and self.min <= 0:
            self._refuse("a logarithmic range begins above 0; to add 0, list values", ends)
        if self.step is not None and (not self.step > 0 or self.sampling == "log"):
            self._refuse("a step is above 0 and for a linear range; else list values", self.step)
        step = self.step or (1 if whole and self.sampling == "linear" else None)
        if step and (self.max - self.min) / step > _MOST_VALUES:
            self._refuse(
                f"a range in steps has at most {_MOST_VALUES:,} values; take a larger step, a "
                "narrower range, or a logarithmic one",
                (*ends, step),
            )

    def _check_values(self) -> None:
        kinds = {type(v) for v in self.values}
        if not self.values or len(kinds) > 1 or not kinds <= {int, float, str, bool}:
            self._refuse("values must be numbers, words or truth values, of one type", self.values)
        if len(set(self.values)) < len(self.values):
            self._refuse("every value is listed once", self.values)

    def _refuse(self, wanted: str, received: Any) -> None:
        raise ConfigError(
            f"the search's parameter {self.name}: {wanted}. Received: {shown(received)}."
        )


def read_spec(name: str, spec: Any) -> dict[str, Any]:
    """A range or a list of values as a table: see `Parameter.narrowed`.

    Example:
        >>> read_spec("l2", "1e-5:1e-3:log")
        {'min': '1e-5', 'max': '1e-3', 'sampling': 'log'}
    """
    if isinstance(spec, Mapping):
        known = {"min", "max", "step", "sampling", "values", "default"}
        table = {k: v for k, v in spec.items() if v is not None}
        is_one = ("values" in table) != ("min" in table and "max" in table)
        if set(table) <= known and is_one and isinstance(table.get("values", []), list | tuple):
            return table
    elif isinstance(spec, str):
        return _read_text(name, spec)
    elif isinstance(spec, Sequence) and spec:
        return {"values": list(spec)}
    raise ConfigError(
        f"the search's parameter {name} is narrowed by values, as 0,0.2,0.5, or by a range, as "
        f"1e-4:1e-2:log or 0:0.5:0.1 (least, greatest, step). Received: {shown(spec)}."
    )


def _read_text(name: str, text: str) -> dict[str, Any]:
    if ":" not in text:
        return {"values": [part.strip() for part in text.split(",") if part.strip()]}
    low, high, *rest = (part.strip() for part in text.split(":"))
    table: dict[str, Any] = {"min": low, "max": high}
    for part in rest:
        table["sampling" if part in SAMPLINGS else "step"] = part
    return table


def _as(parameter: Parameter, value: Any) -> Any:
    """A value, maybe in text, as the parameter's own type."""
    example = parameter.default
    if isinstance(example, bool):
        truths = {"true": True, "yes": True, "false": False, "no": False}
        value = truths.get(value.lower(), value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            parameter._refuse("it is true or false", value)
        return value
    if isinstance(example, str):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        parameter._refuse(f"it takes numbers{_ranges_meant(parameter.name, value)}", value)
    if isinstance(example, int):
        if not number.is_integer():
            parameter._refuse("it takes whole numbers", value)
        return int(number)
    return number


def _ranges_meant(name: str, value: Any) -> str:
    """How a range is written, of two numbers that somebody took to be one.

    Example:
        >>> _ranges_meant("l2", "1e-5-1e-3")
        '. A range is written l2=1e-5:1e-3, l2=1e-5:1e-3:log, or with a step l2=LOW:HIGH:STEP'
    """
    number = r"([+-]?[0-9.]+(?:e[+-]?[0-9]+)?)"
    ends = re.fullmatch(rf"{number}\s*(?:-|\.\.\.?|to|–)\s*{number}", str(value), re.IGNORECASE)
    if not ends:
        return ""
    low, high = ends.groups()
    return (
        f". A range is written {name}={low}:{high}, {name}={low}:{high}:log, or with a step "
        f"{name}=LOW:HIGH:STEP"
    )


def _first(kind: str, values: Sequence[Any], range_: dict[str, Any]) -> Any:
    return False if kind == "bool" else values[0] if values else range_.get("min")


def _clean(value: float) -> float:
    """Without the rounding of sums: 0.3, not 0.30000000000000004."""
    return float(f"{value:.12g}")


def num_points(parameters: Sequence[Parameter]) -> int:
    """How many points a grid has at most: conditions leave some out.

    A range without steps is taken at ten places and at its default, as KerasTuner does.
    """
    sizes = (len(p.listed) if p.listed else 11 for p in parameters)
    return list(itertools.accumulate(sizes, lambda a, b: a * b))[-1] if parameters else 1
