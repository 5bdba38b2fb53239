"""How the values of a metric are written: its name, unit, direction and digits."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kmlp.errors import ConfigError
from kmlp.stats.metrics import BY_NAME
from kmlp.stats.metrics.record import MetricRecord
from kmlp.stats.paired_tests import ALPHA

STREAM_TITLES = {
    "init": "initial weights",
    "order": "order of the rows",
    "noise": "masks and noise",
    "split": "validation split",
}
"""What the seed of each stream draws, in words."""

_SIGNS = {"percent": " %", "nats": " nats"}
_DIGITS = 4
_NOISE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Unit:
    """How one metric is written.

    Accuracies are written in percent and their differences in percentage points; differences of
    logarithms in percent of what they are logarithms of; all else in the metric's own unit.

    Attributes:
        record: what else is known of the metric.
        decimals: digits after the point; None writes powers of ten.

    Example:
        >>> unit_of("accuracy").with_unit(0.88614), unit_of("rmse", [54.213]).signed(-0.3412)
        ('88.61 %', '-0.34')
    """

    record: MetricRecord
    decimals: int | None

    @property
    def metric(self) -> str:
        """Its name in `results.json`."""
        return self.record.name

    @property
    def title(self) -> str:
        """The metric in words."""
        return self.record.title

    @property
    def short(self) -> str:
        """The metric in a table's heading."""
        return self.record.short or self.title

    @property
    def higher_is_better(self) -> bool:
        return self.record.higher_is_better

    @property
    def arrow(self) -> str:
        """Where better is."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def scale(self) -> float:
        """What a value is multiplied by to be written."""
        return 100.0 if self.record.unit == "percent" else 1.0

    @property
    def sign(self) -> str:
        """The unit of a value, with what stands before it: " %", " nats" or nothing."""
        return _SIGNS.get(self.record.unit, "")

    @property
    def axis(self) -> str:
        """The metric and the unit of its values: "accuracy, %"."""
        return f"{self.title},{self.sign}" if self.sign else self.title

    @property
    def is_standardized(self) -> bool:
        """Whether the epoch logs have it in units of the training targets' variance."""
        return self.record.logged_in == "variance"

    @property
    def logged_title(self) -> str:
        """The metric of the epoch logs in words."""
        return f"{self.title} / variance" if self.is_standardized else self.title

    @property
    def is_log(self) -> bool:
        """Whether values are logarithms, and their differences ratios."""
        return self.record.unit == "log"

    @property
    def on_average(self) -> str:
        """How differences are averaged, in words."""
        return "in the geometric mean" if self.is_log else "on average"

    @property
    def of_difference(self) -> str:
        """The unit of a difference: "points" or, where it has no name, "in RMSE"."""
        if self.is_log:
            return "% of the error"
        return "points" if self.scale > 1 else f"in {self.title}"

    def margin(self, written: float | None) -> float | None:
        """A difference that does not matter, from points or the metric's own unit to that.

        Raises:
            ConfigError: no difference is larger; whatever the scores, all would be equivalent.

        Example:
            >>> unit_of("accuracy").margin(0.5), unit_of("mse").margin(0.01)
            (0.005, 0.01)
        """
        if written is None:
            return None
        range_ = self.record.most - self.record.least
        if written / self.scale < range_:
            return written / self.scale
        example = f"{range_ * self.scale / 100:g}"
        raise ConfigError(
            f"equivalence is the largest difference of {self.title} that does not matter, "
            f"{self.of_difference}; none is larger than {range_ * self.scale:g}. Received: "
            f"{written:g}. Write one such as {example}."
        )

    def gain(self, value: float) -> float:
        """The value such that more is better: a key to rank by; of a difference, what is won."""
        return value if self.higher_is_better else -value

    def value(self, value: float) -> str:
        return self._write(value, "")

    def signed(self, value: float) -> str:
        return self._write(value, "+")

    def with_unit(self, value: float) -> str:
        return self.value(value) + self.sign

    def interval(self, bounds: Sequence[float] | None, *, signed: bool = False) -> str:
        """ "83.48 to 84.14", or a dash where there is none."""
        if bounds is None:
            return "–"
        return " to ".join(self._write(bound, "+" if signed else "") for bound in bounds)

    def range(self, values: Sequence[float], *, signed: bool = False) -> str:
        """ "0.30 to 0.42", from the least to the most; once where both are written alike.

        A small end is rounded as the other one is, so that both have one number of digits.
        """
        ends = [min(values), max(values)]
        if not all(map(self._is_small, ends)):
            ends = [0.0 if self._is_small(end) else end for end in ends]
        signs = ["+" if signed and abs(self.scale * end) > _NOISE else "" for end in ends]
        return " to ".join(dict.fromkeys(map(self._write, ends, signs)))

    def _write(self, value: float, sign: str) -> str:
        if self.is_log and sign:
            return f"{100 * math.expm1(value):{sign}z.1f}"
        if self.decimals is None:
            return f"{self.scale * value:{sign}.{_DIGITS - 1}e}"
        scaled = self.scale * value
        text = f"{scaled:{sign}z,.{self.decimals}f}"  # never "-0.00"
        # A small difference is not none.
        return f"{scaled:{sign}.2g}" if self._is_small(value) else text

    def _is_small(self, value: float) -> bool:
        """Whether its digits would all be zeros, though it is not zero."""
        if self.decimals is None:
            return False
        return _NOISE < abs(self.scale * value) < 0.5 * 10**-self.decimals


