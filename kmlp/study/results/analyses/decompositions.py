"""Bias and variance of every variant, as `results.json` holds them, and in words."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kmlp.stats.decomposition.bias_variance import BIAS, VARIANCE, Terms, decompose, ratios
from kmlp.stats.decomposition.jackknife import Jackknifed
from kmlp.stats.formatting import listed
from kmlp.stats.paired_tests import ALPHA
from kmlp.study.results.baseline import baseline_in_words
from kmlp.study.results.records.base import Estimate, Interval
from kmlp.study.results.records.decompositions import (
    BiasVariance,
    CorrectedRatio,
    CorrectedRatios,
    CrossEntropy,
    Ratios,
    RatiosByLoss,
    SquaredError,
    ZeroOne,
)
from kmlp.study.results.records.members import by_place, by_seed, places, table_of
from kmlp.study.results.records.study import StudyNumbers, StudyScores
from kmlp.study.run_folder import RunFolder

_MIN_SAMPLES = 2
_IN_FULL = 3
_BIAS, _VARIANCE = "bias² + noise", "variance"
_PARTS = {"squared_error": SquaredError, "cross_entropy": CrossEntropy, "zero_one": ZeroOne}
_CORRECTED = ("bias", "variance")
"""The squared error's ratios that sentences are made of: which are told is decided by all."""


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """What the networks of one variant predict that were trained on samples of the training rows.

    Attributes:
        kind: "splits", disjoint parts of equal size, or "bootstrap", draws with replacement.
        samples, seeds: the numbers of the R samples and the S seeds on the first two axes.
        outputs: on the test set, `(R, S, n, num_classes)` log-probabilities or `(R, S, n)`
            numbers of a regression; `float32`.
        truth: `(n,)` class indices or targets.
        left_out: samples of which a network diverged or is not trained, in none of the arrays.
    """

    kind: str
    samples: tuple[int, ...]
    seeds: tuple[int, ...]
    outputs: np.ndarray
    truth: np.ndarray
    left_out: tuple[int, ...] = ()


def resampled(folder: RunFolder, results: StudyScores, variant: str) -> Resampled | None:
    """Reads the predictions of one variant's resampled networks.

    Returns:
        None where the study has no whole sample of this variant.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    members = results.extras("resample", variant)
    seeds, samples = places(members, by_seed), places(members, by_place)
    done = {(m.place, m.seed): m.id for m in members if m.status == "done"}
    whole = [r for r in samples if all((r, s) in done for s in seeds)]
    if not whole or results.groups.resample is None:
        return None
    return Resampled(
        kind=results.groups.resample.kind,
        samples=tuple(whole),
        seeds=tuple(seeds),
        outputs=np.stack(
            [np.stack([folder.test_outputs(done[r, s]) for s in seeds]) for r in whole]
        ),
        truth=folder.test_labels(),
        left_out=tuple(r for r in samples if r not in whole),
    )


def resampled_scores(
    results: StudyScores, variant: str, metric: str, part: str = "test"
) -> np.ndarray:
    """Scores of one variant's resampled networks, `(R, S)`; NaN where there is none."""
    members = results.extras("resample", variant)
    return table_of(members, part, metric, rows=by_place, columns=by_seed)


Load = Callable[[str], Resampled | None]


@dataclass(frozen=True, kw_only=True)
class Decomposed:
    """What one variant's resampled networks predict, and what their error consists of."""

    predicted: Resampled
    terms: Mapping[str, Terms]


