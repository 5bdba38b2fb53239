"""A column of text is read as what all of its cells are, and the way they are written is told."""

import datetime

import polars as pl
import pytest

from kmlp.data.reading.cells import read_cells

CELLS = {
    "whole": (["1", "-2", "+3"], [1, -2, 3], []),
    "zeros": (["+1", "-0", "0"], [1, 0, 0], []),
    "fractions": (["1", "2.5", ".5", "1e-3"], [1.0, 2.5, 0.5, 0.001], []),
    "thousands": (["1,234.5", "2"], [1234.5, 2.0], ["thousands comma"]),
    "grouped or not": (["1,234.5", "2000"], ["1,234.5", "2000"], []),
    "german": (["1.234,5", "12"], [1234.5, 12.0], ["decimal comma, thousands point"]),
    "swiss": (["1'234.5", "2"], [1234.5, 2.0], ["thousands apostrophe"]),
    "french": (["1\u202f234,5", "2"], [1234.5, 2.0], ["decimal comma, thousands space"]),
    "gaps": (["1", "?", "", "None", "-"], [1, *4 * [None]], None),
    "beyond 2^53": (["9007199254740993", "1"], [9007199254740993, 1], []),
    "too many digits": (["123456789012345678901", "1"], ["123456789012345678901", "1"], []),
    "codes": (["007", "12"], ["007", "12"], []),
    "words": (["a", "none", "?"], ["a", "none", None], None),
    "countries": (["NA", "DE", "US", "FR", "IT"], ["NA", "DE", "US", "FR", "IT"], None),
    "not countries": (
        ["NA", "DE", "US", "FR", "IT", "Usa"],
        [None, "DE", "US", "FR", "IT", "Usa"],
        None,
    ),
    "mixed": (["1", "2", "abc"], ["1", "2", "abc"], []),
    "digits of another script": (["\u0661", "2"], ["\u0661", "2"], []),
}


@pytest.mark.parametrize(("cells", "values", "said"), CELLS.values(), ids=CELLS)
def test_cells_are_read_as_what_all_of_them_are(cells, values, said):
    found, reading = read_cells(pl.Series(cells, dtype=pl.String))
    assert found.to_list() == values
    assert said is None or reading.describe() == said


def test_a_word_that_may_be_a_category_is_kept_and_told():
    _, reading = read_cells(pl.Series(["a", "none", "?"]))
    assert reading.describe() == [
        "missing where it says '?' (1)",
        "'none' (1) is kept as a category",
    ]


DAY = datetime.date(2021, 2, 3)
DATES = {
    "iso": ("2021-02-03", DAY),
    "slashes": ("2021/02/03", DAY),
    "german": ("3.2.2021", DAY),
    "american": ("02/13/2021", datetime.date(2021, 2, 13)),
    "british": ("13/02/2021", datetime.date(2021, 2, 13)),
    "words": ("3 Feb 2021", DAY),
    "time": ("2021-02-03 10:30", datetime.datetime(2021, 2, 3, 10, 30)),
    "seconds": ("2021-02-03T10:30:00.5", datetime.datetime(2021, 2, 3, 10, 30, 0, 500000)),
    "zone": ("2021-02-03T10:30:00+02:00", datetime.datetime(2021, 2, 3, 8, 30)),
    "utc": ("2021-02-03T10:30:00Z", datetime.datetime(2021, 2, 3, 10, 30)),
}


@pytest.mark.parametrize(("cell", "moment"), DATES.values(), ids=DATES)
def test_dates_are_read_in_any_usual_form(cell, moment):
    found, reading = read_cells(pl.Series([cell, "?", cell]))
    assert reading.kind == "date"
    assert found.to_list() == [moment, None, moment]


def test_day_and_month_that_could_be_exchanged_are_told(read):
    _, reading = read_cells(pl.Series(["01/02/2020", "03/04/2021"]))
    assert "every date could be day/month/year, too" in reading.describe()[1]
    table = read("when;x\n01/02/2020;1,5\n03/04/2021;2,5\n")
    assert table.frame["when"][0] == datetime.date(2020, 2, 1)  # as where decimals have a comma
    assert any("month/day/year, too" in line for line in table.found)
    _, reading = read_cells(pl.Series(["01/02/2020", "31/04/2021"]))
    assert reading.kind == "text"  # no such day: neither order
