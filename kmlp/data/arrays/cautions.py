"""What a user should look at in rows and classes, whatever they came from."""

from collections.abc import Sequence

import numpy as np

_FEW_ROWS = 20
_SKEWED = 100
_BY_CHANCE = 0.1


def of_classes(what: str, names: Sequence[str], counts: np.ndarray) -> tuple[str, ...]:
    """Classes of few rows, and classes of very unequal size.

    Args:
        what: whose classes they are, such as "'status'".
        names: of the classes.
        counts: `(num_classes,)` training rows of each.

    Example:
        >>> of_classes("'status'", ("no", "yes"), np.array([900, 19]))
        ("few rows for one class of 'status': yes (19); their scores will be uncertain",)
    """
    told = []
    few = [f"{names[i]} ({counts[i]})" for i in np.flatnonzero(counts < _FEW_ROWS)[:10]]
    if few:
        told.append(
            f"few rows for {'these classes' if len(few) > 1 else 'one class'} of {what}: "
            f"{', '.join(few)}; their scores will be uncertain"
        )
    ratio = counts.max() / max(1, counts.min())
    if ratio >= _SKEWED:
        told.append(
            f"the classes of {what} are unequal, 1:{ratio:,.0f}: accuracy says little; "
            'compare by balanced accuracy or AUC, and try class_weight="balanced"'
        )
    return tuple(told)


def of_shared_rows(train: np.ndarray, test: np.ndarray) -> tuple[str, ...]:
    """Test rows that stand in the training set, too; told only where chance is no reason for it.

    Of few categories equal rows are common: where a tenth of the training rows repeat others,
    nothing is said.

    Args:
        train, test: `(n, ...)` of one shape and dtype; missing values equal missing ones.

    Example:
        >>> of_shared_rows(np.arange(20), np.array([3, 30]))[0][:47]
        '1 of 2 test rows stand in the training rows, to'
    """
    known, rows = _hashes(train), _hashes(test)
    count = int(np.isin(rows, known).sum())
    if not count or 1 - len(np.unique(known)) / len(known) > _BY_CHANCE:
        return ()
    return (
        f"{count:,} of {len(rows):,} test rows stand in the training rows, too, with the same "
        "values in every column: their scores say little of new rows",
    )


def _hashes(rows: np.ndarray) -> np.ndarray:
    """64 bits a row; a matrix as wide is not held a second time."""
    hashes = (hash(row.tobytes()) for row in np.ascontiguousarray(rows))
    return np.fromiter(hashes, np.int64, len(rows))
