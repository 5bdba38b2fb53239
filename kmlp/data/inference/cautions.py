"""What a user should look at before anything trains: columns that give the target away, privacy."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from kmlp.data import values
from kmlp.data.columns import Column
from kmlp.data.encoder import encode_column
from kmlp.data.inference.kinds import FREE_TEXT, Found
from kmlp.data.tables import Table
from kmlp.data.values import Raw

_SAMPLE = 50_000
_FEWEST = 20
_BINS = 64
_TIMES, _SHOWN = 3, 3
_REMOVED = 0.95
_EXPLAINED = 0.99
_MOST_CLASSES = 100
_MAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"


def of_column(raw: Raw, found: Found, columns: Sequence[Column], y: np.ndarray) -> tuple[str, ...]:
    """The warnings of one raw column that is used.

    Args:
        raw: the column, of some rows in a random order (see `sample`).
        found, columns: what it is, what becomes of it.
        y: `(n,)` float64, the target of these rows: its numbers, or codes of classes.
    """
    told: list[str] = []
    if found.kind == "category":
        told += of_spellings(f"categories of column {raw.name!r}", found.values)
    if found.kind == "category" and _holds_mail(found.values):
        told.append(
            f"column {raw.name!r} holds e-mail addresses, which would stand in report and model: "
            f'drop it (drop=["{raw.name}"])'
        )
    share = given_away(encode_column(raw, columns[0]), y, max(_BINS, columns[0].num_codes))
    if share is not None:
        told.append(
            f"column {raw.name!r} alone gives the target away ({share}): is it known before the "
            f'target is? If not: drop=["{raw.name}"]'
        )
    return tuple(told)


def of_left_out(name: str, found: Found) -> tuple[str, ...]:
    """The warnings of one raw column that is not used: what is lost with it."""
    if found.reason != FREE_TEXT:
        return ()
    return (
        f"column {name!r} is free text and is left out: make columns of what matters in it, as its "
        "length or whether a word stands in it, where it may tell of the target",
    )


def of_spellings(what: str, words: Sequence[str]) -> tuple[str, ...]:
    """Words that differ in case or blanks only, and count as different.

    Args:
        what: whose they are, such as "classes of 'status'".
        words: each once.

    Example:
        >>> of_spellings("classes of 'left'", ("Yes", "no", "yes "))[0].partition(" (")[0]
        "classes of 'left' differ in case or blanks only"
    """
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(" ".join(word.split()).casefold(), []).append(word)
    groups = [" and ".join(map(repr, group)) for group in alike.values() if len(group) > 1]
    if not groups:
        return ()
    more = f"; {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
    return (
        f"{what} differ in case or blanks only ({'; '.join(groups[:_SHOWN])}{more}): each counts "
        "by itself; if they mean the same, write them alike in the table",
    )


def of_repeated_rows(table: Table) -> tuple[str, ...]:
    """Rows that stand in a table more than once; told only where chance is no reason for it.

    Args:
        table: the whole of it, the target included.
    """
    num, once = table.height, table.frame.unique()
    count, pairs = int(table.frame.is_duplicated().sum()), once.height * (once.height - 1)
    if not count or not pairs:
        return ()
    alike = 1.0  # of two different rows, were all columns independent
    for series in once:
        counts = series.value_counts(name="rows")["rows"].to_numpy().astype(float)
        alike *= float((counts * (counts - 1)).sum()) / pairs
    if count <= _TIMES * num * -np.expm1((num - 1) * np.log1p(-alike)):
        return ()
    return (
        f"{count:,} of {num:,} rows stand in the table more than once, equal in every column: if "
        "they were written twice, remove the copies, for one may train and the other test; if they "
        "are one thing's, keep them together with --group-on",
    )


def sample(table: Table, y: np.ndarray) -> tuple[Table, np.ndarray]:
    """Rows that are enough to see what gives the target away, in a random order."""
    order = np.random.default_rng(0).permutation(len(y))[:_SAMPLE]
    return table.take(order), y[order]


def is_copy(raw: Raw, found: Found, y: np.ndarray) -> bool:
    """Whether a column is the target once more, under the same or other words."""
    if found.kind not in ("number", "category", "boolean") or found.num_missing:
        return False
    if found.kind == "number":
        numbers = values.numbers(raw)
        if np.array_equal(numbers, y):
            return True
        codes = _ranks(numbers) if found.num_distinct <= _MOST_CLASSES else None
    else:
        codes = _coded_words(raw, found)
    if codes is None or found.num_distinct > max(2, len(y) // 2):
        return False
    distinct, classes = np.unique(y, return_inverse=True)
    pairs = np.unique(codes * len(distinct) + classes)
    return len(pairs) == len(distinct) == len(np.unique(codes))


def given_away(x: np.ndarray, y: np.ndarray, num_bins: int = _BINS) -> str | None:
    """How well one column tells the target of rows that it was not fitted on, if nearly wholly.

    Half of the rows say which class (or mean) goes with each range of values, or each category;
    the other half tests it. Of classes, 95 % of the errors that the commonest class makes must be
    gone; of a quantity, 99 % of the variance of its ranks.

    Args:
        x: `(n,)` numbers or codes, NaN where missing; in an order that means nothing.
        y: `(n,)` classes (whole numbers of at most 100 values), or a quantity.
        num_bins: up to how many values each stand for themselves; more are cut into ranges.

    Example:
        >>> x = np.random.default_rng(0).normal(size=1000)
        >>> given_away(x, (x > 0).astype(float)), given_away(x[::-1], (x > 0).astype(float))
        ('accuracy 98.0 %', None)
    """
    if len(y) < _FEWEST:
        return None
    half = len(y) // 2
    bins = _binned(x, x[:half], num_bins)
    distinct, classes = np.unique(y, return_inverse=True)
    if len(distinct) <= _MOST_CLASSES:
        return _accuracy(bins, classes, len(distinct), half)
    return _r2(bins, _ranks(y).astype(np.float64), half)  # of ranks, so that no outlier decides


def _coded_words(raw: Raw, found: Found) -> np.ndarray:
    if found.kind == "boolean":
        return values.truths(raw, (found.values[0], found.values[1])).astype(np.int64)
    return values.codes(raw, found.values).astype(np.int64)


def _ranks(numbers: np.ndarray) -> np.ndarray:
    return np.unique(numbers, return_inverse=True)[1]


def _holds_mail(words: Sequence[str]) -> bool:
    sample = words[:1000]
    return sum(bool(re.search(_MAIL, word)) for word in sample) > 0.5 * len(sample)


def _binned(x: np.ndarray, fitted: np.ndarray, num_bins: int) -> np.ndarray:
    """Each value's place among the fitted ones: its own where they are few, else its range."""
    known = np.unique(fitted[~np.isnan(fitted)])
    if len(known) > num_bins:
        edges = np.unique(np.quantile(fitted[~np.isnan(fitted)], np.linspace(0, 1, num_bins + 1)))
    else:
        edges = known
    places = np.searchsorted(edges, x, side="right")
    places[np.isnan(x)] = len(edges) + 1
    return places


