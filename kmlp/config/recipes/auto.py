"""Which recipe a table gets where "auto" is asked for."""

from collections.abc import Iterable, Mapping
from typing import Any

from kmlp.errors import ConfigError
from kmlp.text import shown

AUTO = "auto"
"""A variant's name, and a recipe's in a variant's table."""
CHOSEN = "realmlp"
"""Of `none`, `realmlp_s` and `realmlp` the one with the lowest validation error in the geometric
mean over eight tables, over the two of fewer than 2,000 rows to train and validate, and over the
six others (benchmarks/README.md, "Recipes on the eight tables"), where test rows say otherwise of
the two. It never changes: members' ids follow from it."""
Named = str | Mapping[str, Any]


def written_out(variant: Named, task: str, *, is_table: bool) -> Named:
    """A variant with the recipe that "auto" stands for; any other as it is.

    Raises:
        ConfigError: the data are no table, of which alone it is known.
    """
    if not is_auto(variant):
        return variant
    table = {"name": variant} if isinstance(variant, str) else dict(variant)
    if not is_table:
        raise ConfigError(
            f"variant {shown(table['name'])}: auto chooses a recipe for a table, and these data "
            "are none. Name the variant, as dropout or realmlp_s."
        )
    return {**table, "recipe": CHOSEN, "task": task}


def is_auto(variant: Any) -> bool:
    """Whether a recipe is yet to be chosen.

    Example:
        >>> is_auto("auto"), is_auto({"name": "wide", "recipe": "auto"}), is_auto("none")
        (True, True, False)
    """
    return (variant.get("recipe") if isinstance(variant, Mapping) else variant) == AUTO


def refuse_auto(variants: Iterable[Named]) -> None:
    """Lets only variants pass whose recipe is known.

    Raises:
        ConfigError: a recipe is yet to be chosen.
    """
    if any(map(is_auto, variants)):
        raise ConfigError(
            "the recipe of auto follows from the data, which are not known yet. Call for_data "
            "first, or name the recipe."
        )
