"""The report's figures, each at two widths, from the results and the evidence."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.text
import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from kmlp import plots, stats
from kmlp.evidence import Evidence, gaps
from kmlp.plots import PALETTE, Row
from kmlp.ranking import label, rank
from kmlp.report import fonts
from kmlp.report.content import Figure
from kmlp.report.standing import standing
from kmlp.report.svg import to_svg
from kmlp.units import Unit, unit_in, unit_of

WIDE, NARROW = 7.6, 3.6
_ROW = 0.3
_LONGEST_LABEL = 18
_LONGEST_AXIS = 40
_LONGEST_KEY = 20
PANEL_TITLE = 22
"""Letters a line of the title of one of many panels."""


def draw(
    name: str, draw_at: Callable[[float], Canvas], *, alt: str, caption: str, salt: str = ""
) -> Figure:
    """A figure at both widths.

    Args:
        name: of its file.
        draw_at: width in inches -> the figure.
        alt, caption: see `Figure`.
        salt: tells it from a figure of the same name on the same page.
    """
    svgs = [_drawn(draw_at, w, f"{salt}{name}-{i}") for i, w in enumerate((WIDE, NARROW))]
    return Figure(name, alt, caption, *svgs)


def _drawn(draw_at: Callable[[float], Canvas], width: float, salt: str) -> str:
    """An SVG; drawn again, with fonts of the machine, where its own lack a letter."""
    with matplotlib.rc_context(plots.style()), warnings.catch_warnings():
        # What is lacking is told by `fonts`.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        canvas = draw_at(width)
        svg = to_svg(canvas, salt)
        texts = "".join(t.get_text() for t in canvas.findobj(matplotlib.text.Text))
        others, _ = fonts.found_for(fonts.lacking(texts))
        if not others:
            return svg
        own = matplotlib.rcParams["font.family"]
        matplotlib.rcParams["font.family"] = [*own, *(family for family, _ in others)]
        return to_svg(draw_at(width), salt)


def draw_in_rows(rows: Sequence[Row], xlabel: str, reference: float | None) -> Callable:
    """A figure of one row a variant, as `draw` wants it."""

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + _ROW * len(rows)), layout="constrained")
        plots.draw_rows(canvas.subplots(), rows, xlabel=xlabel, reference=reference)
        return canvas

    return draw_at


def differences(results: Mapping[str, Any]) -> Figure | None:
    """Paired differences to the baseline; None where nothing was compared."""
    unit, baseline = unit_in(results), results["baseline"]
    compared = [v for v in rank(results["variants"], unit) if v["versus_baseline"]]
    if not compared:
        return None
    compared.sort(key=lambda v: -unit.gain(v["versus_baseline"]["difference"]))
    by_seed = _by_seed(results, baseline)
    rows = []
    for variant in compared:
        own, versus = _by_seed(results, variant["name"]), variant["versus_baseline"]
        role = standing(variant, unit)
        rows.append(
            Row(
                label=row_label(variant),
                values=unit.scale * np.array([own[s] - by_seed[s] for s in own if s in by_seed]),
                interval=_scaled(versus["ci95"], unit),
                outer=_scaled(versus.get("ci95_seeds_and_rows"), unit),
                role=role,
                is_clear=role != "unclear",
            )
        )
    points = ", points" if unit.scale > 1 else ""
    right = "right" if unit.higher_is_better else "left"
    outer = _said_outer(rows)
    return draw(
        "differences",
        draw_in_rows(rows, _difference_axis(unit, baseline, points), 0.0),
        alt=f"Differences in test {unit.title} to {baseline} by variant, a dot a seed.",
        caption=(
            f"Test {unit.title} minus {baseline}'s with the same seed{points}: a dot a seed, the "
            f"diamond their mean, the bar its 95 % interval.{outer} Further {right} is better. "
            "Filled: the corrected test tells it apart (green better, orange worse); hollow: it "
            "does not."
        ),
    )


def scores(results: Mapping[str, Any]) -> Figure:
    """Every seed's test score by variant, best mean first."""
    unit = unit_in(results)
    ranked = rank(results["variants"], unit)
    rows = [score_row(results, v, unit, outer=v.get("test_ci95_seeds_and_rows")) for v in ranked]
    baseline = next((v for v in ranked if v["name"] == results["baseline"]), None)
    mean = unit.scale * baseline["test"][unit.metric]["mean"] if baseline else None
    outer = _said_outer(rows)
    return draw(
        "scores",
        draw_in_rows(rows, f"test {unit.axis} {unit.arrow}", mean),
        alt=f"Test {unit.title} of every seed by variant, with means and intervals.",
        caption=(
            f"Every dot is one seed; the diamond is the mean, the bar its 95 % interval.{outer} "
            f"The vertical line is the mean of {results['baseline']} (blue)."
        ),
    )


