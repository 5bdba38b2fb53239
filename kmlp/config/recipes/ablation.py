"""A recipe beside itself without each of its parts: variants, and what they are together."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kmlp.config.recipes.auto import written_out
from kmlp.config.recipes.known import RECIPES, recipe_of_name

Variants = Sequence[str | Mapping[str, Any]]


def ablation(
    recipe: str, parts: Sequence[str] = (), fields: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The whole recipe and the recipe without each of its parts, as a study's variants.

    Args:
        recipe: its name.
        parts: names of those that are left out, one at a time; all where omitted.
        fields: what all of them set otherwise than the recipe.

    Raises:
        ConfigError: there is no such recipe, or no such part.

    Example:
        >>> [v["name"] for v in ablation("realmlp_s", ["smooth_clip"])]
        ['realmlp_s', 'without smooth clipping']
    """
    known = recipe_of_name(recipe)
    common = {"recipe": recipe, **(fields or {})}
    return [
        {"name": recipe, **common},
        *(
            {"name": f"without {part.title}", "without": [part.name], **common}
            for part in [known.part(name) for name in parts] or known.parts
        ),
    ]


def for_task(
    variants: Variants,
    task: str,
    kinds: Collection[str] | None = None,
    *,
    is_table: bool = False,
) -> tuple[str | Mapping[str, Any], ...]:
    """The same variants, with recipes as they are for a task, "auto" among them; those that lack
    only what means nothing there, or to columns of these kinds, are left out."""
    named = [written_out(v, task, is_table=is_table) for v in variants]
    return tuple(_for_task(v, task) for v in named if not _is_pointless(v, task, kinds))


def _is_pointless(
    variant: str | Mapping[str, Any], task: str, kinds: Collection[str] | None
) -> bool:
    if isinstance(variant, str) or "recipe" not in variant:
        return False
    recipe, without = recipe_of_name(variant["recipe"]), variant.get("without") or []
    meant = {part.name for part in recipe.parts_of(task, kinds)}
    return bool(without) and not meant & set([without] if isinstance(without, str) else without)


def _for_task(variant: str | Mapping[str, Any], task: str) -> str | Mapping[str, Any]:
    if isinstance(variant, Mapping):
        return {**variant, "task": task} if "recipe" in variant else variant
    if variant not in RECIPES or task != "regression":
        return variant  # as a name alone has it
    return {"name": variant, "recipe": variant, "task": task}


def ablated(variants: Variants, baseline: str) -> str | None:
    """The recipe of which a study's variants lack a part each, its baseline being the whole; None
    of a study that compares something else."""
    tables = [v for v in variants if isinstance(v, Mapping)]
    if len(tables) < 2 or len(tables) < len(variants):
        return None
    # Not checked yet: names may lack, and recipes be anything.
    recipe, *others = (v.get("recipe") for v in tables)
    whole = [v.get("name") for v in tables if not v.get("without")]
    is_one = isinstance(recipe, str) and all(other == recipe for other in others)
    return recipe if is_one and whole == [baseline] else None


def shared(variants: Variants) -> tuple[str, ...]:
    """The fields that all of an ablation's variants set alike, of which no name need tell.

    Example:
        >>> shared(ablation("realmlp_s", ["ntk"], {"max_epochs": 3}))
        ('max_epochs',)
    """
    first, *others = (v for v in variants if isinstance(v, Mapping))
    own = ("name", "recipe", "task", "without")
    return tuple(
        name
        for name, value in first.items()
        if name not in own and all(name in v and v[name] == value for v in others)
    )


def question(recipe: str | None, dataset: str, *, is_searched: bool = False) -> str:
    """What a study asks: of a recipe that is ablated, of a search's trials, or of regularizers."""
    if is_searched:
        return f"Does searching help on {dataset}?"
    if recipe:
        return f"Which part of {recipe} earns its place on {dataset}?"
    return f"Which regularizer helps on {dataset}?"
