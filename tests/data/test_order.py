"""Rows in the order of time are told, and dates that are no order of rows are not."""

import datetime
import time

import numpy as np
import polars as pl
import pytest

from kmlp.data import Dataset
from kmlp.data.inference.kinds import read
from kmlp.data.inference.order import rows_in_time
from kmlp.data.tables import Table
from kmlp.data.values import Raw

NUM_ROWS = 120
RNG = np.random.default_rng(0)
FIRST = datetime.datetime(2024, 1, 1)
DAYS = [FIRST + datetime.timedelta(days=i) for i in range(NUM_ROWS)]
SHUFFLED = [DAYS[i] for i in RNG.permutation(NUM_ROWS)]
SECONDS = RNG.integers(0, 10**8, NUM_ROWS).tolist()
MOMENTS = [FIRST + datetime.timedelta(seconds=s) for s in SECONDS]


def told(values) -> list[str]:
    return rows_in_time(Table(pl.DataFrame({"x": range(len(values)), "the day": values}), "t"), ())


@pytest.mark.parametrize(
    "values",
    [
        DAYS,
        DAYS[::-1],
        [day.date() for day in DAYS],
        [str(day.date()) for day in DAYS],  # as a frame of strings holds them
        [None, *DAYS[1:]],
        sorted(MOMENTS),  # at any time of day
        sorted(DAYS[:80] + DAYS[:40]),  # some days twice
        sorted(DAYS[:20] * 6),  # six shops a day
        sorted(DAYS * 3, reverse=True),
        [DAYS[1], DAYS[0], *DAYS[2:]],
        [*DAYS[1:], DAYS[1]],  # the last one came late
    ],
)
def test_rows_in_the_order_of_dates_are_told_with_the_option(values):
    (said,) = told(values)
    assert said.startswith("rows stand in the order of 'the day': ")
    assert said.endswith(
        "time_on='the day', on the command line --time-on 'the day'. It is no input then; "
        "--columns 'the day=date' makes it one all the same, if there is a trend"
    )


def test_a_row_a_day_is_told_in_any_order():
    assert told(SHUFFLED)[0].startswith("each row has a 'the day' of its own: ")


@pytest.mark.parametrize(
    "values",
    [
        MOMENTS,  # unsorted, and all distinct by chance
        [DAYS[i % 40] for i in range(NUM_ROWS)],  # repeated
        sorted(DAYS[:10] * 12),  # as an export may be, by few dates
        [*DAYS[:60], *DAYS[:60]],  # sorted twice over
        [*DAYS[1:], *DAYS[1:4]],  # too many came late
        [None] * 60 + DAYS[60:],  # seldom known
        DAYS[:10],  # few
        [DAYS[0]] * NUM_ROWS,
        list(range(NUM_ROWS)),
        [f"w{i}" for i in range(NUM_ROWS)],
    ],
)
def test_what_is_no_order_of_rows_is_not(values):
    assert not told(values)


def test_a_date_is_found_beside_words_for_missing_ones():
    assert told(["unknown"] * 11 + [str(day.date()) for day in DAYS[11:]])


def test_columns_of_words_are_not_read_for_it():
    """On a thousand of them that took seconds; reading all is some five times as slow."""
    names = [f"c{i}" for i in range(30)]
    words = [f"word {i}" for i in range(200)]
    table = Table(pl.DataFrame(dict.fromkeys(names, words)), "t")
    began = time.process_time()
    assert not rows_in_time(table, ())
    looked = time.process_time()
    for name in names:
        read(Raw(table, name))
    assert looked - began < (time.process_time() - looked) / 2


def of_order(**how) -> list[str]:
    table = {"day": DAYS, "x": RNG.normal(size=NUM_ROWS).tolist(), "y": [0, 1, 1] * 40}
    data = Dataset.from_table(table, "y", **how)
    return [w for w in data.warnings if "--time-on day" in w]


@pytest.mark.parametrize("how", [{}, {"test": 0.25}, {"test": "cv"}, {"drop": ["day"]}])
def test_it_is_told_where_rows_are_drawn(how):
    assert len(of_order(**how)) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"time_on": "day"},
        {"group_on": "day"},  # which time_on cannot stand beside
        {"test": {"day": [DAYS[-1]] * 2, "x": [0.5, 0.6], "y": [0, 1]}},  # given, not drawn
    ],
)
def test_who_says_how_rows_are_parted_is_told_nothing(how):
    assert not of_order(**how)