def bias_variance(results: StudyScores, load: Load) -> tuple[BiasVariance, ...]:
    """One entry a variant that has networks from two samples or more.

    Args:
        results: of the study.
        load: a variant's name -> what its networks predict; read one at a time, for they are
            large.

    Returns:
        By decomposition each term's value and interval; `versus_baseline` holds the ratios of
        risk, bias and variance. The squared error's ratios of bias and variance have
        `ci95_corrected` too: such intervals of all variants hold together in 95 of 100 studies
        (Bonferroni).
    """
    if results.groups.resample is None:
        return ()
    ours = _decomposed(load(results.baseline))
    level = 1 - ALPHA / max(1, len(_CORRECTED) * (len(results.variants) - 1))
    entries = []
    for variant in results.variants:
        is_baseline = variant.name == results.baseline
        theirs = ours if is_baseline else _decomposed(load(variant.name))
        if theirs is not None:
            versus = None if is_baseline or ours is None else _versus(theirs, ours, level)
            entries.append(_entry(results, variant.name, theirs, versus))
    return tuple(entries)


def _decomposed(predicted: Resampled | None) -> Decomposed | None:
    if predicted is None or len(predicted.samples) < _MIN_SAMPLES:
        return None
    return Decomposed(predicted=predicted, terms=decompose(predicted.outputs, predicted.truth))


def _entry(
    results: StudyScores, name: str, found: Decomposed, versus: RatiosByLoss | None
) -> BiasVariance:
    variant, planned = results.variant(name), results.groups.resample
    assert planned is not None
    return BiasVariance(
        variant=name,
        strength=variant.strength,
        num_samples=len(found.predicted.samples),
        num_seeds=len(found.predicted.seeds),
        left_out=found.predicted.left_out,
        **{loss: _PARTS[loss](**_estimates(loss, terms)) for loss, terms in found.terms.items()},
        versus_baseline=versus,
        resample=f"{planned.kind}:{planned.num_samples}",
        num_train=variant.config.num_train or planned.num_train,
    )


def _versus(theirs: Decomposed, ours: Decomposed, level: float) -> RatiosByLoss | None:
    """Ratios of risk, bias and variance on the samples that both have; None of fewer than two.

    Args:
        theirs, ours: the variant's and the baseline's.
        level: of the corrected intervals.
    """
    samples = (theirs.predicted.samples, ours.predicted.samples)
    terms, reference = theirs.terms, ours.terms
    if samples[0] != samples[1]:
        common = sorted(set(samples[0]) & set(samples[1]))
        if len(common) < _MIN_SAMPLES:
            return None
        terms, reference = (
            decompose(r.outputs[np.isin(r.samples, common)], r.truth)
            for r in (theirs.predicted, ours.predicted)
        )
    return RatiosByLoss.model_validate(
        {loss: _divided(loss, terms, reference, level) for loss in terms}
    )


def _divided(
    loss: str, terms: Mapping[str, Terms], reference: Mapping[str, Terms], level: float
) -> Ratios | CorrectedRatios:
    names = {"risk": "risk", "bias": BIAS[loss], "variance": VARIANCE[loss]}
    divided = ratios(terms[loss], reference[loss])
    found: dict[str, Estimate | None] = {
        f"{part}_ratio": _estimate(divided[name]) if name in divided else None
        for part, name in names.items()
    }
    if loss != "squared_error":
        return Ratios(**found)
    for part in _CORRECTED:
        if ratio := found[f"{part}_ratio"]:
            corrected = divided[names[part]].interval(level)
            found[f"{part}_ratio"] = CorrectedRatio(**dict(ratio), ci95_corrected=corrected)
    return CorrectedRatios.model_validate(found)


def _estimates(loss: str, terms: Terms) -> dict[str, Estimate]:
    """Every part of an error rate is a share of the rows: none ends above all of them."""
    largest = 1.0 if loss == "zero_one" else math.inf
    return {name: _estimate(term, largest) for name, term in terms.items()}


def _estimate(term: Jackknifed, largest: float = math.inf) -> Estimate:
    interval = term.interval()
    if interval is not None:
        interval = (max(interval[0], -largest), min(interval[1], largest))
    return Estimate(value=term.value, ci95=interval)


