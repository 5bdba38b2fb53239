"""The report's section on bias and variance: what each variant's error consists of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from kmlp.report import plots, tabular
from kmlp.report.blocks import Block, Cell, Figure, Section, Table, Text
from kmlp.report.csv_tables import of_records
from kmlp.report.plots import EstimateRow
from kmlp.report.rendering.drawing import draw, row_label
from kmlp.report.tabular import Column
from kmlp.stats.formatting import Unit, unit_of
from kmlp.study.results.records.base import Estimate
from kmlp.study.results.records.decompositions import BiasVariance, CorrectedRatios, Ratios
from kmlp.study.results.records.study import StudyResults

_ROW = 0.3
_LONGEST_NAME = 24
_FEWEST_VOTES = 20
_LOSSES = {"squared_error": "mse", "cross_entropy": "cross_entropy", "zero_one": "accuracy"}
_COLUMNS = {
    "squared_error": {
        "risk": "Squared error ↓",
        "bias2_plus_noise": "Bias² + noise",
        "variance": "Variance",
        "variance_sample": "of it sample",
        "variance_optimization": "of it seed",
    },
    "cross_entropy": {
        "risk": "Cross-entropy, nats ↓",
        "bias_plus_noise": "Bias + noise",
        "variance": "Variance (KL)",
    },
    "zero_one": {
        "risk": "Error rate, % ↓",
        "bias_plus_noise": "Bias + noise",
        "net_variance": "Net variance",
        "unbiased_variance": "unbiased: costs",
        "biased_variance": "biased: mends",
    },
}
_TITLES = {
    "squared_error": "Squared error",
    "cross_entropy": "Cross-entropy",
    "zero_one": "Error rate",
}


def decompositions_section(results: StudyResults) -> Section | None:
    """Figures, tables and how to read them; None where no training rows were resampled."""
    entries = sorted(results.bias_variance, key=lambda entry: entry.squared_error.risk.value)
    if not entries:
        return None
    is_regression, baseline = results.dataset.is_regression, results.baseline
    divided = (_ratios(entries, baseline), _ratio_table(entries, baseline))
    blocks: list[Block] = [Text(_how(entries)), _parts(entries, is_regression)]
    blocks += [block for block in divided if block]
    blocks += [_table(entries, loss, baseline) for loss in _told(entries)]
    blocks += [Text(text) for text in (*_votes(entries), _method(entries, is_regression))]
    tables = {"bias_variance": of_records(_numbers(results.bias_variance))}
    return Section("bias-variance", "Bias and variance", blocks, tables)


def _told(entries: Sequence[BiasVariance]) -> list[str]:
    """The decompositions that the networks are enough for."""
    known = [loss for loss in _LOSSES if getattr(entries[0], loss)]
    return [loss for loss in known if loss != "zero_one" or not _votes(entries)]


def _votes(entries: Sequence[BiasVariance]) -> list[str]:
    """Why the error rate is not taken apart: a majority of few networks is not that of many."""
    fewest = min(entry.num_samples * entry.num_seeds for entry in entries)
    if not entries[0].zero_one or fewest >= _FEWEST_VOTES:
        return []
    return [
        f"The error rate is not taken apart here: with {fewest} networks a variant their majority "
        "is too often that of chance, and what it gets wrong counts as bias. Of ten networks' net "
        "variance some three quarters are found, of five networks' two thirds, of twenty some 90 % "
        f"(simulated); it is shown from {_FEWEST_VOTES} networks on. tables/bias_variance.csv has "
        "it all the same."
    ]


def _numbers(entries: Sequence[BiasVariance]) -> list[dict[str, Any]]:
    """A row a variant and decomposition."""
    own = ("variant", "strength", "resample", "num_train", "num_samples", "num_seeds")
    return [
        {
            **{name: getattr(entry, name) for name in own},
            "decomposition": loss,
            **getattr(entry, loss).to_dict(),
            **(against.to_dict() if (against := _against(entry, loss)) else {}),
        }
        for entry in entries
        for loss in _LOSSES
        if getattr(entry, loss)
    ]


def _against(entry: BiasVariance, loss: str) -> Ratios | CorrectedRatios | None:
    return getattr(entry.versus_baseline, loss, None)


def loss_unit(loss: str, values: Sequence[float]) -> Unit:
    """How a decomposition's terms are written, with digits to suit the largest."""
    return unit_of(_LOSSES[loss], values)


