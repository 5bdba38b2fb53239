"""What stands in a cell is what the matrix holds: every digit, every category, every gap."""

import datetime
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kmlp.data.columns import Column, decode_target
from kmlp.data.encoder import Encoding, Told, encode, encode_target, scale_of
from kmlp.data.inference import infer_schema
from kmlp.data.preparation import prepare, read_for
from kmlp.data.reading.cells import Wanted
from kmlp.data.tables import as_table, read_batches, read_table
from kmlp.errors import DataError

N = 400
RNG = np.random.default_rng(0)
X, U = RNG.normal(size=N), RNG.random(N)
CLASSES = ["a" if u > 0.5 else "b" for u in U]


def encoded(values, name: str = "x", **options) -> np.ndarray:
    """One column as it comes out of schema and encoder."""
    frame = {name: values, "y": CLASSES}
    schema = infer_schema(frame, "y", **options)
    return encode(frame, schema.columns)


NUMBERS = {
    "plain": X,
    "float32": X.astype(np.float32),
    "small integers": RNG.integers(0, 256, N).astype(np.uint8),
    "years": RNG.integers(1990, 2024, N),
    "mostly zero": np.where(U < 0.9, 0.0, X),
}


@pytest.mark.parametrize("values", NUMBERS.values(), ids=NUMBERS)
def test_numbers_that_float32_can_hold_stay_as_they_are(values):
    np.testing.assert_array_equal(encoded(values)[:, 0], np.asarray(values, np.float32))


HARD = {
    "a large offset": 1e9 + U,
    "a larger offset": -3e14 + U,
    "huge": X * 1e39,
    "huger": X * 1e300,
    "huge with both signs at the end": np.clip(X, -1.7, 1.7) * 1e308,
    "tiny": X * 1e-30,
    "subnormal": X * 1e-310,
    "nanoseconds": 1_700_000_000_000_000_000 + (U * 1e15).astype(np.int64),
    "integers beyond 2^53": 2**60 + RNG.permutation(N) * 1024,
}


@pytest.mark.parametrize("values", HARD.values(), ids=HARD)
def test_numbers_that_float32_cannot_hold_keep_their_digits(values):
    found = encoded(values, columns={"x": "number"})[:, 0]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(_from_0_to_1(found), _from_0_to_1(values), atol=1e-6)
    assert len(np.unique(found)) > 0.99 * len(np.unique(values))


def _from_0_to_1(values: np.ndarray) -> list[float]:
    """Computed exactly, whatever the size of the numbers."""
    exact = [Fraction(value) for value in values.tolist()]
    low, high = min(exact), max(exact)
    return [float((value - low) / (high - low)) for value in exact]


def test_an_outlier_does_not_take_the_others_digits():
    values = np.where(np.arange(N) == 3, 1e39, X)
    found = encoded(values)[:, 0]
    assert np.isfinite(found).all()
    rest = np.arange(N) != 3
    scale = found[0] / X[0]
    np.testing.assert_allclose(found[rest] / scale, X[rest], rtol=1e-6)
    np.testing.assert_allclose(found[3].astype(np.float64) / scale, 1e39, rtol=1e-6)


def test_scales_are_nothing_where_nothing_is_known():
    assert scale_of(np.full(3, np.nan)) == (0.0, 0)
    assert scale_of(np.full(3, 3.0)) == (0.0, 0), "arrays with a constant column stay as they were"
    assert scale_of(np.full(3, 1e9 + 1)) == (1e9 + 1, 0), "float32 does not hold it"
    assert scale_of(np.zeros(3)) == (0.0, 0)


def test_targets_come_back_with_all_their_digits():
    for y in (1e9 + U, X * 1e39, X * 1e-30, X, 1e12 + 1e-3 * U):
        schema = infer_schema({"x": X[::-1], "y": y}, "y")
        stored = encode_target({"y": y}, schema.target)
        assert stored.dtype == np.float32
        spread = np.ptp(y)
        np.testing.assert_allclose(decode_target(stored, schema.target), y, atol=1e-6 * spread)


