"""Each variant by itself: its scores over seeds, its ensemble, and how it compares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kmlp.config import Variant
from kmlp.stats import resampling, summaries
from kmlp.stats.metrics import scorer_of, within_range
from kmlp.stats.summaries import Summary
from kmlp.study.results.comparisons import against_best, selection_difference
from kmlp.study.results.evidence import Evidence, ensemble_outputs
from kmlp.study.results.records.base import Interval, Scores
from kmlp.study.results.records.variants import (
    VariantConfig,
    VariantResult,
    VariantScores,
    Versus,
    VersusBaseline,
)
from kmlp.study.run_folder.folder import MemberRecord


def score_variants(
    variants: Sequence[Variant], evidence: Evidence, compared: Mapping[str, VersusBaseline]
) -> list[VariantScores]:
    """What the best is chosen from."""
    return [_scored(v, evidence, compared.get(v.name)) for v in variants]


def with_ties(
    variants: Sequence[VariantScores],
    evidence: Evidence,
    best: str | None,
    compared: Mapping[str, VersusBaseline],
) -> tuple[VariantResult, ...]:
    """The same, each with how it stands against the best: open is what a sign-flip test does not
    tell from it, corrected by Holm; with fewer than six common seeds nothing is told apart."""
    versus: Mapping[str, Versus] = against_best(evidence, best, compared) if best else {}
    return tuple(
        VariantResult(
            **dict(v),
            versus_best=versus.get(v.name),
            tied_with_best=v.is_scored and not _is_apart(versus.get(v.name)),
        )
        for v in variants
    )


def _is_apart(versus: Versus | None) -> bool:
    return versus is not None and versus.is_significant


def _scored(
    variant: Variant, evidence: Evidence, versus_baseline: VersusBaseline | None
) -> VariantScores:
    done = list(evidence.done(variant.name).values())
    parts = {p: summaries_of(done, p, evidence.metrics) for p in ("test", "val", "train")}
    folds = evidence.folds
    if folds:
        parts["test"] = folds.summaries(variant.name)
    return VariantScores(
        name=variant.name,
        strength=variant.strength,
        config=VariantConfig(
            model=variant.model.to_dict(),
            train=variant.train.to_dict(),
            num_train=variant.num_train,
        ),
        num_members=len(done),
        num_diverged=len(evidence.records[variant.name]) - len(done),
        **parts,
        # Of members that have seen all rows no row can tell how good they are together.
        ensemble={}
        if folds
        else _ensemble(variant.name, [evidence.outputs[r.id] for r in done], evidence),
        test_ci95_seeds_and_rows=_over_seeds_and_rows(done, evidence),
        test_ci95_bca=None if folds else resampling.bca_interval(evidence.scores(done)),
        selection_difference=selection_difference(evidence, variant.name),
        versus_baseline=versus_baseline,
    )


def _over_seeds_and_rows(done: Sequence[MemberRecord], evidence: Evidence) -> Interval | None:
    found = evidence.rows.interval(done) if evidence.rows and done else None
    return found and within_range(evidence.metric, found)


def summaries_of(
    records: Sequence[MemberRecord], part: str, metrics: Sequence[str]
) -> dict[str, Summary]:
    """By metric, over the members; without what a part cannot tell, as an AUC of one class."""
    if not records or part not in records[0].metrics:
        return {}
    values = {name: [r.metrics[part].get(name, np.nan) for r in records] for name in metrics}
    return {
        name: _summary(name, of_members)
        for name, of_members in values.items()
        if np.isfinite(of_members).all()
    }


def _summary(metric: str, values: Sequence[float]) -> Summary:
    """Mean and spread, the interval kept within what the metric can be."""
    found = summaries.summarize(values)
    return replace(found, ci95=found.ci95 and within_range(metric, found.ci95))


def _ensemble(variant: str, outputs: Sequence[np.ndarray], evidence: Evidence) -> Scores:
    """The scores of the members' mean probabilities, or of their mean prediction."""
    if not outputs:
        return {}
    found = finite(
        scorer_of(evidence.task)(evidence.truth, ensemble_outputs(outputs), evidence.weight)
    )
    own = evidence.ensembles
    return {**found, evidence.metric: own[variant]} if variant in own else found


def finite(metrics: Mapping[str, float]) -> Scores:
    """A diverged member's metrics may be NaN, which JSON does not know."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}
