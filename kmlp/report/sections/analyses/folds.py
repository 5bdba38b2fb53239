"""Cross-validation: scores by fold."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import Block, Cell, Figure, Section, Table
from kmlp.report.csv_tables import Rows, of_records
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, row_label, scaled
from kmlp.report.tabular import Column
from kmlp.stats.paired_tests import MIN_SEEDS_TO_TEST
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.folds import FoldsOfVariant
from kmlp.study.results.records.study import StudyResults
from kmlp.study.results.records.variants import Versus

_LISTS = {"repeats", "scores", "of_repeats"}


def folds_section(results: StudyResults) -> Section | None:
    """Scores by fold; None without cross-validation, and where all scores are such."""
    found = results.cross_validation
    if not found or results.basis == "folds":
        return None
    entries = sorted(found.variants, key=lambda e: -results.unit().gain(e.mean))
    title = f"{found.num_folds}-fold cross-validation"
    if found.num_repeats > 1:
        title += f", {found.num_repeats} times"
    blocks: list[Block] = [_folds(entries, results), _folds_table(entries, results)]
    return Section("folds", title, blocks, fold_tables(found.variants))


def fold_tables(entries: Sequence[FoldsOfVariant]) -> dict[str, Rows]:
    """A row a fold, and a row a variant."""
    scores: list[dict[str, Any]] = [
        {"variant": entry.variant, "repeat": repeat, "fold": fold, "score": score}
        for entry in entries
        for repeat, row in zip(entry.repeats, entry.scores, strict=True)
        for fold, score in enumerate(row)
    ]
    whole = [entry.model_dump(mode="json", exclude=_LISTS) for entry in entries]
    return {"folds": of_records(scores), "folds_by_variant": of_records(whole)}


def _folds(entries: Sequence[FoldsOfVariant], results: StudyResults) -> Figure:
    unit, baseline = results.unit(), results.baseline
    return draw(
        "folds",
        draw_in_rows(
            [_row(entry, results) for entry in entries],
            f"{unit.axis} on the fold held out {unit.arrow}",
            None,
        ),
        alt=f"{unit.title} of every fold by variant, with means and corrected intervals.",
        caption=(
            "Every dot is one fold; the diamond is the mean over repeats of their folds' mean, the "
            "bar its 95 % interval with Nadeau and Bengio's correction: folds share training "
            f"rows. Blue: {baseline}; filled green or orange: told apart from it."
        ),
    )


def _row(entry: FoldsOfVariant, results: StudyResults) -> ForestRow:
    unit = results.unit()
    is_baseline = entry.variant == results.baseline
    role = "baseline" if is_baseline else standing(entry.versus_baseline, unit)
    return ForestRow(
        label=row_label(entry),
        values=unit.scale * np.ravel(entry.scores),
        interval=scaled(entry.ci95, unit),
        role=role,
        is_clear=role != "unclear",
    )


def _folds_table(entries: Sequence[FoldsOfVariant], results: StudyResults) -> Table:
    unit, second = results.unit(), "95 % interval, corrected"
    own: list[Column[FoldsOfVariant]] = [
        Column(head="Variant", cell=lambda e: Cell(row_label(e))),
        Column(
            head=f"{unit.axis} {unit.arrow}",
            second=second,
            cell=lambda e: Cell(unit.value(e.mean), unit.interval(e.ci95), "strong"),
        ),
        *tabular.versus_columns(_versus, results.baseline, unit, second),
    ]
    note = (
        "Scored on the fold that was held out, which had no part in when training stopped. p is "
        "that of the corrected resampled t test on differences paired by fold, with Holm's "
        "correction; signs are not flipped over folds, which are not independent. Fewer than "
        f"{MIN_SEEDS_TO_TEST} folds in all tell nothing apart. p counts no looks: where repeats "
        "were added after a look at these scores it is too small."
    )
    return tabular.table(
        own, entries, is_baseline=lambda e: e.variant == results.baseline, note=note
    )


def _versus(entry: FoldsOfVariant) -> Versus | None:
    return entry.versus_baseline