def test_classes_are_their_places():
    schema = infer_schema({"x": X, "y": CLASSES}, "y")
    assert encode_target({"y": ["b", " a ", "b"]}, schema.target).tolist() == [1, 0, 1]
    for values, said in (
        (["a", "c"], "column 'y', row 1: 'c' is no class of a, b; mend"),
        (["a", None, None], r"column 'y', row 1: the target is missing \(2 rows\)"),
    ):
        with pytest.raises(DataError, match=said):
            encode_target({"y": values}, schema.target)
    with pytest.raises(DataError, match="lacks the column 'y'"):
        encode_target({"x": [1]}, schema.target)


def test_whole_numbers_and_doubles_are_the_same_classes():
    schema = infer_schema({"x": X, "y": [i % 3 for i in range(N)]}, "y")
    for values in ([2, 0], [2.0, 0.0], ["2", "0"], np.array([2, 0], np.uint8)):
        assert encode_target({"y": values}, schema.target).tolist() == [2, 0]


CITY = Column(
    name="city", kind="category", source="city", values=("a", "b", "NA"), has_missing=True
)
AGE = Column(name="age", kind="number", source="age", low=0.0, high=100.0)
MEMBER = Column(name="member", kind="boolean", source="member", values=("no", "yes"))
NAN = float("nan")


def test_categories_are_codes_and_unseen_ones_are_known_as_unseen():
    cells = ["b", " a ", "zz", None, "", "?", "NA", "A"]
    found = encode({"city": cells}, [CITY])[:, 0]
    np.testing.assert_array_equal(found, [1, 0, 3, NAN, NAN, NAN, 2, 3])


@pytest.mark.parametrize(
    "cells",
    [
        ["Yes", "no", None],
        [True, False, None],
        pd.array([True, False, None], "boolean"),
        ["YES", "No", "?"],
    ],
)
def test_truth_values_are_zeros_and_ones(cells):
    np.testing.assert_array_equal(encode({"member": cells}, [MEMBER])[:, 0], [1, 0, NAN])


@pytest.mark.parametrize(
    "cells",
    [
        [1.5, None, 3],
        ["1.5", "?", "3"],
        ["1,5", "", "3,0"],
        pd.array([1.5, None, 3], "Float64"),
        np.array([1.5, np.nan, 3], np.float32),
        pl.Series([1.5, None, 3.0]).cast(pl.Decimal(10, 2)),
    ],
)
def test_numbers_are_read_from_whatever_holds_them(cells):
    np.testing.assert_array_equal(encode({"age": cells}, [AGE])[:, 0], [1.5, NAN, 3])


STRANGE = {
    "word among numbers": ({"age": ["1", "abc"]}, [AGE], "column 'age', row 1: 'abc' is no number"),
    "infinite": ({"age": [1, np.inf]}, [AGE], "column 'age', row 1: 'inf' is no finite number"),
    "date": ({"age": [datetime.date(2020, 1, 1)]}, [AGE], "'2020-01-01' is no number"),
    "no boolean": ({"member": ["no", "maybe"]}, [MEMBER], "row 1: 'maybe' is no 'no' or 'yes'"),
}


@pytest.mark.parametrize(("frame", "columns", "said"), STRANGE.values(), ids=STRANGE)
def test_a_cell_of_another_kind_is_named(frame, columns, said):
    with pytest.raises(DataError, match=said):
        encode(frame, columns)


def test_columns_are_found_by_name_in_any_order():
    frame = {"member": ["yes"], "city": ["b"], "age": [7]}
    wanted = [[7.0, 1.0, 1.0]]
    assert encode(frame, [AGE, CITY, MEMBER]).tolist() == wanted
    assert encode(dict(reversed(frame.items())), [AGE, CITY, MEMBER]).tolist() == wanted


