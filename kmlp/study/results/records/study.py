"""All that a study's `results.json` holds, in the order in which it is found out.

Three records, each of which has the fields of the one before: the verdict's sentences follow from
the numbers, and the numbers from the scores.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from kmlp.errors import RunFolderError
from kmlp.stats.formatting import Unit, unit_of
from kmlp.stats.metrics import BY_NAME, HIGHER_IS_BETTER, METRICS
from kmlp.stats.metrics.own import own_record
from kmlp.stats.metrics.record import MetricRecord
from kmlp.study.results.records.base import (
    Count,
    Plain,
    Positive,
    Probability,
    Record,
    Scores,
    Summaries,
    first_fault,
    if_any,
    unless_none,
)
from kmlp.study.results.records.basis import TESTED, Basis, Tested
from kmlp.study.results.records.choices import EarlierReading, Looks, PilotSummary, SweptField
from kmlp.study.results.records.decompositions import BiasVariance, Resampling
from kmlp.study.results.records.folds import CrossValidation, FoldPlan
from kmlp.study.results.records.importance import Importance
from kmlp.study.results.records.members import (
    Extra,
    ExtraScores,
    Group,
    Member,
    MemberScores,
    TrainedStack,
)
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.seed_streams import RandomnessPlan, StreamsOfVariant
from kmlp.study.results.records.variants import Best, McNemarTest, VariantResult

VERSION = 1
"""Of the form that this release writes."""


class DataFacts(Record):
    """The data set.

    Attributes:
        name: the data set's.
        source: where it came from.
        sha256: of its content.
        num_train: training rows, without those that validate.
        num_val: of a member.
        num_test: rows that are set aside; 0 where folds test.
        num_calibration: training rows that no network trains or validates on, kept to calibrate
            what is exported; left out where there are none.
        task: what is predicted.
        input_shape: of one example.
        input_dtype: "uint8" of raw images, "float32" of features.
        class_names: one a class; empty for regression.
        columns: of a table, how each column of the matrix is made.
        target: of a regression, how its numbers are stored.
        feature_names: what the columns of the arrays are called.
        value_range: of float32 arrays, the smallest and largest training value.
        is_weighted: whether rows count differently.
        validation: "given" or "last" (in time) of rows that validate whatever the seed; left out
            where each seed draws its own.
        parted_by: what columns say of how rows are parted and what they weigh, a line each.
    """

    name: str
    source: Literal["full", "sample", "folder", "file", "arrays"]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    num_train: Positive
    num_val: Count
    num_test: Count
    num_calibration: Positive | None = unless_none()
    task: Literal["binary", "multiclass", "regression"]
    input_shape: Annotated[tuple[Positive, ...], Field(min_length=1)]
    input_dtype: Literal["uint8", "float32"]
    class_names: tuple[str, ...]
    columns: tuple[Plain, ...] | None = unless_none()
    target: Plain | None = unless_none()
    feature_names: tuple[str, ...] | None = unless_none()
    value_range: tuple[float, float] | None = unless_none()
    is_weighted: bool | None = unless_none()
    validation: Literal["given", "last"] | None = unless_none()
    parted_by: tuple[str, ...] | None = unless_none()

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return self.task == "regression"


class NamedMetric(Record):
    """What a study is decided by.

    Attributes:
        is_own: whether a function of the user's own computes it, which kmlp does not have; left
            out where it is not.
    """

    name: str
    higher_is_better: bool
    is_own: bool = Field(default=False, exclude_if=lambda value: not value)

    @property
    def known(self) -> MetricRecord:
        """What is known of it."""
        if self.is_own:
            return own_record(self.name, higher_is_better=self.higher_is_better)
        return BY_NAME[self.name]


class Groups(Record):
    """What the members beside the ordinary ones consist of; rows are those of a variant that names
    none."""

    resample: Resampling | None = unless_none()
    folds: FoldPlan | None = unless_none()
    randomness: RandomnessPlan | None = unless_none()


class StudyScores(Record):
    """What was trained, scored and compared.

    Attributes:
        version: of this form, `schema` in the file.
        basis: what the scores and comparisons rest on: "test", rows that were set aside; "folds",
            all rows, each held out once a repeat; left out of the former.
        metric: that is named: what the study is decided by.
        class_shares: each class's share of the rows that test; empty for regression.
        baseline: its name.
        variants: in the study's order.
        members: the ordinary ones, by variant and seed.
        extra_members: those beside them.
        groups: what these consist of.
        looks: what the number of seeds was decided by, on validation; null where it was given.
        pilot: how the strengths were chosen on validation; null where they were given.
        searched: of how many trials of a search the variants are the best; left out of others.
        picked: which the search picked: it is then the best; left out of others.
        ablated: the recipe of which the variants lack a part each; left out of other studies.
        best: null where no member finished.
        earlier_readings: of the same test rows in the same folder; left out where there are none.
        devices: the kinds of processors and cards that trained the members; left out of one kind.
        stacks: which networks trained together, and where; left out where no record says so.
    """

    version: Literal[1] = Field(default=1, alias="schema")
    dataset: DataFacts
    basis: Basis = Field(default="test", exclude_if=lambda basis: basis == "test")
    metric: NamedMetric
    class_shares: tuple[Probability, ...]
    baseline: str
    variants: tuple[VariantResult, ...]
    members: tuple[Member, ...]
    extra_members: tuple[Extra, ...]
    groups: Groups
    sweeps: tuple[SweptField, ...]
    looks: Looks | None
    pilot: PilotSummary | None
    searched: Positive | None = unless_none()
    picked: str | None = unless_none()
    ablated: str | None = unless_none()
    best: Best | None
    earlier_readings: tuple[EarlierReading, ...] = if_any()
    devices: tuple[str, ...] = if_any()
    stacks: tuple[TrainedStack, ...] = if_any()

    def unit(self, metric: str | None = None) -> Unit:
        """How a metric, the primary one where omitted, is written of this study's test scores."""
        metric = metric or self.metric.name
        known = self.metric.known if metric == self.metric.name else metric
        means = [v.test[metric].mean for v in self.variants if metric in v.test]
        return unit_of(known, means)

    @property
    def metrics(self) -> tuple[str, ...]:
        """All that networks are scored by: the task's, and the user's own."""
        return tuple(dict.fromkeys((*METRICS[self.dataset.task], self.metric.name)))

    @property
    def tested(self) -> Tested:
        """What scores rest on, in words."""
        return TESTED[self.basis]

    def variant(self, name: str) -> VariantResult:
        """By its name; there must be one."""
        return next(v for v in self.variants if v.name == name)

    def finished(self, variant: str | None = None) -> list[MemberScores]:
        """The ordinary members that finished, of all variants or of one."""
        return [m for m in self.members if m.status == "done" and variant in (None, m.variant)]

    def by_seed(self, variant: str) -> dict[int, float]:
        """The named metric on the test set of every seed that finished."""
        return {m.seed: m.score("test", self.metric.name) for m in self.finished(variant)}

    def tested_members(self, variant: str) -> tuple[list[MemberScores], str]:
        """The networks of a variant that have a score on what tests, and the part that it is of:
        the ordinary ones on "test", or those on folds."""
        if self.basis == "test":
            return self.finished(variant), "test"
        return list(self._on_folds(variant)), "fold"

    def by_pair(self, variant: str) -> dict[tuple[int, int], float]:
        """The named metric by what variants are paired by: seed, or repeat and fold."""
        if self.basis == "test":
            return {(seed, 0): score for seed, score in self.by_seed(variant).items()}
        return {
            (m.seed, m.place): m.score("fold", self.metric.name) for m in self._on_folds(variant)
        }

    def _on_folds(self, variant: str) -> list[ExtraScores]:
        """The networks of a variant that finished on folds."""
        found = [m for m in self.extras("folds", variant) if isinstance(m, ExtraScores)]
        return [m for m in found if m.status == "done"]

    def extras(self, group: Group, variant: str) -> list[Extra]:
        """The members of a group that are of one variant."""
        return [m for m in self.extra_members if (m.group, m.variant) == (group, variant)]

    @model_validator(mode="after")
    def _rests_on_what_there_is(self) -> Self:
        """Folds test where no row is set aside, and only there."""
        if (self.basis == "folds") != (self.dataset.num_test == 0):
            raise ValueError(
                f"a study on {self.dataset.num_test} test rows does not rest on {self.basis}"
            )
        return self

    @model_validator(mode="after")
    def _fits_its_task(self) -> Self:
        """A metric of classes is none of numbers, and the other way round."""
        task = self.dataset.task
        is_known = not self.metric.is_own
        if is_known and self.metric.name not in METRICS[task]:
            raise ValueError(f"{self.metric.name} is no metric of a {task} task")
        if is_known and self.metric.higher_is_better != HIGHER_IS_BETTER[self.metric.name]:
            raise ValueError(f"{self.metric.name} runs the other way")
        foreign = set[str]().union(*self._parts()) & (BY_NAME.keys() - {*METRICS[task]})
        if foreign:
            raise ValueError(f"of a {task} task there is no {', '.join(sorted(foreign))}")
        num_classes = len(self.dataset.class_names)
        is_fit = (num_classes > 1) != self.dataset.is_regression and num_classes != 1
        if not is_fit or len(self.class_shares) != num_classes:
            raise ValueError(
                f"a {task} task has other classes. Received: {num_classes} names and "
                f"{len(self.class_shares)} shares"
            )
        return self

    def _parts(self) -> Iterator[Summaries | Scores]:
        for variant in self.variants:
            yield from (variant.test, variant.val, variant.train, variant.ensemble)
        for member in (*self.members, *self.extra_members):
            if isinstance(member, MemberScores):
                yield from (member.test, member.val, member.train)
            if isinstance(member, ExtraScores):
                yield member.fold


