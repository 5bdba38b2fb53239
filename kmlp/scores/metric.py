"""What is known of a score that somebody else computed: its name, and which way is better."""

from collections.abc import Callable, Sequence
from typing import Any

from kmlp.errors import DataError
from kmlp.stats.metrics import BY_NAME
from kmlp.stats.metrics.record import Metric

_LOWER = ("error", "loss", "entropy", "rmse", "mse", "mae", "mape", "nll", "deviance", "brier")
_HIGHER = ("accuracy", "auc", "f1", "precision", "recall", "r2", "kappa", "mcc", "score")


def metric_of(name: str, values: Sequence[float], *, higher_is_better: bool | None) -> Metric:
    """The record of a column of scores.

    A metric that kmlp knows, with values that it can have, is written as kmlp writes it; of any
    other only the name and the direction are known.

    Args:
        name: of the column.
        values: all scores.
        higher_is_better: as said by the user; found out from the name where None.

    Raises:
        DataError: the direction cannot be known, or contradicts the name.

    Example:
        >>> metric_of("accuracy", [0.8, 0.9], higher_is_better=None).unit
        'percent'
        >>> metric_of("test error", [8.1, 9.0], higher_is_better=None).higher_is_better
        False
    """
    plain = name.strip().lower().replace(" ", "_").removeprefix("test_")
    known = BY_NAME.get(plain)
    better = _direction(name, plain, higher_is_better)
    if known and known.higher_is_better != better:
        raise DataError(
            f"{name!r} is better the {'higher' if known.higher_is_better else 'lower'} it is, and "
            "the opposite was said. Leave the direction out, or rename the column."
        )
    if known and _fits(known, values):
        return known
    return Metric(
        name=name,
        title=name,
        tasks=(),
        score=_not_computed(name),
        higher_is_better=better,
        unit="target",
        least=float("-inf"),
        most=float("inf"),
    )


def _fits(metric: Metric, values: Sequence[float]) -> bool:
    return metric.least <= min(values) and max(values) <= metric.most


def _direction(name: str, plain: str, said: bool | None) -> bool:
    lower = any(word in plain for word in _LOWER)
    higher = any(word in plain for word in _HIGHER)
    # "f1_score" and "brier_score": what is not named an error is a score.
    named = False if lower else True if higher else None
    if said is None and named is None:
        raise DataError(
            f"{name!r}: is more of it better, or less? Say --higher-is-better or "
            "--lower-is-better (in Python: higher_is_better=)."
        )
    return bool(named if said is None else said)


def _not_computed(name: str) -> Callable[[Any], float]:
    def score(_: Any) -> float:
        raise NotImplementedError(f"{name} is not computed by kmlp.")

    return score
