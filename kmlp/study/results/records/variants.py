"""What a study found of its variants: scores over seeds, and how they compare."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.stats.effect_size import EffectSize
from kmlp.stats.equivalence import Equivalence, Posterior
from kmlp.stats.paired_tests import ALPHA, MAX_SEEDS, MIN_SEEDS_TO_TEST
from kmlp.stats.summaries import Share
from kmlp.study.results.records.base import (
    Count,
    Interval,
    MemberId,
    Plain,
    Positive,
    Probability,
    Record,
    Scores,
    Summaries,
    full_label,
    label,
    unless_none,
)


class VariantConfig(Record):
    """What a variant trains.

    Attributes:
        model: an `MLPConfig`.
        train: a `TrainConfig`.
        num_train: how many training rows it sees; left out where it sees all.
    """

    model: Plain
    train: Plain
    num_train: Positive | None = unless_none()


class Versus(Record):
    """A variant minus another, paired by seed or by fold.

    Attributes:
        difference: mean of the differences, in the metric's own unit.
        ci95: t interval, of folds corrected for the rows that they share; null of fewer than two
            pairs.
        p: two-sided; over seeds of the sign-flip test, exact up to 14 pairs, else from 100,000
            flips; over folds of the corrected resampled t test.
        wins: pairs in which the variant is better.
        ties: pairs that are equal.
        losses: pairs in which it is worse.
        p_holm: p corrected over all variants that are compared with the same one, and over looks.
    """

    difference: float
    ci95: Interval | None
    p: Probability
    wins: Count
    ties: Count
    losses: Count
    p_holm: Probability

    @property
    def num_pairs(self) -> int:
        """How many seeds, or folds, it rests on."""
        return self.wins + self.ties + self.losses

    @property
    def is_tested(self) -> bool:
        """Whether there are pairs enough to tell anything apart, were there no other comparison:
        of several Holm's correction asks for more, `min_seeds_to_test`."""
        return self.num_pairs >= MIN_SEEDS_TO_TEST

    @property
    def is_significant(self) -> bool:
        """Whether the corrected test tells the two apart; never below six pairs."""
        return self.is_tested and self.p_holm < ALPHA

    @property
    def ci95_of_size(self) -> Interval | None:
        """The interval towards its own side, for "by 0.61 (0.53 to 0.69)", whatever the sign."""
        return self.of_size(self.ci95)

    def of_size(self, interval: Interval | None) -> Interval | None:
        """An interval of the difference towards that one's own side."""
        if interval is None or self.difference >= 0:
            return interval
        return -interval[1], -interval[0]


class EqualCost(Record):
    """A network that is many in one beside ensembles of independent ones that train as long.

    Attributes:
        seconds: of one of the former, mean over its seeds: its share of its stack's wall
            time, compiling included.
        independent_seconds: the same of one of the latter.
        ensemble_size: how many of these are averaged: the fewest that train as long as one of the
            former, or 10 % less.
        versus: the former minus such ensembles, each of seeds of its own, over which the former's
            scores are averaged; p_holm is corrected over all such comparisons. Null of fewer seeds
            than one ensemble takes.
    """

    seconds: Annotated[float, Field(gt=0)]
    independent_seconds: Annotated[float, Field(gt=0)]
    ensemble_size: Positive
    versus: Versus | None


class VersusBaseline(Versus):
    """A variant against the baseline on the named metric: on the test set, paired by seed, or on
    folds that were held out.

    Attributes:
        p_wilcoxon: two-sided exact signed-rank test, zeros left out, ties at their mean rank; not
            corrected, decides nothing; null over folds, which are not independent.
        probability_better: share of seeds on which the variant is better, a tie counting half, with
            Wilson's interval: the chance that a run of it beats the baseline's of the same seed;
            null over folds.
        ci95_seeds_and_rows: of the difference, over seeds and test rows; null of fewer than 2
            seeds or 20 rows, and over folds, whose own interval holds the rows.
        ci95_simultaneous: intervals as wide as it takes for all of them to hold at once in 95 of
            100 studies (Bonferroni over the variants, and over looks); left out of fewer than two
            seeds.
        effect_size: mean difference / standard deviation of the differences, with the interval of
            the noncentral t; left out of fewer than two seeds, where there is no spread, and over
            folds.
        equivalence: two one-sided tests that the difference lies within the margin that does not
            matter; left out without one, and of fewer than two seeds.
        p_holm_equivalence: its p, corrected over all variants; left out as equivalence.
        posterior: the Bayesian reading; left out as equivalence.
        more_seeds: how many more seeds a study needs to show, with 80 % power at the level that
            Holm leaves to the comparisons still open, and one look more to all, a true difference
            as large as the one seen; 0 where it is significant; null where that takes more than 500
            seeds in all or fewer than 6 are compared, and over folds: more of the same rows tell
            little more.
        more_seeds_range: the same at the ends of the effect size's interval, that of a larger
            difference first; null for more than 500, as where the interval holds 0; left out where
            nothing is open.
        equal_cost: where either of the two is many networks in one, and the other not; left out
            else, over folds, and of a metric of the user's own.
    """

    p_wilcoxon: Probability | None
    probability_better: Share | None
    ci95_seeds_and_rows: Interval | None
    more_seeds: Annotated[int, Field(ge=0, le=MAX_SEEDS)] | None
    more_seeds_range: tuple[Count | None, Count | None] | None = unless_none()
    ci95_simultaneous: Interval | None = unless_none()
    effect_size: EffectSize | None = unless_none()
    equivalence: Equivalence | None = unless_none()
    p_holm_equivalence: Probability | None = unless_none()
    posterior: Posterior | None = unless_none()
    equal_cost: EqualCost | None = unless_none()

    @property
    def is_equivalent(self) -> bool:
        """Whether the difference is shown to lie within the margin; never below six pairs."""
        p = self.p_holm_equivalence
        return self.is_tested and p is not None and p < ALPHA


