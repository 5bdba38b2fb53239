"""The networks of a study, one record each, and laid out as tables."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from kmlp.study.results.records.base import (
    Count,
    MemberId,
    Positive,
    Record,
    Scores,
    unless_empty,
    unless_none,
)

Group = Literal["resample", "folds", "randomness"]
Stream = Literal["init", "order", "noise", "split"]


class TrainedStack(Record):
    """Networks that trained together.

    Attributes:
        id: after all of them.
        place: where they trained, as the backend names it; of a cluster the node, and what trains
            there.
        num_members: how many of them belong to this study.
        seconds: of wall time, these members' share.
    """

    id: MemberId
    place: str
    num_members: Positive
    seconds: Annotated[float, Field(ge=0)]


_MOST_NAMED = 8


def stacks_in_words(stacks: Sequence[TrainedStack]) -> str:
    """How many stacks there were, and where they trained; of many places, only how many each had.

    Example:
        >>> trained = {"id": "0" * 16, "num_members": 2, "seconds": 1.0}
        >>> named = ["cpu:1", "cpu:0", "cpu:1"]
        >>> stacks_in_words([TrainedStack(place=place, **trained) for place in named])
        '3 stacks: 1 on cpu:0, 2 on cpu:1'
    """
    counts = Counter(stack.place for stack in stacks)
    places = sorted(counts, key=_numbered)
    total = "1 stack" if len(stacks) == 1 else f"{len(stacks)} stacks"
    if len(places) <= _MOST_NAMED:
        return f"{total}: {', '.join(f'{counts[place]} on {place}' for place in places)}"
    least, most = min(counts.values()), max(counts.values())
    each = f"{least}" if least == most else f"{least} to {most}"
    return f"{total}: {each} on each of {len(places)} places, {places[0]} to {places[-1]}"


def _numbered(place: str) -> list[tuple[str, int]]:
    """What it is sorted by: the tenth after the ninth."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", place)]


class GivenUp(Record):
    """A member that ended its process too often, and is not tried again."""

    id: MemberId
    variant: str
    seed: Count
    status: Literal["given_up"] = "given_up"


class MemberScores(Record):
    """A trained member.

    Attributes:
        id: the hash of all that it depends on.
        variant: its name.
        seed: the member's; of cross-validation the repeat's; of a stream that varies, that one's.
        best_epoch: whose weights it has, from 1.
        stopped_epoch: the last that it trained.
        seconds: its share of its stack's wall time.
        test: by metric.
        val: empty without validation rows.
        train: at the restored epoch, nothing dropped.
        status: "diverged" where a loss was not finite.
    """

    id: MemberId
    variant: str
    seed: Count
    best_epoch: Positive
    stopped_epoch: Positive
    seconds: Annotated[float, Field(ge=0)]
    test: Scores
    val: Scores
    train: Scores
    status: Literal["done", "diverged"]

    def score(self, part: str, metric: str) -> float:
        """NaN where it is not known."""
        value = getattr(self, part).get(metric)
        return float("nan") if value is None else value


class _Beside(Record):
    """Where a member beside the ordinary ones belongs.

    Attributes:
        group: what it was trained for.
        place: from 0: which sample, which fold, or which setting of the streams that are held.
        stream: the one that varies; of randomness only.
    """

    group: Group
    place: Count
    stream: Stream | None = unless_none()


class ExtraGivenUp(_Beside, GivenUp):
    """A member beside the ordinary ones that is not tried again."""


class ExtraScores(_Beside, MemberScores):
    """A trained member beside the ordinary ones.

    Attributes:
        test: by metric; left out of folds, which have no say on the test set.
        fold: of folds only: on the rows that were held out.
    """

    test: Scores = unless_empty()
    fold: Scores = unless_empty()


Member = Annotated[MemberScores | GivenUp, Field(discriminator="status")]
Extra = Annotated[ExtraScores | ExtraGivenUp, Field(discriminator="status")]
Axis = Callable[[Extra], int]


def places(members: Sequence[Extra], axis: Axis) -> list[int]:
    """Where members stand along an axis."""
    return sorted({axis(m) for m in members})


def table_of(
    members: Sequence[Extra], part: str, metric: str, *, rows: Axis, columns: Axis
) -> np.ndarray:
    """Scores laid out by two of their numbers; NaN where there is none."""
    row, column = places(members, rows), places(members, columns)
    table = np.full((len(row), len(column)), np.nan)
    for m in members:
        if m.status == "done":
            table[row.index(rows(m)), column.index(columns(m))] = m.score(part, metric)
    return table


def by_place(member: Extra) -> int:
    """Which sample, fold or setting."""
    return member.place


def by_seed(member: Extra) -> int:
    """Which seed, or repeat."""
    return member.seed