def _accuracy(bins: np.ndarray, classes: np.ndarray, num_classes: int, half: int) -> str | None:
    counts = np.zeros((bins.max() + 1, num_classes), np.int64)
    np.add.at(counts, (bins[:half], classes[:half]), 1)
    overall = int(np.bincount(classes[:half], minlength=num_classes).argmax())
    chosen = np.where(counts.any(axis=1), counts.argmax(axis=1), overall)
    wrong = float(np.mean(chosen[bins[half:]] != classes[half:]))
    usual = float(np.mean(overall != classes[half:]))
    if not usual or wrong > (1 - _REMOVED) * usual:
        return None
    return f"accuracy {100 * (1 - wrong):.1f} %"


def _r2(bins: np.ndarray, y: np.ndarray, half: int) -> str | None:
    size = bins.max() + 1
    counts = np.bincount(bins[:half], minlength=size)
    sums = np.bincount(bins[:half], weights=y[:half] - y[:half].mean(), minlength=size)
    means = np.divide(sums, counts, out=np.zeros(size), where=counts > 0) + y[:half].mean()
    rest, variance = y[half:] - means[bins[half:]], y[half:].var()
    r2 = 1 - (rest**2).mean() / variance if variance else 0.0
    return f"R2 of ranks {r2:.3f}" if r2 >= _EXPLAINED else None
