"""Which kind a column is of: number, category, boolean or date; or why it is of no use."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
import polars as pl

from kmlp.data import values
from kmlp.data.reading.cells import MISSING_AMONG_NUMBERS, Reading, among, read_cells
from kmlp.data.reading.formats import commonest_date
from kmlp.data.values import BOOLEAN_WORDS, Raw
from kmlp.errors import DataError

_FEW = 20
_MANY = 0.5
_MOSTLY = 0.8
_WORDS_IN_TEXT = 5
_WORDS_IN_NAME = 2
_LETTERS_IN_TEXT = 60
FREE_TEXT = "free text, which kmlp does not read"
_SHOWN = 5
_EXACT = 2**53
# Of a counter's numbers some may be gone: those of test rows, of customers that left.
_DENSE = 2
_IDENTIFIER = re.compile(
    r"(^|[^a-z])(id|ids|index|idx|key|uuid|guid|row|rownum|rownumber|rowid|nr|no)($|[^a-z])"
)
_POSTAL = re.compile(r"(^|[^a-z])(zip|zipcode|postal|postalcode|postcode|plz)($|[^a-z])")
_UNIT = r"^[^0-9A-Za-z\s]?\s*[+-]?[0-9][0-9.,]*\s*[^0-9\s.,]{0,3}$"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a column was found to be.

    Attributes:
        kind: "number", "category", "boolean", "date", "text", or "" for nothing at all.
        reason: why it is left out; empty where it is used.
        values: of a category the vocabulary, of a boolean the words for false and true.
        num_missing, num_distinct, range: for people.
        notes: what was decided and can be overridden.
        written: of numbers and dates, `Reading.written`.
    """

    kind: str
    reason: str = ""
    values: tuple[str, ...] = ()
    num_missing: int = 0
    num_distinct: int = 0
    range: str = ""
    notes: tuple[str, ...] = ()
    written: str = ""


def find_kind(raw: Raw, said: str | None = None) -> Found:
    """What a column is, or that it is what was said.

    Raises:
        DataError: a cell that is not of the kind that was said, or that nearly all others are of.
    """
    if said is not None:
        reading = read(raw)[1] if said in ("number", "date") else None
        return replace(_as_said(raw, said), written=_written(raw, reading))
    raw, reading = read(raw)
    series = raw.series
    told = tuple(f"column {raw.name!r}: {line}" for line in reading.describe()) if reading else ()
    if series.null_count() == len(series):
        return Found(kind="", reason="no values", num_missing=len(series))
    if series.dtype == pl.Boolean:
        found = _constant_or(raw, _boolean(raw, ("false", "true")))
    elif series.dtype in (pl.Date, pl.Datetime):
        found = _constant_or(raw, _date(raw))
    elif series.dtype == pl.Enum:
        found = _constant_or(raw, _category(raw, _declared(series)))
    else:
        found = _words(raw) if series.dtype == pl.String else _number_or_code(raw)
    return replace(found, notes=told + found.notes, written=_written(raw, reading))


def _written(raw: Raw, reading: Reading | None) -> str:
    return reading.written if reading else raw.table.written.get(raw.name, "")


def read(raw: Raw) -> tuple[Raw, Reading | None]:
    """Strings of a frame may be numbers and dates, and words may mean missing, as in a file."""
    if raw.series.dtype != pl.String:
        return raw, None
    if raw.table.is_coded(raw.name):
        _, reading = read_cells(raw.series.unique())
        if reading.kind == "text" and not reading.describe():  # so are all of them
            return raw, None
    cells, reading = read_cells(raw.series)
    return replace(raw, read=cells), reading


def _as_said(raw: Raw, kind: str) -> Found:
    if kind == "number":
        return _number(raw)
    if kind == "date":
        return _date(raw)
    words = values.categories(raw)
    if kind == "category":
        return _category(raw, in_order(words))
    return _boolean(raw, _pair(raw, words))


