"""What a study cannot tell, in plain words, with numbers where simulations have them."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from kmlp.study.results.records.study import StudyResults

_ROWS = (
    "Where a wider interval is given (the thin lines), it counts both: a two-way bootstrap over "
    "seeds and test rows."
)


def limits(results: StudyResults) -> list[str]:
    """The limits of a study's report."""
    has_rows = any(v.test_ci95_seeds_and_rows for v in results.variants)
    return [
        "Seeds tell how much initial weights, data order, masks and the validation split matter. "
        "They say nothing of the test set's own sampling error, which all variants share"
        + _of_test_rows(results),
        *([_ROWS] if has_rows else []),
        *simulated(_calibration()),
        *_simulated_beyond(results, _calibration() or {}),
        "A variant stands for the strength given here, not for every strength of its kind.",
        "Nothing was chosen on the test set: it was read once a network, at the epoch that "
        "validation chose. But who now picks by the test scores of this page, does choose on it.",
        "One data set and one base network: what helps here may not help elsewhere.",
    ]


def simulated(calibration: Mapping[str, Any] | None) -> list[str]:
    """What simulations found of the intervals and the verdicts; nothing where there are none.

    Args:
        calibration: `coverage`, `t`: kind of scores -> number of seeds -> share of 95 % intervals
            that hold the truth; `false_verdicts`: the same of studies without any effect that
            tell a variant apart; `num_variants` of these studies; `second_look`: their share
            where seeds are added after a look at the test set.
    """
    if not calibration:
        return []
    sentences = []
    if coverage := calibration.get("coverage", {}).get("t"):
        sentences.append(
            f"How often the 95 % interval over seeds holds the truth, simulated: {_said(coverage)}."
        )
    if false := calibration.get("false_verdicts"):
        sentences.append(
            f"How often a study of {calibration.get('num_variants', 8)} variants without any "
            f"effect tells one of them apart from the baseline, simulated: {_said(false)}."
        )
    if second := calibration.get("second_look"):
        sentences.append(
            f"Who looks at the verdict and then adds seeds errs more: {100 * second:.1f} % of "
            "such studies told one apart."
        )
    return sentences


def _simulated_beyond(results: StudyResults, calibration: Mapping[str, Any]) -> list[str]:
    """What simulations found of added seeds and of training samples, where a study has them.

    Args:
        results: of a study.
        calibration: `rounds_false_verdicts`: kind of scores -> "validation", "test" -> share of
            studies of equal variants with a false verdict; `sample_coverage`: "jackknife" ->
            number of samples -> kind of effects -> share of intervals that hold the truth.
    """
    sentences = []
    if (false := calibration.get("rounds_false_verdicts")) and results.looks:
        said = "; ".join(
            f"{kind}: {100 * by['validation']:.1f} % on validation, {100 * by['test']:.1f} % on "
            "the test set"
            for kind, by in false.items()
        )
        sentences.append(
            f"How often a study that adds seeds as this one tells equal variants apart, "
            f"simulated: {said}."
        )
    if (coverage := calibration.get("sample_coverage")) and results.bias_variance:
        said = "; ".join(
            f"{100 * min(by.values()):.0f} to {100 * max(by.values()):.0f} % at {n}"
            for n, by in coverage["jackknife"].items()
        )
        sentences.append(
            "How often a 95 % interval over training samples holds the true variance, simulated "
            f"by kind of effects: {said} samples."
        )
    return sentences


def _said(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Kind of data -> number of seeds -> share, as "normal: 94.8 % at 5, 95.1 % at 10 seeds"."""
    return "; ".join(
        f"{kind}: {', '.join(f'{100 * share:.1f} % at {n}' for n, share in by.items())} seeds"
        for kind, by in shares.items()
    )


def _calibration() -> Mapping[str, Any] | None:
    path = resources.files("kmlp.report") / "calibration.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _of_test_rows(results: StudyResults) -> str:
    """How far the score of one network may lie from that on endless test rows."""
    unit, rows = results.unit(), results.dataset.num_test
    means = [v.test[unit.metric].mean for v in results.variants if v.num_members]
    if unit.metric != "accuracy" or not means:
        return "."
    share = max(means)
    half = 1.96 * (share * (1 - share) / rows) ** 0.5
    return (
        f": with {rows:,} rows an accuracy of {unit.with_unit(share)} is known to about "
        f"±{unit.value(half)} points. Differences on the same rows are known better."
    )
