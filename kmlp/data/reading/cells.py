"""Cells of text become numbers, dates or words: how a column writes them is found from all of it.

A column is seen block by block. Each way to write numbers or dates survives until a cell does
not fit it; what is left at the end decides, and whatever was decided is stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from kmlp.data.reading.formats import AMBIGUOUS, NUMBERS, DateFormat, NumberFormat, dates_like

if TYPE_CHECKING:
    import polars as pl

MISSING_ALWAYS = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "NAN", "-nan", "-NaN"),
    *("null", "NULL", "Null", "NaT"),
)
"""Words that mean a missing value in every column (but see `Reading`: codes such as NA)."""

MISSING_AMONG_NUMBERS = (
    *(*MISSING_ALWAYS, "none", "None", "NONE", "-", "--", ".", "na", "Na", "n.a.", "missing"),
    *("Missing", "MISSING", "unknown", "Unknown", "UNKNOWN"),
)
"""Words that mean a missing value among numbers and dates; among words they may be a category."""

_FEW_CODES = 3
_FIRST = 1000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is known of columns before their cells are seen.

    Attributes:
        text: columns whose cells stay as they are written, such as codes that are no numbers.
        written: how other rows of columns write dates and numbers, by name: `Reading.written`. It
            decides where cells can be read in several ways.
    """

    text: Sequence[str] = ()
    written: Mapping[str, str] = field(default_factory=dict)