def _pair(raw: Raw, words: pl.Series) -> tuple[str, str]:
    if raw.series.dtype == pl.Boolean:
        return ("false", "true")
    lower = words.drop_nulls().str.to_lowercase().unique().to_list()
    if pair := boolean_words(lower):
        return pair
    distinct = in_order(words)
    if len(distinct) != 2:
        shown = ", ".join(map(repr, distinct[:_SHOWN]))
        raise DataError(
            f"column {raw.name!r} is said to be boolean and holds {len(distinct)} values "
            f"({shown}); say {_saying(raw.name, 'category')}."
        )
    return distinct[0], distinct[1]


def boolean_words(lower: list[str]) -> tuple[str, str] | None:
    """The pair of words that all of these are of."""
    return next((pair for pair in BOOLEAN_WORDS if lower and set(lower) <= set(pair)), None)


def in_order(words: pl.Series) -> tuple[str, ...]:
    """The different words, numbers in their order, others by letters."""
    distinct = words.drop_nulls().unique().to_list()
    if all(re.fullmatch(r"-?\d{1,15}", word) for word in distinct):
        return tuple(sorted(distinct, key=lambda word: (int(word), word)))
    return tuple(sorted(distinct))


def _declared(series: pl.Series) -> tuple[str, ...]:
    """Categories in the order that the frame declares, those that occur."""
    present = set(series.drop_nulls().unique().cast(pl.String).to_list())
    return tuple(word for word in series.dtype.categories if word in present)  # type: ignore[attr-defined]


def _constant_or(raw: Raw, found: Found) -> Found:
    """A column of one value says nothing, unless it has gaps that may."""
    if found.num_distinct == 1 and not found.num_missing:
        return replace(found, reason="constant")
    return found


def _boolean(raw: Raw, words: tuple[str, str]) -> Found:
    truths = values.truths(raw, words)
    known = truths[~np.isnan(truths)]
    share = f"{known.mean():.0%} {words[1]}" if len(known) else ""
    return Found(
        kind="boolean",
        values=words,
        num_missing=len(truths) - len(known),
        num_distinct=len(np.unique(known)),
        range=share,
    )


def _date(raw: Raw) -> Found:
    moments = values.moments(raw)
    low, high = moments.min(), moments.max()
    if low is None:
        return Found(kind="", reason="no values", num_missing=len(moments))
    found = Found(
        kind="date",
        num_missing=moments.null_count(),
        num_distinct=moments.drop_nulls().n_unique(),
        range=f"{str(low).removesuffix(' 00:00:00')} to {str(high).removesuffix(' 00:00:00')}",
    )
    return _constant_or(raw, found) if found.num_distinct == 1 else found


def _category(raw: Raw, words: tuple[str, ...]) -> Found:
    more = ", ..." if len(words) > _SHOWN else ""
    missing = int(values.categories(raw).null_count())
    return Found(
        kind="category",
        values=words,
        num_missing=missing,
        num_distinct=len(words),
        range=", ".join(repr(w) if "," in w else w for w in words[:_SHOWN]) + more,
    )


def _number(raw: Raw) -> Found:
    numbers = values.numbers(raw)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return Found(kind="", reason="no values", num_missing=len(numbers))
    return Found(
        kind="number",
        num_missing=len(numbers) - len(known),
        num_distinct=raw.series.drop_nulls().n_unique(),
        range=f"{known.min():g} to {known.max():g}",
    )


def _number_or_code(raw: Raw) -> Found:
    found = _constant_or(raw, _number(raw))
    if found.reason or not raw.series.dtype.is_integer():
        return found
    name, series = _plain_name(raw.name), raw.series
    low, high = int(series.min()), int(series.max())  # type: ignore[arg-type]
    if found.num_distinct == len(series) > _FEW and (
        _DENSE * len(series) >= high - low + 1 or _IDENTIFIER.search(name)
    ):
        return replace(found, reason="an identifier: a number of its own for every row")
    if _POSTAL.search(name) and low >= 0:
        note = f'column {raw.name!r} is read as codes by its name; "number" says otherwise'
        return replace(_category(raw, in_order(values.categories(raw))), notes=(note,))
    return _keep_digits(raw, found, max(abs(low), abs(high)))


