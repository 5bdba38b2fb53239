"""Scores with a column a method, as spreadsheets have them, as rows of one score each."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from kmlp.data.tables import Table
from kmlp.errors import DataError
from kmlp.scores.metric import is_a_metric, is_like_a_metric, one_word


def method_columns(
    table: Table, keys: Collection[str], pairs: Collection[str], score: str | None = None
) -> list[str]:
    """The columns that are a method each; none where a row is one score.

    They are all columns but `keys`, if these are two or more of numbers that no score is called,
    beside a column that pairs the rows.

    Args:
        table: of scores.
        keys: columns that say what a row is of: a seed, a data set, how many rows there were.
        pairs: of these the seed and the fold.
        score: what the scores are said to be. Without it no method is even called like a score:
            of "focal_loss" nobody knows which it is.

    Example:
        >>> import polars as pl
        >>> table = Table(pl.DataFrame({"seed": [0, 1], "mlp": [0.8, 0.9], "forest": [0.7, 0.8]}))
        >>> method_columns(table, ["seed"], ["seed"])
        ['mlp', 'forest']
    """
    found = [name for name in table.columns if name not in keys]
    is_score = is_a_metric if score else is_like_a_metric
    are_methods = len(found) > 1 and all(
        table.whole[name].dtype.is_numeric() and _is_meant(name) and not is_score(name)
        for name in found
    )
    return found if pairs and are_methods else []


def _is_meant(name: str) -> bool:
    """Not the column of row numbers that pandas writes."""
    return bool(name.strip()) and not name.strip().lower().startswith("unnamed")


def in_rows(
    table: Table, methods: Sequence[str], score: str | None, taken: Collection[str]
) -> Table:
    """The same with a row a score: columns `method` and the scores, which are called `score`.

    Args:
        table: of scores.
        methods: the columns that are a method each.
        score: what the scores are.
        taken: words by which other columns are found.

    Raises:
        DataError: nothing says what the scores are, or what is said is no name for them.
    """
    if score is None:
        named = ", ".join(map(repr, methods))
        raise DataError(
            f"{table.name}: no column names the method of a score. If {named} are a method each, "
            "say what their scores are: --score accuracy, or what they are called (in Python: "
            "score=). Else a row is one score, as ours,0,0.91 under method,seed,score."
        )
    if not score.strip() or one_word(score) in taken:
        raise DataError(
            f"{table.name}: scores cannot be called {score!r}"
            + (", by which another column is found. " * bool(score.strip()) or ". ")
            + "Say what they are, as --score accuracy (in Python: score=)."
        )
    keys = [name for name in table.columns if name not in methods]
    lines = np.arange(table.height) if table.lines is None else table.lines
    turned = table.frame.unpivot(methods, index=keys, variable_name="method", value_name=score)
    return replace(table, whole=turned, lines=np.tile(lines, len(methods)), rows=None)