def unit_of(metric: str | MetricRecord, values: Sequence[float] = ()) -> Unit:
    """The unit of a metric, with digits to suit values of this size.

    Errors in the target's unit can be of any size: they get four significant digits, as many as
    the largest value needs.
    """
    record = BY_NAME[metric] if isinstance(metric, str) else metric
    if record.unit != "target":
        return Unit(record=record, decimals=2 if record.unit == "percent" else 4)
    largest = max(map(abs, values), default=0.0)
    if not largest:
        return Unit(record=record, decimals=_DIGITS)
    exponent = math.floor(math.log10(largest))
    if not -_DIGITS <= exponent < 2 * _DIGITS:
        return Unit(record=record, decimals=None)
    return Unit(record=record, decimals=max(0, _DIGITS - 1 - exponent))


def p_value(p: float) -> str:
    """Three digits, never "0.000"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float, words: str = "=") -> str:
    """ "= 0.006", "at most 0.006", "< 0.001"; what is at least 1 is 1."""
    written = p_value(p)
    if words == "at least" and written == "1.000":
        return "= 1"
    return written if written.startswith("<") else f"{words} {written}"


def won_of(won: int, ties: int | None, pairs: object) -> str:
    """On how many of all pairs something is better, or worse, and on how many equal.

    Example:
        >>> won_of(4, 3, "10 seeds"), won_of(4, 0, 10)
        ('4 of 10 seeds, 3 tied', '4 of 10')
    """
    return f"{won} of {pairs}" + (f", {ties} tied" if ties else "")


class Corrected(Protocol):
    """A comparison whose p is corrected for others beside it, and whose interval is not."""

    @property
    def ci95(self) -> tuple[float, float] | None: ...
    @property
    def p(self) -> float: ...
    @property
    def p_holm(self) -> float: ...


def holm_decides(
    compared: Sequence[Corrected], told: Sequence[Corrected] | None = None
) -> list[str]:
    """A sentence where an interval leaves out 0 and p tells nothing apart: by its correction, or as
    a permutation's p is larger than that of the t interval beside it; one where it is the other
    way round.

    Args:
        compared: all that are corrected together.
        told: those of them that are told; all where omitted.
    """
    with_interval = [
        (one, one.ci95[0] <= 0 <= one.ci95[1])
        for one in (compared if told is None else told)
        if one.ci95
    ]
    read_apart = [one for one, has_zero in with_interval if not has_zero and one.p_holm >= ALPHA]
    exact = "it takes no distribution for granted, the interval the normal one"
    found = []
    if any(has_zero and one.p_holm < ALPHA for one, has_zero in with_interval):
        found = [
            f"Where an interval contains 0 and a difference is told, Holm's p decides: {exact}."
        ]
    if not read_apart:
        return found
    corrected = f"corrects for {len(compared)} comparisons" if len(compared) > 1 else "counts looks"
    by_holm = f"it {corrected}, the interval does not"
    reason = by_holm if any(one.p < ALPHA for one in read_apart) else exact
    return [
        *found,
        f"Where an interval leaves out 0 and nothing is told apart, Holm's p decides: {reason}.",
    ]


def listed(words: Iterable[str]) -> str:
    """Words in a row.

    Example:
        >>> listed(["a", "b", "c"]), listed(["a"])
        ('a, b and c', 'a')
    """
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
