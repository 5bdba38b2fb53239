"""Cross-validation: scores on folds that were held out."""

from typing import Annotated

from pydantic import Field

from kmlp.study.results.records.base import Count, Interval, OfVariant, Positive, Record
from kmlp.study.results.records.variants import Versus

TwoOrMore = Annotated[int, Field(ge=2)]


class FoldPlan(Record):
    """How the training rows are cut.

    Attributes:
        num_folds: parts of each repeat.
        num_repeats: how often they are cut anew.
        num_train: rows that weights are fitted to, of a variant that names none.
        num_held_out: rows of a fold.
    """

    num_folds: Positive
    num_repeats: Positive
    num_train: Positive
    num_held_out: Positive


class FoldsOfVariant(OfVariant):
    """The named metric of one variant on the folds held out.

    Attributes:
        num_train: rows that the weights are fitted to, as the correction counts them.
        repeats: which are whole, numbered from 0; the others are left out.
        scores: a row a repeat that is whole.
        mean: over repeats of their folds' mean.
        ci95: t interval with Nadeau and Bengio's corrected variance.
        of_repeats: the repeats' means.
        num_folds: of all repeats together.
        versus_baseline: null for the baseline and without a common repeat.
    """

    num_train: Positive
    repeats: tuple[Count, ...]
    scores: Annotated[tuple[tuple[float, ...], ...], Field(min_length=1)]
    mean: float
    ci95: Interval
    of_repeats: tuple[float, ...]
    num_folds: TwoOrMore
    versus_baseline: Versus | None


class CrossValidation(FoldPlan):
    """The named metric on folds that were held out."""

    variants: tuple[FoldsOfVariant, ...]
