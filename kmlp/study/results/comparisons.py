"""Variants against the baseline and against the best."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from kmlp.stats import paired_tests, summaries
from kmlp.stats.cross_validation import FoldComparison
from kmlp.stats.effect_size import EffectSize, standardized_difference
from kmlp.stats.equivalence import MeanDifference, equivalence, posterior
from kmlp.study.results.evidence import Evidence
from kmlp.study.results.records.variants import McNemarTest, Versus, VersusBaseline


def against_baseline(evidence: Evidence) -> dict[str, VersusBaseline]:
    """By variant, on the test set, paired by seed, or on the folds; Holm over all variants; of
    those that share a seed, or a whole repeat, with the baseline."""
    compared = _versus(evidence, evidence.records, evidence.baseline)
    still_open = [versus for versus in compared.values() if not versus.is_significant]
    # Who adds seeds to a study looks once more; of seeds added in rounds all looks are planned.
    num_looks = evidence.num_looks + (not evidence.has_planned_looks)
    equal = _equivalences(evidence, compared)
    level = 1 - paired_tests.ALPHA / max(1, evidence.num_looks * len(compared))
    return {
        name: _in_full(
            evidence,
            name,
            v,
            num_looks * len(still_open),
            {**_sizes(evidence, name, level), **equal.get(name, {})},
        )
        for name, v in compared.items()
    }


def against_best(
    evidence: Evidence, best: str, known: Mapping[str, VersusBaseline]
) -> dict[str, Versus]:
    """By variant, each of the others against the best.

    The best is chosen on validation, the comparisons are on the test set: the choice flatters them
    as far as a network's validation and test scores rise and fall together. The best and the
    baseline are compared once, in `against_baseline`, lest two corrections contradict.

    Args:
        evidence: of the study.
        best: the variant that was chosen.
        known: what `against_baseline` found.
    """
    baseline = evidence.baseline
    compared = _versus(
        evidence, [v for v in evidence.records if best == baseline or v != baseline], best
    )
    return compared | ({baseline: _mirrored(known[best])} if best in known else {})


def selection_difference(evidence: Evidence, variant: str) -> float | None:
    """To the baseline on the rows that choices are made on: of the means over common seeds, so
    that equal scores stay equal; None without any."""
    mine, theirs = evidence.pairs(variant, evidence.baseline)
    if not mine:
        return None
    has_val = all(record.metrics.get("val") for record in (*mine, *theirs))
    part = "val" if has_val else "train"
    means = [evidence.scores(records, part).mean() for records in (mine, theirs)]
    return float(means[0] - means[1])


def mcnemar(evidence: Evidence, best: str, other: str, seed: int) -> McNemarTest:
    """Two members, by id, on the same test rows; `seed` is the other's."""
    right = [evidence.outputs[id].argmax(axis=1) == evidence.truth for id in (best, other)]
    found = paired_tests.mcnemar(*right)
    return McNemarTest(
        baseline_seed=seed,
        both_right=found.both_right,
        only_best_right=found.only_first,
        only_baseline_right=found.only_second,
        both_wrong=found.both_wrong,
        p=found.p,
    )


def _mirrored(versus: Versus) -> Versus:
    """The same comparison from the other side."""
    return Versus(
        difference=-versus.difference,
        ci95=versus.ci95 and (-versus.ci95[1], -versus.ci95[0]),
        p=versus.p,
        wins=versus.losses,
        ties=versus.ties,
        losses=versus.wins,
        p_holm=versus.p_holm,
    )


def _versus(evidence: Evidence, variants: Iterable[str], other: str) -> dict[str, Versus]:
    """Each variant that shares a seed with the other one, minus it, corrected over all of them."""
    found = {
        name: compared
        for name in variants
        if name != other and (compared := _compared(evidence, name, other))
    }
    corrected = paired_tests.holm([comparison.p for comparison in found.values()])
    return {
        name: Versus(**asdict(comparison), p_holm=min(1.0, evidence.num_looks * p_holm))
        for (name, comparison), p_holm in zip(found.items(), corrected, strict=True)
    }


def _compared(
    evidence: Evidence, variant: str, other: str
) -> paired_tests.Comparison | FoldComparison | None:
    """One minus the other, not corrected; None where they share nothing."""
    if evidence.folds:
        return evidence.folds.compare(variant, other)
    pair = evidence.pairs(variant, other)
    if not pair[0]:
        return None
    return paired_tests.compare_paired(
        *map(evidence.scores, pair), higher_is_better=evidence.known.higher_is_better
    )


