"""How far a verdict on folds can be trusted, on made-up tables; part of `calibration.py`.

A variant is a least-squares fit that ignores one column of its own. All columns tell equally much,
so that no variant is better, but on any one table they differ, and on every fold of it alike: what
folds that share rows cannot see.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
from simulated import percent, table

from kmlp.config.study import NUM_FOLDS, NUM_REPEATS
from kmlp.data.sampling import Sample, stratified_split
from kmlp.stats import paired_tests
from kmlp.study.results.fold_scores import FoldScores, of_tables
from kmlp.study.results.records.folds import FoldPlan
from kmlp.study.results.records.variants import Versus

VARIANTS = ("a", "b", "c", "d")
COLUMNS = 8
ROWS = (100, 500)
Score = Callable[[np.ndarray, np.ndarray], float]


class Kind(NamedTuple):
    """A kind of table.

    Attributes:
        name: in words.
        metric: that is compared.
        score: it, of targets and what was fitted.
        noise: `(n,)` errors of unit variance; what else is in a target has as much as they have.
    """

    name: str
    metric: str
    score: Score
    noise: Callable[[np.random.Generator, int], np.ndarray]


def _normal(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.normal(size=size)


def _heavy(rng: np.random.Generator, size: int) -> np.ndarray:
    """Student's t of three degrees: a few rows weigh as much as all others."""
    return rng.standard_t(3, size) / 3**0.5


def _accuracy(y: np.ndarray, fit: np.ndarray) -> float:
    return float(((fit > 0) == (y > 0)).mean())


def _rmse(y: np.ndarray, fit: np.ndarray) -> float:
    return float(np.sqrt(np.square(y - fit).mean()))


KINDS = (
    Kind("accuracy", "accuracy", _accuracy, _normal),
    Kind("RMSE", "rmse", _rmse, _normal),
    Kind("RMSE with outliers", "rmse", _rmse, _heavy),
)


class Judged(NamedTuple):
    """What one study says of its table."""

    has_verdict: bool
    differences: list[tuple[float, float]]
    score: float
    interval: tuple[float, float]


def fold_calibration(studies: int) -> dict[str, dict[str, float]]:
    """Kind of table -> false verdicts of studies of equal variants; coverage of the intervals."""
    return {
        f"{kind.name}, {rows} rows": _shares(
            [_judged(_fold_scores(kind, rows, seed)) for seed in range(studies // 4)]
        )
        for kind in KINDS
        for rows in ROWS
    }


def _shares(judged: list[Judged]) -> dict[str, float]:
    """Of cross-validation the mean is that of endless tables: it is not biased."""
    truth = np.mean([one.score for one in judged])
    differences = [interval for one in judged for interval in one.differences]
    shares = {
        "false_verdicts": [one.has_verdict for one in judged],
        "difference_coverage": [low < 0 < high for low, high in differences],
        "score_coverage": [one.interval[0] < truth < one.interval[1] for one in judged],
    }
    return {name: round(float(np.mean(found)), 4) for name, found in shares.items()}


def _judged(scores: FoldScores) -> Judged:
    baseline, *variants = VARIANTS
    compared = [found for v in variants if (found := scores.compare(v, baseline))]
    corrected = paired_tests.holm([one.p for one in compared])
    verdicts = [
        Versus(**asdict(one), p_holm=p).is_significant
        for one, p in zip(compared, corrected, strict=True)
    ]
    summary = scores.summaries(baseline)[scores.metric]
    assert summary.ci95
    return Judged(any(verdicts), [one.ci95 for one in compared], summary.mean, summary.ci95)


def _fold_scores(kind: Kind, num_rows: int, seed: int) -> FoldScores:
    """A study of equal variants on a table of its own."""
    rng = np.random.default_rng(np.random.SeedSequence((num_rows, seed)))
    x = rng.normal(size=(num_rows, COLUMNS))
    y = x.sum(axis=1) + COLUMNS**0.5 * kind.noise(rng, num_rows)
    is_binary = kind.metric == "accuracy"
    y = np.sign(y) if is_binary else y
    labels = (y > 0).astype(int) if is_binary else np.zeros(num_rows, int)
    tables = {v: {kind.metric: np.empty((NUM_REPEATS, NUM_FOLDS))} for v in VARIANTS}
    for repeat in range(NUM_REPEATS):
        for fold in range(NUM_FOLDS):
            fitted, held_out = _rows(labels, repeat, fold)
            for place, variant in enumerate(VARIANTS):
                used = np.arange(COLUMNS) != place
                weights = np.linalg.lstsq(x[fitted][:, used], y[fitted], rcond=None)[0]
                score = kind.score(y[held_out], x[held_out][:, used] @ weights)
                tables[variant][kind.metric][repeat, fold] = score
    plan = FoldPlan(
        num_folds=NUM_FOLDS,
        num_repeats=NUM_REPEATS,
        num_train=len(fitted),
        num_held_out=-(-num_rows // NUM_FOLDS),
    )
    return of_tables(tables, plan, metric=kind.metric, num_train=dict.fromkeys(VARIANTS))


def _rows(labels: np.ndarray, repeat: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """What a network's weights are fitted to, without a sixth that validates; and its fold."""
    rows = np.arange(len(labels))
    sample = Sample(kind="folds", index=fold, of=NUM_FOLDS, seed=repeat)
    given = sample.take(rows, labels)
    kept, _ = stratified_split(labels[given], 1 / 6, np.random.default_rng(repeat))
    return given[kept], sample.held_out(rows, labels)


def fold_table(found: dict[str, dict[str, float]]) -> str:
    """The numbers as Markdown."""
    names = ("false_verdicts", "difference_coverage", "score_coverage")
    return table(
        f"Verdicts on {NUM_FOLDS} folds, {NUM_REPEATS} repeats, {len(VARIANTS)} equal variants",
        ["false verdicts", "coverage of a difference", "coverage of a score"],
        [(kind, *(percent(shares[n]) for n in names)) for kind, shares in found.items()],
    )
