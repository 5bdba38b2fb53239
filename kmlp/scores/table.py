"""Rows of method and score in; scores by data set and method out, and what pairs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

import numpy as np
import polars as pl

from kmlp.data.tables import Table, as_table
from kmlp.errors import DataError
from kmlp.scores.metric import VALIDATION, known_metric, metric_of, one_word, plain_name
from kmlp.scores.numbers_of_rows import ROWS, mean_rows, row_columns
from kmlp.scores.wide import in_rows, method_columns
from kmlp.stats.formatting import listed
from kmlp.stats.metrics import BY_NAME
from kmlp.stats.metrics.record import MetricRecord

_KNOWN = {
    "method": ("method", "model", "variant", "algorithm", "classifier", "regressor"),
    "dataset": ("dataset", "data_set", "data"),
    "seed": ("seed", "random_state", "random_seed", "repeat", "repetition", "run"),
    "fold": ("fold",),
}
_A_ROW = "A row is one score, as ours,0,0.91 under method,seed,score."
_HUGE = 1e150
Pair = tuple[Any, ...]
"""What a score belongs to: its seed, its fold, or both; of unpaired ones their place."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of two methods or more.

    Attributes:
        metric: what the scores are.
        by_dataset: data set -> method -> what it belongs to -> score, in the order of the rows;
            the data set is "" where no column names one.
        paired_by: "seed", "fold", both, or nothing.
        notes: how the rows were read, for people.
        rows: data set and method -> rows that it was trained on and held out in a fold, on
            average; of those that say so.
    """

    metric: MetricRecord
    by_dataset: Mapping[str, Mapping[str, Mapping[Pair, float]]]
    paired_by: tuple[str, ...]
    notes: tuple[str, ...] = ()
    rows: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """In the order in which they first appear."""
        return tuple(dict.fromkeys(m for methods in self.by_dataset.values() for m in methods))


def read_scores(
    source: Any,
    *,
    method: str | None = None,
    score: str | None = None,
    higher_is_better: bool | None = None,
) -> Scores:
    """Reads scores from a file or a frame with a row each.

    Of a column a method, beside a seed or a fold, `score` says what the scores are called.
    Columns are found by their names, whatever their case: `method` (or `model`, `variant`,
    `algorithm`), `score` or a metric's name, and as far as there are such `dataset`, `seed` (or
    `random_state`, `repeat`, `run`) and `fold`; of folds, `num_train` and `num_held_out`, the rows
    that a score's model was trained and scored on. All others are left out, and named in the notes.

    Args:
        source: a path, or a pandas, polars or pyarrow frame, or a mapping of columns.
        method, score: the columns' names, where they are others.
        higher_is_better: the direction; found out from the score's name where omitted.

    Raises:
        DataError: what is missing or cannot be a score, with its row, and what to do.

    Example:
        >>> scores = read_scores({"method": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1],
        ...                       "accuracy": [0.8, 0.9, 0.7, 0.8]})
        >>> scores.methods, scores.paired_by, scores.metric.title
        (('a', 'b'), ('seed',), 'accuracy')
    """
    table = as_table(source)
    if not table.height:
        raise DataError(f"{table.name} has no rows. {_A_ROW}")
    table, turned = a_row_a_score(table, method, score)
    names = role_columns(table, method, score)
    values = numbers_of(table, names["score"])
    keys = {role: texts_of(table, names[role]) for role in _KNOWN if role in names}
    paired_by = tuple(role for role in ("seed", "fold") if role in keys)
    metric = metric_of(names["score"], values, higher_is_better=higher_is_better)
    _refuse_two_units(table, metric.name, keys["method"], values)
    found = Scores(
        metric=metric,
        by_dataset=_by_dataset(table, values, keys, paired_by),
        paired_by=paired_by,
        notes=(*turned, *_notes(table, names, row_columns(table, paired_by))),
        rows=mean_rows(table, keys, row_columns(table, paired_by)),
    )
    if len(found.methods) < 2:
        raise DataError(
            f"{table.name}: there is one method only, {found.methods[0]}, and nothing to compare "
            f"it with; column {names['method']!r} must name two or more."
        )
    return found


def a_row_a_score(
    table: Table, method: str | None, score: str | None
) -> tuple[Table, tuple[str, ...]]:
    """A table with a column a method turned, and a note of it; any other as it is."""
    by_plain = _by_plain(table, asked={method, score})
    if method or score in table.columns or by_plain.keys() & set(_KNOWN["method"]):
        return table, ()
    roles = {role: [by_plain[k] for k in known if k in by_plain] for role, known in _KNOWN.items()}
    pairs = [*roles["seed"], *roles["fold"]]
    rows = [by_plain[word] for word in ROWS if word in by_plain]
    methods = method_columns(table, [*roles["dataset"], *pairs, *rows], pairs, score)
    if not methods:
        return table, ()
    turned = in_rows(table, methods, score, by_plain.keys() | set().union(*_KNOWN.values()))
    for column in methods:
        numbers_of(table, column)
    return turned, (f"Read a column a method: {_quoted(methods)}.",)


def role_columns(table: Table, method: str | None, score: str | None) -> dict[str, str]:
    """Role -> the column's name: "method" and "score", and "dataset", "seed", "fold" if there are.

    Raises:
        DataError: it cannot be told which column is meant.
    """
    by_plain = _by_plain(table, asked={method, score})
    names = {"method": _named(table, method)} if method else {}
    names |= {"score": _named(table, score)} if score else {}
    for role, known in _KNOWN.items():
        found = [by_plain[k] for k in known if k in by_plain and by_plain[k] not in names.values()]
        if role not in names and found:
            names[role] = found[0]
    if "method" not in names:
        raise DataError(
            f"{table.name}: no column names the method of a score. Its columns: "
            f"{_quoted(table.frame.columns)}. {_A_ROW} Rename the column to method, or say "
            "--method COLUMN."
        )
    if "score" not in names:
        names["score"] = _score_column(table, by_plain, names)
    if names["score"] == names["method"]:
        raise DataError(
            f"{table.name}: column {names['score']!r} cannot be both the method and its score."
        )
    return names


def _by_plain(table: Table, asked: set[str | None]) -> dict[str, str]:
    """Columns by what they are found by; none is by the same as one that might be meant."""
    known = {"score", *BY_NAME, *ROWS}.union(*_KNOWN.values())
    found: dict[str, str] = {}
    for column in table.columns:
        plain = one_word(column)
        if found.get(plain) and plain in known and not {column, found[plain]} & asked:
            raise DataError(
                f"{table.name}: which of the columns {found[plain]!r} and {column!r} is meant? "
                "Rename or leave out the other one."
            )
        found[plain] = column
    return found


def _score_column(table: Table, by_plain: Mapping[str, str], taken: Mapping[str, str]) -> str:
    if "score" in by_plain:
        return by_plain["score"]
    left = [c for c in table.columns if c not in taken.values() and one_word(c) not in ROWS]
    metrics = [c for c in by_plain.values() if plain_name(c) in BY_NAME]
    numeric = [c for c in left if table.frame[c].dtype.is_numeric()]
    for candidates in (metrics, numeric):
        if len(candidates) == 1:
            _refuse_training(table, by_plain, candidates[0])
            return candidates[0]
    raise DataError(
        f"{table.name}: which column holds the scores? "
        f"{'One of ' + _quoted(metrics or numeric) if metrics or numeric else 'None is numeric'}: "
        "rename it to score, or say --score COLUMN."
    )


def _refuse_training(table: Table, by_plain: Mapping[str, str], found: str) -> None:
    """In Keras's logs "accuracy" is of training rows, beside "val_accuracy"."""
    plain = next(plain for plain, column in by_plain.items() if column == found)
    if beside := by_plain.get(VALIDATION + plain):
        raise DataError(
            f"{table.name}: {found!r} beside {beside!r} is a score of training rows where Keras "
            f"logged them. Say --score {quote(beside)}, or --score {quote(found)} if it is of rows "
            "that nothing trained on (in Python: score=)."
        )