class StudyNumbers(StudyScores):
    """What the analyses make of them.

    Attributes:
        mcnemar: null for regression, where the best is of the baseline, and where one of the two
            is missing.
        bias_variance: empty where no training rows were resampled.
        cross_validation: null where there are no folds.
        randomness: empty where no stream was varied alone.
        references: models that are no networks; left out where there are none.
        importance: which columns matter; left out where none were shuffled.
    """

    mcnemar: McNemarTest | None
    bias_variance: tuple[BiasVariance, ...]
    cross_validation: CrossValidation | None
    randomness: tuple[StreamsOfVariant, ...]
    references: tuple[ReferenceResult, ...] = if_any()
    importance: Importance | None = unless_none()


class Answer(Record):
    """The answer to "which regularizer helps?", in a line.

    Attributes:
        kind: "helps", "none_helps": as the corrected tests have it, of an ablated recipe's parts
            whether they earn their place; "reference_wins": a model that
            is no network does better than the best one; "too_few_seeds": no test could tell;
            "not_compared": nothing shares a seed with the baseline; "unfinished": networks are
            still to be trained; "no_network": none finished.
        text: a sentence, with its numbers.
        caveats: the verdict's sentences that change how it is read.
    """

    kind: Literal[
        "helps",
        "none_helps",
        "reference_wins",
        "too_few_seeds",
        "not_compared",
        "unfinished",
        "no_network",
    ]
    text: str
    caveats: tuple[str, ...]


class StudyResults(StudyNumbers):
    """What `results.json` holds.

    Attributes:
        answer: to what is asked first; left out by releases before 0.2.0.
        verdict: the first three sentences are the outcome; the others qualify it.
    """

    answer: Answer | None = unless_none()
    verdict: Annotated[tuple[str, ...], Field(min_length=1)]

    @classmethod
    def read(cls, text: str) -> Self:
        """What a `results.json` says, of this release or of any before it.

        Raises:
            RunFolderError: it is none, or of a later release.
        """
        try:
            return cls.model_validate(_migrated(json.loads(text)))
        except ValidationError as error:
            raise RunFolderError(f"not the results of a study: {first_fault(error)}") from error
        except (ValueError, RecursionError) as error:
            raise RunFolderError(f"not the results of a study: {error}") from error


def _migrated(values: Any) -> Any:
    """Older forms as the newest: so far there is one, which 0.1.0 wrote too."""
    version = values.get("schema") if isinstance(values, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise ValueError(
            f"they are of schema {version}, this release reads up to {VERSION}: use a later one"
        )
    return values
