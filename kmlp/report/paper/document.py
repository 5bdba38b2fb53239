"""What a paper is made of, without how it looks: the PDF and the LaTeX file are made from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kmlp.report.blocks import Block, Figure, Pictures, Table


@dataclass(frozen=True)
class Formula:
    """The same in both languages.

    Attributes:
        typst, latex: what stands between the signs that begin and end a formula.
    """

    typst: str
    latex: str


Part = str | Formula


@dataclass(frozen=True)
class Prose:
    """A paragraph with formulas in its lines.

    Attributes:
        parts: in their order.
        lead: what the paragraph is about, set apart in front.
    """

    parts: Sequence[Part]
    lead: str = ""


@dataclass(frozen=True)
class Equation:
    """A formula in a line of its own."""

    formula: Formula


@dataclass(frozen=True)
class Numbered:
    """A table or a figure that sentences refer to.

    Attributes:
        name: as they call it: "Table 2".
        title: what it shows, in a few words.
        block: whose own note or caption follows the title.
        floats: whether it goes where a page has room; else it stands where it is told of.
    """

    name: str
    title: str
    block: Table | Figure
    floats: bool = True


PaperBlock = Block | Prose | Equation | Numbered


@dataclass(frozen=True)
class Chapter:
    """A numbered heading with what stands under it."""

    title: str
    blocks: Sequence[PaperBlock] = ()
    chapters: Sequence["Chapter"] = ()

    @property
    def drawings(self) -> Iterator[Figure | Pictures]:
        """Everything drawn, those of the chapters inside it included, in order."""
        for block in self.blocks:
            shown = block.block if isinstance(block, Numbered) else block
            if isinstance(shown, Figure | Pictures):
                yield shown
        for chapter in self.chapters:
            yield from chapter.drawings


@dataclass(frozen=True, kw_only=True)
class TitlePage:
    """What the author of a paper says of it.

    Attributes:
        title: "" takes the paper's own.
        author: one line; "" names nobody.
        date: in words; "" takes the day on which the networks were trained.
    """

    title: str = ""
    author: str = ""
    date: str = ""


NO_TITLE = TitlePage()


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper from top to bottom.

    Attributes:
        page: title, author, date, as they are set.
        abstract: sentences.
        caveats: what changes how the abstract is read.
        body, appendix: their chapters.
        sources: what the methods rest on, a line each.
    """

    page: TitlePage
    abstract: Sequence[str]
    caveats: Sequence[str] = ()
    body: Sequence[Chapter]
    appendix: Sequence[Chapter] = ()
    sources: Sequence[str] = ()


@dataclass
class Numbering:
    """Counts tables and figures in the order in which they are asked for."""

    last: dict[str, int] = field(default_factory=dict)

    def number(self, title: str, block: Table | Figure, *, floats: bool = True) -> Numbered:
        """The next table or figure; see `Numbered`.

        Example:
            >>> count = Numbering()
            >>> [count.number("", Table((), ())).name for _ in range(2)]
            ['Table 1', 'Table 2']
        """
        kind = "Table" if isinstance(block, Table) else "Figure"
        self.last[kind] = self.last.get(kind, 0) + 1
        return Numbered(f"{kind} {self.last[kind]}", title, block, floats)
