"""What is asked of a calibration, read from words: a coverage, a threshold, costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kmlp.config import fields
from kmlp.errors import ConfigError
from kmlp.stats.metrics.counts import METRICS_OF_COUNTS
from kmlp.text import did_you_mean, shown

COSTS = ("fp", "fn")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How sure an exported model is to be.

    Attributes:
        temperature: whether probabilities are scaled where there are rows for it.
        coverage: how often sets or intervals hold the truth; None makes none.
        threshold: of two classes, a metric that it is the best for, or a number; None is one half.
        costs: what a row costs that is wrongly called positive, `fp`, or negative, `fn`; instead
            of a threshold.

    Raises:
        ConfigError: a value is out of range, or both a threshold and costs are named.

    Example:
        >>> Asked.read(coverage=0.9, threshold="0.3").threshold
        0.3
        >>> Asked.read(costs="fp=1,fn=5").costs
        {'fp': 1.0, 'fn': 5.0}
    """

    temperature: bool = True
    coverage: float | None = None
    threshold: str | float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        *,
        calibrate: bool = True,
        coverage: float | None = None,
        threshold: str | float | None = None,
        costs: str | Mapping[str, float] | None = None,
    ) -> "Asked":
        """Checks what Python or the command line say."""
        if coverage is not None and not (fields.is_number(coverage) and 0 < coverage < 1):
            raise ConfigError(
                f"coverage is between 0 and 1, such as 0.9. Received: coverage={shown(coverage)}."
            )
        if threshold is not None and costs:
            raise ConfigError(
                "costs choose the threshold themselves. Received: both threshold and costs. Leave "
                "one of them out."
            )
        return cls(
            temperature=calibrate,
            coverage=coverage,
            threshold=None if threshold is None else _threshold(threshold),
            costs=_costs(costs) if costs else {},
        )

    @property
    def needs_classes(self) -> bool:
        """Whether it means something of two classes only."""
        return self.threshold is not None or bool(self.costs)

    @property
    def needs_rows(self) -> str:
        """What of it cannot be done without calibration rows, as it is written; else empty."""
        if self.coverage is not None:
            return f"coverage={self.coverage:g}"
        if isinstance(self.threshold, str):
            return f"threshold={self.threshold}"
        return "costs" if self.costs else ""


def _threshold(said: Any) -> str | float:
    if isinstance(said, str) and said in METRICS_OF_COUNTS:
        return said
    try:
        number = float(said)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(said, bool) or not 0 < number < 1:
        raise ConfigError(
            f"threshold is a metric, one of {', '.join(METRICS_OF_COUNTS)}, or a number between "
            f"0 and 1. Received: threshold={shown(said)}."
            f"{did_you_mean(str(said), METRICS_OF_COUNTS)}"
        )
    return number


def _costs(said: str | Mapping[str, float]) -> dict[str, float]:
    try:
        pairs = dict(p.split("=") for p in said.split(",")) if isinstance(said, str) else said
        found = {str(name).strip(): float(value) for name, value in pairs.items()}
    except (TypeError, ValueError, AttributeError):
        found = {}
    if set(found) != set(COSTS) or not all(0 < value < 1e12 for value in found.values()):
        raise ConfigError(
            "costs are two positive numbers, of a row wrongly called positive and of one wrongly "
            f"called negative, as fp=1,fn=5. Received: costs={shown(said)}."
        )
    return found
