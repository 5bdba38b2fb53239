"""Scores in, comparisons out: each method against the baseline, on each data set and over all."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from kmlp.errors import ConfigError, DataError
from kmlp.scores.records import (
    AcrossMethod,
    DatasetResult,
    MethodResult,
    ScoreMetric,
    ScoresResults,
    VersusMethod,
)
from kmlp.scores.table import Pair, Scores
from kmlp.stats.across_datasets import compare_across
from kmlp.stats.cross_validation import compare_folds, fold_interval
from kmlp.stats.effect_size import standardized_difference
from kmlp.stats.equivalence import MeanDifference, checked_margin, equivalence, posterior
from kmlp.stats.paired_tests import compare_paired, holm
from kmlp.stats.summaries import Summary, summarize
from kmlp.stats.unpaired_tests import compare_unpaired
from kmlp.text import shown

_ROUNDING = 1e-12
Own = Mapping[Pair, float]
"""The scores of one method on one data set."""


def judge(
    scores: Scores, *, baseline: str | None = None, margin: float | None = None
) -> ScoresResults:
    """Compares every method with the baseline.

    Scores of the same seed are paired, and tested by sign flips. Scores of folds share their
    training rows: their variance is corrected, by how many rows were trained on and held out;
    where nothing says so the folds of a repeat are taken to divide all rows.
    Scores that nothing pairs are tested by permutations. Several data sets are judged by one
    number each.

    Args:
        scores: as `read_scores` gives them.
        baseline: a method; the first one where omitted.
        margin: the largest difference that does not matter, in the metric's own unit.

    Raises:
        ConfigError: no such baseline, or no margin.
        DataError: folds are missing.
    """
    baseline = _checked_baseline(scores, baseline)
    if margin is not None:
        checked_margin(margin)
    datasets = tuple(
        DatasetResult(name=name, methods=_methods(scores, name, own, baseline, margin))
        for name, own in scores.by_dataset.items()
    )
    return ScoresResults(
        metric=ScoreMetric(
            name=scores.metric.name, higher_is_better=scores.metric.higher_is_better
        ),
        baseline=baseline,
        paired_by=scores.paired_by,
        margin=margin,
        datasets=datasets,
        across=_across(scores, datasets, baseline, margin) if len(datasets) > 1 else (),
        notes=scores.notes,
    )


def _checked_baseline(scores: Scores, baseline: str | None) -> str:
    if baseline is None:
        return scores.methods[0]
    if baseline not in scores.methods:
        raise ConfigError(
            f"no method is called {baseline!r}. The methods: {', '.join(scores.methods)}."
        )
    return baseline


def _methods(
    scores: Scores, dataset: str, own: Mapping[str, Own], baseline: str, margin: float | None
) -> tuple[MethodResult, ...]:
    compared = {
        name: found
        for name, values in own.items()
        if name != baseline and baseline in own
        if (found := _versus(scores, dataset, (name, baseline), own, margin))
    }
    versus = dict(zip(compared, _corrected(list(compared.values())), strict=True))
    return tuple(
        MethodResult(
            name=name,
            scores=tuple(values.values()),
            summary=_summary(scores, dataset, name, values),
            versus_baseline=versus.get(name),
        )
        for name, values in own.items()
    )


def _corrected(found: Sequence[Mapping[str, Any]]) -> list[VersusMethod]:
    """Holm over all differences, and over all claims of equivalence."""
    p_holm = holm([one["p"] for one in found])
    equal = [one["equivalence"].p if one.get("equivalence") else 1.0 for one in found]
    return [
        VersusMethod(**one, p_holm=p, p_holm_equivalence=q if one.get("equivalence") else None)
        for one, p, q in zip(found, p_holm, holm(equal), strict=True)
    ]


def _summary(scores: Scores, dataset: str, method: str, own: Own) -> Summary:
    found = summarize(list(own.values()))
    if "fold" in scores.paired_by and len(own) > 1:
        table = _fold_table(scores, dataset, method, own, list(own))
        # Neither n nor independence is what a standard error would take them for.
        sizes = _told_sizes(scores, dataset, (method,)) or _in_proportion(table)
        ci95 = fold_interval(table, num_train=sizes["num_train"], num_test=sizes["num_held_out"])
        found = replace(found, se=None, ci95=ci95)
    if found.ci95 is None:
        return found
    low, high = found.ci95
    # As a study's: no accuracy is above 1.
    return replace(found, ci95=(max(low, scores.metric.least), min(high, scores.metric.most)))


def _versus(
    scores: Scores,
    dataset: str,
    names: tuple[str, str],
    scored: Mapping[str, Own],
    margin: float | None,
) -> dict[str, Any] | None:
    """A method and the baseline, so called; None where they have nothing in common."""
    own, baseline = (scored[name] for name in names)
    if not scores.paired_by:
        found = compare_unpaired(list(own.values()), list(baseline.values()))
        fewer = min(len(own), len(baseline))
        return {"test": "permutation", "num_compared": fewer, **asdict(found)}
    if "fold" in scores.paired_by:
        _refuse_other_folds(scores, dataset, names[0], own, baseline)
    common = [pair for pair in own if pair in baseline]
    if not common:
        return None
    if "fold" in scores.paired_by:
        mine, theirs = (_fold_table(scores, dataset, names[0], o, common) for o in (own, baseline))
        told = _told_sizes(scores, dataset, names)
        return _versus_by_fold(scores, mine, _tied(theirs, mine), told, margin)
    mine, theirs = (np.array([o[pair] for pair in common]) for o in (own, baseline))
    return _versus_by_seed(scores, mine, _tied(theirs, mine), margin)


def _tied(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The scores, those of them the others' that differ by rounding alone: 0.1 + 0.2 is 0.3."""
    return np.where(np.isclose(scores, others, rtol=_ROUNDING, atol=0), others, scores)


