"""What a report says, without how it looks: the page and the PDF are made from the same blocks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kmlp.report.csv_tables import Rows, to_csv


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Short statements, one a line."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """What is typed or lies in a file, as it is."""

    text: str


@dataclass(frozen=True)
class Cell:
    """A table's cell.

    Attributes:
        text: what it says.
        note: a second, softer line, such as an interval.
        mark: "", "strong", "better" or "worse".
    """

    text: str
    note: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """A table's row; one cell alone is a heading of the rows below it.

    Attributes:
        cells: one a column, the first names the row.
        is_baseline: whether it is set off as what all else is compared with.
    """

    cells: Sequence[Cell]
    is_baseline: bool = False


@dataclass(frozen=True)
class Table:
    """A table with numbers right of its first column.

    Attributes:
        columns: their headings; `note` says what the second line of a cell is.
        rows: from top to bottom.
        note: how to read it.
        is_prose: whether the cells hold words, set left.
    """

    columns: Sequence[Cell]
    rows: Sequence[Row]
    note: str = ""
    is_prose: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing, at two widths so that letters stay readable on a phone.

    Attributes:
        name: of its file.
        alt: what it shows, for who cannot see it.
        caption: how to read it.
        wide, narrow: SVG documents in the colours of `kmlp.report.plots.PALETTE`.
    """

    name: str
    alt: str
    caption: str
    wide: str
    narrow: str


@dataclass(frozen=True)
class Picture:
    """A PNG image with a title and a softer second line."""

    png: bytes
    title: str
    note: str


@dataclass(frozen=True)
class Pictures:
    """A row of images."""

    items: Sequence[Picture]
    caption: str


def facts_table(facts: Mapping[str, str]) -> Table:
    """A name and what belongs to it, a row each."""
    rows = [Row([Cell(name), Cell(value)]) for name, value in facts.items()]
    return Table((), rows, is_prose=True)


def typeset(text: str) -> str:
    r"""The text with spaces that no line breaks at, between numbers and what belongs to them.

    Example:
        >>> typeset("(95 % Holm p = 0.03)").split(" ")
        ['(95\xa0%', 'Holm', 'p\xa0=\xa00.03)']
    """
    return re.sub(
        r"(?<=\d) (?=%)|(?<= p) (?=[=<] )|(?<= p [=<]) (?=\d)| (?=± \d)|(?<= ±) (?=\d)",
        "\N{NO-BREAK SPACE}",
        text,
    )


Block = Text | Bullets | Code | Table | Figure | Pictures


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        anchor: names it in links.
        title: the heading.
        blocks: from top to bottom.
        tables: the numbers that it rests on, by the name of their CSV file.
    """

    anchor: str
    title: str
    blocks: Sequence[Block]
    tables: Mapping[str, Rows] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The answer to a report's title, in a line.

    Attributes:
        badge: in a word or two.
        mark: of the badge: "better", "worse" or "soft".
        text: in a sentence.
        caveats: what changes how it is read.
    """

    badge: str
    mark: str
    text: str
    caveats: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """A report from top to bottom.

    Attributes:
        kicker, title, facts: what it is about.
        answer: to the title's question; None where it asks none.
        verdict: the few sentences that a busy reader reads.
        also: sentences under them that no one may miss.
        lead: the blocks right below, without a heading.
        sections: everything else.
        chapters: whole reports that follow, each beginning on a page of its own.
    """

    kicker: str
    title: str
    facts: str
    verdict: Sequence[str]
    answer: Answer | None = None
    also: Sequence[str] = ()
    lead: Sequence[Block] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    chapters: Sequence["Report"] = ()

    @property
    def figures(self) -> list[Figure]:
        """All figures but the chapters', in order."""
        blocks = [*self.lead, *(b for s in self.sections for b in s.blocks)]
        return [b for b in blocks if isinstance(b, Figure)]

    @property
    def tables(self) -> dict[str, str]:
        """All tables but the chapters' as CSV, by the names of their files."""
        found = [table for section in self.sections for table in section.tables.items()]
        return {f"{name}.csv": to_csv(rows) for name, rows in found}


NONE = Cell("–")
