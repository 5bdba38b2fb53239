"""Bias and variance of every variant, as `results.json` holds them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmlp.stats.decomposition.bias_variance import BIAS, VARIANCE, Terms, decompose, ratios
from kmlp.stats.decomposition.jackknife import Jackknifed
from kmlp.stats.formatting import listed
from kmlp.stats.paired_tests import ALPHA
from kmlp.study.results.extra_members import axis_values, members_of, named, table_of
from kmlp.study.results.ranking import label
from kmlp.study.run_folder import RunFolder

Results = Mapping[str, Any]


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


def resampled(folder: RunFolder, results: Results, variant: str) -> Resampled | None:
    """Reads the predictions of one variant's resampled networks.

    Returns:
        None where the study has no whole sample of this variant.

    Raises:
        RunFolderError: arrays are missing or damaged.
    """
    members = members_of(results, "resample", variant)
    seeds, samples = axis_values(members, "seed"), axis_values(members, "place")
    done = {(m["place"], m["seed"]): m["id"] for m in members if m["status"] == "done"}
    whole = [r for r in samples if all((r, s) in done for s in seeds)]
    if not whole:
        return None
    regression = results["dataset"]["task"] == "regression"
    name = "test_predictions" if regression else "test_log_probabilities"
    return Resampled(
        kind=results["groups"]["resample"]["kind"],
        samples=tuple(whole),
        seeds=tuple(seeds),
        outputs=np.stack(
            [np.stack([folder.arrays(done[r, s])[name] for s in seeds]) for r in whole]
        ),
        truth=folder.test_labels(),
        left_out=tuple(r for r in samples if r not in whole),
    )


def resampled_scores(results: Results, variant: str, metric: str, part: str = "test") -> np.ndarray:
    """Scores of one variant's resampled networks, `(R, S)`; NaN where there is none."""
    members = members_of(results, "resample", variant)
    return table_of(members, "place", "seed", part, metric)


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


def bias_variance_part(results: Results, folder: RunFolder) -> list[dict[str, Any]]:
    entries = bias_variance(
        lambda variant: resampled(folder, results, variant),
        results["variants"],
        baseline=results["baseline"],
    )
    planned = results["groups"]["resample"]
    rows = {v["name"]: v["config"].get("num_train") for v in results["variants"]}
    return [
        {
            **entry,
            "resample": f"{planned['kind']}:{planned['num_samples']}",
            "num_train": rows[entry["variant"]] or planned["num_train"],
        }
        for entry in entries
    ]


Entry = Mapping[str, Any]


_IN_FULL = 3


_BIAS = "bias² + noise"


_VARIANCE = "variance"


def decomposition_sentences(results: Results) -> list[str]:
    """What the baseline's error consists of, and what the best few do to it."""
    entries = sorted(
        results["bias_variance"], key=lambda entry: entry["squared_error"]["risk"]["value"]
    )
    if not entries:
        return []
    first = next((e for e in entries if e["variant"] == results["baseline"]), entries[0])
    sentences = [f"{_drawn(first)}: {_shares(first)}."]
    compared = [e for e in entries if e["versus_baseline"]]
    told = [(e, _changes(e)) for e in compared]
    in_full = [(e, changes) for e, changes in told if changes][:_IN_FULL]
    if in_full:
        clauses = [f"{label(named(e))} {changes}" for e, changes in in_full]
        left = len(told) - len(in_full)
        rest = f"; the other {left} are in the report" if left > 1 else ""
        rest = "; the other one is in the report" if left == 1 else rest
        sentences.append(
            f"Against {results['baseline']} {'; '.join(clauses)}{rest} (95 % intervals, corrected "
            "for all variants)."
        )
    elif told:
        sentences.append(
            f"Neither bias nor variance of any variant can be told from {results['baseline']}'s "
            f"with {first['num_samples']} training samples."
        )
    return sentences


def _drawn(entry: Entry) -> str:
    kind = entry["resample"].partition(":")[0]
    seeds = f"{entry['num_seeds']} seed{'s' * (entry['num_seeds'] > 1)}"
    what = "disjoint training samples" if kind == "splits" else "bootstrap draws"
    return f"Over {entry['num_samples']} {what} of {entry['num_train']:,} rows, {seeds} on each"


def _shares(entry: Entry) -> str:
    """ "none's squared error is 88 % bias² + noise and 12 % variance, three quarters of it ..."."""
    found = entry["squared_error"]
    risk, variance = found["risk"]["value"], found["variance"]["value"]
    if risk <= 0:
        return f"{label(named(entry))} makes no error"
    share = 100 * variance / risk
    text = (
        f"the squared error of {label(named(entry))} is {100 - share:.0f} % {_BIAS} and "
        f"{share:.0f} % variance"
    )
    if entry["num_seeds"] == 1:
        text += ", where what its one seed does alike on every sample counts as bias"
    interval = found.get("variance_sample", {}).get("ci95")
    if variance > 0 and interval and interval[0] > 0 and interval[1] < variance:
        of_sample = 100 * found["variance_sample"]["value"] / variance
        text += (
            f", of which {of_sample:.0f} % comes from the sample and {100 - of_sample:.0f} % "
            "from initial weights, order and masks"
        )
    return text


def _changes(entry: Entry) -> str:
    """ "lowers variance by 31 % (25 to 37 %) and raises ..."; "" where unclear.

    What is told is picked from all variants, so the corrected intervals decide and are shown.
    """
    ratios = entry["versus_baseline"].get("squared_error", {})
    clauses: dict[str, list[str]] = {"lowers": [], "raises": [], "changes": []}
    for name, part in ((_VARIANCE, "variance"), (_BIAS, "bias")):
        ratio = ratios.get(f"{part}_ratio")
        bounds = ratio and ratio["ci95_corrected"]
        if not bounds or bounds[0] <= 1 <= bounds[1]:
            continue
        if round(100 * (ratio["value"] - 1)):
            clauses["lowers" if ratio["value"] < 1 else "raises"].append(_change(name, ratio))
        else:
            clauses["changes"].append(f"{name} by less than 1 %")
    said = [f"{verb} {listed(what)}" for verb, what in clauses.items() if what]
    return listed(said) if said else ""


def _change(name: str, ratio: Mapping[str, Any]) -> str:
    changes = sorted(100 * abs(bound - 1) for bound in ratio["ci95_corrected"])
    return (
        f"{name} by {100 * abs(ratio['value'] - 1):.0f} % ({changes[0]:.0f} to {changes[1]:.0f} %)"
    )
