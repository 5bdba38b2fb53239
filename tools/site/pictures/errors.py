"""Pictures of how often tests err: many variants, many looks, folds that share rows."""

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from kmlp.report.plots.palette import PALETTE
from kmlp.stats.cross_validation import fold_interval
from kmlp.stats.group_sequential import SCHEDULE, replay
from kmlp.stats.paired_tests import holm, sign_flip_p
from kmlp.stats.summaries import t_interval
from tools.site.pictures.picture import Picture

STUDIES = 500
PLAIN, KEPT = "worse", "better"  # colours: the naive way, and kmlp's


def many() -> Picture:
    """Studies in which no variant differs from the baseline that all are compared with: how often
    one is called different all the same."""
    counts = (1, 2, 4, 8, 15)
    rng = np.random.default_rng(3)
    plain, corrected = [], []
    for m in counts:
        scores = rng.normal(size=(STUDIES, m + 1, 10))  # the baseline's first
        p = [[sign_flip_p(own - s[0]) for own in s[1:]] for s in scores]
        plain.append(100 * np.mean([min(values) < 0.05 for values in p]))
        corrected.append(100 * np.mean([min(holm(values)) < 0.05 for values in p]))

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(counts, plain, "o-", color=PALETTE[PLAIN], label="p as it is")
        axes.plot(counts, corrected, "o-", color=PALETTE[KEPT], label="corrected by Holm")
        axes.axhline(5, color=PALETTE["ink"], linewidth=0.8)
        axes.set(xlabel="variants that do nothing", ylabel="studies with a false finding, %")
        axes.set(ylim=(0, None), xticks=counts)
        axes.legend()
        return figure

    return Picture(
        f"Of {STUDIES} simulated studies whose variants do nothing, {plain[0]:.0f} % with one "
        f"variant find a difference, and {plain[-1]:.0f} % with {counts[-1]}. With Holm's "
        f"correction {corrected[-1]:.0f} % do.",
        draw,
    )


def looks() -> Picture:
    """Seeds are added until something is found; there is nothing to find."""
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(STUDIES, 2, SCHEDULE[-1]))
    p = np.array([[sign_flip_p(a[:n] - b[:n]) for n in SCHEDULE] for a, b in scores])
    peeking = [100 * np.mean((p[:, : k + 1] < 0.05).any(axis=1)) for k in range(len(SCHEDULE))]
    planned = 100 * np.mean(
        [
            replay({"none": list(a), "x": list(b)}, baseline="none").status["x"] != "undecided"
            for a, b in scores
        ]
    )

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.4), layout="constrained")
        axes = figure.subplots()
        labels = [f"after {n} seeds" for n in SCHEDULE]
        bars = [*peeking, planned]
        shades = [PALETTE[PLAIN]] * len(peeking) + [PALETTE[KEPT]]
        names = [f"looked {label}" for label in labels[:1]]
        names += [f"or {label}" for label in labels[1:]]
        places = -np.arange(len(bars))
        axes.barh(places, bars, color=shades, height=0.6)
        axes.set_yticks(places, [*names, "looks planned: --seeds auto"])
        axes.axvline(5, color=PALETTE["ink"], linewidth=0.8)
        axes.set(xlabel="studies with a false finding, %")
        axes.grid(axis="y", visible=False)
        return figure

    return Picture(
        f"Of {STUDIES} simulated studies with nothing to find, {peeking[0]:.0f} % find something "
        f"at 10 seeds, {peeking[-1]:.0f} % if 20 and 40 are tried, too, until something is found; "
        f"{planned:.0f} % where the looks are planned.",
        draw,
    )


def _fold_scores(rng: np.random.Generator, num_rows: int, repeats: int) -> np.ndarray:
    """`(repeats, 5)` accuracies of a nearest-mean classifier, cross-validated on new rows."""
    y = np.arange(num_rows) % 2
    x = rng.normal(size=(num_rows, 10)) + 0.25 * y[:, None]
    table = []
    for _ in range(repeats):
        parts = np.array_split(rng.permutation(num_rows), 5)
        table.append([_accuracy(x, y, part) for part in parts])
    return np.array(table)


def _accuracy(x: np.ndarray, y: np.ndarray, held_out: np.ndarray) -> float:
    kept = np.setdiff1d(np.arange(len(y)), held_out)
    means = np.stack([x[kept][y[kept] == c].mean(axis=0) for c in (0, 1)])
    distances = ((x[held_out][:, None] - means) ** 2).sum(axis=2)
    return float((distances.argmin(axis=1) == y[held_out]).mean())


def folds() -> Picture:
    """How often intervals over folds hold the classifier's true accuracy, by the repeats."""
    rng = np.random.default_rng(6)
    num_rows, repeats = 100, (1, 2, 4, 8)
    # What 80 rows teach, scored by the distribution itself.
    truth = float(np.mean([_true_accuracy(rng, num_rows * 4 // 5) for _ in range(4000)]))
    tables = [_fold_scores(rng, num_rows, repeats[-1]) for _ in range(STUDIES)]
    plain, corrected = [], []
    for n in repeats:
        intervals = [t_interval(table[:n].ravel()) for table in tables]
        wider = [fold_interval(table[:n], num_train=80, num_test=20) for table in tables]
        for kept, found in ((plain, intervals), (corrected, wider)):
            kept.append(100 * np.mean([low <= truth <= high for low, high in found]))

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(repeats, plain, "o-", color=PALETTE[PLAIN], label="as if folds were independent")
        axes.plot(repeats, corrected, "o-", color=PALETTE[KEPT], label="Nadeau and Bengio")
        axes.axhline(95, color=PALETTE["ink"], linewidth=0.8)
        axes.set(xlabel="repeats of five folds", ylabel="intervals that hold, %", ylim=(40, 101))
        axes.set_xticks(repeats)
        axes.legend(loc="lower left")
        return figure

    return Picture(
        f"Of {STUDIES} simulated tables of {num_rows} rows, the plain t interval over folds holds "
        f"the truth on {plain[0]:.0f} % with one repeat and on {plain[-1]:.0f} % with "
        f"{repeats[-1]}; with Nadeau and Bengio's variance on {corrected[0]:.0f} % and "
        f"{corrected[-1]:.0f} %.",
        draw,
    )


def _true_accuracy(rng: np.random.Generator, num_rows: int) -> float:
    """Of the classifier that `num_rows` new rows teach: both classes are normal."""
    half = num_rows // 2
    low = rng.normal(size=(half, 10)).mean(axis=0)
    high = 0.25 + rng.normal(size=(half, 10)).mean(axis=0)
    direction, middle = high - low, (high + low) / 2
    length = np.linalg.norm(direction)
    right_low = stats.norm.cdf(direction @ middle / length)
    right_high = stats.norm.cdf(direction @ (0.25 - middle) / length)
    return float((right_low + right_high) / 2)


PICTURES = {"many": many, "looks": looks, "folds": folds}