def _parts(entries: Sequence[BiasVariance], is_regression: bool) -> Figure:
    terms = [entry.squared_error for entry in entries]
    kinds = {"bias2_plus_noise": ("bias² + noise", "baseline", 0.85)}
    if all(found.variance_sample for found in terms):
        kinds["variance_sample"] = ("variance: training sample", "train", 0.95)
        kinds["variance_optimization"] = ("variance: initial weights, order, masks", "train", 0.45)
    else:
        kinds["variance"] = ("variance", "train", 0.95)
    widths = np.array([[getattr(found, kind).value for kind in kinds] for found in terms])
    intervals = [(t.bias2_plus_noise.ci95, t.risk.ci95) for t in terms]
    error = "squared error" if is_regression else "squared error of the probabilities"

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.95 + _ROW * len(entries)), layout="constrained")
        ax = canvas.subplots()
        plots.draw_parts(
            ax,
            [row_label(entry) for entry in entries],
            {name: (role, alpha) for name, role, alpha in kinds.values()},
            widths,
            intervals=intervals,
            xlabel=f"{error} ↓",
        )
        canvas.legend(
            *ax.get_legend_handles_labels(),
            loc="outside upper left",
            ncols=3 if width > 5 else 1,
            handlelength=1.2,
        )
        return canvas

    return draw(
        "bias-variance",
        draw_at,
        alt=f"Bias, noise and variance of the {error} by variant, as parts of a bar.",
        caption=(
            f"What the test {error} consists of, mean over rows. The upper whisker of a bar is the "
            "95 % interval of bias² + noise, the lower one that of the whole error."
        ),
    )


def _ratios(entries: Sequence[BiasVariance], baseline: str) -> Figure | None:
    """Bias and variance as multiples of the baseline's, paired by training sample."""
    rows = [
        _ratio_row(f"{row_label(entry)}, {name}", ratio)
        for entry in entries
        for part, name in (("variance", "variance"), ("bias", "bias² + noise"))
        if (ratio := getattr(_against(entry, "squared_error"), f"{part}_ratio", None))
    ]
    if not rows:
        return None

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + 0.22 * len(rows)), layout="constrained")
        ax = canvas.subplots()
        xlabel = f"multiple of {plots.fitted(baseline, _LONGEST_NAME)}'s"
        plots.draw_estimates(ax, rows, xlabel=xlabel, reference=1.0, is_ratio=True)
        return canvas

    return draw(
        "bias-variance-ratios",
        draw_at,
        alt=f"Variance and bias of each variant as multiples of those of {baseline}.",
        caption=(
            f"Variance and bias² + noise of the squared error divided by those of {baseline} on "
            "the same training samples, with 95 % intervals. Filled: 1 is not in the interval "
            "(green less, orange more). Not corrected for the number of variants, as the verdict "
            "is."
        ),
    )


def _ratio_row(label: str, ratio: Estimate) -> EstimateRow:
    low, high = ratio.ci95 or (0.0, np.inf)
    role = "better" if high < 1 else "worse" if low > 1 else "unclear"
    return EstimateRow(
        label=label,
        value=ratio.value,
        interval=ratio.ci95,
        role=role,
        is_clear=role != "unclear",
    )


def _ratio_table(entries: Sequence[BiasVariance], baseline: str) -> Table | None:
    """What each variant multiplies the baseline's error, bias and variance by."""
    compared = [entry for entry in entries if entry.versus_baseline]
    if not compared:
        return None
    kinds = {
        ("squared_error", "risk"): "Squared error",
        ("squared_error", "bias"): "Bias² + noise",
        ("squared_error", "variance"): "Variance",
        ("cross_entropy", "variance"): "Variance (KL)",
    }
    own = [_NAME] + [
        _divided(loss, part, title)
        for (loss, part), title in kinds.items()
        if getattr(compared[0], loss)
    ]
    note = (
        f"Divided by {baseline}'s on the same training samples. Bold: 1 is not in the interval, "
        "which is not corrected for the number of variants, as the verdict's are."
    )
    return tabular.table(own, compared, note=note)


_NAME = Column[BiasVariance](head="Variant", cell=lambda e: Cell(row_label(e)))