def _named(table: Table, column: str) -> str:
    if column not in table.frame.columns:
        raise DataError(
            f"{table.name} has no column {column!r}. Its columns: {_quoted(table.frame.columns)}."
        )
    return column


def numbers_of(table: Table, column: str) -> list[float]:
    """The scores, all of them finite numbers whose squares are, too."""
    cells = table.column(column)
    if cells.dtype.is_temporal():
        raise DataError(
            f"{table.name}, column {column!r}: a score must be a number. Received: {cells[0]}. "
            "Name another column with --score COLUMN."
        )
    numbers = cells.cast(pl.Float64, strict=False)
    bad = np.flatnonzero(~(np.abs(numbers.fill_null(float("nan")).to_numpy()) < _HUGE))
    if not len(bad):
        return numbers.to_list()
    row, cell = int(bad[0]), cells[int(bad[0])]
    advice = "Leave out the rows of runs without a score, and say so where you report them."
    if isinstance(cell, str) and cell.strip().endswith("%"):
        advice = "Write percent as numbers, without the sign."
    raise DataError(
        f"{table.name}, {table.place(row)}, column {column!r}: a score must be a finite number, "
        f"below {_HUGE:g}. Received: {'nothing' if cell is None else repr(cell)}. {advice}"
    )


def texts_of(table: Table, column: str) -> list[str]:
    """What names a score's method, data set, seed or fold."""
    cells = table.frame[column]
    texts = [_text(cell) for cell in cells.to_list()]
    if "" in texts:
        row = texts.index("")
        raise DataError(
            f"{table.name}, {table.place(row)}: column {column!r} is empty. Every score needs one."
        )
    return texts


