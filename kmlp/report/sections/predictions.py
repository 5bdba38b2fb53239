"""What the best variant says of the test rows: confusions, misread images, trust, residuals."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas
from PIL import Image

from kmlp.report import plots
from kmlp.report.blocks import Block, Figure, Picture, Pictures, Section, Text
from kmlp.report.csv_tables import Rows
from kmlp.report.rendering.drawing import draw
from kmlp.stats.calibration.temperature import scaled_log_probabilities
from kmlp.stats.metrics import regression_metrics
from kmlp.study.results.networks import TrainedNetworks
from kmlp.study.results.predictions import (
    NUM_BINS,
    Reliability,
    confused_pairs,
    confusion,
    most_misread,
    reliability,
)
from kmlp.study.results.records.study import StudyResults

NUM_PICTURES = 12
_MOST_CLASSES = 20
_NUM_PAIRS = 5
_MOST_ROWS = 200


def errors_section(
    results: StudyResults, networks: TrainedNetworks, images: np.ndarray | str | None
) -> Section:
    """What the best variant gets wrong.

    Args:
        results: of a study.
        networks: of the same run folder.
        images: `(n, height, width)` or `(n, height, width, channels)` test images; a sentence
            why they are left out; None where the data are no images.
    """
    names = results.dataset.class_names
    shares = confusion(networks.truth, networks.predicted_classes, len(names))
    blocks: list[Block] = []
    if len(names) <= _MOST_CLASSES:
        blocks.append(_confusion_figure(shares, names, networks))
    pairs = confused_pairs(shares, _NUM_PAIRS)
    if pairs and len(names) > 2:
        blocks.append(_pairs_sentence(pairs, names))
    if isinstance(images, str):
        blocks.append(Text(images))
    elif images is not None:
        blocks += _pictures(networks, images, names)
    tables = {"confusion": _shares_table(shares, names), "misread": _misread(networks, names)}
    return Section("errors", f"What {networks.best} gets wrong", blocks, tables)


def _shares_table(shares: np.ndarray, names: Sequence[str]) -> Rows:
    rows = ([name, *map(float, row)] for name, row in zip(names, shares, strict=True))
    return [["true class", *names], *rows]


def _misread(networks: TrainedNetworks, names: Sequence[str]) -> Rows:
    found = most_misread(networks.truth, networks.log_probabilities, _MOST_ROWS)
    return [
        ["test_row", "true class", "taken for", "networks_wrong", "networks_agreeing"],
        *([m.row, names[m.label], names[m.taken_for], m.num_wrong, m.num_agreeing] for m in found),
    ]


def trust_section(networks: TrainedNetworks) -> Section:
    """Whether the best variant's probabilities can be trusted."""
    one = reliability(networks.truth, networks.outputs[networks.best_seed or 0])
    all_ = reliability(networks.truth, networks.ensemble_output)
    each = [reliability(networks.truth, o).ece for o in networks.outputs.values()]
    count = len(networks.outputs)
    whose = f"the network with seed {networks.best_seed}"
    of, together = "seeds", f"the ensemble of all {count}"
    if networks.are_out_of_fold:
        whose, of = "of the folds' networks in the first repeat", "repeats"
        together = f"their probabilities, averaged over the {count},"
    text = (
        f"When a network of {networks.best} says that it is 80 % sure, is it right in 80 % of "
        f"cases? Expected calibration error (ECE, {NUM_BINS} bins): {whose} {100 * one.ece:.1f} %"
    )
    calibrated = _calibrated(networks)
    tables = {"reliability": _bins({"one": one, "ensemble": all_, **calibrated})}
    if count == 1:
        panels = {_one(networks): one, **calibrated}
        blocks: list[Block] = [
            Text(f"{text}.{_of_calibrated(networks, calibrated)}"),
            _trust_figure(panels),
        ]
        return Section("trust", _TRUST, blocks, tables)
    text += (
        f", {100 * np.mean(each):.1f} % on average over {count} {of} "
        f"({100 * min(each):.1f} to {100 * max(each):.1f}); {together} {100 * all_.ece:.1f} %."
        f"{_of_calibrated(networks, calibrated)}"
    )
    panels = {_one(networks): one, **calibrated, _all(networks): all_}
    return Section("trust", _TRUST, [Text(text), _trust_figure(panels)], tables)


def _calibrated(networks: TrainedNetworks) -> dict[str, Reliability]:
    """The one network's at its temperature, where rows were kept that tell it."""
    if networks.temperature is None:
        return {}
    outputs = networks.outputs[networks.best_seed or 0]
    scaled = scaled_log_probabilities(outputs, networks.temperature)
    return {"the same, calibrated": reliability(networks.truth, scaled)}


def _of_calibrated(networks: TrainedNetworks, calibrated: Mapping[str, Reliability]) -> str:
    if not calibrated or networks.temperature is None:
        return ""
    (found,) = calibrated.values()
    return (
        f" An export divides logits by the temperature {networks.temperature:.3g}, found on "
        f"calibration rows that no network saw: on the rows that test its error is then "
        f"{100 * found.ece:.1f} %."
    )


