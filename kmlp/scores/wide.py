"""Scores with a column a method, as spreadsheets have them, as rows of one score each."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from kmlp.data.tables import Table
from kmlp.errors import DataError
from kmlp.scores.metric import is_like_a_metric


def method_columns(table: Table, keys: Collection[str], pairs: Collection[str]) -> list[str]:
    """The columns that are a method each; none where a row is one score.

    They are all columns but `keys`, if these are two or more of numbers that no metric is called
    like, beside a column that pairs the rows.

    Args:
        table: of scores.
        keys: columns that say what a row is of: a seed, a data set, how many rows there were.
        pairs: of these the seed and the fold.

    Example:
        >>> import polars as pl
        >>> table = Table(pl.DataFrame({"seed": [0, 1], "mlp": [0.8, 0.9], "forest": [0.7, 0.8]}))
        >>> method_columns(table, ["seed"], ["seed"])
        ['mlp', 'forest']
    """
    found = [name for name in table.columns if name not in keys]
    are_methods = len(found) > 1 and all(
        table.whole[name].dtype.is_numeric() and _names_a_method(name) for name in found
    )
    return found if pairs and are_methods else []


def _names_a_method(name: str) -> bool:
    """Not the column of row numbers that pandas writes, nor a score."""
    plain = name.strip().lower()
    return bool(plain) and not plain.startswith("unnamed") and not is_like_a_metric(name)


def in_rows(table: Table, methods: Sequence[str], score: str | None) -> Table:
    """The same with a row a score: columns `method` and the scores, which are called `score`.

    Raises:
        DataError: nothing says what the scores are.
    """
    if score is None:
        named = ", ".join(map(repr, methods))
        raise DataError(
            f"{table.name}: no column names the method of a score. If {named} are a method each, "
            "say what their scores are: --score accuracy, or what they are called (in Python: "
            "score=). Else a row is one score, as ours,0,0.91 under method,seed,score."
        )
    keys = [name for name in table.columns if name not in methods]
    lines = np.arange(table.height) if table.lines is None else table.lines
    turned = table.frame.unpivot(methods, index=keys, variable_name="method", value_name=score)
    return replace(table, whole=turned, lines=np.tile(lines, len(methods)), rows=None)
