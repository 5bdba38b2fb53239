"""Cross-validation: scores by fold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kmlp.report.blocks import Block, Cell, Figure, Row, Section, Table
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, entry_label
from kmlp.stats.formatting import Unit, p_value, unit_in
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST
from kmlp.study.results.ranking import significant

Results = Mapping[str, Any]


def folds_section(results: Results) -> Section | None:
    """Scores by fold; None without cross-validation."""
    found = results.get("cross_validation")
    if not found:
        return None
    unit = unit_in(results)
    entries = sorted(found["variants"], key=lambda e: -unit.gain(e["mean"]))
    title = f"{found['num_folds']}-fold cross-validation"
    if found["num_repeats"] > 1:
        title += f", {found['num_repeats']} times"
    blocks: list[Block] = [_folds(entries, results, unit), _folds_table(entries, results, unit)]
    return Section("folds", title, blocks)


def _folds(entries: Sequence[Mapping[str, Any]], results: Results, unit: Unit) -> Figure:
    baseline = results["baseline"]
    rows = [
        ForestRow(
            label=entry_label(entry),
            values=unit.scale * np.ravel(entry["scores"]),
            interval=[unit.scale * bound for bound in entry["ci95"]],
            role="baseline" if entry["variant"] == baseline else _fold_standing(entry, unit),
            is_clear=entry["variant"] == baseline or _fold_standing(entry, unit) != "unclear",
        )
        for entry in entries
    ]
    return draw(
        "folds",
        draw_in_rows(rows, f"{unit.axis} on the fold held out {unit.arrow}", None),
        alt=f"{unit.title} of every fold by variant, with means and corrected intervals.",
        caption=(
            "Every dot is one fold; the diamond is the mean over repeats of their folds' mean, the "
            "bar its 95 % interval with Nadeau and Bengio's correction: folds share training "
            f"rows. Blue: {baseline}; filled green or orange: told apart from it."
        ),
    )


def _fold_standing(entry: Mapping[str, Any], unit: Unit) -> str:
    versus = entry["versus_baseline"]
    if not versus or not significant(versus):
        return "unclear"
    return "better" if unit.gain(versus["difference"]) > 0 else "worse"


def _folds_table(entries: Sequence[Mapping[str, Any]], results: Results, unit: Unit) -> Table:
    points = ", points" if unit.of_difference == "points" else ""
    columns = [
        Cell("Variant"),
        Cell(f"{unit.axis} {unit.arrow}", "95 % interval, corrected"),
        Cell(f"Minus {results['baseline']}{points}", "95 % interval, corrected"),
        Cell("Holm p"),
        Cell("Wins"),
    ]
    rows = []
    for entry in entries:
        cells = [
            Cell(entry_label(entry)),
            Cell(unit.value(entry["mean"]), unit.interval(entry["ci95"]), "strong"),
        ]
        versus = entry["versus_baseline"]
        if versus:
            standing = _fold_standing(entry, unit)
            num = versus["wins"] + versus["ties"] + versus["losses"]
            cells += [
                Cell(
                    unit.signed(versus["difference"]),
                    unit.interval(versus["ci95"], signed=True),
                    "" if standing == "unclear" else standing,
                ),
                Cell(p_value(versus["p_holm"])),
                Cell(f"{versus['wins']} of {num}"),
            ]
        else:
            is_baseline = entry["variant"] == results["baseline"]
            cells += [Cell("baseline" if is_baseline else "–"), Cell("–"), Cell("–")]
        rows.append(Row(cells, entry["variant"] == results["baseline"]))
    note = (
        "Scored on the fold that was held out, which had no part in when training stopped. p is "
        "that of the corrected resampled t test on differences paired by fold, with Holm's "
        "correction; signs are not flipped over folds, which are not independent. Fewer than "
        f"{MIN_SEEDS_TO_TEST} folds in all tell nothing apart."
    )
    return Table(columns, rows, note)
