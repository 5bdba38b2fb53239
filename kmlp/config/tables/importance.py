"""Which columns matter: whether a study finds it out, and which columns it takes together."""

from collections.abc import Mapping, Sequence
from typing import Any

from kmlp.errors import ConfigError
from kmlp.text import shown

AUTO = "auto"


def checked_importance(asked: Any) -> bool | str:
    """What a study asks for: true, false, or "auto", of tables alone.

    Raises:
        ConfigError: none of these.

    Example:
        >>> checked_importance("auto"), checked_importance(False)
        ('auto', False)
    """
    if isinstance(asked, bool) or asked == AUTO:
        return asked
    raise ConfigError(
        f'importance must be true, false or "{AUTO}". Received: importance={shown(asked)}.'
    )


def checked_groups(asked: Any) -> dict[str, list[str]]:
    """Columns that are taken together, by what the group is called.

    Raises:
        ConfigError: no names of columns, or a column that is in two groups.

    Example:
        >>> checked_groups({"size": ("length", "width")})
        {'size': ['length', 'width']}
    """
    if not isinstance(asked, Mapping) or not all(_are_names(own) for own in asked.values()):
        raise ConfigError(
            "importance_groups must be a table of lists of columns, as size = ["
            f'"length", "width"]. Received: importance_groups={shown(asked)}.'
        )
    listed = [name for own in asked.values() for name in own]
    if twice := [name for name in listed if listed.count(name) > 1]:
        raise ConfigError(
            "importance_groups must name a column once. Received: "
            f"{shown(twice[0])} twice. Leave it in one group."
        )
    return {str(name): list(own) for name, own in asked.items()}


def read_groups(given: Sequence[str]) -> dict[str, list[str]]:
    """Groups from words such as "size=length,width".

    Raises:
        ConfigError: a word that is not NAME=COLUMN,COLUMN.

    Example:
        >>> read_groups(["size=length,width"])
        {'size': ['length', 'width']}
    """
    groups = {}
    for text in given:
        name, _, columns = text.partition("=")
        groups[name.strip()] = [c.strip() for c in columns.split(",") if c.strip()]
        if not name.strip() or not groups[name.strip()]:
            raise ConfigError(
                "importance_groups are NAME=COLUMN,COLUMN, as size=length,width. "
                f"Received: {shown(text)}."
            )
    return groups


def _are_names(columns: Any) -> bool:
    is_list = isinstance(columns, list | tuple) and bool(columns)
    return is_list and all(isinstance(name, str) and name for name in columns)
