"""Which columns matter: what each model loses once a column is shuffled."""

import numpy as np

from kmlp.report import tabular
from kmlp.report.blocks import Block, Cell, Figure, Section, Table, Text
from kmlp.report.csv_tables import Rows, of_records
from kmlp.report.plots import ForestRow
from kmlp.report.rendering.drawing import draw, draw_in_rows, scaled
from kmlp.report.tabular import Column
from kmlp.stats.formatting import Unit, p_value
from kmlp.study.results.analyses.importance import title_of_model
from kmlp.study.results.records.basis import Basis
from kmlp.study.results.records.importance import ColumnImportance, Importance, ModelImportance
from kmlp.study.results.records.study import StudyResults

_DRAWN = 15
_WHERE: dict[Basis, str] = {
    "test": "on the test rows",
    "folds": "on the rows of the fold that was kept from it",
}
_ROWS: dict[Basis, str] = {
    "test": "test rows",
    "folds": "rows, each scored once a repeat by the model that was kept from it",
}
_WHAT_INTERVALS_SAY: dict[Basis, str] = {
    "test": (
        "Intervals are over seeds; p is the paired t test's, corrected by Holm over the columns of "
        "each model; neither says what other test rows would give."
    ),
    "folds": (
        "Intervals are over folds, corrected for the rows that these share; p is the corrected "
        "resampled t test's, with Holm's correction over the columns of each model."
    ),
}


def importance_section(results: StudyResults) -> Section | None:
    """None where no column was shuffled."""
    found = results.importance
    if found is None:
        return None
    figures = [_figure(model, results) for model in found.models]
    how = Text(
        f"What a model loses {_WHERE[results.basis]} once the values of one column are shuffled "
        "over them: how much it leans on the column, not how much the column causes, nor what a "
        "model trained without it would lose. Columns that tell the same stand in for each other."
    )
    blocks: list[Block] = [how, *figures, _table(found, results)]
    return Section("importance", "Which columns matter", blocks, {"importance": _rows(found)})


def _figure(model: ModelImportance, results: StudyResults) -> Figure:
    unit, shown = results.unit(), model.ranked[:_DRAWN]
    rest = f" The first {_DRAWN} of {len(model.columns)} columns." * (len(model.columns) > _DRAWN)
    title, tested = title_of_model(model, results), results.tested
    return draw(
        f"importance-{model.kind}",
        draw_in_rows([_row(c, unit) for c in shown], _lost(results), 0.0),
        alt=f"What {title} loses of its {tested.adjective} {unit.title} once a column is shuffled.",
        caption=(
            f"{title[:1].upper()}{title[1:]}. Every dot is one {tested.pair}, the mean of several "
            f"shuffles; the diamond is the mean, the bar its 95 % interval over {tested.pair}s"
            f"{', corrected for the rows that they share' * (tested.pair == 'fold')}; filled: told "
            f"apart from 0, corrected by Holm.{rest}"
        ),
    )


def _lost(results: StudyResults) -> str:
    """ "test accuracy lost, points"."""
    unit = results.unit()
    what = "lost" if unit.higher_is_better else "gained"
    return f"{results.tested.adjective} {unit.title} {what}{tabular.points(unit)}"


def _row(column: ColumnImportance, unit: Unit) -> ForestRow:
    role = "baseline" if column.matters else "unclear"
    return ForestRow(
        label=column.name,
        values=unit.scale * np.array(column.by_seed),
        interval=scaled(column.loss.ci95, unit),
        role=role,
        is_clear=column.loss.is_significant,
    )


def _table(found: Importance, results: StudyResults) -> Table:
    """A row a column, the network's order; what each model loses side by side."""
    unit = results.unit()
    by_model = [{c.name: c for c in model.columns} for model in found.models]
    columns: list[Column[str]] = [Column(head="Column", cell=lambda name: Cell(name))]
    for model, of_model in zip(found.models, by_model, strict=True):
        head = f"{title_of_model(model, results)}: {_lost(results)}"
        columns += _columns(head[:1].upper() + head[1:], of_model, unit)
    groups = "; ".join(f"{name}: {', '.join(own)}" for name, own in found.groups.items())
    note = (
        f"{found.num_shuffles} shuffles of each column and {results.tested.pair}, on "
        f"{found.num_rows:,} {_ROWS[results.basis]}. {_WHAT_INTERVALS_SAY[results.basis]}"
        f"{f' Groups: {groups}.' if groups else ''}"
    )
    return tabular.table(columns, [c.name for c in found.models[0].ranked], note=note)


def _columns(head: str, of_model: dict[str, ColumnImportance], unit: Unit) -> list[Column[str]]:
    def lost(name: str) -> Cell:
        column = of_model[name]
        bounds = tabular.bounded(unit, column.loss.ci95, signed=True)
        return Cell(unit.signed(column.loss.difference), bounds, "strong" * column.matters)

    return [
        Column(
            head=head,
            second="95 % interval",
            cell=lost,
        ),
        Column(head="Holm p", cell=lambda name: Cell(p_value(of_model[name].loss.p_holm))),
    ]


def _rows(found: Importance) -> Rows:
    return of_records(
        [
            {"model": model.kind, "name": model.name, "column": c.name, **c.loss.to_dict()}
            for model in found.models
            for c in model.ranked
        ]
    )
