"""A metric of a user's own: a Python function of the truth and the predictions."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.errors import ConfigError
from kmlp.stats.metrics import AUTO, BY_NAME, TASKS
from kmlp.stats.metrics.record import MetricRecord
from kmlp.text import name_trouble, shown

_WEIGHTS = "sample_weight"


@dataclass(frozen=True)
class Metric:
    """What a study is decided by where no metric that kmlp has will do: a cost, a profit.

    Attributes:
        name: in tables, figures and `results.json`.
        function: from the truth and the predictions of some rows to a number. Of classes the truth
            is `(n,)` whole numbers, the classes' places, and predictions are probabilities
            `(n, num_classes)`, two columns of two classes: `predictions.argmax(axis=1)` is what
            was predicted. Of a regression both are `(n,)` numbers in the target's unit. Where rows
            have weights, it is given them as `sample_weight`, as scikit-learn's metrics take them.
        higher_is_better: the direction.

    Raises:
        ConfigError: the name is taken or cannot be written, or there is no function.

    Example:
        >>> from sklearn.metrics import fbeta_score
        >>> def f2(truth, predictions):
        ...     return fbeta_score(truth, predictions.argmax(axis=1), beta=2)
        >>> f2 = Metric("f2", f2, higher_is_better=True)
        >>> f2.of([0, 1, 1], np.log([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]))
        0.5555555555555556
    """

    name: str
    function: Callable[..., float]
    higher_is_better: bool

    def __post_init__(self) -> None:
        trouble = name_trouble(self.name) if isinstance(self.name, str) else "It is no text."
        if trouble or not self.name.strip():
            raise ConfigError(f"the name of a metric: {trouble} Received: {shown(self.name)}.")
        if self.name in (AUTO, *BY_NAME):
            raise ConfigError(
                f"kmlp has a metric of this name. Received: {shown(self.name)}. Give yours another."
            )
        if not callable(self.function):
            raise ConfigError(
                f"metric {shown(self.name)} needs a function of truth and predictions. Received: "
                f"{shown(self.function)}."
            )
        if not isinstance(self.higher_is_better, bool):
            raise ConfigError(
                f"metric {shown(self.name)}: higher_is_better must be true or false. Received: "
                f"{shown(self.higher_is_better)}."
            )

    @property
    def record(self) -> MetricRecord:
        """As the metrics that kmlp has are known."""
        return own_record(self.name, higher_is_better=self.higher_is_better)

    def of(self, truth: Any, outputs: Any, weights: np.ndarray | None = None) -> float:
        """The function's value.

        Args:
            truth: `(n,)` labels or targets.
            outputs: `(n, num_classes)` log-probabilities, or `(n,)` numbers.
            weights: `(n,)`, how much each row counts.

        Raises:
            ConfigError: the function fails, gives no finite number, or takes no weights.
        """
        # Copies: a function that sorts them in place must not change what others are given.
        predictions = np.array(outputs, np.float64)
        predictions = np.exp(predictions) if predictions.ndim == 2 else predictions
        try:
            value = self.function(np.array(truth), predictions, **self._weights(weights))
            number = float(value)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(
                f"metric {shown(self.name)}: its function fails on truth {np.shape(truth)} and "
                f"predictions {predictions.shape}"
                f"{', a probability a class' * (predictions.ndim == 2)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not np.isfinite(number):
            raise ConfigError(
                f"metric {shown(self.name)}: its function must give a finite number. Received: "
                f"{number}. Say what it is where it cannot be told."
            )
        return number

    def _weights(self, weights: np.ndarray | None) -> dict[str, np.ndarray]:
        if weights is None:
            return {}
        if _WEIGHTS not in inspect.signature(self.function).parameters:
            raise ConfigError(
                f"metric {shown(self.name)}: rows have weights here, and its function takes none. "
                f"Give it a parameter {_WEIGHTS}."
            )
        return {_WEIGHTS: weights.copy()}


def own_record(name: str, *, higher_is_better: bool) -> MetricRecord:
    """What is known of a metric by its name and direction alone: its values may be of any size."""
    return MetricRecord(
        name=name,
        title=name,
        tasks=TASKS,
        score=_not_computed,
        higher_is_better=higher_is_better,
        unit="target",
        least=float("-inf"),
        most=float("inf"),
    )


def _not_computed(_: Any) -> float:
    raise NotImplementedError("a metric of a user's own is computed by its function.")
