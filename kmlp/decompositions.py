"""Bias and variance of every variant, as `results.json` holds them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.bias_variance import BIAS, VARIANCE, Terms, decompose, ratios
from kmlp.groups import Resampled
from kmlp.jackknife import Jackknifed
from kmlp.stats import ALPHA

_MIN_SAMPLES = 2
_CORRECTED = ("bias", "variance")
"""The squared error's ratios that sentences are made of: which are told is decided by all."""

Load = Callable[[str], Resampled | None]


def bias_variance(
    load: Load, variants: Sequence[Mapping[str, Any]], *, baseline: str
) -> list[dict[str, Any]]:
    """One entry a variant that has networks from two samples or more.

    Args:
        load: a variant's name -> what its networks predict; read one at a time, for they are
            large.
        variants: the variants' entries in the results.
        baseline: which of them all others are divided by.

    Returns:
        By decomposition ("squared_error", "cross_entropy", "zero_one") each term's value and
        interval; `versus_baseline` holds the ratios of risk, bias and variance, None of the
        baseline itself. The squared error's ratios of bias and variance have `ci95_corrected`
        too: such intervals of all variants hold together in 95 of 100 studies (Bonferroni).
    """
    ours = load(baseline)
    if ours is not None and len(ours.samples) < _MIN_SAMPLES:
        ours = None
    reference = decompose(ours.outputs, ours.truth) if ours else {}
    level = 1 - ALPHA / max(1, len(_CORRECTED) * (len(variants) - 1))
    entries = []
    for variant in variants:
        name = variant["name"]
        theirs = ours if name == baseline else load(name)
        if theirs is None or len(theirs.samples) < _MIN_SAMPLES:
            continue
        terms = reference if name == baseline else decompose(theirs.outputs, theirs.truth)
        versus = None
        if ours and name != baseline:
            versus = _versus(*_paired(theirs, terms, ours, reference), level)
        entries.append(
            {
                "variant": name,
                "strength": variant["strength"],
                "num_samples": len(theirs.samples),
                "num_seeds": len(theirs.seeds),
                "left_out": list(theirs.left_out),
                **{loss: _written(loss, found) for loss, found in terms.items()},
                "versus_baseline": versus,
            }
        )
    return entries


Decomposed = Mapping[str, Terms]


def _paired(
    theirs: Resampled, terms: Decomposed, ours: Resampled, reference: Decomposed
) -> tuple[Decomposed, Decomposed]:
    """Both decompositions on the samples that both have; nothing on fewer than two."""
    if theirs.samples == ours.samples:
        return terms, reference
    common = sorted(set(theirs.samples) & set(ours.samples))
    if len(common) < _MIN_SAMPLES:
        return {}, {}
    first, second = (
        decompose(r.outputs[np.isin(r.samples, common)], r.truth) for r in (theirs, ours)
    )
    return first, second


def _versus(
    terms: Decomposed, reference: Decomposed, level: float
) -> dict[str, dict[str, Any]] | None:
    """Ratios of risk, bias and variance; None where one of the two is not positive.

    Args:
        terms, reference: the variant's and the baseline's, from the same samples.
        level: of the corrected intervals.
    """
    found: dict[str, dict[str, Any]] = {}
    for loss, own in terms.items():
        names = {"risk": "risk", "bias": BIAS[loss], "variance": VARIANCE[loss]}
        divided = ratios(own, reference[loss])
        found[loss] = {
            f"{part}_ratio": _estimate(divided[name]) if name in divided else None
            for part, name in names.items()
        }
        for part in _CORRECTED if loss == "squared_error" else ():
            if ratio := found[loss][f"{part}_ratio"]:
                ratio["ci95_corrected"] = divided[names[part]].interval(level)
    return found or None


def _written(loss: str, terms: Terms) -> dict[str, Any]:
    """Every part of an error rate is a share of the rows: none ends above all of them."""
    largest = 1.0 if loss == "zero_one" else math.inf
    return {name: _estimate(term, largest) for name, term in terms.items()}


def _estimate(term: Jackknifed, largest: float = math.inf) -> dict[str, Any]:
    interval = term.interval()
    if interval is not None:
        interval = (max(interval[0], -largest), min(interval[1], largest))
    return {"value": term.value, "ci95": interval}