def _bins(by_name: Mapping[str, Reliability]) -> Rows:
    return [
        ["networks", "confidence", "accuracy", "rows", "ece"],
        *(
            [name, float(b.confidence[i]), float(b.accuracy[i]), int(b.counts[i]), b.ece]
            for name, b in by_name.items()
            for i in range(len(b.counts))
        ),
    ]


def residuals_section(results: StudyResults, networks: TrainedNetworks) -> Section:
    """Predicted against true targets, and what predictions are off by."""
    truth, predicted = networks.truth.astype(float), networks.ensemble_output
    scores, unit = regression_metrics(truth, predicted), results.unit("rmse")

    def draw_at(width: float) -> Canvas:
        is_wide = width > 5
        canvas = Canvas(figsize=(width, 3.2 if is_wide else 5.6), layout="constrained")
        left, right = canvas.subplots(*((1, 2) if is_wide else (2, 1)))
        plots.draw_predicted(left, truth, predicted)
        plots.draw_residuals(right, truth, predicted)
        return canvas

    figure = draw(
        "residuals",
        draw_at,
        alt=(
            "Predicted against true targets, and residuals against predictions, of the "
            f"{results.tested.rows}."
        ),
        caption=(
            f"Each dot is one of the {results.tested.rows}, predicted by the mean of the "
            f"{networks.in_words}: RMSE {unit.value(scores['rmse'])}, R² "
            f"{scores['r2']:.3f}. On the dashed line a prediction is exact."
        ),
    )
    return Section("residuals", f"Where {networks.best} is off", [figure])


_TRUST = "Can its probabilities be trusted?"


def _one(networks: TrainedNetworks) -> str:
    if networks.are_out_of_fold:
        return "one network a row"
    return f"one network (seed {networks.best_seed})"


def _all(networks: TrainedNetworks) -> str:
    count = len(networks.outputs)
    return f"mean of {count} a row" if networks.are_out_of_fold else f"ensemble of {count}"


def _confusion_figure(
    shares: np.ndarray, names: Sequence[str], networks: TrainedNetworks
) -> Figure:
    def draw_at(width: float) -> Canvas:
        side = min(width, 2.4 + 0.36 * len(names))
        canvas = Canvas(figsize=(width, 0.86 * side + 0.2), layout="constrained")
        plots.draw_confusion(canvas.subplots(), shares, names)
        return canvas

    return draw(
        "confusion",
        draw_at,
        alt=f"Confusion matrix of {networks.best}: true classes by row, predicted by column.",
        caption=(
            "Of the rows that test of each true class, the percentage predicted as each class: "
            f"mean over {networks.in_words}, below half a percent left out. Green is right, "
            "orange wrong."
        ),
    )


def _pairs_sentence(pairs: Sequence[tuple[int, int, float]], names: Sequence[str]) -> Text:
    parts = [f"{names[t]} for {names[r]} ({100 * share:.1f} %)" for t, r, share in pairs]
    return Text(f"Most often it takes, in percent of the true class's rows: {', '.join(parts)}.")


def _pictures(networks: TrainedNetworks, images: np.ndarray, names: Sequence[str]) -> list[Block]:
    found = most_misread(networks.truth, networks.log_probabilities, NUM_PICTURES)
    if not found:
        return [Text("No test image is misread by any of its networks.")]
    count = len(networks.outputs)
    items = [
        Picture(
            png=_png(images[m.row]),
            title=f"{names[m.label]}, read as {names[m.taken_for]}",
            note=f"no. {m.row} · {m.num_wrong} of {count}",
        )
        for m in found
    ]
    where = "in the data" if networks.are_out_of_fold else "in the test set"
    caption = (
        f"The images that most of the {networks.in_words} misread: the true class and the most "
        f"frequent wrong one, its number {where} (from 0) and how many of them misread it. Of "
        "equals those come first whose true class they thought least likely. Some labels may be at "
        "fault."
    )
    return [Pictures(items, caption)]


def _png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _trust_figure(panels: Mapping[str, Reliability]) -> Figure:
    def draw_at(width: float) -> Canvas:
        is_wide = width > 5
        height = 3.5 if is_wide else 3.3 * len(panels)
        canvas = Canvas(figsize=(width, height), layout="constrained")
        shape = (1, len(panels)) if is_wide else (len(panels), 1)
        axes = canvas.subplots(*shape, squeeze=False).flat
        for ax, (title, bins) in zip(axes, panels.items(), strict=True):
            plots.draw_reliability(ax, bins.confidence, bins.accuracy, bins.intervals, bins.counts)
            ax.set_title(f"{title}: ECE {100 * bins.ece:.1f} %", fontweight="normal")
        return canvas

    return draw(
        "reliability",
        draw_at,
        alt="Reliability: how often predictions are right by how sure they are.",
        caption=(
            "The rows that test in bins by the probability of the predicted class: on the dashed "
            "line it is right as often as it says; below, it is too sure of itself, above, not "
            "sure enough. A dot's area follows the number of rows, the vertical line is the 95 % "
            "interval of its height; bins of few rows are not joined."
        ),
    )
