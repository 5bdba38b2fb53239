"""References: models that are no networks, on the same rows as the networks."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.study.results.records.base import Count, Positive, Record, Scores, Summaries
from kmlp.study.results.records.variants import Versus


class ReferenceScores(Record):
    """A reference of one seed; parts as of a network.

    Attributes:
        seed: of its draws and its split.
        seconds: its training took, over all cores.
    """

    seed: Count
    test: Scores
    val: Scores
    train: Scores
    seconds: Annotated[float, Field(ge=0)]


class ReferenceResult(Record):
    """One reference over its seeds. It is never the best: that is a network.

    Attributes:
        kind: tells it from a variant.
        name: as studies ask for it.
        title: as sentences call it.
        num_members: that were trained.
        test: by metric, over them.
        versus_best: the reference minus the best variant on the test set, paired by seed; Holm
            over the references, a family of their own; null without a best variant.
        members: seed by seed.
    """

    kind: Literal["reference"] = "reference"
    name: str
    title: str
    num_members: Positive
    test: Summaries
    versus_best: Versus | None
    members: tuple[ReferenceScores, ...]
