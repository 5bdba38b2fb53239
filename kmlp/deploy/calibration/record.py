"""What calibrating a model gave: plain values, as its manifest keeps them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

LEAST_PROBABILITY = 1e-37
"""Smaller ones are taken for this: float32 still has its logarithm."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is told of a model's answers beside the answers, and on which rows it was found out.

    Attributes:
        rows: "reserved", that no network of the study saw; or "folds": what the networks of its
            folds said of the rows that each was kept from.
        num_rows: how many.
        num_repeats: how often each was scored; more than once on folds that were cut anew.
        temperature: that logits are divided by; None where there is none.
        log_loss: of these rows before and after that, in nats.
        coverage: of sets or intervals; None where none were asked for.
        coverage95: between which shares of new rows they hold the truth, in 95 % of draws of that
            many calibration rows; None on folds, where no such thing is known.
        least_probability: a class is in a row's set from this probability on, the network's own.
        half_width: an interval reaches so far to either side, in the target's own unit.
        threshold: from which probability on a row is called `positive`; None is one half.
        chosen_for: by what: "f1" and such, "fp=1,fn=5", or "given".
        positive: the class.
        value, at_half: the metric, or the mean cost of a row, on these rows, with that threshold
            and at one half; None of one that was given.
        told: what else should be known, a sentence each.
    """

    rows: str
    num_rows: int
    num_repeats: int = 1
    temperature: float | None = None
    log_loss: tuple[float, float] | None = None
    coverage: float | None = None
    coverage95: tuple[float, float] | None = None
    least_probability: float | None = None
    half_width: float | None = None
    threshold: float | None = None
    chosen_for: str = ""
    positive: str = ""
    value: float | None = None
    at_half: float | None = None
    told: tuple[str, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether the graph is what it is without."""
        return self.temperature is None and self.coverage is None and self.threshold is None

    def to_dict(self) -> dict[str, Any]:
        """As the manifest has it; what there is not, left out.

        Example:
            >>> Calibration(rows="reserved", num_rows=90, temperature=1.5).to_dict()
            {'rows': 'reserved', 'num_rows': 90, 'num_repeats': 1, 'temperature': 1.5}
        """
        return {
            n: list(v) if isinstance(v, tuple) else v for n, v in asdict(self).items() if _is(v)
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """What `to_dict` gave, also through JSON; fields of later releases are passed over."""
        known: dict[str, Any] = {n: saved[n] for n in cls.__dataclass_fields__ if n in saved}
        for name in ("log_loss", "coverage95", "told"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)


def _is(value: Any) -> bool:
    return value is not None and value not in ("", ())
