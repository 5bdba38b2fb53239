"""Models that are no networks and stand beside them: which of them a study trains."""

from kmlp.errors import ConfigError
from kmlp.stats.formatting import listed
from kmlp.text import shown

AUTO, NONE = "auto", "none"
REFERENCES = {
    "constant": ("the commonest class", "the mean"),
    "linear": ("logistic regression", "ridge regression"),
    "boosted_trees": ("boosted trees", "boosted trees"),
    "random_forest": ("a random forest", "a random forest"),
}
"""Name -> what sentences call it of classes, and of numbers."""
TRIVIAL = "constant"
"""The reference that looks at no column; it has no settings."""
MOST_ROWS_OF_A_FOREST = 100_000


def checked_references(asked: object) -> str | tuple[str, ...]:
    """What a study asks for: "auto", "none", or names.

    Raises:
        ConfigError: none of these.

    Example:
        >>> checked_references("linear,boosted_trees"), checked_references(["auto"])
        (('linear', 'boosted_trees'), 'auto')
    """
    names = asked.split(",") if isinstance(asked, str) else asked
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        found = tuple(dict.fromkeys(name.strip() for name in names))
        if found in ((AUTO,), (NONE,)):
            return found[0]
        if set(found) <= set(REFERENCES):
            return found
    raise ConfigError(
        f"references must be {AUTO}, {NONE}, or some of {listed(REFERENCES)}. "
        f"Received: {shown(asked)}."
    )


def title_of(name: str, *, is_regression: bool, is_tuned: bool = False) -> str:
    """What sentences call a reference.

    Example:
        >>> title_of("linear", is_regression=True), title_of("linear", is_regression=False)
        ('ridge regression', 'logistic regression')
        >>> title_of("random_forest", is_regression=True, is_tuned=True)
        'a tuned random forest'
    """
    title = REFERENCES[name][int(is_regression)]
    if not is_tuned:
        return title
    return f"a tuned {title.removeprefix('a ')}" if title.startswith("a ") else f"tuned {title}"


def trials_of(name: str, num_trials: int) -> int:
    """How many settings are tried of a reference, where so many are of those that have any.

    Example:
        >>> trials_of("linear", 20), trials_of("constant", 20)
        (20, 1)
    """
    return 1 if name == TRIVIAL else num_trials


def resolved_references(
    asked: str | tuple[str, ...], *, is_table: bool, num_rows: int
) -> tuple[str, ...]:
    """Which references are trained: "auto" is all of them for tables, and none else.

    A forest takes minutes on very many rows, and is left out then unless it is named.

    Example:
        >>> resolved_references("auto", is_table=True, num_rows=200_000)
        ('constant', 'linear', 'boosted_trees')
    """
    if not isinstance(asked, str):
        return asked
    if asked == NONE or not is_table:
        return ()
    is_large = num_rows > MOST_ROWS_OF_A_FOREST
    return tuple(name for name in REFERENCES if not (is_large and name == "random_forest"))
