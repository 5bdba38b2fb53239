"""What a user should look at in rows and classes, whatever they came from."""

import re
from collections.abc import Sequence

import numpy as np

from kmlp.stats.formatting import listed
from kmlp.stats.metrics.imbalance import fitting_metrics, is_dominated

_FEW_ROWS = 20
_SKEWED = 100
_TIMES, _SAMPLE = 3, 10_000
_ADVICE = re.compile(
    r"; compare by --metric \w+ or --metric \w+, and (try --class-weight balanced)$"
)


def of_classes(what: str, names: Sequence[str], counts: np.ndarray) -> tuple[str, ...]:
    """Classes of few rows, and classes of very unequal size.

    Args:
        what: whose classes they are, such as "'status'".
        names: of the classes.
        counts: `(num_classes,)` training rows of each.

    Example:
        >>> of_classes("'status'", ("no", "yes"), np.array([90, 19]))
        ("few rows for one class of 'status': yes (19); their scores will be uncertain",)
    """
    told = []
    few = [f"{names[i]} ({counts[i]})" for i in np.flatnonzero(counts < _FEW_ROWS)[:10]]
    if few:
        told.append(
            f"few rows for {'these classes' if len(few) > 1 else 'one class'} of {what}: "
            f"{', '.join(few)}; their scores will be uncertain"
        )
    return (*told, *_unequal(what, names, counts))


def _unequal(what: str, names: Sequence[str], counts: np.ndarray) -> tuple[str, ...]:
    """What an accuracy hides, and the option that names a metric which does not."""
    ratio = counts.max() / max(1, counts.min())
    sizes = counts.tolist()
    if ratio < _SKEWED and not is_dominated(sizes):
        return ()
    share = 100 * counts.max() / counts.sum()
    first, second = fitting_metrics(sizes)
    return (
        f"the classes of {what} are unequal, 1:{ratio:,.0f}: accuracy says little, for who always "
        f"answers {names[int(counts.argmax())]} is right on {share:.3g} % of the rows; compare by "
        f"--metric {first} or --metric {second}, and try --class-weight balanced",
    )


def without_advice_taken(warning: str, metric: str, class_weight: object) -> str:
    """A warning of unequal classes without what a study does already.

    Example:
        >>> told = of_classes("y", ("no", "yes"), np.array([950, 50]))[0]
        >>> without_advice_taken(told, "cross_entropy", None)[-57:]
        'is right on 95 % of the rows; try --class-weight balanced'
    """
    if metric in ("auto", "accuracy"):
        return warning
    return _ADVICE.sub("" if class_weight else r"; \1", warning)


def of_absent_classes(names: Sequence[str], counts: np.ndarray) -> tuple[str, ...]:
    """Classes that no test row is of; nothing where there are no test rows.

    Args:
        names: of the classes.
        counts: `(num_classes,)` test rows of each.

    Example:
        >>> of_absent_classes(("no", "yes"), np.array([90, 0]))
        ('no test row is of class yes: the scores say nothing of it',)
    """
    absent = [names[i] for i in np.flatnonzero(counts == 0).tolist()]
    if not absent or not counts.any():
        return ()
    which = f"class {listed(absent[:10])}"
    return (f"no test row is of {which}: the scores say nothing of it",)


def of_shared_rows(train: np.ndarray, test: np.ndarray) -> tuple[str, ...]:
    """Test rows that stand in the training set, too; told only where chance is no reason for it.

    Of few categories equal rows are common: what is told is more than three times as many as
    columns that know nothing of each other would give.

    Args:
        train, test: `(n, ...)` of one shape and dtype; missing values equal missing ones.

    Example:
        >>> train = np.arange(40).reshape(20, 2)
        >>> of_shared_rows(train, np.array([[2, 3], [3, 2]]))[0][:47]
        '1 of 2 test rows stand in the training rows, to'
    """
    known, rows = _hashes(train), _hashes(test)
    count = int(np.isin(rows, known).sum())
    if not count or count <= _TIMES * len(rows) * _equal_by_chance(train):
        return ()
    return (
        f"{count:,} of {len(rows):,} test rows stand in the training rows, too, with the same "
        "values in every input: their scores say little of new rows",
    )


def of_repeated_rows(rows: np.ndarray) -> tuple[str, ...]:
    """Rows that stand there more than once, where folds test; told as by `of_shared_rows`.

    Args:
        rows: `(n, ...)` all of them.

    Example:
        >>> of_repeated_rows(np.tile(np.arange(40).reshape(20, 2), (2, 1)))[0][:34]
        '40 of 40 rows stand there more tha'
    """
    _, places, counts = np.unique(_hashes(rows), return_inverse=True, return_counts=True)
    count = int((counts[places] > 1).sum())
    if not count or count <= _TIMES * len(rows) * _equal_by_chance(rows):
        return ()
    return (
        f"{count:,} of {len(rows):,} rows stand there more than once, with the same values in "
        "every input: held out in one fold they are trained on in another, and their scores say "
        "little of new rows",
    )


def _equal_by_chance(train: np.ndarray) -> float:
    """How likely it is that a row equals any of the training rows, were all columns independent."""
    sample = train[:: max(1, len(train) // _SAMPLE)]
    columns = sample.reshape(len(sample), -1).T
    pairs = len(columns[0]) * (len(columns[0]) - 1)
    if not pairs:
        return 0.0
    alike = 1.0
    for column in columns:
        counts = np.unique(column, return_counts=True)[1]
        alike *= float((counts * (counts - 1)).sum()) / pairs
    return float(-np.expm1(len(train) * np.log1p(-alike))) if alike < 1 else 1.0


def _hashes(rows: np.ndarray) -> np.ndarray:
    """64 bits a row; a matrix as wide is not held a second time."""
    hashes = (hash(row.tobytes()) for row in np.ascontiguousarray(rows))
    return np.fromiter(hashes, np.int64, len(rows))
