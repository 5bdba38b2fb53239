"""Every seed's score, the other metrics, and what validation promised of each network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from kmlp.report import tabular
from kmlp.report.blocks import Cell, Figure, Section
from kmlp.report.csv_tables import Rows, of_records
from kmlp.report.figures import LONGEST_KEY
from kmlp.report.plots import PALETTE, ForestRow, fitted
from kmlp.report.plots.promises import Cloud, draw_promises
from kmlp.report.rendering.drawing import draw, draw_in_rows, row_label, said_outer, scaled
from kmlp.report.sections.analyses.folds import fold_tables
from kmlp.report.tabular import Column
from kmlp.stats.formatting import Unit
from kmlp.study.results.analyses.readings import other_metrics
from kmlp.study.results.ranking import rank, standing
from kmlp.study.results.records.base import Interval
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import VariantResult

_HIGHEST = 4.2  # inches


def scores_section(results: StudyResults) -> Section:
    """Every seed's test score by variant, or every fold's; best mean first."""
    tables = {"members": _members(results)}
    if results.cross_validation and results.basis == "folds":
        tables |= fold_tables(results.cross_validation.variants)
    return Section("seeds", f"Every {results.tested.pair}", [scores(results)], tables)


def scores(results: StudyResults) -> Figure:
    """A row a variant."""
    unit, tested = results.unit(), results.tested
    ranked = rank(results)
    rows = [score_row(results, v, unit, outer=v.test_ci95_seeds_and_rows) for v in ranked]
    baseline = next((v for v in ranked if v.name == results.baseline), None)
    mean = unit.scale * baseline.test[unit.metric].mean if baseline else None
    outer = said_outer(rows)
    return draw(
        "scores",
        draw_in_rows(rows, f"{tested.adjective} {unit.axis} {unit.arrow}", mean),
        alt=(
            f"{tested.heading} {unit.title} of every {tested.pair} by variant, with means and "
            "intervals."
        ),
        caption=(
            f"Every dot is one {tested.pair}; the diamond is the mean, the bar its 95 % interval"
            f"{', corrected for shared rows' * (results.basis == 'folds')}.{outer} The vertical "
            f"line is the mean of {results.baseline} (blue)."
        ),
    )


def score_row(
    results: StudyResults, variant: VariantResult, unit: Unit, outer: Interval | None = None
) -> ForestRow:
    """A variant's test scores as a row."""
    is_baseline = variant.name == results.baseline
    role = "baseline" if is_baseline else standing(variant.versus_baseline, unit)
    return ForestRow(
        label=row_label(variant),
        values=unit.scale * np.array(list(results.by_pair(variant.name).values())),
        interval=scaled(variant.test[unit.metric].ci95, unit),
        outer=scaled(outer, unit),
        role=role,
        is_clear=role != "unclear",
    )


def _members(results: StudyResults) -> Rows:
    names = ("variant", "seed", "id", "best_epoch", "stopped_epoch", "seconds")
    parts = ("test", "val", "train") if results.basis == "test" else ("val", "train")
    scores = [(p, m) for p in parts for m in results.metrics]
    rows: list[dict[str, Any]] = [
        {name: getattr(m, name) for name in names}
        | {f"{part}_{metric}": getattr(m, part).get(metric) for part, metric in scores}
        for m in results.finished()
    ]
    return of_records(rows)


def others_section(results: StudyResults) -> Section | None:
    """The task's other metrics, as far as they are known; None where there are none."""
    unit, ranked = results.unit(), rank(results)
    # A folder that an earlier release began lacks what was scored since.
    known = {metric for variant in ranked for metric in variant.test} - {unit.metric}
    others = [results.unit(m) for m in results.metrics if m in known]
    if not others:
        return None
    named = "decides the verdict" if other_metrics(results) else "was named before"
    shown = tabular.table(
        [Column(head="Variant", cell=lambda v: Cell(row_label(v))), *map(_other, others)],
        ranked,
        is_baseline=lambda v: v.name == results.baseline,
        note=(
            f"Means over {results.tested.pair}s, to describe: the {unit.title} {named}, and no "
            "test was made on these here. Each interval is by itself; among so many some differ "
            "by chance."
        ),
    )
    return Section("others", f"Other scores {results.tested.where}", [shown])


def _other(unit: Unit) -> Column[VariantResult]:
    return Column(
        head=f"{unit.axis}\N{NO-BREAK SPACE}{unit.arrow}",
        second="95 % interval",
        cell=lambda v: tabular.score(v.test.get(unit.metric), unit),
    )


def promises_section(results: StudyResults) -> Section | None:
    """Every network's test score by its validation score; None without validation rows."""
    unit = results.unit()
    clouds = [_cloud(results, v, unit) for v in rank(results) if v.val]
    if not clouds or not results.best:
        return None
    names = {"chosen": results.best.variant, "baseline": results.baseline}
    key = {role: row_label(results.variant(name)) for role, name in names.items()}

    def draw_at(width: float) -> Canvas:
        canvas = Canvas(figsize=(width, min(width + 0.3, _HIGHEST)), layout="constrained")
        ax = draw_promises(canvas.subplots(), clouds)
        ax.set_xlabel(f"validation {unit.axis}")
        ax.set_ylabel(f"{results.tested.adjective} {unit.axis}")
        _key(canvas, ax, {role: key.get(role, "others") for role in _roles(clouds)})
        return canvas

    figure = draw(
        "promises",
        draw_at,
        alt=(
            f"{results.tested.heading} {unit.title} of every network by its validation "
            f"{unit.title}."
        ),
        caption=_caption(results, results.variant(results.best.variant), unit),
    )
    return Section("promises", "What validation promised", [figure])


def _cloud(results: StudyResults, variant: VariantResult, unit: Unit) -> Cloud:
    tested, part = results.tested_members(variant.name)
    promised, given = (
        unit.scale * np.array([m.score(p, unit.metric) for m in tested]) for p in ("val", part)
    )
    is_chosen = results.best is not None and variant.name == results.best.variant
    role = "baseline" if variant.name == results.baseline else "unclear"
    return Cloud("chosen" if is_chosen else role, promised, given)


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


def _caption(results: StudyResults, best: VariantResult, unit: Unit) -> str:
    given = best.test[unit.metric].mean
    tested, part = results.tested_members(best.name)
    promised = float(np.mean([m.score("val", unit.metric) for m in tested]))
    side = "below" if unit.higher_is_better else "above"
    is_test = part == "test"
    gave = "the test set" if is_test else "the fold held out"
    rows = (
        "all are tested on the same" if is_test else "each is scored on the fold it was kept from"
    )
    validates = "each network validates on rows of its own"
    if results.dataset.validation == "last":
        validates = "they are the last training rows, and later ones may be others"
    elif results.dataset.validation:
        validates = "they are the same for every network"
    who = "The search picked" if best.name == results.picked else "Validation chose"
    chose = f"{who} {row_label(best)} (purple): "
    if not is_test:
        own = unit.with_unit(best.val[unit.metric].mean)
        chose = (
            f"{row_label(best)} (purple) was chosen by other networks, those that train on all "
            f"rows, of which validation rows promised {own}. Here are the networks of its folds: "
        )
    return (
        "A dot is a network at its restored epoch, a diamond the mean of its variant; "
        f"{side} the dashed line {gave} gave less than validation promised. {chose}mean "
        f"{unit.title} {unit.with_unit(promised)} there, {unit.with_unit(given)} "
        f"{results.tested.where}. Epochs and variants are chosen on validation rows, which "
        f"flatters them; {validates}, {rows}."
    )
