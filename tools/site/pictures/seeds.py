"""Pictures of what seeds tell: intervals, pairs, sign flips, and what the test rows leave open."""

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kmlp.report.plots.palette import PALETTE
from kmlp.stats.paired_tests import compare_paired, sign_flip_p
from kmlp.stats.summaries import t_interval, wilson_interval
from kmlp.stats.unpaired_tests import compare_unpaired
from tools.site.pictures.picture import Picture

TRUTH, SPREAD = 88.0, 0.3  # accuracy in percent, and its standard deviation over seeds


def coverage() -> Picture:
    """Studies of ten seeds each, all of the same network; the first hundred are drawn."""
    scores = np.random.default_rng(0).normal(TRUTH, SPREAD, (10_000, 10))
    intervals = np.array([t_interval(study) for study in scores])
    holds = (intervals[:, 0] <= TRUTH) & (intervals[:, 1] >= TRUTH)
    share = 100 * holds.mean()
    intervals, holds = intervals[:100], holds[:100]

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        for study, ((low, high), held) in enumerate(zip(intervals, holds, strict=True)):
            shade = PALETTE["baseline" if held else "worse"]
            axes.plot([study, study], [low, high], color=shade, linewidth=1.2 + (not held))
        axes.axhline(TRUTH, color=PALETTE["ink"], linewidth=0.8)
        axes.set(xlabel="study", ylabel="mean accuracy, %", xlim=(-1, 100))
        axes.grid(axis="x", visible=False)
        return figure

    found = int(holds.sum())
    return Picture(
        f"95 % intervals of a hundred studies of ten seeds each: {found} hold the true mean of "
        f"{TRUTH:.0f} %, {100 - found} miss it, in orange; of 10,000 such studies {share:.1f} % "
        "hold it.",
        draw,
    )


def pairing() -> Picture:
    """Two variants over the same eight seeds: what a seed does to both cancels."""
    rng = np.random.default_rng(5)
    luck = rng.normal(0, 0.35, 8)
    none = TRUTH + luck + rng.normal(0, 0.08, 8)
    dropout = TRUTH + 0.25 + luck + rng.normal(0, 0.08, 8)
    paired = compare_paired(dropout, none, higher_is_better=True)
    apart = compare_unpaired(dropout, none)
    rows = {"seed by seed": (paired.ci95, paired.p), "as if unpaired": (apart.ci95, apart.p)}

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for a, b in zip(none, dropout, strict=True):
            left.plot([0, 1], [a, b], "o-", color=PALETTE["baseline"], linewidth=1, markersize=4)
        left.set_xticks([0, 1], ["none", "dropout"])
        left.set(xlim=(-0.3, 1.3), ylabel="accuracy, %", title="One line a seed")
        _differences(right, rows, (dropout - none).mean())
        return figure

    return Picture(
        f"Eight seeds, dropout better on {paired.wins}. Taken seed by seed the difference's 95 % "
        f"interval is {paired.ci95[0]:.2f} to {paired.ci95[1]:.2f} points (p = {paired.p:.3f}); "
        f"taken as two heaps {apart.ci95[0]:.2f} to {apart.ci95[1]:.2f} (p = {apart.p:.2f}).",
        draw,
    )


def _differences(axes: Axes, rows: dict, mean: float) -> None:
    for place, (label, (interval, p)) in enumerate(rows.items()):
        shade = PALETTE["better" if p < 0.05 else "unclear"]
        axes.plot(interval, [-place, -place], color=shade, linewidth=3)
        axes.plot([mean], [-place], "o", color=shade, markersize=6)
        axes.text(interval[0], 0.18 - place, f"{label}: p = {p:.3f}", fontsize=8.5)
    axes.axvline(0, color=PALETTE["ink"], linewidth=0.8)
    axes.set_yticks([])
    axes.set(ylim=(-1.5, 0.6), xlabel="dropout minus none, points", title="The same differences")


def flips() -> Picture:
    """All ways of flipping the signs of eight differences."""
    differences = np.array([0.31, 0.12, 0.28, 0.41, -0.05, 0.19, 0.33, 0.22])
    signs = np.array(list(itertools.product([1, -1], repeat=8)))
    means = (signs * differences).mean(axis=1)
    observed, p = differences.mean(), sign_flip_p(differences)
    extreme = np.abs(means) >= observed - 1e-12

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.4), layout="constrained")
        axes = figure.subplots()
        bins = np.linspace(-0.28, 0.28, 41)
        axes.hist(means[~extreme], bins, color=PALETTE["scale_2"])
        axes.hist(means[extreme], bins, color=PALETTE["worse"])
        axes.axvline(observed, color=PALETTE["ink"], linewidth=1)
        axes.set(xlabel="mean difference with signs flipped, points", ylabel="ways of 256")
        return figure

    return Picture(
        f"The means of all 256 ways to flip the signs of eight differences. {int(extreme.sum())} "
        f"of them, in orange, lie as far from 0 as what was seen, {observed:.2f} points: "
        f"p = {int(extreme.sum())} / 256 = {p:.3f}.",
        draw,
    )


def test_rows() -> Picture:
    """Half the width of both intervals, by the number of seeds."""
    counts = np.arange(2, 61)
    rng = np.random.default_rng(2)
    over_seeds = [
        np.mean([np.ptp(t_interval(s)) / 2 for s in rng.normal(TRUTH, SPREAD, (400, n))])
        for n in counts
    ]
    over_rows = {n: 50 * np.ptp(wilson_interval(TRUTH / 100 * n, n)) for n in (1000, 10_000)}

    def draw(width: float) -> Figure:
        figure = Figure(figsize=(width, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(counts, over_seeds, color=PALETTE["baseline"], linewidth=2, label="over seeds")
        for (rows, half), dash in zip(over_rows.items(), ("-", "--"), strict=True):
            label = f"over {rows:,} test rows"
            axes.axhline(half, color=PALETTE["chosen"], linestyle=dash, linewidth=2, label=label)
        axes.set(xlabel="seeds", ylabel="± points", ylim=(0, 3), xlim=(2, 60))
        axes.legend()
        return figure

    return Picture(
        f"Half of the 95 % interval by the number of seeds: over seeds it shrinks, "
        f"to {over_seeds[8]:.2f} points with 10 and {over_seeds[38]:.2f} with 40. What other test "
        f"rows would change stays: {over_rows[1000]:.1f} points of 1,000 rows, "
        f"{over_rows[10_000]:.1f} of 10,000.",
        draw,
    )


PICTURES = {"coverage": coverage, "pairing": pairing, "flips": flips, "test-rows": test_rows}
