"""Frames of any library are the same columns, with all their digits and gaps."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from kmlp.data.reading.frames import as_frame
from kmlp.errors import DataError

PANDAS = pd.DataFrame(
    {
        "bool": [True, False, True],
        "nullable bool": pd.array([True, None, False], "boolean"),
        "nullable int": pd.array([2**53 + 1, None, 3], "Int64"),
        "nullable float": pd.array([1.5, None, 2.5], "Float64"),
        "category": pd.Categorical(["m", None, "s"], categories=["s", "m", "l"]),
        "number category": pd.Categorical([2.0, 1.0, 2.0]),
        "string": pd.array(["a", None, "b"], "string"),
        "date": pd.to_datetime(["2020-01-02", None, "2021-01-01"]),
        "zoned": pd.to_datetime(["2020-01-02 01:00+01:00"] * 3),
        "numeric object": np.array([1, 2.5, None], dtype=object),
        "bool object": np.array([True, None, False], dtype=object),
        "str object": np.array(["a", None, "b"], dtype=object),
        "date object": np.array([datetime.date(2020, 1, 1), None, None], dtype=object),
        "mixed object": np.array(["a", 1, 2.0], dtype=object),
        "arrow": pd.Series([1, None, 3], dtype=pd.ArrowDtype(pa.int64())),
        "float32": np.array([1, np.nan, 2], np.float32),
    }
)
MIDNIGHT = datetime.datetime(2020, 1, 2)
WANTED = {
    "bool": [True, False, True],
    "nullable bool": [True, None, False],
    "nullable int": [2**53 + 1, None, 3],
    "nullable float": [1.5, None, 2.5],
    "category": ["m", None, "s"],
    "number category": ["2", "1", "2"],
    "string": ["a", None, "b"],
    "date": [MIDNIGHT, None, datetime.datetime(2021, 1, 1)],
    "zoned": [MIDNIGHT] * 3,
    "numeric object": [1.0, 2.5, None],
    "bool object": [True, None, False],
    "str object": ["a", None, "b"],
    "date object": [datetime.date(2020, 1, 1), None, None],
    "mixed object": ["a", "1", "2"],
    "arrow": [1, None, 3],
    "float32": [1.0, None, 2.0],
}


@pytest.mark.parametrize("name", WANTED)
def test_pandas_columns_of_every_kind_are_right(name):
    assert as_frame(PANDAS)[name].to_list() == WANTED[name]


def test_declared_categories_keep_their_order():
    assert list(as_frame(PANDAS)["category"].dtype.categories) == ["s", "m", "l"]


def test_frames_of_all_libraries_are_one(monkeypatch):
    plain = {"a": [1.5, None], "b": ["x", None], "c": [True, None]}
    wanted = [(1.5, "x", True), (None, None, None)]
    for frame in (plain, pd.DataFrame(plain), pl.DataFrame(plain), pl.LazyFrame(plain)):
        assert as_frame(frame).rows() == wanted
    assert as_frame(pa.table(plain)).rows() == wanted
    masked = np.ma.masked_array([1.0, -9999.0], mask=[False, True])
    assert as_frame({"a": masked}).rows() == [(1.5 - 0.5,), (None,)]
    structured = np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])
    assert as_frame(structured).rows() == [(1, 2.5)]
    assert as_frame(pa.table({"a": pa.array(["x", "y"]).dictionary_encode()})).rows() == [
        ("x",),
        ("y",),
    ]


def test_numbers_of_a_frame_are_not_copied():
    x = np.arange(1000.0)
    assert np.shares_memory(as_frame({"x": x})["x"].to_numpy(), x)
    frame = pl.DataFrame({"x": x})
    assert np.shares_memory(as_frame(frame)["x"].to_numpy(), frame["x"].to_numpy())


NO_FRAMES = {
    "array": (np.zeros((3, 2)), r"Received: ndarray of shape \(3, 2\); for arrays write Dataset"),
    "number": (3, "must be a pandas, polars or pyarrow frame, or a mapping.*Received: int"),
    "bytes": ({"a": [b"x"]}, r"column 'a' holds bytes in row 0 \(.*\).*decode it"),
    "objects": ({"a": [1, object()]}, "column 'a' holds object in row 1"),
    "lists": ({"a": pl.Series([[1], [2]])}, "column 'a' is of type List.*make one column of each"),
    "durations": ({"a": pl.Series([datetime.timedelta(1)])}, "turn it into a number"),
    "lengths": ({"a": [1], "b": [1, 2]}, "must be equally long. Received: a: 1, b: 2"),
    "two axes": ({"a": np.zeros((2, 2))}, r"column 'a' must be \(n,\). Received: shape \(2, 2\)"),
    "twice": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns are called 'a'"),
    "scalar": ({"a": "text"}, "column 'a' must be a sequence. Received: str"),
    "huge": ({"a": [10**400]}, "beyond 1e308"),
}


@pytest.mark.parametrize(("data", "said"), NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_is_no_frame_is_named_with_the_remedy(data, said):
    with pytest.raises(DataError, match=said):
        as_frame(data)