def _versus_by_seed(
    scores: Scores, mine: np.ndarray, theirs: np.ndarray, margin: float | None
) -> dict[str, Any]:
    better = scores.metric.higher_is_better
    compared = compare_paired(mine, theirs, higher_is_better=better)
    differences = mine - theirs
    known = MeanDifference.of_pairs(differences) if len(differences) > 1 else None
    return {
        "test": "sign_flip",
        "num_compared": len(differences),
        "differences": tuple(differences.tolist()),
        **asdict(compared),
        "effect_size": standardized_difference(differences),
        **_practical(known, margin, better),
    }


def _versus_by_fold(
    scores: Scores,
    mine: np.ndarray,
    theirs: np.ndarray,
    told: Mapping[str, float],
    margin: float | None,
) -> dict[str, Any] | None:
    if mine.size < 2:
        return None
    better, sizes = scores.metric.higher_is_better, told or _in_proportion(mine)
    compared = compare_folds(mine, theirs, **sizes, higher_is_better=better)
    # What has no spread tells no error of its mean, and so p is 1.
    has_spread = np.ptp(mine - theirs) > _ROUNDING * max(np.abs(mine).max(), np.abs(theirs).max())
    known = (
        MeanDifference.of_folds(
            mine - theirs, num_train=sizes["num_train"], num_test=sizes["num_held_out"]
        )
        if has_spread
        else None
    )
    return {
        "test": "corrected_t",
        "num_compared": mine.size,
        **told,
        "differences": tuple((mine - theirs).ravel().tolist()),
        **asdict(compared),
        **_practical(known, margin, better),
    }


def _practical(
    difference: MeanDifference | None, margin: float | None, higher_is_better: bool
) -> dict[str, Any]:
    if difference is None or margin is None:
        return {}
    return {
        "equivalence": equivalence(difference, margin),
        "posterior": posterior(difference, margin, higher_is_better=higher_is_better),
    }


def _fold_table(
    scores: Scores, dataset: str, method: str, own: Own, pairs: Sequence[Pair]
) -> np.ndarray:
    """`(num_repeats, num_folds)`: a row a seed; every seed has the same folds."""
    place = scores.paired_by.index("fold")
    repeats: dict[Pair, dict[Any, float]] = {}
    for pair in pairs:
        repeat = pair[:place] + pair[place + 1 :]
        repeats.setdefault(repeat, {})[pair[place]] = own[pair]
    folds = [set(found) for found in repeats.values()]
    if any(found != folds[0] for found in folds) or len(folds[0]) < 2:
        missing = sorted(set().union(*folds) - set.intersection(*folds))
        where = f" on {dataset}" if dataset else ""
        raise DataError(
            f"{method}{where}: every repeat must have the same folds, two or more. "
            + (f"Not in every repeat: fold {', '.join(missing)}. " if missing else "")
            + "Add the missing scores or leave out that repeat; or rename the column fold, if its "
            "values do not divide the rows."
        )
    order = sorted(folds[0])
    return np.array([[found[fold] for fold in order] for found in repeats.values()])


def _refuse_other_folds(scores: Scores, dataset: str, method: str, own: Own, baseline: Own) -> None:
    """Folds from 1 on beside folds from 0 on would be paired, each with another one's rows."""
    place = scores.paired_by.index("fold")
    mine, theirs = (sorted({pair[place] for pair in of}) for of in (own, baseline))
    if mine == theirs:
        return
    where = f" on {dataset}" if dataset else ""
    raise DataError(
        f"{method}{where}: its folds are {', '.join(map(shown, mine[:10]))}, the baseline's "
        f"{', '.join(map(shown, theirs[:10]))}. Folds of one name are compared as the same rows: "
        "call them alike (kmlp counts from 0), or rename the column fold."
    )


def _told_sizes(scores: Scores, dataset: str, methods: Sequence[str]) -> dict[str, float]:
    """Rows that methods were trained and scored on, of the one whose correction is the largest;
    empty where none says so."""
    said = [scores.rows[dataset, m] for m in methods if (dataset, m) in scores.rows]
    if not said:
        return {}
    trained, held_out = min(said, key=lambda rows: rows[0] / rows[1])
    return {"num_train": trained, "num_held_out": held_out}


def _in_proportion(table: np.ndarray) -> dict[str, float]:
    """Of k folds one is held out, and k - 1 are trained on."""
    return {"num_train": float(table.shape[1] - 1), "num_held_out": 1.0}


def _across(
    scores: Scores, datasets: Sequence[DatasetResult], baseline: str, margin: float | None
) -> tuple[AcrossMethod, ...]:
    compared = {}
    for name in scores.methods:
        differences = {
            dataset.name: method.versus_baseline.difference
            for dataset in datasets
            for method in dataset.methods
            if method.name == name and method.versus_baseline
        }
        if differences:
            found = compare_across(
                list(differences.values()),
                margin=margin,
                higher_is_better=scores.metric.higher_is_better,
            )
            compared[name] = (differences, found)
    corrected = holm([found.p for _, found in compared.values()])
    return tuple(
        AcrossMethod(
            name=name,
            differences=differences,
            p_holm=p,
            **{k: v for k, v in vars(found).items() if k != "num_datasets"},
        )
        for (name, (differences, found)), p in zip(compared.items(), corrected, strict=True)
    )
