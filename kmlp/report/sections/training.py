"""Learning curves, the generalization gap, and when training stopped."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from kmlp.report import plots
from kmlp.report.blocks import Figure, Section, Text
from kmlp.report.csv_tables import Rows, of_records
from kmlp.report.figures import LONGEST_KEY
from kmlp.report.plots import PALETTE, ForestRow
from kmlp.report.rendering.drawing import ROW, draw, draw_in_rows, row_label
from kmlp.stats import summaries
from kmlp.stats.formatting import Unit, unit_of
from kmlp.stats.monitoring import plain_loss_name
from kmlp.study.results.networks import TrainedNetworks, gaps
from kmlp.study.results.ranking import rank
from kmlp.study.results.records.study import StudyResults

_STEEP = 8  # one epoch in so many


def training_sections(results: StudyResults, networks: TrainedNetworks) -> list[Section]:
    """Learning curves of the score, and of the loss beside the generalization gap."""
    is_regression = results.dataset.is_regression
    score = None if is_regression else curves(results, networks, "accuracy", "learning")
    loss = plain_loss_name(results.dataset.task)
    fit = [curves(results, networks, loss, "curves"), generalization_gaps(results)]
    shown = [figure for figure in fit if figure]
    title = "Over- and underfitting" if score else "Learning curves, over- and underfitting"
    stopped = {"curves": _by_epoch(results, networks)}
    return [
        *([Section("learning", "Learning curves", [score])] if score else []),
        Section("stopping", "When training stopped", [_ends(results)], stopped),
        *([Section("fit", title, shown)] if shown else []),
    ]


def _by_epoch(results: StudyResults, networks: TrainedNetworks) -> Rows:
    """Mean and deviation over seeds by epoch, as drawn."""
    rows: list[dict[str, Any]] = []
    for variant in (v.name for v in rank(results)):
        for name in sorted({n for t in networks.of(variant) for n in t.curves}):
            ends = plots.by_epoch(networks.curves(variant, name))
            rows += [
                {"variant": variant, "curve": name, "epoch": i, "mean": float(m), "sd": float(sd)}
                for i, (m, sd) in enumerate(zip(*ends, strict=True), start=1)
            ]
    return of_records(rows, "variant", "curve", "epoch", "mean", "sd")


def curves(
    results: StudyResults, networks: TrainedNetworks, metric: str, name: str
) -> Figure | None:
    """Training and validation curves, a small panel a variant; None where none are kept."""
    shown = [v.name for v in rank(results) if networks.curves(v.name, metric)]
    if not shown:
        return None
    unit = unit_of(metric)
    scale, title = _curve_scale(unit)
    titles = [row_label(results.variant(v)) for v in shown]
    reference = [scale * c for c in networks.curves(results.baseline, f"val_{metric}")]
    by_name = {v: _panel(networks, v, metric, scale) for v in shown}

    def draw_at(width: float) -> Canvas:
        height = plots.height_of_rows(len(titles), width, alone=1.9, among_many=1.1)
        panels = plots.titled_panels(titles, width, row_height=height, margin=0.75)
        canvas = panels.canvas
        for ax, (variant, panel) in zip(panels.axes, by_name.items(), strict=True):
            behind = () if variant == results.baseline else reference
            plots.draw_curves(ax, panel, ylabel="", reference=behind)
            ax.set_xlabel("")
        panels.axes[0].set_ylim(*_readable(list(by_name.values())))
        canvas.supxlabel("epoch", fontsize=8.5)
        canvas.supylabel(title, fontsize=8.5)
        _key(canvas, results.baseline if reference else "")
        return canvas

    return draw(
        name,
        draw_at,
        alt=f"Training and validation {title} by epoch, a panel a variant.",
        caption=(
            "Mean over seeds, band: one standard deviation. A curve ends where fewer than half of "
            "its seeds still train. Without penalties, so that variants compare; what drops units "
            "or adds noise does so in the training curve."
            + (
                " An error of 1 is what the targets' mean would get."
                if unit.is_standardized
                else ""
            )
        ),
    )


def _panel(
    networks: TrainedNetworks, variant: str, metric: str, scale: float
) -> dict[str, list[np.ndarray]]:
    """Curves by the role of their colour."""
    curves = {
        role: [scale * c for c in networks.curves(variant, part + metric)]
        for role, part in (("train", ""), ("baseline", "val_"))
    }
    return {role: runs for role, runs in curves.items() if runs}


def generalization_gaps(results: StudyResults) -> Figure | None:
    """Validation minus training loss by variant; None without validation rows."""
    metric = "rmse" if results.dataset.is_regression else "cross_entropy"
    unit = unit_of(metric)
    rows = []
    for variant in rank(results):
        values = gaps(results, variant.name, metric)
        if len(values):
            rows.append(
                ForestRow(
                    label=row_label(variant),
                    values=values,
                    interval=summaries.t_interval(values) if len(values) > 1 else None,
                    role="baseline" if variant.name == results.baseline else "unclear",
                )
            )
    if not rows:
        return None
    xlabel = f"gap in {unit.axis}"
    return draw(
        "gaps",
        draw_in_rows(rows, xlabel, 0.0),
        alt=f"Generalization gap in {unit.title} by variant, a dot a seed.",
        caption=(
            f"The generalization gap: {unit.title} on validation rows minus that on training rows, "
            "both at the restored epoch with nothing dropped and no noise. The further right, the "
            "more a network fits what does not carry over; near 0 with a poor score, it fits too "
            "little."
        ),
    )


def _ends(results: StudyResults) -> Figure | Text:
    """A sentence where all networks ended alike: there is nothing to see."""
    ends = {
        (m.best_epoch, m.stopped_epoch) for v in rank(results) for m in results.finished(v.name)
    }
    if len(ends) > 1:
        return stopping(results)
    best, last = next(iter(ends))
    kept = (
        ", and keeps the last weights"
        if best == last
        else f", and keeps the weights of epoch {best}"
    )
    return Text(f"Every network trained {last} epochs{kept}.")


def stopping(results: StudyResults) -> Figure:
    """When each network was best and when it stopped."""
    ranked = rank(results)
    epochs, roles = [], []
    for variant in ranked:
        members = results.finished(variant.name)
        best, last = ([getattr(m, f"{end}_epoch") for m in members] for end in ("best", "stopped"))
        epochs.append((row_label(variant), np.array(best), np.array(last)))
        roles.append("baseline" if variant.name == results.baseline else "unclear")
    most = max(v.config.train["max_epochs"] for v in ranked)

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + ROW * len(ranked)), layout="constrained")
        plots.draw_epochs(canvas.subplots(), epochs, max_epochs=most, roles=roles)
        return canvas

    return draw(
        "epochs",
        draw_at,
        alt="Best and last epoch of every seed by variant.",
        caption=(
            "One line a network: the dot is its best epoch, whose weights were kept, the line's "
            f"end its last. Dashed: {most} epochs, where training ends at the latest."
        ),
    )


def _curve_scale(unit: Unit) -> tuple[float, str]:
    """What a curve is multiplied by, and its axis. A regression's targets are standardized."""
    if unit.is_standardized:
        return 1.0, f"{unit.logged_title} of the targets"
    return unit.scale, unit.axis


def _readable(panels: Sequence[Mapping[str, Sequence[np.ndarray]]]) -> tuple[float, float]:
    """Limits that hold all but the steep first epochs, beside which all curves would look alike."""
    means = [plots.by_epoch(runs)[0] for panel in panels for runs in panel.values()]
    values = np.concatenate([mean[len(mean) // _STEEP :] for mean in means])
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 0.1
    return low - margin, high + margin


def _key(canvas: Canvas, baseline: str) -> None:
    """Three kinds of lines, whatever the number of variants."""
    kinds: list[tuple[str, str, Any]] = [
        ("training", "train", (0, (3.5, 1.5))),
        ("validation", "baseline", "-"),
        (f"validation of {plots.fitted(baseline, LONGEST_KEY)}", "unclear", (0, (1, 1.2))),
    ]
    lines = [
        Line2D([], [], color=PALETTE[role], linestyle=line, linewidth=1.4, label=text)
        for text, role, line in kinds[: 3 if baseline else 2]
    ]
    canvas.legend(
        handles=lines, loc="outside upper left", ncols=3, handlelength=1.8, columnspacing=1.2
    )
