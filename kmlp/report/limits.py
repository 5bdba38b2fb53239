"""What a study cannot tell, in plain words, with numbers where simulations have them."""

from collections.abc import Mapping
from importlib import resources

import numpy as np
from pydantic import ConfigDict, Field

from kmlp.stats.formatting import listed
from kmlp.study.results.records.base import Record
from kmlp.study.results.records.study import StudyResults

Shares = Mapping[str, Mapping[str, float]]

_FEWEST_CHOSEN_FROM, _FEWEST_TO_CORRELATE = 2, 12
_ROWS = (
    "Where a wider interval is given (the thin lines), it counts both: a two-way bootstrap over "
    "seeds and test rows."
)


class Calibration(Record):
    """What simulations found, as `benchmarks/calibration.py` writes it; other parts are not quoted.

    Attributes:
        num_variants: of the studies without any effect.
        coverage: "t" -> kind of scores -> number of seeds -> share of 95 % intervals that hold the
            truth.
        false_verdicts: kind -> number of seeds -> share of studies without any effect that tell a
            variant apart.
        choice_coverage: correlation of validation and test scores -> share of 95 % intervals of the
            chosen variant's mean that hold the truth.
        second_look_corrected: the same where p counts both looks.
        second_look: their share where seeds are added after a look at the test set.
        rounds_false_verdicts: kind -> "validation", "test" -> share of studies of equal variants
            with a false verdict, where seeds are added in rounds.
        folds: kind of table -> "false_verdicts", the share of studies of equal variants on folds
            that tell one apart; "difference_coverage" and "score_coverage", the shares of 95 %
            intervals that hold the truth.
        sample_coverage: "jackknife" -> number of samples -> kind of effects -> share of intervals
            that hold the truth.
        search_false_verdicts: case -> number of seeds -> share of searches that tell any trial from
            the best which is as good.
        search_choice: sd of trials' true means -> rule -> "points" below the best true trial, and
            "weights" over those of the trial with the best mean.
    """

    model_config = ConfigDict(extra="ignore")

    num_variants: int = 8
    coverage: Mapping[str, Shares] = Field(default_factory=dict)
    false_verdicts: Shares = Field(default_factory=dict)
    second_look: float | None = None
    second_look_corrected: float | None = None
    choice_coverage: Mapping[str, float] = Field(default_factory=dict)
    rounds_false_verdicts: Shares = Field(default_factory=dict)
    sample_coverage: Mapping[str, Shares] = Field(default_factory=dict)
    folds: Shares = Field(default_factory=dict)
    search_false_verdicts: Shares = Field(default_factory=dict)
    search_choice: Mapping[str, Shares] = Field(default_factory=dict)


def limits(results: StudyResults) -> list[str]:
    """The limits of a study's report."""
    return [
        *(_of_folds(results) if results.basis == "folds" else _of_seeds(results)),
        "A variant stands for the strength given here, not for every strength of its kind.",
        *_of_choices(results),
        "One data set and one base network: what helps here may not help elsewhere.",
    ]


def _of_choices(results: StudyResults) -> list[str]:
    """What was not chosen on, and who would."""
    if results.basis == "folds":
        return [
            "Each network on a fold was stopped by validation rows of its own, and its fold had no "
            "say. The variant was chosen by validation rows of the networks that train on all "
            "rows: over the seeds any row may be among these, those of every fold too. The score "
            "of the best is therefore a little flattered, the more the more variants there are; "
            "differences to the baseline, all of which are told, are not. Who now picks by the "
            "scores of this page does choose on the rows that test."
        ]
    return [_read(results)]


def _of_folds(results: StudyResults) -> list[str]:
    """What cross-validation cannot tell."""
    return [
        "Scores are of networks that were trained on a part of the rows. The networks that are "
        "taken away have trained on all of them, and are expected to do a little better; their own "
        "score is not known, nor is their ensemble's.",
        "Folds share training rows, so that the spread of their scores tells too little of the "
        "error; the corrected variance (Nadeau and Bengio) makes up for that by a rule of thumb. "
        "Intervals hold for other rows of the same kind, not for another table.",
        *_folds_simulated(calibration()),
    ]


def _folds_simulated(found: Calibration) -> list[str]:
    """What simulations found of intervals and verdicts over folds; nothing without any."""
    if not found.folds:
        return []
    names = ("false_verdicts", "difference_coverage", "score_coverage")
    said = "; ".join(
        f"{kind}: {listed(f'{100 * shares[name]:.1f} %' for name in names)}"
        for kind, shares in found.folds.items()
    )
    return [
        "How often studies of equal variants on folds told one apart, and how often the 95 % "
        f"intervals of differences and of scores held the truth, simulated: {said}."
    ]


def _of_seeds(results: StudyResults) -> list[str]:
    """What seeds on one test set cannot tell."""
    has_rows = any(v.test_ci95_seeds_and_rows for v in results.variants)
    return [
        f"Seeds tell how much {_varied(results)} matter. They say nothing of the test set's own "
        "sampling error, which all variants share" + _of_test_rows(results),
        _of_training_rows(results),
        *([_ROWS] if has_rows else []),
        *_of_the_choice(results),
        *simulated(calibration()),
        *_simulated_beyond(results, calibration()),
    ]


def _varied(results: StudyResults) -> str:
    """What differs by seed; rows that are given, or the last ones, validate for all of them."""
    if results.dataset.validation:
        return "initial weights, data order and masks"
    return "initial weights, data order, masks and the validation split"


