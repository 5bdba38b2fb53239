"""A column of a table stands once: what the page, a terminal and a CSV file show follows from it.

No figure and no page is made here, so that `kmlp show` need not load what makes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from kmlp.report.blocks import NONE, Cell, Row, Table
from kmlp.report.csv_tables import Rows, Values, of_records
from kmlp.stats.formatting import Unit, p_value, won_of
from kmlp.stats.summaries import Summary
from kmlp.study.results.ranking import standing
from kmlp.study.results.records.base import Interval
from kmlp.study.results.records.variants import Versus

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Column(Generic[E]):
    """One column, of rows that each show an entry.

    Attributes:
        head: its heading on the page; "" leaves it out there.
        cell: what is shown of an entry.
        second: what the second line of a cell is, such as "95 % interval"; on a terminal it is a
            column of its own.
        note: how to read it, a sentence below the page's table.
        of_baseline: what the page says in the baseline's row.
        terminal: its heading on a terminal; "" leaves it out there.
        leaves: how soon it leaves a terminal that is too narrow: the highest first, 0 never.
        second_leaves: the same of its second line.
        numbers: an entry's unrounded numbers, by the names of their columns in CSV.
    """

    head: str = ""
    cell: Callable[[E], Cell] = lambda entry: NONE
    second: str = ""
    note: str = ""
    of_baseline: str = ""
    terminal: str = ""
    leaves: int = 0
    second_leaves: int = 2
    numbers: Callable[[E], Values] = lambda entry: {}

    @property
    def in_csv_alone(self) -> "Column[E]":
        """The same where another table shows it."""
        return replace(self, head="", terminal="")


def table(
    columns: Sequence[Column[E]],
    entries: Sequence[E],
    *,
    is_baseline: Callable[[E], bool] = lambda entry: False,
    note: str = "",
) -> Table:
    """A table of the page, a row an entry; `note` stands before the columns' own notes."""
    return Table(
        headings(columns),
        [row(columns, entry, is_baseline=is_baseline(entry)) for entry in entries],
        " ".join(filter(None, (note, *(c.note for c in columns if c.head)))),
    )


def headings(columns: Sequence[Column[E]]) -> list[Cell]:
    """The page's line of headings."""
    return [Cell(c.head, c.second) for c in columns if c.head]


def row(columns: Sequence[Column[E]], entry: E, *, is_baseline: bool = False) -> Row:
    """An entry on the page."""
    shown = [c for c in columns if c.head]
    own = [Cell(c.of_baseline) if is_baseline and c.of_baseline else c.cell(entry) for c in shown]
    return Row(own, is_baseline)


def csv_rows(columns: Sequence[Column[E]], entries: Sequence[E]) -> Rows:
    """The numbers of all columns that have any."""
    return of_records([{n: x for c in columns for n, x in c.numbers(e).items()} for e in entries])


def versus_columns(
    of: Callable[[E], Versus | None], baseline: str, unit: Unit, second: str = "95 % interval"
) -> list[Column[E]]:
    """The difference to the baseline, whether it is significant, and who won.

    Args:
        of: an entry's comparison; None where there is none.
        baseline: its name.
        unit: of the metric.
        second: what kind of interval is told.
    """
    return [
        Column(
            head=f"Minus {baseline}{points(unit)}",
            second=second,
            cell=lambda e: if_any(of(e), lambda versus: difference(versus, unit)),
            of_baseline="baseline",
            terminal="vs. baseline",
        ),
        Column(
            head="Holm p",
            cell=lambda e: if_any(of(e), lambda versus: Cell(p_value(versus.p_holm))),
            terminal="Holm p",
        ),
        Column(
            head="Wins",
            cell=lambda e: if_any(of(e), wins),
            terminal="wins",
            leaves=4,
        ),
    ]


T = TypeVar("T")


def if_any(value: T | None, cell: Callable[[T], Cell]) -> Cell:
    """A cell of what there is; a dash where there is nothing."""
    return NONE if value is None else cell(value)


def difference(versus: Versus, unit: Unit, *, with_interval: bool = True) -> Cell:
    """A difference, marked where it is significant."""
    role = standing(versus, unit)
    bounds = bounded(unit, versus.ci95, signed=True) if with_interval else ""
    return Cell(unit.signed(versus.difference), bounds, "" if role == "unclear" else role)


def wins(versus: Versus) -> Cell:
    """On how many seeds, or folds, of all it is better."""
    return Cell(won_of(versus.wins, versus.ties, versus.num_pairs))


def score(
    summary: Summary | None, unit: Unit, *, mark: str = "", with_interval: bool = True
) -> Cell:
    """A mean with its interval."""
    if summary is None:
        return NONE
    bounds = bounded(unit, summary.ci95) if with_interval else ""
    return Cell(unit.value(summary.mean), bounds, mark)


def bounded(unit: Unit, interval: Interval | None, *, signed: bool = False) -> str:
    """An interval; nothing where there is none."""
    return unit.interval(interval, signed=signed) if interval else ""


def points(unit: Unit) -> str:
    """What to add to a heading of differences in percentage points."""
    return ", points" if unit.of_difference == "points" else ""
