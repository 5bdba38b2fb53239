"""What is known of a config's field stands once: at the field, as its record.

Everything else that speaks of fields follows from it: stacks and their signatures, members' ids,
named variants, the pilot's strengths, what a search varies, titles in reports.
"""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal, cast

NOT_OFF: tuple[str, ...] = ("not off",)
"""In a condition: whatever of the other field's values switches it on."""
NEVER = object()
"""No value switches the field off."""
Condition = tuple[str, tuple[Any, ...]]

Held = Literal["stack", "step", "layer", "rows", "member"]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The random values that a field makes training draw.

    Attributes:
        kind: a "mask" of what is dropped, "normal" values, or the share of a "mixture".
        place: one value an input ("inputs") or a unit of each hidden layer ("units"), and row; a
            weight of each hidden layer ("weights"); a number of the gradient ("gradients"); or one
            for all rows of a step ("batch").
        key: keys the place with the layer's index, never changed: members' results hang on it.
    """

    kind: Literal["mask", "normal", "mixture"]
    place: Literal["inputs", "units", "weights", "gradients", "batch"]
    key: int


@dataclass(frozen=True, kw_only=True)
class Search:
    """Over what a search varies a field.

    Attributes:
        values: what it takes; "none" and 0 stand for None, which KerasTuner knows not. None where
            there is a range.
        low, high: the ends of a range, which is even in the logarithm.
        default: where a grid begins, where no field says so; None is the first value.
        when: conditions on other fields beside those that the field needs, all of which must hold
            for this one to count.
        preset: whether it is searched unless said otherwise; or over which of its values.
    """

    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    default: Any = None
    when: tuple[Condition, ...] = ()
    preset: bool | tuple[Any, ...] = False


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of one field.

    Attributes:
        default: the field's.
        title: in words, with its `unit`, on the axis of a figure.
        held: "stack": all members of a stack share it; else it is each member's own: "step", a
            number that the compiled step takes; "layer", one held by the layers that draw by it;
            "rows", worked out from its training rows; "member", nothing that is compiled.
        off: the value that switches it off; `NEVER` where none does.
        switch: the name under which a stack says that some member needs it; several fields may
            share one. Where it is off, programs are without it.
        complement: a stack holds 1 - value, of which float32 has more digits near 1.
        acts_with: it means nothing where all of these fields are off, or have none of the values
            that are named with them.
        needs: conditions on other fields; it means nothing where one of them does not hold.
        draws: what it draws.
        classes_only, numbers_only: it means nothing to a regression, to anything else.
        of_columns: it means something to a table's columns only.
        strength: of the variant that is named as the field.
        beside: what else that variant sets.
        pilot: the strengths of it that `strengths="auto"` tries, from weak to strong.
        variants: other values by the named variant that sets each.
        search: over what it is searched; None where only values that are named are.
        since: the release that added it, None for 0.1.0's own. Where it stands at its default, a
            member's id is what it was before.
    """

    default: Any = None
    title: str = ""
    unit: str = ""
    held: Held = "member"
    off: Any = NEVER
    switch: str = ""
    complement: bool = False
    acts_with: tuple[str | Condition, ...] = ()
    needs: tuple[Condition, ...] = ()
    draws: Draws | None = None
    classes_only: bool = False
    numbers_only: bool = False
    of_columns: bool = False
    strength: float | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    pilot: tuple[float, ...] = ()
    variants: Mapping[str, Any] = field(default_factory=dict)
    search: Search | None = None
    since: str | None = None

    @property
    def axis(self) -> str:
        """The title and the unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def is_on(self, value: Any) -> bool:
        """Whether a value switches the field on, as JSON gives it back, too; what cannot be off
        always is."""
        return (tuple(value) if isinstance(value, list) else value) != self.off

    def in_stack(self, value: Any) -> float:
        """A value as a stack's vector holds it; no bound is infinity."""
        if value is None:
            return float("inf")
        return 1 - value if self.complement else value


def described(default: Any, **known: Any) -> Any:
    """A dataclass's field with its record: `Record`'s arguments but the default.

    Example:
        >>> @dataclass(frozen=True)
        ... class Cake:
        ...     sugar: float = described(0.2, title="sugar", unit="kg", off=0.0)
        >>> records_of(Cake)["sugar"].axis, is_on(Cake(sugar=0.0), "sugar")
        ('sugar, kg', False)
    """
    return field(default=default, metadata={"record": Record(default=default, **known)})


def choice(*values: Any, **known: Any) -> Search:
    """A search over listed values."""
    return Search(values=values, **known)


def records_of(config: type) -> dict[str, Record]:
    """The records of a config's fields, in their order; a title that is not said is the name."""
    return _records(cast(Hashable, config))


@cache
def _records(config: Any) -> dict[str, Record]:
    return {f.name: _record(f) for f in dataclasses.fields(config)}


def _record(f: dataclasses.Field) -> Record:
    known = f.metadata.get("record") or Record(default=f.default)
    return dataclasses.replace(known, title=known.title or f.name.replace("_", " "))


def is_on(config: Any, name: str) -> bool:
    """Whether a config switches one of its fields on."""
    return records_of(type(config))[name].is_on(getattr(config, name))


def identity(value: Any) -> Any:
    """Plain types that a config's identity follows from: without later fields at their default."""
    if value is None or isinstance(value, str | int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _of_config(_Itself(value))
    if isinstance(value, Mapping):
        return {key: identity(held) for key, held in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [identity(held) for held in value]
    return value


@dataclass(frozen=True, eq=False)
class _Itself:
    """A config as the object that it is: it may hold what has no hash."""

    config: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.config is other.config

    def __hash__(self) -> int:
        return id(self.config)


@lru_cache(maxsize=256)
def _of_config(itself: _Itself) -> dict[str, Any]:
    """Thousands of members share the configs of a few variants, which nobody changes."""
    config = itself.config
    pairs = ((r, name, getattr(config, name)) for name, r in records_of(type(config)).items())
    return {n: identity(held) for r, n, held in pairs if not r.since or held != r.default}
