"""Tables that fit the terminal: what a narrow one has no room for is left out, and told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.jupyter import JupyterMixin
from rich.table import Table
from rich.text import Text

from kmlp.report.blocks import NONE
from kmlp.report.tabular import Column
from kmlp.text import visible

E = TypeVar("E")
_GAP = 2
_NARROWEST_TEXT = 18


@dataclass(frozen=True)
class Shown:
    """A column as a terminal may show it.

    Attributes:
        heading: above it.
        cells: a text a row.
        leaves: as a `Column` says it.
        of: the heading of the column before it, to which it belongs.
        folds: whether it holds text, which stands left and may take several lines.
    """

    heading: str
    cells: Sequence[str]
    leaves: int = 0
    of: str = ""
    folds: bool = False

    @property
    def title(self) -> str:
        """What it is, where it does not stand behind another."""
        return f"{self.heading} of {self.of}" if self.of else self.heading

    @property
    def width(self) -> int:
        """How wide it is at least."""
        width = max(map(cell_len, (self.heading, *self.cells)))
        return min(width, _NARROWEST_TEXT) if self.folds else width


class FittingTable(JupyterMixin):
    """A rich renderable: as many columns as there is room for, those that never leave included.

    Args:
        columns: those that leave first have the highest `leaves`.
    """

    def __init__(self, columns: Sequence[Shown]) -> None:
        self.columns = list(columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self._fitting(options.max_width)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in shown:
            table.add_column(
                Text(visible(column.heading)),
                justify="left" if column.folds else "right",
                overflow="fold",
                min_width=column.width,
            )
        for cells in zip(*(column.cells for column in shown), strict=True):
            table.add_row(*(Text(visible(cell)) for cell in cells))
        yield table
        if left_out := [visible(c.title) for c in self.columns if c not in shown]:
            yield Text(f"(no room for: {', '.join(left_out)})", style="dim")

    def _fitting(self, width: int) -> list[Shown]:
        shown = self.columns
        for column in sorted(shown, key=lambda c: -c.leaves):
            if not column.leaves or sum(c.width + _GAP for c in shown) - _GAP <= width:
                break
            shown = [c for c in shown if c is not column]
        return shown


def terminal_table(first: str, columns: Sequence[Column[E]], rows: Mapping[str, E]) -> FittingTable:
    """The columns that a terminal shows, a row an entry.

    Args:
        first: the heading of the rows' names.
        columns: what is told of an entry.
        rows: name -> entry.
    """
    names = Shown(first, tuple(rows), folds=True)
    shown = (s for column in columns if column.terminal for s in _shown(column, rows.values()))
    return FittingTable([names, *shown])


def _shown(column: Column[Any], entries: Any) -> list[Shown]:
    """A column, and what its cells' second line says as a column of its own."""
    cells = [column.cell(entry) for entry in entries]
    own = Shown(column.terminal, tuple(cell.text for cell in cells), column.leaves)
    if not column.second:
        return [own]
    notes = tuple(cell.note or NONE.text for cell in cells)
    return [own, Shown(column.second, notes, column.second_leaves, column.terminal)]
