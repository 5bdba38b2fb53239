"""What the records share: their strictness, and the few types that many of them are made of."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kmlp.stats.summaries import Summary

Plain = Mapping[str, Any]
"""What another room describes itself by, as its `to_dict` gives it."""
Interval = tuple[float, float]
Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
MemberId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
Scores = Mapping[str, float | None]
"""By metric; None is what cannot be told, as an AUC of rows of one class."""
Summaries = Mapping[str, Summary]
"""By metric, over the members."""


class Record(BaseModel):
    """Values that belong together; none is missing, none too many."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        validate_by_alias=True,
        validate_by_name=True,
        # `kmlp show` has no time to build what nobody reads or writes.
        defer_build=True,
        ser_json_inf_nan="constants",
    )

    def to_dict(self) -> dict[str, Any]:
        """Plain types, as JSON holds them."""
        return self.model_dump(mode="json")


def unless_none(**known: Any) -> Any:
    """A field that `results.json` holds only where there is something to say."""
    return Field(default=None, exclude_if=lambda value: value is None, **known)


def unless_empty() -> Any:
    """The same of a mapping."""
    return Field(default_factory=dict, exclude_if=lambda value: not value)


def if_any() -> Any:
    """The same of a tuple."""
    return Field(default=(), exclude_if=lambda value: not value)


class OfVariant(Record):
    """What an analysis found of one variant.

    Attributes:
        variant: its name.
        strength: what it sets, in words.
    """

    variant: str
    strength: str

    @property
    def label(self) -> str:
        """See `label`."""
        return label(self.variant, self.strength)


class Estimate(Record):
    """A value and its 95 % interval.

    Attributes:
        value: over training samples, with all of them.
        ci95: over training samples the jackknife's, leaving one whole sample out at a time, null
            of fewer than three.
    """

    value: float
    ci95: Interval | None


def first_fault(error: ValidationError) -> str:
    """Which field is wrong first, and how."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def label(name: str, strength: str) -> str:
    """What sentences and figures call a variant: its name with its strength; of several settings
    the name alone, for beside other variants they would read as these. Tables say them once.

    Example:
        >>> label("l1_l2", "l1=1e-05, l2=0.0001")
        'l1_l2'
        >>> label("l2", "l2=0.0005")
        'l2=0.0005'
        >>> label("trial 3", "dropout=0.5, l2=0.0003, activation=elu")
        'trial 3'
    """
    return full_label(name, strength) if strength.count("=") < 2 else name


def full_label(name: str, strength: str) -> str:
    """A variant's name with its strength, said once, however long."""
    first, _, rest = strength.partition(", ")
    if strength and (first == name or first.startswith(f"{name}=")):
        return f"{first} ({rest})" if rest else first
    return f"{name} ({strength})" if strength else name