def score_row(
    results: Mapping[str, Any], variant: Mapping[str, Any], unit: Unit, outer: Any = None
) -> Row:
    """A variant's test scores as a row."""
    is_baseline = variant["name"] == results["baseline"]
    role = "baseline" if is_baseline else standing(variant, unit)
    return Row(
        label=row_label(variant),
        values=unit.scale * np.array(list(_by_seed(results, variant["name"]).values())),
        interval=_scaled(variant["test"][unit.metric]["ci95"], unit),
        outer=_scaled(outer, unit),
        role=role,
        is_clear=role != "unclear",
    )


def curves(results: Mapping[str, Any], evidence: Evidence, metric: str, name: str) -> Figure | None:
    """Training and validation curves, a small panel a variant; None where none are kept."""
    ranked = rank(results["variants"], unit_in(results))
    shown = [v for v in ranked if evidence.curves(v["name"], metric)]
    if not shown:
        return None
    scale, title = _curve_scale(metric)
    reference = [scale * c for c in evidence.curves(results["baseline"], f"val_{metric}")]
    panels = [
        {
            role: [scale * c for c in evidence.curves(v["name"], part + metric)]
            for role, part in (("train", ""), ("baseline", "val_"))
            if evidence.curves(v["name"], part + metric)
        }
        for v in shown
    ]
    names = [v["name"] for v in shown]
    titles = plots.fitted_apart(names, PANEL_TITLE, 2)

    def draw_at(width: float) -> Canvas:
        columns = min(len(shown), 4 if width > 5 else 2)
        lines = -(-len(shown) // columns)
        canvas = Canvas(figsize=(width, 0.75 + 1.05 * lines), layout="constrained")
        axes = canvas.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flat
        for ax in axes[len(shown) :]:
            ax.remove()
        for i, (ax, panel) in enumerate(zip(axes, panels, strict=False)):
            own = names[i] == results["baseline"]
            plots.draw_curves(ax, panel, ylabel="", reference=() if own else reference)
            ax.set_title(titles[i], loc="left", fontweight="normal")
            ax.set_xlabel("")
            ax.tick_params(labelbottom=i + columns >= len(shown))
        axes[0].set_ylim(*_readable(panels))
        canvas.supxlabel("epoch", fontsize=8.5)
        canvas.supylabel(title, fontsize=8.5)
        _key(canvas, results["baseline"] if reference else "")
        return canvas

    return draw(
        name,
        draw_at,
        alt=f"Training and validation {title} by epoch, a panel a variant.",
        caption=(
            "Mean over seeds, band: one standard deviation. A curve ends where fewer than half of "
            "its seeds still train. Without penalties, so that variants compare; what drops units "
            "or adds noise does so in the training curve."
            + (" An error of 1 is what the targets' mean would get." if metric == "mse" else "")
        ),
    )


def generalization_gaps(results: Mapping[str, Any]) -> Figure | None:
    """Validation minus training loss by variant; None without validation rows."""
    metric = "rmse" if results["dataset"]["task"] == "regression" else "cross_entropy"
    unit = unit_of(metric)
    rows = []
    for variant in rank(results["variants"], unit_in(results)):
        values = gaps(results, variant["name"], metric)
        if len(values):
            rows.append(
                Row(
                    label=row_label(variant),
                    values=values,
                    interval=stats.t_interval(values) if len(values) > 1 else None,
                    role="baseline" if variant["name"] == results["baseline"] else "unclear",
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


def stopping(results: Mapping[str, Any]) -> Figure:
    """When each network was best and when it stopped."""
    ranked = rank(results["variants"], unit_in(results))
    epochs, roles = {}, []
    for variant in ranked:
        members = [m for m in done(results) if m["variant"] == variant["name"]]
        pair = [np.array([m[k] for m in members]) for k in ("best_epoch", "stopped_epoch")]
        epochs[row_label(variant)] = (pair[0], pair[1])
        roles.append("baseline" if variant["name"] == results["baseline"] else "unclear")
    most = max(v["config"]["train"]["max_epochs"] for v in ranked)

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, 0.55 + _ROW * len(ranked)), layout="constrained")
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


def row_label(variant: Mapping[str, Any]) -> str:
    """A variant's name, with its strength where that fits beside a row."""
    return label(variant) if len(label(variant)) <= _LONGEST_LABEL else variant["name"]


def done(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The members that finished."""
    return [m for m in results["members"] if m["status"] == "done"]


def _by_seed(results: Mapping[str, Any], variant: str) -> dict[int, float]:
    """The primary metric on the test set of every seed that finished."""
    metric = results["metric"]["name"]
    return {m["seed"]: m["test"][metric] for m in done(results) if m["variant"] == variant}


def _scaled(bounds: Sequence[float] | None, unit: Unit) -> list[float] | None:
    return None if bounds is None else [unit.scale * b for b in bounds]


def _said_outer(rows: Sequence[Row]) -> str:
    if not any(row.outer for row in rows):
        return ""
    return " The thin line also holds what other test rows would give."


def _difference_axis(unit: Unit, baseline: str, points: str) -> str:
    """What is drawn, as long as it fits under a narrow figure."""
    subtracted = f"test {unit.title} minus {baseline}{points} {unit.arrow}"
    if len(subtracted) <= _LONGEST_AXIS:
        return subtracted
    return f"difference in test {unit.title}{points} {unit.arrow}"


def _curve_scale(metric: str) -> tuple[float, str]:
    """What a curve is multiplied by, and its axis. A regression's targets are standardized."""
    if metric == "mse":
        return 1.0, "MSE / variance of the targets"
    return unit_of(metric).scale, unit_of(metric).axis


def _readable(panels: Sequence[Mapping[str, Sequence[np.ndarray]]]) -> tuple[float, float]:
    """Limits that hold all but the steep first epochs of a few variants."""
    means = [plots.by_epoch(runs)[0] for panel in panels for runs in panel.values()]
    values = np.concatenate(means)
    ends = np.array([mean[-1] for mean in means])
    low = max(values.min(), np.quantile(values, 0.02) - np.ptp(ends))
    high = min(values.max(), np.quantile(values, 0.95) + np.ptp(ends))
    margin = 0.06 * (high - low) or 0.1
    return float(low - margin), float(high + margin)


def _key(canvas: Canvas, baseline: str) -> None:
    """Three kinds of lines, whatever the number of variants."""
    kinds: list[tuple[str, str, Any]] = [
        ("training", "train", (0, (3.5, 1.5))),
        ("validation", "baseline", "-"),
        (f"validation of {plots.fitted(baseline, _LONGEST_KEY)}", "unclear", (0, (1, 1.2))),
    ]
    lines = [
        Line2D([], [], color=PALETTE[role], linestyle=line, linewidth=1.4, label=text)
        for text, role, line in kinds[: 3 if baseline else 2]
    ]
    canvas.legend(
        handles=lines, loc="outside upper left", ncols=3, handlelength=1.8, columnspacing=1.2
    )
