"""Files that are no CSV keep their types; damaged ones are refused."""

import datetime
import zipfile

import numpy as np
import polars as pl
import pytest

from kmlp.data.reading.files import read_arrays
from kmlp.data.tables import read_table
from kmlp.errors import DataError, KmlpError

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


def test_npz_gives_its_arrays_and_checks_them(tmp_path):
    path, x = tmp_path / "a.npz", np.arange(6.0).reshape(2, 3)
    np.savez_compressed(path, x_train=np.asfortranarray(x), y_train=np.array(["a", "b"]))
    found = read_arrays(path)
    np.testing.assert_array_equal(found["x_train"], x)
    assert found["y_train"].tolist() == ["a", "b"]
    np.savez(path, X=x, y=x[:, 0])
    assert set(read_arrays(path)) == {"x", "y"}
    np.savez(path, images=x)
    with pytest.raises(DataError, match=r"holds images\. Name the arrays x and y"):
        read_arrays(path)
    np.savez(path, x=x, y=np.array([None, 1], dtype=object))
    with pytest.raises(DataError, match="Python objects"):
        read_arrays(path)


def test_an_array_of_another_size_than_its_header_says_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    for shape in ("(9,)", "(-1,)", "(-1, -4)", "(2**40,)"):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
        raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(32)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", raw)
            archive.writestr("y.npy", raw)
        with pytest.raises(DataError, match="cannot be read as NPZ"):
            read_arrays(path)


def test_a_damaged_npz_is_refused_or_right(tmp_path):
    path, x, rng = tmp_path / "a.npz", np.arange(60.0).reshape(20, 3), np.random.default_rng(0)
    np.savez(path, x=x, y=x[:, 0])
    whole, refused = bytearray(path.read_bytes()), 0
    for _ in range(300):
        damaged = whole.copy()
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(read_arrays(path)["x"], x)
        except KmlpError:
            refused += 1
    assert refused > 200
