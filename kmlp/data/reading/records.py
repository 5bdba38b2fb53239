"""Text in blocks of whole records, each held to as many fields as the others.

polars fills short records with nulls in silence, and knows no line numbers; so lines and fields
are counted here first, by NumPy.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kmlp.data.reading.dialects import Dialect

BLOCK = 2**21
"""Bytes of text that are parsed at once; more where columns are many, each of which has a cost."""

_BYTES_A_COLUMN = 2**14

_LONGEST = 2**26
"""Bytes that one record may have: a quote that is never closed would else take in the file."""

_SHOWN = 60


@dataclass(frozen=True)
class Block:
    """Some records: their text as UTF-8, and the line on which each of them begins.

    Attributes:
        text: each record ends with a newline; blank lines are left in.
        lines: `(n,)`, the first line of each record, from 1.
        blank: `(n,)`, which records are blank lines.
        quote: round fields; None where quotes are text.
    """

    text: bytes
    lines: np.ndarray
    blank: np.ndarray
    quote: str | None


def decoded(pieces: Iterator[bytes], dialect: Dialect, *, to_end: bool = True) -> Iterator[str]:
    """Bytes as text.

    Args:
        pieces: of a file.
        dialect: whose encoding they are in.
        to_end: whether the file ends with them; else they may end inside of a character.

    Raises:
        UnicodeDecodeError: they are not in this encoding.
        ValueError: they are no text at all.
    """
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    for piece in pieces:
        yield _text(decoder.decode(piece))
    if to_end:
        yield _text(decoder.decode(b"", final=True))


def blocks(texts: Iterator[str], dialect: Dialect, width: int) -> Iterator[Block]:
    """Whole records, about `BLOCK` bytes at a time.

    Raises:
        ValueError: a record of another width, or a quote out of place, with its line.
    """
    line, waiting = 1 + dialect.skipped, bytearray()
    for text in _lines_skipped(texts, dialect.skipped):
        waiting += _utf8(text, dialect)
        if len(waiting) >= max(BLOCK, _BYTES_A_COLUMN * width):
            block, line = _cut(waiting, dialect, width, line)
            if block:
                yield block
    if waiting:
        if not waiting.endswith(b"\n"):
            waiting += b"\n"
        block, _ = _cut(waiting, dialect, width, line, last=True)
        if block:
            yield block


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("it is no text: it holds zero bytes; say what it is by its suffix")
    return text


def _utf8(text: str, dialect: Dialect) -> bytes:
    raw = text.encode()
    return raw.replace(b"\r", b"\n") if dialect.newline == "\r" else raw


def _lines_skipped(texts: Iterator[str], count: int) -> Iterator[str]:
    for text in texts:
        if count:  # the first piece holds them: they are Excel's `sep=;`
            text, count = text.split("\n", count)[-1], 0
        yield text


def _cut(
    waiting: bytearray, dialect: Dialect, width: int, line: int, *, last: bool = False
) -> tuple[Block | None, int]:
    """Takes the whole records off what waits; also the number of the line that follows them."""
    raw = np.frombuffer(bytes(waiting), np.uint8)
    newlines = raw == ord("\n")
    quoted = _inside_quotes(raw, dialect)
    if quoted is None:
        return _cut_tidied(waiting, dialect, width, line)
    ends = np.flatnonzero(newlines & ~quoted if quoted.size else newlines)
    if not len(ends):
        if last or len(waiting) > _LONGEST:
            raise ValueError(f"line {line}: a quote is opened there and never closed; close it")
        return None, line
    if last and ends[-1] != len(raw) - 1:
        at = line + int(newlines[: ends[-1] + 1].sum())
        raise ValueError(f"line {at}: a quote is opened there and never closed; close it")
    stop = int(ends[-1]) + 1
    block = _block(raw[:stop], ends, newlines[:stop], quoted[:stop], dialect, width, line)
    del waiting[:stop]
    return block, line + int(newlines[:stop].sum())


def _cut_tidied(
    waiting: bytearray, dialect: Dialect, width: int, line: int
) -> tuple[Block | None, int]:
    stop = waiting.rfind(b"\n") + 1
    whole = bytes(waiting[:stop])
    _refuse_lone_returns(np.frombuffer(whole, np.uint8), np.zeros(0, bool), line)
    tidied = bytearray(_tidied(whole, dialect, line))
    del waiting[:stop]
    block = _cut(tidied, replace(dialect, quote='"'), width, line, last=True)[0] if stop else None
    return block, line + whole.count(b"\n")


def _inside_quotes(raw: np.ndarray, dialect: Dialect) -> np.ndarray | None:
    """Which bytes stand inside quotes; empty where nothing is quoted, None where quotes are odd.

    A quote opens where a field begins and closes where it ends, or is doubled.
    """
    if dialect.quote is None:
        return np.zeros(0, bool)
    is_quote = raw == ord(dialect.quote)
    at = np.flatnonzero(is_quote)
    if not len(at):
        return np.zeros(0, bool)
    fine = np.zeros(256, bool)
    fine[[ord(dialect.separator), ord("\n"), ord("\r"), ord(dialect.quote)]] = True
    opening, closing = at[::2], at[1::2]
    before = raw[opening[opening > 0] - 1]
    after = raw[closing[closing < len(raw) - 1] + 1]
    if not (fine[before].all() and fine[after].all()):
        return None
    return (np.cumsum(is_quote, dtype=np.uint8) & 1).astype(bool)


def _tidied(text: bytes, dialect: Dialect, line: int) -> bytes:
    """Records whose quotes follow spaces or stand inside of fields, written anew."""
    lines = io.StringIO(text.decode(), newline="")
    reader = csv.reader(
        lines,
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        skipinitialspace=True,
        strict=True,
    )
    out = io.StringIO()
    writer = csv.writer(out, delimiter=dialect.separator, lineterminator="\n")
    try:
        for record in reader:
            if record:
                writer.writerow(record)
            else:
                out.write("\n")
    except csv.Error as error:
        at = line + max(reader.line_num - 1, 0)
        raise ValueError(
            f"line {at}: a quote stands out of place ({error}); double a quote inside of a "
            "field, and put quotes round all of it"
        ) from error
    return out.getvalue().encode()


def _block(
    raw: np.ndarray,
    ends: np.ndarray,
    newlines: np.ndarray,
    quoted: np.ndarray,
    dialect: Dialect,
    width: int,
    line: int,
) -> Block:
    _refuse_lone_returns(raw, quoted, line)
    starts = np.concatenate(([0], ends[:-1] + 1))
    # A record begins on the line after all newlines before it, those inside quotes included.
    lines = line + np.searchsorted(np.flatnonzero(newlines), starts)
    separators = raw == ord(dialect.separator)
    if quoted.size:
        separators &= ~quoted
    places = np.flatnonzero(separators)
    found = np.searchsorted(places, ends) - np.searchsorted(places, starts) + 1
    length = ends - starts
    blank = (length == 0) | ((length == 1) & (raw[starts] == ord("\r")))
    wrong = np.flatnonzero((found != width) & ~blank)
    if len(wrong):
        first = wrong[0]
        _refuse_width(raw[starts[first] : ends[first]], int(lines[first]), int(found[first]), width)
    return Block(raw.tobytes(), lines, blank, dialect.quote)


def _refuse_lone_returns(raw: np.ndarray, quoted: np.ndarray, line: int) -> None:
    """A carriage return without a line feed ends a line for some programs, for others not."""
    returns = np.flatnonzero(raw == ord("\r"))
    lone = returns[raw[np.minimum(returns + 1, len(raw) - 1)] != ord("\n")]
    lone = lone[~quoted[lone]] if quoted.size else lone
    if len(lone):
        at = line + int(np.count_nonzero(raw[: lone[0]] == ord("\n")))
        raise ValueError(f"line {at} holds a carriage return that ends no line; take it out")


def _refuse_width(record: np.ndarray, line: int, found: int, width: int) -> None:
    text = record.tobytes().decode(errors="replace").strip()
    shown = "".join(c if c.isprintable() else "?" for c in text[:_SHOWN])
    more = " ..." if len(text) > _SHOWN else ""
    raise ValueError(
        f"line {line} has {found} field{'s' * (found != 1)}, {width} are due: {shown}{more}; "
        "mend the line (a separator inside of a field needs quotes round it), or take out lines "
        "that are no records"
    )
