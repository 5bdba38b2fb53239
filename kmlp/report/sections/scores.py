"""Every seed's score, and the other metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kmlp.report.blocks import Cell, Figure, Row, Table
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import (
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
from kmlp.study.results.ranking import rank


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