def _keep_digits(raw: Raw, found: Found, largest: int) -> Found:
    """Whole numbers beyond 2^53 may become equal as float64, in which models take numbers."""
    if largest <= _EXACT:
        return found
    lost = found.num_distinct - raw.series.cast(pl.Float64).drop_nulls().n_unique()
    if lost <= 0:
        return found
    return replace(
        found,
        reason=f"whole numbers up to {largest:,}, of which {lost:,} cannot be told apart as "
        'float64: take a constant off, or say "category"',
    )


def _words(raw: Raw) -> Found:
    words = values.categories(raw)
    known = words.drop_nulls()
    distinct = known.n_unique()
    if pair := boolean_words(known.unique().str.to_lowercase().unique().head(5).to_list()):
        return _constant_or(raw, _boolean(raw, pair))
    if distinct > _FEW:
        _refuse_among_dates(raw, words)
    mixed = _mixed(raw, words, distinct)
    if reason := _no_category(known, distinct):
        missing = len(words) - len(known)
        return Found(
            kind="text", reason=reason, num_missing=missing, num_distinct=distinct, notes=mixed
        )
    return replace(_constant_or(raw, _category(raw, in_order(words))), notes=mixed)


def _no_category(known: pl.Series, distinct: int) -> str:
    """Why words are no categories; empty where they are."""
    sample = known.head(10_000)
    num_words = float(sample.str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
    length = float(sample.str.len_chars().mean() or 0)  # type: ignore[arg-type]
    if distinct <= _FEW:
        return ""
    if num_words >= _WORDS_IN_TEXT or length >= _LETTERS_IN_TEXT:
        return FREE_TEXT
    if distinct > _MANY * len(known):
        if num_words > _WORDS_IN_NAME:
            return FREE_TEXT
        return f"an identifier or free text: {distinct:,} different values in {len(known):,} rows"
    return ""


def _mixed(raw: Raw, words: pl.Series, distinct: int) -> tuple[str, ...]:
    """Refuses numbers among which a few words stand; of few values they are categories."""
    is_number = words.cast(pl.Float64, strict=False).is_not_null()
    count, known = int(is_number.sum()), len(words) - words.null_count()
    is_gap = among(words, MISSING_AMONG_NUMBERS)
    others = (words.is_not_null() & ~is_number).fill_null(False)
    if not others.any():  # codes, such as 00123
        return (f"column {raw.name!r} is read as codes: leading zeros or very many digits",)
    row = int(np.argmax(others.to_numpy()))
    if count >= _MOSTLY * known:
        if distinct > _FEW:
            _refuse_first(raw, others & ~is_gap, "number")
        return (
            f"column {raw.name!r} is read as categories: numbers, and words such as "
            f"{words[row]!r} ({raw.table.place(row)})",
        )
    if distinct > _FEW and _have_unit(words.drop_nulls()):
        return (
            f"column {raw.name!r} looks like numbers with a unit, such as {words[row]!r} "
            f"({raw.table.place(row)}): take it off to use them as numbers",
        )
    return ()


def _refuse_among_dates(raw: Raw, words: pl.Series) -> None:
    """Refuses what is no date where nearly all cells are dates of one writing."""
    known = words.is_not_null() & ~among(words, MISSING_AMONG_NUMBERS)
    date = commonest_date(words.filter(known))
    if date is None:
        return
    others = known & date.parse(words).is_null()
    if int(others.sum()) <= (1 - _MOSTLY) * int(known.sum()):
        _refuse_first(raw, others, f"date written as {date.title}")


def _refuse_first(raw: Raw, others: pl.Series, kind: str) -> NoReturn:
    """Refuses the first of the few cells that are not of the kind that all others are of."""
    count = int(others.sum())
    cells = "it" if count == 1 else f"{count} such cells"
    raise raw.refuse(
        int(np.argmax(others.to_numpy())),
        f"{kind}, as nearly all of the column's cells are",
        f"mend or clear {cells}, or say {_saying(raw.name, 'category')}",
    )


def _saying(name: str, kind: str) -> str:
    """How a column's kind is said, in Python and on the command line."""
    return f'columns={{"{name}": "{kind}"}} (--columns {shlex.quote(f"{name}={kind}")})'


def _have_unit(known: pl.Series) -> bool:
    return bool(known.str.contains(_UNIT).sum() >= _MOSTLY * len(known))


def _plain_name(name: str) -> str:
    """Lower case, with customerId as customer_id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
