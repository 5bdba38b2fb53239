"""What the members of one stack share; all else may differ by member, as a vector."""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.records import records_of
from kmlp.config.settings import switched_on
from kmlp.engine.member import Member
from kmlp.errors import ConfigError
from kmlp.nn.loops import padded_length

C = TypeVar("C", MLPConfig, TrainConfig)
_OF_ROWS = ("validation_fraction", "calibration_fraction", "sample", "num_train", "counts")


@dataclass(frozen=True)
class Signature:
    """The layers and the compiled program of a stack follow from it, and from the data.

    Attributes:
        model, train: the members' configs, with all that may differ by member at its default.
        needs: what any member needs, by the records' `switch`; the strength that leaves all as it
            is switches it off for the others.
        always: what every member needs.
        validation_fraction, calibration_fraction, sample, num_train: with these, members have
            equally many rows,
        counts: or, where groups, time or folds part them, with these: as many as the program
            takes, which has `NOBODY` where a member has fewer.
    """

    model: MLPConfig
    train: TrainConfig
    needs: frozenset[str]
    always: frozenset[str]
    validation_fraction: float
    calibration_fraction: float
    sample: tuple[str, int]
    num_train: int | None
    counts: tuple[int, int] | None = None

    @classmethod
    def of(cls, member: Member) -> "Signature":
        """The signature of one member."""
        on = switched_on(member.model, member.train)
        needs = frozenset(record.switch for record in on if record.switch)
        return cls(
            model=_shared(member.model),
            train=_shared(member.train),
            needs=needs,
            always=needs,
            validation_fraction=member.validation_fraction,
            calibration_fraction=member.calibration_fraction,
            sample=member.sample.of_equal_size if member.sample else ("all", 0),
            num_train=member.num_train,
            counts=_padded_counts(member),
        )

    @classmethod
    def of_all(cls, members: Sequence[Member]) -> "Signature":
        """The one signature of several members.

        Raises:
            ConfigError: a stack cannot hold them all; the message says what differs.
        """
        return functools.reduce(cls.merge, map(cls.of, members))

    def merge(self, other: "Signature") -> "Signature":
        """One signature for members of both.

        Raises:
            ConfigError: as for `of_all`.
        """
        theirs = other._shared_values()
        differ = [
            f"{name} ({mine!r} and {theirs[name]!r})"
            for name, mine in self._shared_values().items()
            if mine != theirs[name]
        ]
        if differ:
            raise ConfigError(
                "the members of a stack must share their signature. They differ in "
                + ", ".join(differ)
                + "."
            )
        return dataclasses.replace(
            self, needs=self.needs | other.needs, always=self.always & other.always
        )

    @property
    def optional(self) -> frozenset[str]:
        """What some members need and others do not: skipped while nobody does."""
        return self.needs - self.always

    @property
    def family(self) -> "Signature":
        """What members must share to be merged: all but what each needs."""
        return dataclasses.replace(self, needs=frozenset(), always=frozenset())

    @property
    def has_nobody(self) -> bool:
        """Whether the rows of some member may be filled up."""
        return self.counts is not None and _can_pad(self.model)

    def _shared_values(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in _OF_ROWS}
        return {**vars(self.model), **vars(self.train), **own}


def _can_pad(model: MLPConfig) -> bool:
    """Whether rows may stand in that do not count; batch statistics are of all rows of a batch."""
    return model.normalization != "batch"


def _padded_counts(member: Member) -> tuple[int, int] | None:
    if member.counts is None or not _can_pad(member.model):
        return member.counts
    kept, held_out = member.counts
    size = member.train.batch_size
    return padded_length(kept, None if isinstance(size, str) else size), padded_length(held_out)


def _shared(config: C) -> C:
    """The config with all that may differ by member at its default."""
    records = records_of(type(config)).items()
    return dataclasses.replace(config, **{n: r.default for n, r in records if r.held != "stack"})