def test_missing_columns_are_named_with_what_may_be_meant():
    with pytest.raises(
        DataError, match=r"lacks the columns 'age' \(is it 'Age'\?\), 'member'\. It"
    ):
        encode({"Age": [1], "city": ["a"]}, [AGE, CITY, MEMBER])


def test_no_column_that_training_knows_is_taken_for_a_missing_one():
    """A name that is a column's own is no misspelling of another's, not even the target's."""
    columns = [replace(AGE, name=name, source=name) for name in ("mean area", "mean radius")]
    given = {"mean radius": [1], "mean areas": [2]}
    with pytest.raises(DataError, match=r"'mean area' \(is it 'mean areas'\?\)\. It holds"):
        encode(given, columns)
    with pytest.raises(DataError, match=r"lacks the column 'mean area'\. It holds"):
        encode(given, columns, Told(known=["mean areas"]))
    tables = [as_table({"mean area": [1], "mean radius": [2]}), as_table({"mean radius": [3]})]
    with pytest.raises(DataError, match=r"lacks the column 'mean area'\. It holds"):
        Encoding(tables, [Told(), Told()]).add("mean area", columns[:1])


def test_what_is_odd_is_told_over_all_batches():
    told = Told(known=["y"])
    encode(
        {"age": [5, 201, -101, 199], "city": ["a", "q", "r", None], "y": [1] * 4}, [AGE, CITY], told
    )
    encode({"age": [1e39], "city": ["q"], "more": [1]}, [AGE, CITY], told)
    assert told.extra == ["more"]
    assert told.unseen == {"city": 3}
    assert told.outside == {"age": 3}
    assert told.lines() == [
        "not used: 'more'",
        "column 'city': 3 of 5 rows hold a category that was not in training; it is known as "
        "unseen",
        "column 'age': 3 of 5 rows lie far outside the range seen in training; is the unit the "
        "same?",
    ]
    assert Told().lines() == []


def test_gaps_where_no_training_row_had_one_are_told_once_a_raw_column():
    days = [f"2020-0{1 + i % 9}-1{i % 10}" for i in range(N)]
    some = [None, *X[1:]]
    train = {"whole": X, "holey": some, "since": days, "kind": ["p", "q"] * (N // 2), "y": CLASSES}
    columns = infer_schema(train, "y").columns
    told = Told(known=["y"])
    encode(train, columns, told)
    assert told.lines() == []
    for _ in range(2):
        encode(
            {
                "whole": [None, 1.0],
                "holey": [None] * 2,
                "since": ["2020-03-01", None],
                "kind": [None, "p"],
            },
            columns,
            told,
        )
    assert told.gaps == {"whole": 2, "since": 2, "kind": 2}
    assert (
        "column 'whole': 2 of 404 rows have no value, and no training row lacked one; what a gap "
        "means here was not learned"
    ) in told.lines()


def test_dates_come_apart():
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=3 * i) for i in range(N)]
    schema = infer_schema({"d": days, "y": CLASSES}, "y")
    assert [c.name for c in schema.columns] == [
        "d (days elapsed)",
        "d (month)",
        "d (weekday)",
        "d (day)",
    ]
    found = encode({"d": ["2021-03-07", None]}, schema.columns)
    elapsed, month, weekday, day = found[0]
    offset = schema.columns[0].offset
    assert elapsed + offset == (datetime.date(2021, 3, 7) - datetime.date(1970, 1, 1)).days
    assert schema.columns[1].values[int(month)] == "3"
    assert schema.columns[2].values[int(weekday)] == "Sunday"
    assert day == 7
    assert np.isnan(found[1]).all()
    as_text = encode({"d": [str(day) for day in days]}, schema.columns)
    np.testing.assert_array_equal(as_text, encode({"d": days}, schema.columns))


