"""From what a run folder holds to the numbers of `results.json`. No Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from kmlp.config import StudyConfig
from kmlp.errors import RunFolderError
from kmlp.stats.formatting import unit_of
from kmlp.stats.metrics import BY_NAME, METRICS
from kmlp.stats.monitoring import resolved_metric
from kmlp.study.pilot import pilot_summary
from kmlp.study.plan import Plan
from kmlp.study.results.analyses.decompositions import bias_variance, resampled
from kmlp.study.results.analyses.equal_cost import with_equal_cost
from kmlp.study.results.analyses.findings import findings
from kmlp.study.results.analyses.folds import cross_validation
from kmlp.study.results.analyses.importance import column_importance
from kmlp.study.results.analyses.other_rows import over_test_rows
from kmlp.study.results.analyses.readings import earlier_readings, looks_with
from kmlp.study.results.analyses.references import compare_references, with_references
from kmlp.study.results.analyses.seed_streams import randomness
from kmlp.study.results.answer import answer
from kmlp.study.results.comparisons import against_baseline, mcnemar
from kmlp.study.results.evidence import Evidence, read_evidence
from kmlp.study.results.fold_scores import FoldScores, fold_scores
from kmlp.study.results.members import (
    extra_members,
    finished_seeds,
    mixed_devices,
    ordinary_members,
    planned_groups,
    trained_stacks,
)
from kmlp.study.results.ranking import best_member, best_variant, lowest_loss
from kmlp.study.results.records.base import Plain, first_fault
from kmlp.study.results.records.basis import TESTED, Basis
from kmlp.study.results.records.choices import EarlierReading, Looks, SweptField
from kmlp.study.results.records.importance import Importance
from kmlp.study.results.records.members import Extra, Member, MemberScores
from kmlp.study.results.records.own_metric import OwnScores, read_own_scores
from kmlp.study.results.records.references import ReferenceResult
from kmlp.study.results.records.study import (
    DataFacts,
    Groups,
    NamedMetric,
    StudyNumbers,
    StudyResults,
    StudyScores,
)
from kmlp.study.results.records.variants import Best, McNemarTest, VariantScores
from kmlp.study.results.variants import score_variants, with_ties
from kmlp.study.results.verdict import verdict
from kmlp.study.run_folder.folder import MemberRecord, RunFolder


def build_results(
    plan: Plan,
    folder: RunFolder,
    dataset: Plain,
    pilot: StudyResults | None = None,
    looks: Looks | None = None,
) -> StudyResults:
    """The content of `results.json`, from the ledger and the arrays.

    Args:
        plan: the members of the study that are wanted; those without a record are left out.
        folder: where they are recorded.
        dataset: the `dataset` part: name, source, hash, task, sizes, class names.
        pilot: the results of the pilot that chose the strengths, if there was one.
        looks: what `num_seeds="auto"` decided on; None where the number of seeds was given.
    """
    found = _read(plan, folder, dataset, looks)
    scores = _scores(plan, found, pilot, looks)
    references = compare_references(
        scores, plan, found.records, found.folds_that_test, num_looks=found.evidence.num_looks
    )
    best = scores.best.variant if scores.best else None
    references = over_test_rows(references, best, plan, found.records, found.evidence, folder)
    importance = column_importance(scores, references, plan.config, folder)
    numbers = _numbers(scores, found.evidence, folder, references, found.folds, importance)
    told = with_references(verdict(numbers), numbers)
    return StudyResults(
        **dict(numbers),
        answer=answer(numbers, _num_missing(plan, found)),
        verdict=(*told, *findings(numbers)),
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What a folder holds of a study, as the analyses take it.

    Attributes:
        data: what it is about.
        own: scores by the user's own metric, which then decides.
        groups: which members there are beside the ordinary ones.
        records: of all that was trained, by id.
        members, extras: of the plan, those that have ended.
        folds: the scores on folds; None of a study that cuts none.
        evidence: what tests the variants.
        earlier: how often these rows were read before.
    """

    data: DataFacts
    own: OwnScores | None
    groups: Groups
    records: Mapping[str, MemberRecord]
    members: tuple[Member, ...]
    extras: tuple[Extra, ...]
    folds: FoldScores | None
    evidence: Evidence
    earlier: tuple[EarlierReading, ...]

    @property
    def basis(self) -> Basis:
        """What tests."""
        return _basis(self.data)

    @property
    def folds_that_test(self) -> FoldScores | None:
        """The scores on folds where these test, and not rows that were set aside."""
        return self.folds if self.basis == "folds" else None


def _basis(data: DataFacts) -> Basis:
    return "folds" if data.num_test == 0 else "test"


def _read(plan: Plan, folder: RunFolder, dataset: Plain, looks: Looks | None) -> _Found:
    data, own = facts_of(dataset, folder), read_own_scores(folder)
    records = own.added_to(folder.records()) if own else folder.records()
    metric = own.known.name if own else resolved_metric(plan.config.metric, data.task)
    seeds, tested = finished_seeds(plan, records), TESTED[_basis(data)]
    earlier = earlier_readings(folder, metric, plan.config.baseline, seeds, tested)
    groups, given_up = planned_groups(plan.config, data), folder.stacks.given_up()
    extras = tuple(extra_members(plan, records, given_up))
    folds = _on_folds(plan, extras, groups, data, own)
    num_looks = len(looks.planned) if looks else looks_with(earlier)
    testing = folds if _basis(data) == "folds" else None
    return _Found(
        data=data,
        own=own,
        groups=groups,
        records=records,
        members=tuple(ordinary_members(plan, records, given_up)),
        extras=extras,
        folds=folds,
        evidence=read_evidence(plan, folder, records, data.task, num_looks, own, testing),
        earlier=earlier,
    )


