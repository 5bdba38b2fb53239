"""Every variant against the baseline: the differences, and all that is known of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.report.blocks import NONE, Cell, Figure, Row, Table
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import (
    draw,
    draw_in_rows,
    row_label,
    said_outer,
    scaled,
    scores_by_seed,
)
from kmlp.report.sections.ranking import difference_mark
from kmlp.report.standing import standing
from kmlp.stats.formatting import Unit, p_value, unit_in
from kmlp.study.results.ranking import num_pairs, rank

_LONGEST_AXIS = 40


def differences(results: Mapping[str, Any]) -> Figure | None:
    """Paired differences to the baseline; None where nothing was compared."""
    unit, baseline = unit_in(results), results["baseline"]
    compared = [v for v in rank(results["variants"], unit) if v["versus_baseline"]]
    if not compared:
        return None
    compared.sort(key=lambda v: -unit.gain(v["versus_baseline"]["difference"]))
    by_seed = scores_by_seed(results, baseline)
    rows = []
    for variant in compared:
        own, versus = scores_by_seed(results, variant["name"]), variant["versus_baseline"]
        role = standing(variant, unit)
        rows.append(
            ForestRow(
                label=row_label(variant),
                values=unit.scale * np.array([own[s] - by_seed[s] for s in own if s in by_seed]),
                interval=scaled(versus["ci95"], unit),
                outer=scaled(versus.get("ci95_seeds_and_rows"), unit),
                role=role,
                is_clear=role != "unclear",
            )
        )
    points = ", points" if unit.scale > 1 else ""
    right = "right" if unit.higher_is_better else "left"
    outer = said_outer(rows)
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


def _difference_axis(unit: Unit, baseline: str, points: str) -> str:
    """What is drawn, as long as it fits under a narrow figure."""
    subtracted = f"test {unit.title} minus {baseline}{points} {unit.arrow}"
    if len(subtracted) <= _LONGEST_AXIS:
        return subtracted
    return f"difference in test {unit.title}{points} {unit.arrow}"


def paired(results: Mapping[str, Any]) -> Table | None:
    """All that is known of each difference to the baseline; None where none was made."""
    unit = unit_in(results)
    compared = [v for v in rank(results["variants"], unit) if v["versus_baseline"]]
    if not compared:
        return None
    compared.sort(key=lambda v: -unit.gain(v["versus_baseline"]["difference"]))
    columns = [c for c in _PAIRED if any(_has(v["versus_baseline"], c) for v in compared)]
    points = ", points" if unit.of_difference == "points" else ""
    heads = [
        Cell("Variant"),
        Cell(f"Minus {results['baseline']}{points}\N{NO-BREAK SPACE}{unit.arrow}"),
    ]
    heads += [Cell(_PAIRED[c]) for c in columns]
    rows = [
        Row(
            [
                Cell(row_label(v)),
                Cell(
                    unit.signed(v["versus_baseline"]["difference"]), mark=difference_mark(v, unit)
                ),
                *(_paired_cell(v["versus_baseline"], c, unit) for c in columns),
            ]
        )
        for v in compared
    ]
    return Table(heads, rows, note=_paired_note(columns))


_PAIRED = {
    "ci95": "95 % interval",
    "ci95_seeds_and_rows": "with other test rows",
    "p_holm": "Holm p",
    "p_wilcoxon": "Wilcoxon p",
    "probability_better": "P(better)",
    "wins": "Wins",
    "more_seeds": "More seeds needed",
}


def _has(versus: Mapping[str, Any], column: str) -> bool:
    return versus.get(column) is not None


def _paired_cell(versus: Mapping[str, Any], column: str, unit: Unit) -> Cell:
    value = versus.get(column)
    if value is None:
        return NONE
    if column.startswith("ci95"):
        return Cell(unit.interval(value, signed=True))
    if column.startswith("p_"):
        return Cell(p_value(value))
    if column == "probability_better":
        bounds = value.get("ci95")
        return Cell(
            f"{value['value']:.2f}", f"{bounds[0]:.2f} to {bounds[1]:.2f}" if bounds else ""
        )
    if column == "wins":
        return Cell(f"{value} of {num_pairs(versus)}")
    return Cell(f"{value:,}" if value else NONE.text)


def _paired_note(columns: Sequence[str]) -> str:
    notes = {
        "ci95": (
            "The interval is the paired t interval over seeds, not corrected for the number of "
            "comparisons: one that excludes 0 decides nothing by itself."
        ),
        "ci95_seeds_and_rows": "With other test rows: a bootstrap over seeds and test rows.",
        "p_holm": "Holm p decides; it holds for all comparisons at once.",
        "p_wilcoxon": "Wilcoxon's p is not corrected.",
        "probability_better": "P(better): the chance to beat the baseline with the same seed.",
        "more_seeds": (
            "More seeds needed: to show, with 80 % power, a true difference as large as this one; "
            "a dash where it is shown, or would take more than 500."
        ),
    }
    return " ".join(text for column, text in notes.items() if column in columns)