NOTHING = Wanted()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the cells of a column are read.

    Attributes:
        kind: "number", "date" or "text".
        number: how numbers are written.
        date: how dates are written.
        whole: the smallest type, such as "Int16", if every number is a whole one; else empty.
        missing: words that are read as missing, and how often each stands there.
        notes: what else a user should be told.
    """

    kind: str
    number: NumberFormat | None = None
    date: DateFormat | None = None
    whole: str = ""
    missing: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        """What other rows need to be told of: the date's title or the number's name, where others
        could be read in more ways than one; else empty."""
        if self.date:
            return self.date.title if self.date.title in AMBIGUOUS else ""
        return self.number.name if self.number and self.number.title else ""

    def apply(self, cells: pl.Series) -> pl.Series:
        """Cells as `tidy` gives them, as integers, Float64, Date, Datetime or String."""
        if self.missing:
            cells = cells.set(among(cells, [word for word, _ in self.missing]), None)
        if self.number:
            return self.number.parse(cells, self.whole)
        return self.date.parse(cells) if self.date else cells

    def describe(self) -> list[str]:
        """What stands out, for people; nothing where numbers are numbers and gaps are empty."""
        said = [self.number.title] if self.number and self.number.title else []
        said += [f"dates as {self.date.title}"] if self.date else []
        if self.missing:
            words = ", ".join(f"{word!r} ({count})" for word, count in self.missing)
            said.append(f"missing where it says {words}")
        return said + list(self.notes)


def tidy(cells: pl.Series) -> pl.Series:
    """Without the spaces round them; empty ones are null."""
    cells = cells.str.strip_chars()
    return cells.set(cells.eq("").fill_null(False), None)


def among(cells: pl.Series, words: Collection[str]) -> pl.Series:
    """Which cells are one of these words; missing ones are none."""
    return cells.is_in(list(words)).fill_null(False)


def read_cells(
    cells: pl.Series, *, separator: str = ",", known: str = ""
) -> tuple[pl.Series, Reading]:
    """A whole column of strings, read.

    Args:
        cells: as they are written.
        separator: of the file that they stand in.
        known: `Reading.written` of the column's other rows; it decides where cells can be read in
            several ways.

    Example:
        >>> import polars as pl
        >>> read_cells(pl.Series(["1,5", "?", " 2"]), separator=";")[0].to_list()
        [1.5, None, 2.0]
    """
    cells = tidy(cells)
    facts = Facts(known=known)
    for part in (cells[:_FIRST], cells[_FIRST:]):  # the first few rows tell what words are
        facts.see(part)
    reading = facts.decide(separator, facts.decimals())
    return reading.apply(cells), reading


@dataclass
class Facts:
    """What is known of a column's cells so far."""

    text_wanted: bool = False
    known: str = ""  # how the column's other rows are written
    cells: int = 0
    zeros_lead: bool = False
    too_long: bool = False
    low: int = 0
    high: int = 0
    fraction: set[str] = field(default_factory=set)
    words: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, NumberFormat] | None = None
    dates: list[DateFormat] | None = None
    written: bool = False  # whether a point or a comma stands in a number
    two_letters: bool = True

    def see(self, cells: pl.Series) -> None:
        """Takes in a block of cells as `tidy` gives them."""
        self.cells += len(cells) - cells.null_count()
        if self.is_text:
            self._count_words(cells)
        else:
            self._see_numbers_and_dates(cells)
        if self.is_text and self.two_letters:
            others = cells.filter(cells != "NA")
            self.two_letters = bool(others.str.contains("^[A-Z]{2}$").all())

    @property
    def is_text(self) -> bool:
        """Whether no way to write numbers or dates is left."""
        gone = self.numbers is not None and not self.numbers and not self.dates
        return self.text_wanted or self.zeros_lead or self.too_long or gone

    def decimals(self) -> set[str]:
        """The decimal signs that are possible; both or none where nothing tells."""
        if self.is_text or not self.written:
            return set()
        return {number.decimal for number in (self.numbers or {}).values()}

    def decide(self, separator: str, decimals: set[str]) -> Reading:
        """How the column is read.

        Args:
            separator: the file's; it tells a decimal comma from thousands where nothing else does.
            decimals: the signs that the file's other columns leave possible.
        """
        seen = tuple((word, count) for word, count in self.words.most_common() if count)
        if not self.is_text and self.numbers != {}:
            if self.cells > self.words.total():
                return self._number(separator, decimals, seen)
        elif not self.is_text and self.dates:
            return self._date(decimals, seen)
        return self._text(seen)

    def _without_whole_numbers(self, cells: pl.Series) -> pl.Series:
        import polars as pl

        whole = cells.cast(pl.Int64, strict=False)
        is_whole = whole.is_not_null()
        if is_whole.any():
            self.low = min(self.low, whole.min())  # type: ignore[type-var, assignment]
            self.high = max(self.high, whole.max())  # type: ignore[type-var, assignment]
            digits = cells.filter(is_whole).str.strip_chars_start("+-")
            self.zeros_lead = bool((digits.str.starts_with("0") & (digits != "0")).any())
            self.dates = []
        return cells.filter(whole.is_null() & cells.is_not_null())

    def _see_numbers_and_dates(self, cells: pl.Series) -> None:
        rest = self._count_words(self._without_whole_numbers(cells))
        if not len(rest):
            return
        if self.numbers is None:
            self.numbers = dict(NUMBERS)
        if self.dates is None:
            self.dates = dates_like(rest)
        self._drop_numbers(rest)
        self.dates = [date for date in self.dates if date.fits(rest)]

    def _count_words(self, cells: pl.Series) -> pl.Series:
        """Counts the words that may mean missing; what is left of the cells."""
        found = among(cells, MISSING_AMONG_NUMBERS)
        if not found.any():
            return cells
        self.words.update(dict(cells.filter(found).value_counts().iter_rows()))
        return cells.filter(~found)

    def _drop_numbers(self, rest: pl.Series) -> None:
        assert self.numbers is not None
        self.numbers = {k: number for k, number in self.numbers.items() if number.fits(rest)}
        if self.numbers:
            self.written = self.written or bool(rest.str.contains("[.,]").any())
            self.too_long = bool(rest.str.contains(r"^[+-]?[0-9]{19,}$").any())
        for name, number in self.numbers.items():
            if name not in self.fraction and number.has_fraction(rest):
                self.fraction.add(name)

    def _number(
        self, separator: str, decimals: set[str], seen: tuple[tuple[str, int], ...]
    ) -> Reading:
        possible = self.numbers if self.numbers is not None else {"plain": NUMBERS["plain"]}
        own = {number.decimal for number in possible.values()}
        notes: tuple[str, ...] = ()
        decimals = {NUMBERS[self.known].decimal} & own if self.known in NUMBERS else decimals
        if len(own) == 1 or not self.written:
            number = next(iter(possible.values()))
        else:
            wanted = _decimal(separator, decimals, possible)
            number = next(n for n in possible.values() if n.decimal == wanted)
            other = next(n for n in possible.values() if n.decimal != wanted)
            if len(decimals) != 1 and (number.title or separator != ","):
                notes = (f"every number could be {other.title or 'decimal point'}, too",)
        if number.thousands and max(self.high, -self.low) >= 1000:
            return self._text(seen)  # some thousands are grouped, some are not: cells are named
        return Reading(
            kind="number",
            number=number,
            whole=self._smallest(number),
            missing=seen,
            notes=notes,
        )

    def _smallest(self, number: NumberFormat) -> str:
        """Pixels fill an eighth of the memory that they would take as Int64."""
        if number.name in self.fraction:
            return ""
        if number.name != "plain":  # of those with thousands the range is not known
            return "Int64"
        types = ("UInt8", "Int8", "Int16", "Int32")
        fits = (t for t in types if np.iinfo(t.lower()).min <= self.low)
        return next((t for t in fits if self.high <= np.iinfo(t.lower()).max), "Int64")

    def _date(self, decimals: set[str], seen: tuple[tuple[str, int], ...]) -> Reading:
        assert self.dates
        date, notes = self.dates[0], tuple[str, ...]()
        others = [d for d in self.dates[1:] if d.title != date.title]
        if self.known in {d.title for d in self.dates}:
            date = next(d for d in self.dates if d.title == self.known)
        elif others:
            if decimals == {","}:  # where numbers have a decimal comma, the day comes first
                date, others = others[0], [date]
            notes = (f"every date could be {others[0].title}, too: say which by rewriting them",)
        return Reading(kind="date", date=date, missing=seen, notes=notes)

    def _text(self, seen: tuple[tuple[str, int], ...]) -> Reading:
        """Words that always mean missing do; the others, and codes among codes, are kept."""
        if self.text_wanted:
            return Reading(kind="text")
        codes = self.two_letters and self.cells > self.words.total() + _FEW_CODES
        kept = [w for w, _ in seen if w not in MISSING_ALWAYS or (codes and w == "NA")]
        notes = [f"{w!r} ({self.words[w]}) is kept as a category" for w in kept]
        missing = tuple((w, count) for w, count in seen if w not in kept)
        return Reading(kind="text", missing=missing, notes=tuple(notes))


def _decimal(separator: str, decimals: set[str], possible: dict[str, NumberFormat]) -> str:
    """Which decimal sign, where the column does not tell: the other columns', or a guess."""
    if len(decimals) == 1:
        return next(iter(decimals))
    if "plain" in possible:
        return "."
    return "," if separator == ";" else "."
