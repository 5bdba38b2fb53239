"""Every seed's score, the other metrics, and what validation promised of each network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from kmlp.report.blocks import Cell, Figure, Row, Table
from kmlp.report.figures import LONGEST_KEY
from kmlp.report.plots import PALETTE, ForestRow, fitted
from kmlp.report.plots.promises import Cloud, draw_promises
from kmlp.report.rendering.drawing import (
    done,
    draw,
    draw_in_rows,
    row_label,
    said_outer,
    scaled,
    scores_by_seed,
)
from kmlp.report.sections.ranking import score_cell
from kmlp.report.standing import standing
from kmlp.stats.formatting import Unit, unit_in
from kmlp.stats.metrics import METRICS
from kmlp.study.results.ranking import best_variant, rank

_HIGHEST = 4.2  # inches


def scores(results: Mapping[str, Any]) -> Figure:
    """Every seed's test score by variant, best mean first."""
    unit = unit_in(results)
    ranked = rank(results["variants"], unit)
    rows = [score_row(results, v, unit, outer=v.get("test_ci95_seeds_and_rows")) for v in ranked]
    baseline = next((v for v in ranked if v["name"] == results["baseline"]), None)
    mean = unit.scale * baseline["test"][unit.metric]["mean"] if baseline else None
    outer = said_outer(rows)
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
) -> ForestRow:
    """A variant's test scores as a row."""
    is_baseline = variant["name"] == results["baseline"]
    role = "baseline" if is_baseline else standing(variant, unit)
    return ForestRow(
        label=row_label(variant),
        values=unit.scale * np.array(list(scores_by_seed(results, variant["name"]).values())),
        interval=scaled(variant["test"][unit.metric]["ci95"], unit),
        outer=scaled(outer, unit),
        role=role,
        is_clear=role != "unclear",
    )


def other_scores(results: Mapping[str, Any]) -> Table | None:
    """The task's other metrics, as far as they are known; None where there are none."""
    unit, ranked = unit_in(results), rank(results["variants"], unit_in(results))
    # A folder that an earlier release began lacks what was scored since.
    known = {metric for variant in ranked for metric in variant["test"]} - {unit.metric}
    others = [unit_in(results, m) for m in METRICS[results["dataset"]["task"]] if m in known]
    if not others:
        return None
    columns = [
        Cell("Variant"),
        *(Cell(f"{u.axis}\N{NO-BREAK SPACE}{u.arrow}", "95 % interval") for u in others),
    ]
    rows = [
        Row(
            [Cell(row_label(v)), *(score_cell(v["test"].get(u.metric), u) for u in others)],
            v["name"] == results["baseline"],
        )
        for v in ranked
    ]
    note = f"Means over seeds. No test was made on these: the {unit.title} was named before."
    return Table(columns, rows, note)


def promises(results: Mapping[str, Any]) -> Figure | None:
    """Every network's test score by its validation score; None without validation rows."""
    unit = unit_in(results)
    clouds = [_cloud(results, v, unit) for v in rank(results["variants"], unit) if v["val"]]
    if not clouds:
        return None
    key = {"chosen": _chosen(results, unit)["name"], "baseline": results["baseline"]}

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, min(width + 0.3, _HIGHEST)), layout="constrained")
        ax = draw_promises(canvas.subplots(), clouds)
        ax.set_xlabel(f"validation {unit.axis}")
        ax.set_ylabel(f"test {unit.axis}")
        _key(canvas, ax, {role: key.get(role, "others") for role in _roles(clouds)})
        return canvas

    return draw(
        "promises",
        draw_at,
        alt=f"Test {unit.title} of every network by its validation {unit.title}.",
        caption=_caption(results, unit),
    )


def _cloud(results: Mapping[str, Any], variant: Mapping[str, Any], unit: Unit) -> Cloud:
    name = variant["name"]
    networks = [m for m in done(results) if m["variant"] == name]
    promised, given = (
        unit.scale * np.array([m[part][unit.metric] for m in networks]) for part in ("val", "test")
    )
    is_chosen, is_baseline = name == _chosen(results, unit)["name"], name == results["baseline"]
    role = "chosen" if is_chosen else "baseline" if is_baseline else "unclear"
    return Cloud(role, promised, given)


def _chosen(results: Mapping[str, Any], unit: Unit) -> Mapping[str, Any]:
    """The variant that validation chose; there is one where any network was validated."""
    chosen = best_variant(results["variants"], unit)
    assert chosen is not None
    return chosen


def _roles(clouds: Sequence[Cloud]) -> list[str]:
    found = {cloud.role for cloud in clouds}
    return [role for role in ("chosen", "baseline", "unclear") if role in found]


def _key(canvas: Canvas, ax: Axes, names: Mapping[str, str]) -> None:
    """Three colours at most, whatever the number of variants."""
    handles = [
        ax.plot([], [], "D", color=PALETTE[role], label=fitted(name, LONGEST_KEY))[0]
        for role, name in names.items()
    ]
    canvas.legend(handles=handles, loc="outside upper center", ncols=3, columnspacing=1.2)


def _caption(results: Mapping[str, Any], unit: Unit) -> str:
    best = _chosen(results, unit)
    promised, given = (best[part][unit.metric]["mean"] for part in ("val", "test"))
    side = "below" if unit.higher_is_better else "above"
    return (
        "A dot is a network at its restored epoch, a diamond the mean of its variant; "
        f"{side} the dashed line the test set gave less than validation promised. Validation chose "
        f"{best['name']} (orange): mean {unit.title} {unit.with_unit(promised)} there, "
        f"{unit.with_unit(given)} on the test set. Epochs and variants are chosen on validation "
        "rows, which flatters them; each seed validates on rows of its own, all are tested on "
        "the same."
    )
