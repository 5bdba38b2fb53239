"""Files that are no CSV keep their types; damaged ones are refused."""

import datetime

import polars as pl
import pytest

from kmlp.data.tables import read_table
from kmlp.errors import DataError

DAY = datetime.date(2021, 2, 3)
FRAME = pl.DataFrame(
    {"a": [1, None], "b": ["x", "y"], "c": [True, None], "d": [DAY, None], "e": [0.1, None]}
)


@pytest.mark.parametrize("kind", ["parquet", "ipc", "ipc_stream", "ndjson"])
def test_files_with_types_keep_them(tmp_path, kind):
    suffix = {"ipc": "feather", "ipc_stream": "arrow", "ndjson": "jsonl"}.get(kind, kind)
    path = tmp_path / f"a.{suffix}"
    getattr(FRAME, f"write_{kind}")(path)
    wanted = FRAME.with_columns(pl.col("d").cast(pl.String)) if kind == "ndjson" else FRAME
    assert read_table(path).frame.equals(wanted)


def test_json_lines_name_the_line_that_is_none(read):
    with pytest.raises(DataError, match="line 3 is no object"):
        read('{"a":1}\n{"a":2}\n[1]\n', "a.jsonl")
    with pytest.raises(DataError, match="line 2 is no JSON"):
        read('{"a":1}\n{"a":2\n', "a.jsonl")
    with pytest.raises(DataError, match="column 'a' is of type List"):
        read('{"a":[1]}\n{"a":[2]}\n', "a.jsonl")


def test_arff_is_scipys(read):
    table = read(
        "@relation r\n@attribute a numeric\n@attribute c {y,x}\n@data\n1.5,x\n?,?\n", "a.arff"
    )
    assert table.frame.rows() == [(1.5, "x"), (None, None)]
    assert list(table.frame["c"].dtype.categories) == ["y", "x"]
    with pytest.raises(DataError, match="nominal attributes only"):
        read("@relation r\n@attribute a string\n@data\nx\n", "a.arff")
