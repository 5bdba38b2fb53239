"""What was tried, and what was decided on validation: sweeps, looks at added seeds, pilots."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from kmlp.stats.group_sequential import Decision, Look
from kmlp.study.results.records.base import Count, Positive, Record, unless_none


class SweptField(Record):
    """One field over a range of values.

    Attributes:
        field: of a config.
        scale: of the range, or "list" of values that were written out.
        values: in their order.
        variants: the names of the variants that have these values, in their order.
    """

    field: str
    scale: Literal["linear", "log", "list"]
    values: Annotated[tuple[Any, ...], Field(min_length=2)]
    variants: tuple[str, ...]


class Looks(Record):
    """What the number of seeds was decided by, on validation.

    Attributes:
        planned: at how many seeds.
        half_width: of an interval that is narrow enough; null where none was asked for.
        taken: what each look decided.
        num_seeds: by variant.
    """

    planned: tuple[Positive, ...]
    half_width: float | None
    taken: tuple[Look, ...]
    num_seeds: Mapping[str, Count]

    def decisions(self) -> dict[str, list[Decision]]:
        """By variant, look after look."""
        found: dict[str, list[Decision]] = {}
        for look in self.taken:
            for decision in look.decisions:
                found.setdefault(decision.variant, []).append(decision)
        return found


class EarlierReading(Record):
    """What an earlier run in the same folder read of the test rows.

    Attributes:
        num_seeds: that had finished, by variant.
        is_look: whether its verdict could have told something apart, and seeds of what it compared
            were added or left out since: p counts it.
        metric: another one that the study was judged by then; left out where it was this one.
    """

    num_seeds: Mapping[str, Count]
    is_look: bool
    metric: str | None = unless_none()


class TriedStrength(Record):
    """The named metric of one strength over the pilot's seeds.

    Attributes:
        strength: in words.
        part: of the data that it was judged on.
        mean: over seeds.
        se: its standard error; null of one seed.
    """

    strength: str
    part: Literal["val", "train"]
    mean: float
    se: float | None


class PilotSummary(Record):
    """How the strengths were chosen on validation.

    Attributes:
        num_seeds: of each strength.
        first_seed: of them.
        strengths: all that were tried.
    """

    num_seeds: int
    first_seed: int
    strengths: tuple[TriedStrength, ...]
