"""References: models that are no networks, on the same rows as the networks."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.study.results.records.base import (
    Count,
    Interval,
    Positive,
    Record,
    Scores,
    Summaries,
    unless_none,
)
from kmlp.study.results.records.variants import Versus


class ReferenceScores(Record):
    """A reference of one seed, or of one fold; parts as of a network.

    Attributes:
        seed: of its draws and its split; of a fold its repeat's.
        place: which fold, from 0; left out where test rows test.
        test: on the test rows, or on the fold that was held out.
        seconds: its training took, over all cores; the trials before it included.
        settings: that validation chose, beside scikit-learn's defaults; left out where one was
            tried.
    """

    seed: Count
    place: Count | None = unless_none()
    test: Scores
    val: Scores
    train: Scores
    seconds: Annotated[float, Field(ge=0)]
    settings: dict[str, float] | None = unless_none()


class VersusNetwork(Versus):
    """A reference minus the best variant.

    Attributes:
        ci95_seeds_and_rows: of the difference, over seeds and test rows; left out where a variant
            has none.
    """

    ci95_seeds_and_rows: Interval | None = unless_none()


class ReferenceResult(Record):
    """One reference over its seeds. It is never the best: that is a network.

    Attributes:
        kind: tells it from a variant.
        name: as studies ask for it.
        title: as sentences call it.
        num_members: that were trained.
        num_trials: how many settings were tried for each of these; left out where it is one,
            scikit-learn's defaults.
        test: by metric, over them.
        versus_best: the reference minus the best variant on the test set, paired by seed, or on
            the folds; Holm over the references, a family of their own; null without a best
            variant, and until all are trained.
        members: seed by seed, or fold by fold.
    """

    kind: Literal["reference"] = "reference"
    name: str
    title: str
    num_members: Positive
    num_trials: Positive = Field(default=1, exclude_if=lambda number: number == 1)
    test: Summaries
    versus_best: VersusNetwork | None
    members: tuple[ReferenceScores, ...]
