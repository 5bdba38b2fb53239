"""What is known of a score that somebody else computed: its name, and which way is better."""

import re
from collections.abc import Sequence
from dataclasses import replace

from kmlp.errors import DataError
from kmlp.stats.metrics import BY_NAME
from kmlp.stats.metrics.own import own_record
from kmlp.stats.metrics.record import MetricRecord

_LOWER = ("error", "loss", "entropy", "rmse", "mse", "mae", "mape", "nll", "deviance", "brier")
_HIGHER = ("accuracy", "auc", "f1", "precision", "recall", "r2", "kappa", "mcc")
_TURNED = re.compile(
    r"(^|[^a-z])(neg|negative|negated|minus|inv|inverse|inverted|reduction|decrease|drop|improvement"
    r"|gain|skill)([^a-z]|$)|^(1_?)?-"
)
"""What turns a name's direction round, as in scikit-learn's "neg_log_loss"."""


VALIDATION = "val_"
"""Before a metric's name, of validation rows; without it Keras's logs are of training rows."""


def metric_of(name: str, values: Sequence[float], *, higher_is_better: bool | None) -> MetricRecord:
    """The record of a column of scores.

    A metric that kmlp knows, with values that it can have, is written as kmlp writes it; of any
    other only the name and the direction are known.

    Args:
        name: of the column.
        values: all scores.
        higher_is_better: as said by the user; found out from the name where None.

    Raises:
        DataError: the direction cannot be known, or contradicts the name or the values.

    Example:
        >>> metric_of("accuracy", [0.8, 0.9], higher_is_better=None).unit
        'percent'
        >>> metric_of("test error", [8.1, 9.0], higher_is_better=None).higher_is_better
        False
    """
    known = known_metric(name)
    plain = known.name if known else plain_name(name)
    better = _direction(name, plain, higher_is_better, least=min(values))
    if known and known.higher_is_better != better and not _is_turned(known, values):
        raise DataError(
            f"{name!r} is better the {'higher' if known.higher_is_better else 'lower'} it is, and "
            "the opposite was said. Leave the direction out, or rename the column."
        )
    if known and _fits(known, values):
        return known
    return own_record(name, higher_is_better=better)


def one_word(column: str) -> str:
    """What a column is found by, whatever its case: "Data Set" is data_set."""
    return column.strip().lower().replace(" ", "_")


def plain_name(column: str) -> str:
    """As `BY_NAME` has it, if it is a metric's: "Test accuracy" is accuracy, as is "acc"."""
    plain = one_word(column).removeprefix("test_")
    return "accuracy" if plain == "acc" else plain


def known_metric(column: str) -> MetricRecord | None:
    """The metric that a column is called like, also of validation rows, as Keras logs them.

    Example:
        >>> known_metric("val_accuracy").title, known_metric("val_x")
        ('validation accuracy', None)
    """
    plain = plain_name(column)
    of_validation = plain.removeprefix(VALIDATION)
    if of_validation == plain or not (known := BY_NAME.get(plain_name(of_validation))):
        return BY_NAME.get(plain)
    short = f"val. {known.short or known.title}"
    return replace(
        known, name=VALIDATION + known.name, title=f"validation {known.title}", short=short
    )


def is_a_metric(column: str) -> bool:
    """Whether a column's whole name is one of a score.

    Example:
        >>> is_a_metric("val_loss"), is_a_metric("focal_loss")
        (True, False)
    """
    plain = plain_name(column).removeprefix(VALIDATION)
    return plain in ("score", "loss") or known_metric(column) is not None


def is_like_a_metric(column: str) -> bool:
    """Whether a column is called like a score, known or not.

    Example:
        >>> is_like_a_metric("val_loss"), is_like_a_metric("random_forest")
        (True, False)
    """
    return is_a_metric(column) or any(_ways(plain_name(column)))


def _ways(plain: str) -> tuple[bool, bool]:
    """Whether a name has words of which less, and words of which more is better."""
    lower = any(word in plain for word in _LOWER)
    return lower, plain == "score" or any(word in plain for word in _HIGHER)


def _fits(metric: MetricRecord, values: Sequence[float]) -> bool:
    return metric.least <= min(values) and max(values) <= metric.most


def _is_turned(metric: MetricRecord, values: Sequence[float]) -> bool:
    """Whether errors are below 0, as scikit-learn's scorers give them, of which more is better."""
    return not metric.higher_is_better and min(values) < metric.least


def _direction(name: str, plain: str, said: bool | None, *, least: float) -> bool:
    if said is not None:
        return said
    lower, higher = _ways(plain)
    is_both = lower and higher
    is_below = lower and least < 0
    if _TURNED.search(plain) or is_both or is_below or not (lower or higher):
        seen = f" It falls to {least:g}: scikit-learn's scorers negate errors." * is_below
        raise DataError(
            f"{name!r}: is more of it better, or less?{seen} Say --higher-is-better or "
            "--lower-is-better (in Python: higher_is_better=)."
        )
    return not lower