class VariantScores(Record):
    """A variant by itself and against the baseline: all that the best is chosen from.

    Attributes:
        name: unique in its study.
        strength: what it sets, in words.
        config: what it trains.
        num_members: that finished.
        num_diverged: that did not.
        test: by metric, over the finished members on the test set; where folds test over all folds
            that were held out, standard error and interval corrected for the rows that they share,
            empty until a repeat is whole.
        val: the same on their validation rows; empty without.
        train: the same on their training rows.
        ensemble: the scores of the members' mean probabilities, or of their mean prediction, on
            the test set; empty without one.
        test_ci95_seeds_and_rows: of the named metric's mean on the test set: two-way bootstrap
            over seeds and test rows, scaled to the variance of a two-way table and with Student's
            factor for the seeds; null of fewer than 2 seeds or 20 rows, and over folds.
        test_ci95_bca: of the same mean: BCa bootstrap over seeds; null of fewer than 20, and over
            folds.
        selection_difference: what the best is chosen by: mean of the named metric on validation
            (or training) rows minus the baseline's, over the seeds that both finished; null
            without such.
        versus_baseline: null for the baseline and without a common seed.
    """

    name: str
    strength: str
    config: VariantConfig
    num_members: Count
    num_diverged: Count
    test: Summaries
    val: Summaries
    train: Summaries
    ensemble: Scores
    test_ci95_seeds_and_rows: Interval | None
    test_ci95_bca: Interval | None
    selection_difference: float | None
    versus_baseline: VersusBaseline | None

    @property
    def label(self) -> str:
        """See `label`."""
        return label(self.name, self.strength)

    @property
    def full_label(self) -> str:
        """The name with all settings, for a table that says them once."""
        return full_label(self.name, self.strength)

    @property
    def chosen_on(self) -> Literal["val", "train"]:
        """The part of the data that choices are made on: "val", or "train" where it is empty."""
        return "val" if self.val else "train"

    @property
    def is_scored(self) -> bool:
        """Whether a member finished, and it is known how well: of folds, whether a repeat is."""
        return bool(self.num_members and self.test)

    @property
    def judged_by(self) -> Summaries:
        """Its scores on that part."""
        return self.val or self.train

    @property
    def is_significant(self) -> bool:
        """Whether the corrected test tells it from the baseline."""
        return self.versus_baseline is not None and self.versus_baseline.is_significant


class VariantResult(VariantScores):
    """A variant, with how it stands against the best.

    Attributes:
        versus_best: the same against the best variant, which was chosen on validation, corrected
            over all others but the baseline, whose comparison with the best is that of
            versus_baseline; null for the best itself and without a common seed.
        tied_with_best: finished, and not told apart from the best: versus_best.p_holm is 0.05 or
            more, or fewer than 6 seeds are compared; true of the best itself.
    """

    versus_best: Versus | None
    tied_with_best: bool


class Best(Record):
    """The variant with the best mean validation score (training, where there are no validation
    rows), and in it the seed with the lowest loss on these rows.

    Attributes:
        variant: its name.
        seed: of the member.
        member: its id.
    """

    variant: str
    seed: Count
    member: MemberId


class McNemarTest(Record):
    """Test rows that the best member and the baseline's member of the lowest validation loss get
    right, and the exact two-sided p that they get equally many right. It compares these two
    trained models, not their variants.

    Attributes:
        baseline_seed: of the baseline's member.
        both_right: rows.
        only_best_right: rows.
        only_baseline_right: rows.
        both_wrong: rows.
        p: two-sided.
    """

    baseline_seed: Count
    both_right: Count
    only_best_right: Count
    only_baseline_right: Count
    both_wrong: Count
    p: Probability