def _divided(loss: str, part: str, title: str) -> Column[BiasVariance]:
    def cell(entry: BiasVariance) -> Cell:
        ratio = getattr(_against(entry, loss), f"{part}_ratio", None)
        return tabular.if_any(ratio, _ratio)

    return Column(head=f"{title} ÷", second="95 % interval", cell=cell)


def _ratio(ratio: Estimate) -> Cell:
    row, bounds = _ratio_row("", ratio), ratio.ci95
    mark = row.role if row.is_clear else ""
    return Cell(f"{ratio.value:.2f}", f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else "", mark)


def _table(entries: Sequence[BiasVariance], loss: str, baseline: str) -> Table:
    found = [getattr(entry, loss) for entry in entries]
    unit = loss_unit(loss, [terms.risk.value for terms in found])
    known = {n: t for n, t in _COLUMNS[loss].items() if any(getattr(t, n) for t in found)}
    return tabular.table(
        [_NAME, *(_term(loss, name, title, unit) for name, title in known.items())],
        entries,
        is_baseline=lambda e: e.variant == baseline,
        note=f"{_TITLES[loss]}. {_NOTES[loss]}",
    )


def _term(loss: str, name: str, title: str, unit: Unit) -> Column[BiasVariance]:
    def cell(entry: BiasVariance) -> Cell:
        return tabular.if_any(
            getattr(getattr(entry, loss), name),
            lambda term: Cell(unit.value(term.value), tabular.bounded(unit, term.ci95)),
        )

    return Column(head=title, second="95 % interval", cell=cell)


_NOTES = {
    "squared_error": (
        "Unbiased estimates: error = bias² + noise + variance. A small term may come out below 0."
    ),
    "cross_entropy": (
        "Error = bias + noise + variance, exactly for these networks: bias is the error of their "
        "normalized geometric mean, variance the mean divergence from it. As estimates of endless "
        "networks they are plug-in: of R samples and S seeds the variance lacks about 1/R of what "
        "samples do and 1/S of what seeds do alike, and the bias is too large by that."
    ),
    "zero_one": (
        "Error = bias + noise + unbiased − biased variance, exactly for these networks. Bias: rows "
        "whose most frequent answer is wrong. Deviations from it cost where it is right and mend "
        "where it is wrong. Plug-in estimates: of twenty networks some 10 % of the net variance "
        "still counts as bias (simulated)."
    ),
}


def _how(entries: Sequence[BiasVariance]) -> str:
    first = entries[0]
    kind, _, count = first.resample.partition(":")
    rows = sorted({entry.num_train for entry in entries})
    sizes = f"{rows[0]:,}" if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,}"
    seeds = f"{first.num_seeds} seed{'s' * (first.num_seeds > 1)}"
    if kind == "splits":
        drawn = f"{count} disjoint parts of the training rows, {sizes} rows each"
    else:
        drawn = f"{count} bootstrap draws from the training rows, {sizes} rows each"
    disagree = (
        "with another training sample, or with the same one and other initial weights, order and "
        "masks."
    )
    if first.num_seeds == 1:
        disagree = (
            "with another training sample. With one seed, what its initial weights, order and "
            "masks do alike on every sample counts as bias."
        )
    return (
        f"Every variant was trained afresh on {drawn}, with {seeds} on each. What its networks "
        "agree on and get wrong is bias (with the labels' noise, which cannot be told from it); "
        f"what they disagree on is variance: {disagree}"
    )


def _method(entries: Sequence[BiasVariance], is_regression: bool) -> str:
    kind, seeds = entries[0].kind, entries[0].num_seeds
    text = (
        "Intervals leave out one whole training sample at a time (jackknife, t with one degree of "
        "freedom less than samples, on the logarithm but for the sample's part of the variance): a "
        "bootstrap over so few samples is far too narrow. They are for "
        f"{f'these {seeds} seeds, which train' if seeds > 1 else 'this seed, which trains'} on "
        "every sample, and not for other ones. The test rows are the same throughout and are not "
        "resampled. "
    )
    if kind == "splits":
        text += "Smaller samples vary more: this is the variance at their size, not at full size."
    else:
        text += (
            "A bootstrap draw repeats rows and misses others: this is the variance of drawing "
            "again from these training rows, not that of fresh rows."
        )
    return text if is_regression else f"{text} Only the squared error's estimates are unbiased."