def test_weekdays_and_months_before_1970_are_right():
    moments = [
        datetime.datetime(1969, 7, 20, 20, 15) + i * datetime.timedelta(hours=7) for i in range(N)
    ]
    schema = infer_schema({"d": moments, "y": CLASSES}, "y")
    found = encode({"d": moments}, schema.columns)
    place = {c.part: i for i, c in enumerate(schema.columns)}
    for row, moment in zip(found, moments, strict=True):
        assert row[place["weekday"]] == moment.weekday()
        assert row[place["month"]] == moment.month - 1
        assert row[place["day"]] == moment.day
        np.testing.assert_allclose(row[place["hour"]], moment.hour + moment.minute / 60, rtol=1e-6)


def test_a_file_of_new_rows_needs_no_dialect_of_the_old_one(tmp_path):
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    rows = [f"{i % 40:05d},{i / 8},{i % 2 == 0},{c}" for i, c in enumerate(CLASSES)]
    train.write_text("\n".join(["zip,size,ok,y", *rows]))
    schema = infer_schema(read_table(train), "y")
    new.write_text("\ufeffok; size ;zip\nTRUE;1,5;00003\n;?;12345\n", encoding="utf-16")
    found = encode(read_table(new, wanted=Wanted(text=["zip"])), schema.columns)
    np.testing.assert_array_equal(found, [[3, 1.5, 1], [40, NAN, NAN]])


def test_what_can_be_read_in_two_ways_is_read_as_training_rows_are(tmp_path):
    """The third of April alone would be the fourth of March, and 1,234 a thousand and more."""
    days = [f"{13 + i % 15}/{1 + i % 12:02d}/2020" for i in range(N)]
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    rows = [f'{day},"{i},5",{c}' for i, (day, c) in enumerate(zip(days, CLASSES, strict=True))]
    train.write_text("\n".join(["d,x,y", *rows]))
    schema = infer_schema(read_table(train), "y")
    assert schema.written == {"d": "day/month/year", "x": "comma"}
    assert type(schema).from_dict(schema.to_dict()).written == schema.written
    new.write_text('d,x,y\n03/04/2020,"1,234",a\n')
    right = encode({"d": [datetime.date(2020, 4, 3)], "x": [1.234]}, schema.columns)
    wanted = Wanted(written=schema.written)
    (batch,) = read_batches(new, wanted=wanted).tables()
    for rows in (read_for(new, schema.inputs, schema.written), batch):
        np.testing.assert_array_equal(encode(rows, schema.columns), right)
    words = {"d": ["03/04/2020"], "x": ["1,234"]}
    np.testing.assert_array_equal(encode(words, schema.columns), right)
    held_out = prepare(read_table(train), "y", test=new).arrays[2]
    np.testing.assert_array_equal(held_out, right)
    of_words = infer_schema({"d": days, "x": [f"{i},5" for i in range(N)], "y": CLASSES}, "y")
    assert of_words.written == schema.written


def test_rows_of_which_nothing_is_ambiguous_may_be_written_otherwise(tmp_path):
    days = [f"{13 + i % 15}/{1 + i % 12:02d}/2020" for i in range(N)]
    schema = infer_schema({"d": days, "y": CLASSES}, "y")
    for cell in ("04/13/2020", "2020-04-13", "13.04.2020"):
        found = encode({"d": [cell]}, schema.columns)
        right = encode({"d": [datetime.date(2020, 4, 13)]}, schema.columns)
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("columns", [None, {"d": "date"}], ids=["found", "said"])
def test_the_cell_that_is_no_date_as_all_others_are_is_named(columns):
    """Not one of the many that are; and not left out as a column of different words."""
    days = [f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)]
    days[5], days[9], days[12] = "unknown", "10.03.2020", "10 March"
    with pytest.raises(DataError, match=r"row 9: '10\.03\.2020' is no date written as y"):
        infer_schema({"d": days, "y": CLASSES}, "y", columns=columns)


def test_codes_without_leading_zeros_are_found_as_well():
    column = Column(name="k", kind="category", source="k", values=("1", "2.5", "x"))
    for cells in ([1, 2.5], [1.0, 2.5], ["1", "2.5"]):
        assert encode({"k": cells}, [column])[:, 0].tolist() == [0, 1]
