"""The report's section on bias and variance: what each variant's error consists of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from kmlp.report import plots
from kmlp.report.blocks import Block, Cell, Figure, Row, Section, Table, Text
from kmlp.report.plots import Estimate
from kmlp.report.rendering.drawing import draw, row_label
from kmlp.stats.formatting import Unit, unit_of

Entry = Mapping[str, Any]
_ROW = 0.3
_LONGEST_NAME = 24
_LOSSES = {
    "squared_error": "mse",
    "cross_entropy": "cross_entropy",
    "zero_one": "accuracy",
}
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


def section(results: Mapping[str, Any]) -> Section | None:
    """Figures, tables and how to read them; None where no training rows were resampled."""
    entries = sorted(
        results["bias_variance"], key=lambda entry: entry["squared_error"]["risk"]["value"]
    )
    if not entries:
        return None
    is_regression = results["dataset"]["task"] == "regression"
    baseline = results["baseline"]
    divided = (_ratios(entries, baseline), _ratio_table(entries, baseline))
    blocks: list[Block] = [Text(_how(entries)), _parts(entries, is_regression)]
    blocks += [block for block in divided if block]
    blocks += [_table(entries, loss, baseline) for loss in _LOSSES if loss in entries[0]]
    blocks.append(Text(_method(entries, is_regression)))
    return Section("bias-variance", "Bias and variance", blocks)


def loss_unit(loss: str, values: Sequence[float]) -> Unit:
    """How a decomposition's terms are written, with digits to suit the largest."""
    return unit_of(_LOSSES[loss], values)


def _parts(entries: Sequence[Entry], is_regression: bool) -> Figure:
    terms = [entry["squared_error"] for entry in entries]
    has_seeds = all("variance_sample" in found for found in terms)
    kinds = {"bias2_plus_noise": ("bias² + noise", "baseline", 0.85)}
    if has_seeds:
        kinds["variance_sample"] = ("variance: training sample", "train", 0.95)
        kinds["variance_optimization"] = ("variance: initial weights, order, masks", "train", 0.45)
    else:
        kinds["variance"] = ("variance", "train", 0.95)
    widths = np.array([[found[kind]["value"] for kind in kinds] for found in terms])
    intervals = [(t["bias2_plus_noise"]["ci95"], t["risk"]["ci95"]) for t in terms]
    error = "squared error" if is_regression else "squared error of the probabilities"

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.95 + _ROW * len(entries)), layout="constrained")
        ax = canvas.subplots()
        plots.draw_parts(
            ax,
            [_label(entry) for entry in entries],
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


def _ratios(entries: Sequence[Entry], baseline: str) -> Figure | None:
    """Bias and variance as multiples of the baseline's, paired by training sample."""
    rows = []
    for entry in entries:
        found = (entry["versus_baseline"] or {}).get("squared_error", {})
        for part, name in (("variance", "variance"), ("bias", "bias² + noise")):
            ratio = found.get(f"{part}_ratio")
            if ratio:
                rows.append(_ratio_row(f"{_label(entry)}, {name}", ratio))
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


def _ratio_row(label: str, ratio: Mapping[str, Any]) -> Estimate:
    low, high = ratio["ci95"] or (0.0, np.inf)
    role = "better" if high < 1 else "worse" if low > 1 else "unclear"
    return Estimate(
        label=label,
        value=ratio["value"],
        interval=ratio["ci95"],
        role=role,
        is_clear=role != "unclear",
    )


def _ratio_table(entries: Sequence[Entry], baseline: str) -> Table | None:
    """What each variant multiplies the baseline's error, bias and variance by."""
    compared = [entry for entry in entries if entry["versus_baseline"]]
    if not compared:
        return None
    kinds = {
        ("squared_error", "risk"): "Squared error",
        ("squared_error", "bias"): "Bias² + noise",
        ("squared_error", "variance"): "Variance",
        ("cross_entropy", "variance"): "Variance (KL)",
    }
    shown = {(loss, part): title for (loss, part), title in kinds.items() if loss in compared[0]}
    heads = [Cell("Variant"), *(Cell(f"{title} ÷", "95 % interval") for title in shown.values())]
    rows = [
        Row(
            [
                Cell(_label(entry)),
                *(
                    _ratio(entry["versus_baseline"].get(loss, {}).get(f"{part}_ratio"))
                    for loss, part in shown
                ),
            ]
        )
        for entry in compared
    ]
    note = (
        f"Divided by {baseline}'s on the same training samples. Bold: 1 is not in the interval, "
        "which is not corrected for the number of variants, as the verdict's are."
    )
    return Table(heads, rows, note)


def _table(entries: Sequence[Entry], loss: str, baseline: str) -> Table:
    columns = {
        n: t for n, t in _COLUMNS[loss].items() if any(n in entry[loss] for entry in entries)
    }
    unit = loss_unit(loss, [entry[loss]["risk"]["value"] for entry in entries])
    heads = [Cell("Variant"), *(Cell(title, "95 % interval") for title in columns.values())]
    rows = [
        Row(
            [Cell(_label(entry)), *(_term(entry[loss].get(name), unit) for name in columns)],
            entry["variant"] == baseline,
        )
        for entry in entries
    ]
    return Table(heads, rows, note=f"{_TITLES[loss]}. {_NOTES[loss]}")


def _term(term: Mapping[str, Any] | None, unit: Unit) -> Cell:
    if term is None:
        return Cell("–")
    return Cell(unit.value(term["value"]), unit.interval(term["ci95"]) if term["ci95"] else "")


def _ratio(ratio: Mapping[str, Any] | None) -> Cell:
    if ratio is None:
        return Cell("–")
    row = _ratio_row("", ratio)
    bounds = ratio["ci95"]
    mark = row.role if row.is_clear else ""
    return Cell(
        f"{ratio['value']:.2f}", f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else "", mark
    )


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
        "where it is wrong. Plug-in estimates."
    ),
}


def _how(entries: Sequence[Entry]) -> str:
    first = entries[0]
    kind, _, count = first["resample"].partition(":")
    rows = sorted({entry["num_train"] for entry in entries})
    sizes = f"{rows[0]:,}" if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,}"
    seeds = f"{first['num_seeds']} seed{'s' * (first['num_seeds'] > 1)}"
    if kind == "splits":
        drawn = f"{count} disjoint parts of the training rows, {sizes} rows each"
    else:
        drawn = f"{count} bootstrap draws from the training rows, {sizes} rows each"
    disagree = (
        "with another training sample, or with the same one and other initial weights, order and "
        "masks."
    )
    if first["num_seeds"] == 1:
        disagree = (
            "with another training sample. With one seed, what its initial weights, order and "
            "masks do alike on every sample counts as bias."
        )
    return (
        f"Every variant was trained afresh on {drawn}, with {seeds} on each. What its networks "
        "agree on and get wrong is bias (with the labels' noise, which cannot be told from it); "
        f"what they disagree on is variance: {disagree}"
    )


def _method(entries: Sequence[Entry], is_regression: bool) -> str:
    kind, seeds = entries[0]["resample"].partition(":")[0], entries[0]["num_seeds"]
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


def _label(entry: Entry) -> str:
    return row_label({"name": entry["variant"], "strength": entry["strength"]})