def decomposition_sentences(results: StudyNumbers) -> list[str]:
    """What the baseline's error consists of, and what the best few do to it."""
    entries = sorted(results.bias_variance, key=lambda entry: entry.squared_error.risk.value)
    if not entries:
        return []
    first = next((e for e in entries if e.variant == results.baseline), entries[0])
    told = [(e, _changes(e.versus_baseline)) for e in entries if e.versus_baseline]
    baseline = baseline_in_words(results)
    return [f"{_drawn(first)}: {_shares(first)}.", *_compared(told, baseline, first)]


def _compared(
    told: Sequence[tuple[BiasVariance, str]], baseline: str, first: BiasVariance
) -> list[str]:
    in_full = [(entry, changes) for entry, changes in told if changes][:_IN_FULL]
    if in_full:
        clauses = "; ".join(f"{entry.label} {changes}" for entry, changes in in_full)
        left = len(told) - len(in_full)
        rest = f"; the other {left} are in the report" if left > 1 else ""
        rest = "; the other one is in the report" if left == 1 else rest
        return [f"Against {baseline} {clauses}{rest} (95 % intervals, corrected for all variants)."]
    if told:
        return [
            f"Neither bias nor variance of any variant can be told from that of {baseline} "
            f"with {first.num_samples} training samples."
        ]
    return []


def _drawn(entry: BiasVariance) -> str:
    seeds = f"{entry.num_seeds} seed{'s' * (entry.num_seeds > 1)}"
    what = "disjoint training samples" if entry.kind == "splits" else "bootstrap draws"
    return f"Over {entry.num_samples} {what} of {entry.num_train:,} rows, {seeds} on each"


def _shares(entry: BiasVariance) -> str:
    """ "none's squared error is 88 % bias² + noise and 12 % variance, three quarters of it ..."."""
    found = entry.squared_error
    risk, variance = found.risk.value, found.variance.value
    if risk <= 0:
        return f"{entry.label} makes no error"
    share = 100 * variance / risk
    text = (
        f"the squared error of {entry.label} is {100 - share:.0f} % {_BIAS} and "
        f"{share:.0f} % variance"
    )
    if entry.num_seeds == 1:
        text += ", where what its one seed does alike on every sample counts as bias"
    sample = found.variance_sample
    if variance > 0 and sample and _is_part(sample.ci95, variance):
        of_sample = 100 * sample.value / variance
        text += (
            f", of which {of_sample:.0f} % comes from the sample and {100 - of_sample:.0f} % "
            "from initial weights, order and masks"
        )
    return text


def _is_part(interval: Interval | None, whole: float) -> bool:
    """Whether all of an interval is more than nothing, and less than the whole."""
    return interval is not None and interval[0] > 0 and interval[1] < whole


def _changes(versus: RatiosByLoss) -> str:
    """ "lowers variance by 31 % (25 to 37 %) and raises ..."; "" where unclear.

    What is told is picked from all variants, so the corrected intervals decide and are shown.
    """
    ratios = versus.squared_error
    clauses: dict[str, list[str]] = {"lowers": [], "raises": [], "changes": []}
    for name, ratio in ((_VARIANCE, ratios.variance_ratio), (_BIAS, ratios.bias_ratio)):
        bounds = ratio and ratio.ci95_corrected
        if not ratio or not bounds or bounds[0] <= 1 <= bounds[1]:
            continue
        if round(100 * (ratio.value - 1)):
            verb = "lowers" if ratio.value < 1 else "raises"
            clauses[verb].append(_change(name, ratio.value, bounds))
        else:
            clauses["changes"].append(f"{name} by less than 1 %")
    said = [f"{verb} {listed(what)}" for verb, what in clauses.items() if what]
    return listed(said) if said else ""


def _change(name: str, ratio: float, bounds: Sequence[float]) -> str:
    low, high = sorted(100 * abs(bound - 1) for bound in bounds)
    return f"{name} by {100 * abs(ratio - 1):.0f} % ({low:.0f} to {high:.0f} %)"
