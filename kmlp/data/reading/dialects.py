"""How a text file writes its table: encoding, separator, quotes, header; found out, and stated."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kmlp.data.reading.cells import MISSING_ALWAYS

SAMPLE = 2**18
"""Characters that the dialect is found from."""

_ROWS = 500
_SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "space"}
# One way only to match: of two, a cell of a hundred thousand digits would take hours to be none.
_NUMBER = re.compile(r"[+-]?[.,]*\d[\d.,]*([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text file is written.

    Attributes:
        separator: between fields.
        quote: round fields that hold the separator or a line's end; None where quotes are text.
        encoding: as Python names it; "utf-8-sig" and "utf-16" begin with a byte order mark.
        header: whether the first record names the columns.
        newline: what ends a line: "\\n" (also after "\\r"), or a lone "\\r".
        skipped: lines before the table, such as Excel's `sep=;`.
        compression: "gzip", "zstd", "xz", "bzip2", or "".
    """

    separator: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8"
    header: bool = True
    newline: str = "\n"
    skipped: int = 0
    compression: str = ""

    def describe(self) -> str:
        """One line for people.

        Example:
            >>> Dialect(separator=";", encoding="utf-16").describe()
            'separator semicolon, quote ", encoding utf-16 (byte order mark), with a header'
        """
        marked = self.encoding in ("utf-8-sig", "utf-16", "utf-32")
        encoding = self.encoding.removesuffix("-sig") + (" (byte order mark)" if marked else "")
        parts = [
            f"separator {_SEPARATORS.get(self.separator, repr(self.separator))}",
            f"quote {self.quote or 'none'}",
            f"encoding {encoding}",
            "with a header" if self.header else "without a header",
        ]
        return ", ".join(parts + ([self.compression] if self.compression else []))


def find_encoding(start: bytes) -> str:
    """The encoding by the first bytes: a byte order mark, UTF-16's zeros, else UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    head = start[:2000]
    if len(head) > 3 and head[1::2].count(0) > 0.4 * len(head) and not head[::2].count(0):
        return "utf-16-le"
    if len(head) > 3 and head[::2].count(0) > 0.4 * len(head) and not head[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def find_dialect(
    sample: str, *, whole: bool, separator: str | None = None, header: bool | None = None
) -> tuple[Dialect, list[str]]:
    """The dialect of a text by its beginning, and the fields of its first record.

    Args:
        sample: the first characters.
        whole: whether that is all; otherwise its last line is cut short, and passed over.
        separator, header: said by the user.

    Example:
        >>> find_dialect("a;b\\n1,5;2\\n", whole=True)[0].separator
        ';'
    """
    newline = "\r" if "\r" in sample and "\n" not in sample else "\n"
    text = sample.replace("\r\n", "\n").replace("\r", "\n")
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    skipped = 0
    if match := re.match(r"sep=(.)\n", text):  # Excel's own way to say it
        separator, skipped, text = separator or match[1], 1, text[match.end() :]
    separator = separator or _find_separator(text)
    quote = _find_quote(text, separator)
    records = _records(text, separator, quote)
    found = Dialect(separator=separator, quote=quote, newline=newline, skipped=skipped)
    has_header = _has_header(records) if header is None else header
    return replace(found, header=has_header), records[0] if records else []


def _records(text: str, separator: str, quote: str | None) -> list[list[str]]:
    reader = csv.reader(
        io.StringIO(text),
        delimiter=separator,
        quotechar=quote or '"',
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    records = []
    try:
        for record in reader:
            if record:
                records.append([field.strip() for field in record])
            if len(records) > _ROWS:
                break
    except csv.Error:  # a field beyond csv's limit: an open quote, told where all is read
        return records
    return records


def _find_separator(text: str) -> str:
    """The separator that cuts nearly all records into as many fields, most of them of a kind."""
    best, chosen = (0.0, 0.0), ","
    for separator in _SEPARATORS:
        records = _records(text, separator, _find_quote(text, separator))
        width, share = _usual_width(records)
        needed = 1.0 if separator == " " else 0.8
        if width < 2 or share < needed or (separator == " " and best > (0, 0)):
            continue
        score = (round(_typed_share(records), 2), share)
        if score > best:
            best, chosen = score, separator
    return chosen


def _usual_width(records: Sequence[Sequence[str]]) -> tuple[int, float]:
    if not records:
        return 0, 0.0
    width, count = Counter(map(len, records)).most_common(1)[0]
    return width, count / len(records)


def _typed_share(records: Sequence[Sequence[str]]) -> float:
    cells = [cell for record in records[1:] or records for cell in record]
    return (1 + sum(_kind(cell) != "word" for cell in cells)) / (1 + len(cells))


def _kind(cell: str) -> str:
    if not cell or cell in MISSING_ALWAYS:
        return ""
    if _NUMBER.fullmatch(cell):
        return "number"
    return "date" if _DATE.fullmatch(cell) else "word"


def _find_quote(text: str, separator: str) -> str | None:
    """Double quotes, unless they stand only inside of fields, or single ones are used as such."""
    edge = re.escape(separator)
    if re.search(rf'(^|{edge}) *"', text, re.MULTILINE):
        return '"'
    if len(re.findall(rf"(?:^|{edge})'[^'\n]*'(?={edge}|$)", text, re.MULTILINE)) >= 2:
        return "'"
    return None if '"' in text else '"'


def _has_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record differs in kind from what stands below it."""
    if len(records) < 2:
        return not records or not any(_kind(cell) in ("number", "date") for cell in records[0])
    first, columns = records[0], list(zip(*records[1:], strict=False))
    below = [Counter(filter(None, map(_kind, column))) for column in columns]
    typed = [j for j, kinds in enumerate(below) if kinds and kinds["word"] < 0.1 * kinds.total()]
    if any(_kind(first[j]) == "word" for j in typed):
        return True
    if typed:
        return _counts_up(first) and not _counts_up(records[1])
    return not any(cell in column for cell, column in zip(first, columns, strict=False) if cell)


def _counts_up(record: Sequence[str]) -> bool:
    """0, 1, 2 or 2019, 2020, 2021: what an array's columns or years are called."""
    numbers = [int(cell) for cell in record if cell.isascii() and cell.isdecimal()]
    if len(numbers) < 2 or len(numbers) < len(record) - 1:
        return False
    return all(b - a == 1 for a, b in itertools.pairwise(numbers))
