"""Which recipe a table gets where "auto" is asked for, by what was measured on eight tables."""

from collections.abc import Mapping
from typing import Any

from kmlp.errors import ConfigError
from kmlp.text import shown

AUTO = "auto"
"""A variant's name, and a recipe's in a variant's table."""
FEW_ROWS = 2000
"""Between the small tables (746 and 1,176 training rows) and the others (5,148 and more)."""
Named = str | Mapping[str, Any]


def chosen_recipe(task: str, num_rows: int) -> str:
    """The recipe that did best on tables of a size (benchmarks/README.md, "Recipes on the eight
    tables"); of few rows both did alike, and the simple one takes less time. What it says never
    changes: members' ids follow from it.

    Args:
        task: of the data; no task was shown to want another one.
        num_rows: that train and validate.

    Example:
        >>> chosen_recipe("binary", 5000), chosen_recipe("regression", 800)
        ('realmlp', 'realmlp_s')
    """
    return "realmlp_s" if num_rows < FEW_ROWS else "realmlp"


def written_out(variant: Named, task: str, *, is_table: bool, num_rows: int) -> Named:
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
    return {**table, "recipe": chosen_recipe(task, num_rows), "task": task}


def is_auto(variant: Any) -> bool:
    """Whether a recipe is yet to be chosen.

    Example:
        >>> is_auto("auto"), is_auto({"name": "wide", "recipe": "auto"}), is_auto("none")
        (True, True, False)
    """
    return (variant.get("recipe") if isinstance(variant, Mapping) else variant) == AUTO
