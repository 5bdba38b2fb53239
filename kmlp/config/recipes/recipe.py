"""A recipe: what a named network of the literature sets, and what it is without each part."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kmlp.errors import ConfigError
from kmlp.text import did_you_mean, shown

Values = Mapping[str, Any]
TASKS = ("binary", "multiclass", "regression")


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a recipe can be without.

    Attributes:
        name: as it is named where parts are chosen.
        title: in words, behind "without".
        sets: fields of either config.
        of_regression: what it sets otherwise there.
        instead: what is set where it is left out, as far as that is no default: other fields must
            often follow, as a learning rate.
        instead_of_regression: what of it is otherwise there.
        classes_only, numbers_only: it means nothing to a regression, to anything else.
        acts_on: the kind of columns without which it means nothing, "number" or "category".
    """

    name: str
    title: str
    sets: Values
    of_regression: Values = field(default_factory=dict)
    instead: Values = field(default_factory=dict)
    instead_of_regression: Values = field(default_factory=dict)
    classes_only: bool = False
    numbers_only: bool = False
    acts_on: str = ""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network of the literature.

    Attributes:
        name: of the variant.
        source: who says so.
        frame: what is no part: sizes, rates and epochs.
        of_regression: what of the frame is otherwise there.
        parts: in the order in which they act.
    """

    name: str
    source: str
    frame: Values
    of_regression: Values = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def parts_of(self, task: str, kinds: Collection[str] | None = None) -> tuple[Part, ...]:
        """Those that mean something to a task, and to columns of kinds that are said."""
        is_regression = task == "regression"
        found = [p for p in self.parts if not (p.classes_only if is_regression else p.numbers_only)]
        return tuple(p for p in found if kinds is None or not p.acts_on or p.acts_on in kinds)

    def fields(self, task: str, without: Collection[str] = ()) -> dict[str, Any]:
        """What it sets of the configs.

        Args:
            task: of the data.
            without: names of parts that are left out.

        Raises:
            ConfigError: there is no such task, or no such part.
        """
        if task not in TASKS:
            raise ConfigError(
                f"a recipe is for one of {', '.join(TASKS)}. Received: {shown(task)}."
            )
        for name in without:
            self.part(name)
        is_regression = task == "regression"
        values = {**self.frame, **(self.of_regression if is_regression else {})}
        for part in self.parts_of(task):
            if part.name not in without:
                values |= {**part.sets, **(part.of_regression if is_regression else {})}
        for part in self.parts_of(task):
            if part.name in without:
                values |= {**part.instead, **(part.instead_of_regression if is_regression else {})}
        return values

    def part(self, name: str) -> Part:
        """The part of a name.

        Raises:
            ConfigError: there is none; the message lists all.
        """
        names = [p.name for p in self.parts]
        if name not in names:
            hint = did_you_mean(name, names) or f" It has: {', '.join(names)}."
            raise ConfigError(f"{self.name} has no part {shown(name)}.{hint}")
        return self.parts[names.index(name)]