def _mean_difference(evidence: Evidence, variant: str) -> MeanDifference | None:
    """To the baseline; None of one seed."""
    if evidence.folds:
        return evidence.folds.difference(variant, evidence.baseline)
    mine, theirs = evidence.pairs(variant, evidence.baseline)
    if len(mine) < 2:
        return None
    return MeanDifference.of_pairs(evidence.scores(mine) - evidence.scores(theirs))


def _equivalences(evidence: Evidence, variants: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is known of each variant's difference within the margin, Holm over all these claims;
    nothing where no margin is named, and of a variant of one seed."""
    margin = evidence.margin
    known = {name: _mean_difference(evidence, name) for name in (variants if margin else ())}
    found = {name: difference for name, difference in known.items() if difference}
    tested = {name: equivalence(known, margin) for name, known in found.items() if margin}
    corrected = paired_tests.holm([one.p for one in tested.values()])
    better = evidence.known.higher_is_better
    return {
        name: {
            "equivalence": one,
            "p_holm_equivalence": min(1.0, evidence.num_looks * p),
            "posterior": posterior(found[name], one.margin, higher_is_better=better),
        }
        for (name, one), p in zip(tested.items(), corrected, strict=True)
    }


def _in_full(
    evidence: Evidence, variant: str, versus: Versus, num_open: int, more: Mapping[str, Any]
) -> VersusBaseline:
    """With what else is told of a comparison with the baseline; of folds, which are not
    independent, that is little."""
    if evidence.folds:
        return VersusBaseline(
            **dict(versus),
            p_wilcoxon=None,
            probability_better=None,
            ci95_seeds_and_rows=None,
            more_seeds=None,
            **more,
        )
    mine, theirs = evidence.pairs(variant, evidence.baseline)
    differences = evidence.scores(mine) - evidence.scores(theirs)
    return VersusBaseline(
        **dict(versus),
        p_wilcoxon=paired_tests.wilcoxon_p(differences),
        probability_better=summaries.probability_better(versus.wins, versus.ties, versus.losses),
        ci95_seeds_and_rows=evidence.rows.interval(mine, theirs) if evidence.rows else None,
        more_seeds=_more_seeds(versus, differences, num_open),
        more_seeds_range=_more_seeds_range(
            versus, more.get("effect_size"), len(differences), num_open
        ),
        **more,
    )


def _sizes(evidence: Evidence, variant: str, level: float) -> dict[str, Any]:
    """The interval that holds for all variants at once, and the difference in deviations; of folds
    no deviation of theirs says how one run of a variant differs from another's."""
    if evidence.folds:
        known = evidence.folds.difference(variant, evidence.baseline)
        return {"ci95_simultaneous": known.interval(level)} if known else {}
    mine, theirs = evidence.pairs(variant, evidence.baseline)
    differences = evidence.scores(mine) - evidence.scores(theirs)
    if len(differences) < 2:
        return {}
    return {
        "ci95_simultaneous": summaries.t_interval(differences, level),
        "effect_size": standardized_difference(differences),
    }


def _more_seeds(versus: Versus, differences: np.ndarray, num_open: int) -> int | None:
    """0 where nothing is open; None where the spread is unknown or no number would do."""
    if versus.is_significant:
        return 0
    if not versus.is_tested:
        return None
    sd = float(differences.std(ddof=1))
    return _seeds_left(versus.difference, sd, len(differences), num_open)


def _seeds_left(difference: float, sd: float, num_seeds: int, num_open: int) -> int | None:
    needed = paired_tests.seeds_to_show(difference, sd, num_comparisons=num_open)
    return None if needed is None else max(1, needed - num_seeds)


def _more_seeds_range(
    versus: Versus, size: EffectSize | None, num_seeds: int, num_open: int
) -> tuple[int | None, int | None] | None:
    """For the differences that the seeds there are leave open; the end beyond 0 takes endless."""
    if versus.is_significant or not versus.is_tested or size is None:
        return None
    small, large = sorted(abs(bound) for bound in size.ci95)
    if size.ci95[0] < 0 < size.ci95[1]:
        small = 0.0
    of_large, of_small = (
        _seeds_left(effect, 1.0, num_seeds, num_open) for effect in (large, small)
    )
    return of_large, of_small
