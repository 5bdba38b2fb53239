"""What a comparison of scores finds, as records: `results.json` holds just these."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from kmlp.stats.effect_size import EffectSize
from kmlp.stats.equivalence import Equivalence, Posterior
from kmlp.stats.paired_tests import ALPHA, MIN_SEEDS_TO_TEST
from kmlp.stats.summaries import Summary
from kmlp.study.results.records.base import Count, Interval, Probability, Record, unless_none

Test = Literal["sign_flip", "corrected_t", "permutation"]


class ScoreMetric(Record):
    """What the scores are."""

    name: str
    higher_is_better: bool


class VersusMethod(Record):
    """A method minus the baseline on one data set.

    Attributes:
        test: sign flips of differences by seed; the corrected t test of differences by fold; label
            permutations of scores that nothing pairs.
        num_compared: pairs; of unpaired scores those of the side that has fewer.
        differences: of each pair; empty of unpaired scores.
        difference: of the means, in the metric's own unit.
        ci95: t interval: paired, corrected for folds, or Welch's; null where one cannot be told.
        p: two-sided.
        p_holm: corrected over the methods that are compared on this data set.
        wins: pairs in which the method is better; null of unpaired scores, as ties and losses.
        ties: pairs that are equal.
        losses: pairs in which it is worse.
        effect_size: mean difference / standard deviation of the differences by seed; null of
            folds, of unpaired scores and where there is no spread.
        equivalence: two one-sided tests; null without a margin, of unpaired scores, and of folds
            whose differences have no spread.
        p_holm_equivalence: its p, corrected over the methods; null as equivalence.
        posterior: the Bayesian reading; null as equivalence.
        num_train: rows that folds were trained on, by which interval and p are corrected; null
            where the scores do not tell, and of other scores.
        num_held_out: rows that they were scored on; null as num_train.
    """

    test: Test
    num_compared: Count
    differences: tuple[float, ...] = ()
    difference: float
    ci95: Interval | None
    p: Probability
    p_holm: Probability
    wins: Count | None = None
    ties: Count | None = None
    losses: Count | None = None
    effect_size: EffectSize | None = None
    equivalence: Equivalence | None = None
    p_holm_equivalence: Probability | None = None
    posterior: Posterior | None = None
    num_train: float | None = unless_none(gt=0)
    num_held_out: float | None = unless_none(gt=0)

    @property
    def is_tested(self) -> bool:
        """Whether there are scores enough to tell anything apart."""
        return self.num_compared >= MIN_SEEDS_TO_TEST

    @property
    def is_significant(self) -> bool:
        """Whether the corrected test tells the two apart."""
        return self.is_tested and self.p_holm < ALPHA

    @property
    def is_equivalent(self) -> bool:
        """Whether the difference is shown to lie within the margin."""
        p = self.p_holm_equivalence
        return self.is_tested and p is not None and p < ALPHA


class MethodResult(Record):
    """One method on one data set.

    Attributes:
        name: as in the scores.
        scores: all of them, in the order in which they came.
        summary: over them; of folds its interval is the corrected one.
        versus_baseline: null for the baseline, and without anything in common.
    """

    name: str
    scores: tuple[float, ...]
    summary: Summary
    versus_baseline: VersusMethod | None

    @property
    def effect_size(self) -> EffectSize | None:
        """Of the comparison with the baseline."""
        return self.versus_baseline.effect_size if self.versus_baseline else None


class DatasetResult(Record):
    """One data set; its name is empty where the scores name none."""

    name: str
    methods: tuple[MethodResult, ...]


class AcrossMethod(Record):
    """A method minus the baseline over data sets; each counts once, by its mean difference.

    Attributes:
        name: of the method.
        differences: data set -> mean difference, of those that have both.
        difference: their mean.
        ci95: t interval of it; null of one data set.
        p: of Wilcoxon's signed-rank test, exact.
        p_holm: corrected over the methods.
        wins: data sets on which the method is better, by more than the margin if there is one.
        ties: data sets without such a difference.
        losses: data sets on which it is worse.
        posterior: of the next data set; null without a margin.
    """

    name: str
    differences: Mapping[str, float]
    difference: float
    ci95: Interval | None
    p: Probability
    p_holm: Probability
    wins: Count
    ties: Count
    losses: Count
    posterior: Posterior | None

    @property
    def is_significant(self) -> bool:
        """Whether the corrected test tells the two apart over data sets."""
        return self.p_holm < ALPHA


class ScoresResults(Record):
    """What a comparison of scores finds.

    Attributes:
        schema_version: of this record.
        metric: what the scores are.
        baseline: the method that all others are compared with.
        paired_by: what pairs the scores.
        margin: the largest difference that does not matter, in the metric's own unit; null where
            none was named.
        datasets: in the order of the scores.
        across: each method over all data sets; empty of a single one.
        notes: how the scores were read.
        verdict: what all this says, in sentences.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    metric: ScoreMetric
    baseline: str
    paired_by: tuple[str, ...]
    margin: float | None
    datasets: tuple[DatasetResult, ...]
    across: tuple[AcrossMethod, ...]
    notes: tuple[str, ...]
    verdict: tuple[str, ...] = ()