def _text(cell: Any) -> str:
    """A cell as a name: seed 3.0 of a column of floats is seed 3."""
    if cell is None:
        return ""
    is_whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if is_whole else cell).strip()


def _refuse_two_units(
    table: Table, metric: str, methods: Sequence[str], values: Sequence[float]
) -> None:
    """Refuses shares beside percent: 0.91 in one row, 90.2 in another. 0 is the same in both."""
    known = known_metric(metric)
    if known is None or known.most != 1 or max(values) <= 1:
        return
    if shares := [row for row, value in enumerate(values) if 0 < value <= 1]:
        row = shares[0]
        raise DataError(
            f"{table.name}, {table.place(row)}, column {metric!r}: is it shares or percent? "
            f"{methods[row]} has {values[row]:g} there, and others reach {max(values):g}. Write "
            f"all alike; if they are, call the column {metric} in percent."
        )


def _by_dataset(
    table: Table,
    values: Sequence[float],
    keys: Mapping[str, Sequence[str]],
    paired_by: Sequence[str],
) -> dict[str, dict[str, dict[Pair, float]]]:
    found: dict[str, dict[str, dict[Pair, float]]] = {}
    for row, value in enumerate(values):
        dataset = keys["dataset"][row] if "dataset" in keys else ""
        own = found.setdefault(dataset, {}).setdefault(keys["method"][row], {})
        pair = tuple(keys[role][row] for role in paired_by) or (len(own),)
        if pair in own:
            raise DataError(
                f"{table.name}, {table.place(row)}: a second score of {keys['method'][row]}"
                f"{f' on {dataset}' if dataset else ''} with "
                f"{listed(f'{r} {p}' for r, p in zip(paired_by, pair, strict=True))}. One of the "
                "two must go, or a column seed, fold or dataset tell them apart."
            )
        own[pair] = value
    return found


def _notes(table: Table, names: Mapping[str, str], others: Sequence[str]) -> tuple[str, ...]:
    unused = [c for c in table.frame.columns if c not in (*names.values(), *others)]
    read = [
        f"{column!r} as {role}"
        for role, column in names.items()
        if role != "score" and column.lower() != role
    ]
    is_paired = {"seed", "fold"} & set(names)
    advice = "" if is_paired else " A column that pairs the scores is called seed or fold."
    return (
        *((f"Read {listed(read)}.",) if read else ()),
        *((f"Not used: {_quoted(unused)}.{advice}",) if unused else ()),
    )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
