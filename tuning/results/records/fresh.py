"""What the study that follows a search says of its trials."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from kmlp.stats.summaries import Summary
from kmlp.study.results.records.base import Count, Positive, Record, Summaries
from kmlp.study.results.records.variants import VersusBaseline


class FreshScores(Record):
    """A trial over fresh seeds.

    Attributes:
        variant: its name in the follow-up study.
        score: mean of the objective; null where it was not computed.
        se: its standard error.
        test: by metric, on the test set.
        versus_baseline: on the test set, against the default; null for that one itself.
    """

    variant: str
    score: float | None
    se: float | None
    test: Summaries
    versus_baseline: VersusBaseline | None


class Fresh(Record):
    """What the follow-up study says of the search's scores: it had no say in the choice.

    Attributes:
        num_seeds: of the picked trial, that finished.
        first_seed: of the study.
        score: the picked trial's.
        se: its standard error.
        seed_luck: the picked trial's score in the search less this one.
        seed_luck_se: its standard error; null where either score has none.
        test_metric: what the test set is decided by.
        baseline: the default configuration.
        trials: by number, of those in the study.
    """

    num_seeds: Positive
    first_seed: Count
    score: float
    se: float | None
    seed_luck: float
    seed_luck_se: float | None
    test_metric: str
    baseline: FreshScores | None
    trials: Mapping[int, FreshScores]


class ScoresOnTest(Record):
    """The test set, read for the picked trial alone; beside the named fields one a metric.

    Attributes:
        trial: whose fresh seeds they are.
        versus_baseline: against the default configuration; null for that one itself.
    """

    # Metrics stand beside the named fields, as they always did.
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Summary] = Field(init=False)

    trial: Count
    versus_baseline: VersusBaseline | None

    @property
    def scores(self) -> Summaries:
        """By metric."""
        return self.__pydantic_extra__


class FollowUp(Record):
    """That a study followed, and with it the test set was read.

    Attributes:
        num_trials: how many there were then.
    """

    num_trials: Annotated[int, Field(strict=True)]