def _of_training_rows(results: StudyResults) -> str:
    """That they are one sample, of which no interval of the main table knows."""
    text = (
        "The training rows are one sample as well: with other rows all means would move, and "
        "differences too. No interval over seeds, or over seeds and test rows, counts that"
    )
    if results.bias_variance or results.cross_validation:
        return (
            text + "; what other samples of the training rows did stands in a section of its own."
        )
    return text + "; networks on samples of the rows would show it (--resample splits:5)."


def _read(results: StudyResults) -> str:
    """How often these test rows were read in this folder."""
    number = 1 + len(results.earlier_readings)
    if number == 1:
        times = "Nothing was chosen on the test set: it was read once a network, at the epoch that "
        times += "validation chose, and as far as this folder knows by one run. "
    else:
        times = (
            "Nothing was chosen on the test set, each network being scored at the epoch that "
            f"validation chose; but this folder's test rows were read by {number} runs, with "
            "other seeds, variants or metrics each time. "
        )
    return times + (
        "What other folders read of the same rows is not counted. But who now picks by the test "
        "scores of this page, does choose on it."
    )


def _of_the_choice(results: StudyResults) -> list[str]:
    """How far the choice on validation may flatter the test scores of what was chosen."""
    unit, r = results.unit(), _correlation(results)
    if r is None or len(results.variants) < _FEWEST_CHOSEN_FROM:
        return []
    covered = ", ".join(
        f"{100 * share:.0f} % with one of {correlation}"
        for correlation, share in calibration().choice_coverage.items()
    )
    return [
        f"The best was chosen on validation rows. Its test {unit.title} is flattered by that as "
        "far as both scores of a network rise and fall together: within variants their correlation "
        f"here is {r:+.2f}. Of eight equal variants the 95 % interval of the chosen one holds the "
        f"truth, simulated, in {covered}."
    ]


def _correlation(results: StudyResults) -> float | None:
    """Of validation and test scores over seeds, each variant's mean taken off; None of too few."""
    pairs = []
    for variant in results.variants:
        own = [m for m in results.finished(variant.name) if m.val]
        scores = np.array([[m.score(p, results.metric.name) for p in ("val", "test")] for m in own])
        if len(scores) > 1:
            pairs.append(scores - scores.mean(axis=0))
    if sum(map(len, pairs)) < _FEWEST_TO_CORRELATE:
        return None
    val, test = np.concatenate(pairs).T
    return float(np.corrcoef(val, test)[0, 1]) if val.any() and test.any() else None


def simulated(found: Calibration) -> list[str]:
    """What simulations found of the intervals and the verdicts; nothing where there are none."""
    sentences = []
    if coverage := found.coverage.get("t"):
        sentences.append(
            f"How often the 95 % interval over seeds holds the truth, simulated: {_said(coverage)}."
        )
    if false := found.false_verdicts:
        sentences.append(
            f"How often a study of {found.num_variants} variants without any "
            f"effect tells one of them apart from the baseline, simulated: {_said(false)}."
        )
    if second := found.second_look:
        sentences.append(
            f"Who looks at the verdict and then adds seeds errs more: {100 * second:.1f} % of "
            f"such studies told one apart{_corrected(found)}."
        )
    return sentences


def _corrected(found: Calibration) -> str:
    if found.second_look_corrected is None:
        return ""
    return (
        f", {100 * found.second_look_corrected:.1f} % where p counts both looks, as it does in a "
        "folder that is extended"
    )


def _simulated_beyond(results: StudyResults, found: Calibration) -> list[str]:
    """What simulations found of added seeds and of training samples, where a study has them."""
    sentences = []
    if (false := found.rounds_false_verdicts) and results.looks:
        said = "; ".join(
            f"{kind}: {100 * by['validation']:.1f} % on validation, {100 * by['test']:.1f} % on "
            "the test set"
            for kind, by in false.items()
        )
        sentences.append(
            f"How often a study that adds seeds as this one tells equal variants apart, "
            f"simulated: {said}."
        )
    if (coverage := found.sample_coverage) and results.bias_variance:
        said = "; ".join(
            f"{100 * min(by.values()):.0f} to {100 * max(by.values()):.0f} % at {n}"
            for n, by in coverage["jackknife"].items()
        )
        sentences.append(
            "How often a 95 % interval over training samples holds the true variance, simulated "
            f"by kind of effects: {said} samples."
        )
    return sentences


def _said(shares: Shares) -> str:
    """Kind of data -> number of seeds -> share, as "normal: 94.8 % at 5, 95.1 % at 10 seeds"."""
    return "; ".join(
        f"{kind}: {', '.join(f'{100 * share:.1f} % at {n}' for n, share in by.items())} seeds"
        for kind, by in shares.items()
    )


def calibration() -> Calibration:
    """What was simulated; nothing where the file is missing."""
    path = resources.files("kmlp.report") / "calibration.json"
    if not path.is_file():
        return Calibration()
    return Calibration.model_validate_json(path.read_text(encoding="utf-8"))


def _of_test_rows(results: StudyResults) -> str:
    """How far the score of one network may lie from that on endless test rows."""
    unit, rows = results.unit(), results.dataset.num_test
    if unit.metric != "accuracy" or not results.best:
        return "."
    share = results.variant(results.best.variant).test[unit.metric].mean
    half = 1.96 * (share * (1 - share) / rows) ** 0.5
    return (
        f": with {rows:,} rows the accuracy of one network, of {unit.with_unit(share)}, is known "
        f"to about ±{unit.value(half)} points. The mean of several networks, and differences on "
        "the same rows, are known better."
    )
