"""Bias and variance of every variant: what its error consists of."""

from typing import Annotated, Literal

from pydantic import Field

from kmlp.study.results.records.base import (
    Count,
    Estimate,
    Interval,
    OfVariant,
    Positive,
    Record,
    unless_none,
)


class Resampling(Record):
    """The training samples.

    Attributes:
        kind: "splits", disjoint parts of equal size, or "bootstrap", draws with replacement.
        num_samples: how many.
        num_seeds: networks on each.
        num_train: rows of each, of a variant that names none.
    """

    kind: Literal["splits", "bootstrap"]
    num_samples: Positive
    num_seeds: Positive
    num_train: Positive


class SquaredError(Record):
    """Unbiased; of probabilities against one-hot labels, summed over classes, or of predictions;
    mean over test rows.

    Attributes:
        risk: the whole error.
        bias2_plus_noise: what the networks agree on and get wrong.
        variance: what they disagree on.
        variance_sample: of it between samples; from two seeds a sample on.
        variance_optimization: of it between seeds of one sample; from two on.
    """

    risk: Estimate
    bias2_plus_noise: Estimate
    variance: Estimate
    variance_sample: Estimate | None = unless_none()
    variance_optimization: Estimate | None = unless_none()


class CrossEntropy(Record):
    """Nats; exact for these networks, plug-in for endless ones.

    Attributes:
        risk: the whole error.
        bias_plus_noise: that of the normalized geometric mean.
        variance: the mean divergence from it.
    """

    risk: Estimate
    bias_plus_noise: Estimate
    variance: Estimate


class ZeroOne(Record):
    """Domingos' decomposition, fractions of rows: risk = bias + unbiased - biased variance.

    Attributes:
        risk: the error rate.
        bias_plus_noise: rows whose main prediction is wrong.
        unbiased_variance: deviations that cost.
        biased_variance: deviations that mend.
        variance: the share that deviates from the main prediction.
        net_variance: unbiased less biased variance.
    """

    risk: Estimate
    bias_plus_noise: Estimate
    unbiased_variance: Estimate
    biased_variance: Estimate
    variance: Estimate
    net_variance: Estimate


class CorrectedRatio(Estimate):
    """Divided by the baseline's.

    Attributes:
        ci95_corrected: intervals that hold for bias and variance and all variants at once, by
            which the verdict speaks.
    """

    ci95_corrected: Interval | None


class Ratios(Record):
    """Divided by the baseline's, paired by training sample; null unless both are positive."""

    risk_ratio: Estimate | None
    bias_ratio: Estimate | None
    variance_ratio: Estimate | None


class CorrectedRatios(Record):
    """The same of the squared error."""

    risk_ratio: Estimate | None
    bias_ratio: CorrectedRatio | None
    variance_ratio: CorrectedRatio | None


class RatiosByLoss(Record):
    """By decomposition, as far as the task has it."""

    squared_error: CorrectedRatios
    cross_entropy: Ratios | None = unless_none()
    zero_one: Ratios | None = unless_none()


class BiasVariance(OfVariant):
    """What one variant's error consists of.

    Attributes:
        num_samples: of which all networks finished.
        num_seeds: networks on each.
        left_out: samples of which a network has no result.
        versus_baseline: null for the baseline and without two common samples.
        resample: splits:R, disjoint parts of the training rows, or bootstrap:R, draws with
            replacement, whose variance is not that of fresh samples.
        num_train: rows of each sample.
    """

    num_samples: Annotated[int, Field(ge=2)]
    num_seeds: Positive
    left_out: tuple[Count, ...]
    squared_error: SquaredError
    cross_entropy: CrossEntropy | None = unless_none()
    zero_one: ZeroOne | None = unless_none()
    versus_baseline: RatiosByLoss | None
    resample: Annotated[str, Field(pattern="^(splits|bootstrap):[0-9]+$")]
    num_train: Positive

    @property
    def kind(self) -> str:
        """ "splits" or "bootstrap"."""
        return self.resample.partition(":")[0]