def _scores(
    plan: Plan, found: _Found, pilot: StudyResults | None, looks: Looks | None
) -> StudyScores:
    """How each variant did, and which is the best."""
    data, evidence = found.data, found.evidence
    planned = plan.config.resolved_variants
    of_many = {v.name: v.model.weight_sharing != "none" for v in planned}
    compared = with_equal_cost(against_baseline(evidence), evidence, of_many)
    variants = score_variants(planned, evidence, compared)
    best = _best(variants, found.members, evidence, plan.config.picked)
    return StudyScores(
        dataset=data,
        basis=found.basis,
        metric=NamedMetric(
            name=evidence.metric,
            higher_is_better=evidence.known.higher_is_better,
            is_own=found.own is not None,
        ),
        class_shares=_class_shares(evidence.truth, len(data.class_names)),
        baseline=evidence.baseline,
        variants=with_ties(variants, evidence, best.variant if best else None, compared),
        members=found.members,
        extra_members=found.extras,
        groups=found.groups,
        sweeps=_swept(plan.config),
        looks=looks,
        pilot=pilot_summary(pilot) if pilot else None,
        searched=plan.config.searched,
        picked=plan.config.picked,
        ablated=plan.config.ablated,
        best=best,
        earlier_readings=found.earlier,
        devices=mixed_devices(plan, found.records),
        stacks=trained_stacks(plan, found.records),
    )


def _num_missing(plan: Plan, found: _Found) -> int:
    """How many networks that the verdict rests on have no result yet."""
    number = sum(map(len, plan.ids.values())) - len(found.members)
    if found.basis == "folds":
        number += sum(e.group == "folds" for e in plan.extras) - len(found.extras)
    return number


def _on_folds(
    plan: Plan,
    extras: Sequence[Extra],
    groups: Groups,
    data: DataFacts,
    own: OwnScores | None,
) -> FoldScores | None:
    """The scores on folds that were held out; None of a study that cuts none."""
    if groups.folds is None:
        return None
    known = own.known if own else BY_NAME[resolved_metric(plan.config.metric, data.task)]
    return fold_scores(
        extras,
        groups.folds,
        seeds=plan.config.fold_seeds,
        metric=known,
        metrics=tuple(dict.fromkeys((*METRICS[data.task], known.name))),
        num_train={v.name: v.num_train for v in plan.config.resolved_variants},
    )


def facts_of(dataset: Plain, folder: RunFolder) -> DataFacts:
    """What a folder's environment says of its data.

    Raises:
        RunFolderError: it is not what kmlp writes.
    """
    try:
        return DataFacts.model_validate(dataset)
    except ValidationError as error:
        raise RunFolderError(
            f"{folder.path / 'environment.json'}: not what kmlp writes there: dataset."
            f"{first_fault(error)}. Restore it from a copy, or name another folder with --out."
        ) from error


def _numbers(
    scores: StudyScores,
    evidence: Evidence,
    folder: RunFolder,
    references: tuple[ReferenceResult, ...],
    folds: FoldScores | None,
    importance: Importance | None,
) -> StudyNumbers:
    """What the analyses make of the scores; adding one is adding it here."""
    return StudyNumbers(
        **dict(scores),
        mcnemar=_mcnemar(scores, evidence),
        bias_variance=bias_variance(scores, lambda v: resampled(folder, scores, v)),
        cross_validation=cross_validation(scores, folds),
        randomness=randomness(scores),
        references=references,
        importance=importance,
    )


def _best(
    variants: Sequence[VariantScores],
    members: Sequence[Member],
    evidence: Evidence,
    picked: str | None,
) -> Best | None:
    """None where no member finished."""
    chosen = best_variant(variants, unit_of(evidence.known), picked)
    if chosen is None:
        return None
    done = [m for m in members if isinstance(m, MemberScores) and m.status == "done"]
    own = [m for m in done if m.variant == chosen.name]
    member = lowest_loss(chosen, own, evidence.task)
    return Best(variant=member.variant, seed=member.seed, member=member.id)


def _swept(config: StudyConfig) -> tuple[SweptField, ...]:
    return tuple(
        SweptField.model_validate(
            {
                "field": sweep.field,
                "scale": sweep.scale,
                "values": sweep.values,
                "variants": config.variants_along(sweep),
            }
        )
        for sweep in config.sweeps
    )


def _class_shares(labels: np.ndarray, num_classes: int) -> tuple[float, ...]:
    """Each class's share of the test rows; empty for regression."""
    if not num_classes:
        return ()
    return tuple(float(n) / len(labels) for n in np.bincount(labels, minlength=num_classes))


def _mcnemar(scores: StudyScores, evidence: Evidence) -> McNemarTest | None:
    """The best member against the baseline's of lowest loss; None where they are the same, and
    where no test rows tell single networks apart."""
    best, baseline = scores.best, scores.baseline
    is_apart = best is not None and best.variant != baseline and scores.finished(baseline)
    if scores.dataset.is_regression or best is None or not is_apart or evidence.folds:
        return None
    if evidence.weight is not None:
        return None  # it counts rows, and these do not count alike
    other = best_member(scores, baseline)
    return mcnemar(evidence, best.member, other.id, other.seed)
