"""Exported models as a table for a terminal."""

from collections.abc import Sequence

from kmlp.deploy.folders.listing import Listed
from kmlp.report.blocks import Cell
from kmlp.report.fitting import FittingTable, terminal_table
from kmlp.report.tabular import Column
from kmlp.stats.formatting import unit_of
from kmlp.text import visible

_MIB = 2**20


def models_table(models: Sequence[Listed]) -> FittingTable:
    """A row a version."""
    return terminal_table("model", _COLUMNS, {f"{m.name}/{m.version}": m for m in models})


def _score(model: Listed) -> Cell:
    if model.score is None:
        return Cell("–")
    unit = unit_of(model.metric, [model.score])
    return Cell(f"{unit.title} {unit.with_unit(model.score)}")


def _rows(model: Listed) -> Cell:
    if model.score is None:
        return Cell("–")
    how = "cross-validated" if model.basis == "folds" else "test"
    number = f"{model.num_rows:,} " if model.num_rows else ""
    return Cell(f"{number}{how} rows")


_COLUMNS: tuple[Column[Listed], ...] = (
    Column(terminal="expected of one fit", cell=_score),
    Column(terminal="over", cell=_rows),
    Column(terminal="data", cell=lambda m: Cell(visible(m.data)), leaves=2),
    Column(terminal="run", cell=lambda m: Cell(visible(m.run) or "–"), leaves=6),
    Column(terminal="variant", cell=lambda m: Cell(visible(m.variant)), leaves=3),
    Column(terminal="networks", cell=lambda m: Cell(str(m.num_members or "–")), leaves=1),
    Column(terminal="made", cell=lambda m: Cell(m.created[:16].replace("T", " ")), leaves=4),
    Column(terminal="MiB", cell=lambda m: Cell(f"{m.size / _MIB:.1f}"), leaves=5),
)
