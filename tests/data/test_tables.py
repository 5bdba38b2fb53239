"""A file of any dialect gives the numbers that stand in it, or one line that says what is wrong."""

import bz2
import csv
import datetime
import gzip
import io
import lzma
import os
import re

import numpy as np
import polars as pl
import pytest
import zstandard

from kmlp.data.encoder import encode
from kmlp.data.inference import infer_schema
from kmlp.data.pixels import is_pixel_table, pixel_images
from kmlp.data.reading import records
from kmlp.data.reading.cells import read_cells
from kmlp.data.reading.files import read_arrays
from kmlp.data.reading.unpacked import Content
from kmlp.data.tables import as_table, is_table_file, read_table
from kmlp.errors import DataError, KmlpError


@pytest.fixture
def read(tmp_path):
    """Writes a content and reads it as a table."""

    def reader(content: str | bytes, name: str = "a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **options)

    return reader


PLAIN = [("x", 1.5), ("y z", 2.0)]
DIALECTS = {
    "comma": "a,b\nx,1.5\ny z,2\n",
    "no newline at the end": "a,b\nx,1.5\ny z,2",
    "tab": "a\tb\nx\t1.5\ny z\t2\n",
    "bar": "a|b\nx|1.5\ny z|2\n",
    "semicolon and decimal comma": "a;b\nx;1,5\ny z;2\n",
    "windows": "a,b\r\nx,1.5\r\ny z,2\r\n",
    "old mac": "a,b\rx,1.5\ry z,2\r",
    "spaces": " a , b \n x , 1.5 \ny z,2\n",
    "quotes": '"a","b"\n"x","1.5"\n"y z","2"\n',
    "spaces before quotes": '"a", "b"\n"x", "1.5"\n"y z", "2"\n',
    "single quotes": "'a','b'\n'x',1.5\n'y z',2\n",
    "blank lines": "a,b\n\nx,1.5\n\n\ny z,2\n\n",
    "excel's own line": "sep=;\na;b\nx;1,5\ny z;2\n",
    "byte order mark": "\ufeffa,b\nx,1.5\ny z,2\n",
    "utf-16": "a,b\nx,1.5\ny z,2\n".encode("utf-16"),
    "utf-16 without a mark": "a,b\nx,1.5\ny z,2\n".encode("utf-16-le"),
    "big-endian": b"\xfe\xff" + "a,b\nx,1.5\ny z,2\n".encode("utf-16-be"),
}


@pytest.mark.parametrize("content", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_gives_the_same_rows(read, content):
    table = read(content)
    assert table.frame.columns == ["a", "b"]
    assert table.frame.rows() == PLAIN


def test_the_dialect_is_stated(read):
    assert read("a;b\n1,5;?\n2,5;3\n").found == (
        'separator semicolon, quote ", encoding utf-8, with a header',
        "a: decimal comma",
        "b: missing where it says '?' (1)",
    )


def test_an_encoding_that_is_guessed_is_told(read):
    table = read("né,b\ncafé,2\n".encode("cp1252"))
    assert table.frame.rows() == [("café", 2)]
    assert "né" in table.frame.columns
    assert "cp1252" in table.found[0]
    assert "a guess" in table.found[1]


def test_an_encoding_can_be_said(read):
    assert read("a,b\nж,1\n".encode("cp1251"), encoding="cp1251").frame.rows() == [("ж", 1)]
    with pytest.raises(DataError, match=r"not in utf-8 \(byte 0xe6\); leave encoding out"):
        read("a,b\nж,1\n".encode("cp1251"), encoding="utf-8")


COMPRESS = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_is_read_to_its_checked_end(read, suffix):
    rows = "a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(2000))
    packed = COMPRESS[suffix](rows.encode())
    assert read(packed, f"a.csv{suffix}").frame["a"].sum() == 1999 * 1000
    assert read(packed * 2, f"b.csv{suffix}", header=False).frame.height == 4002
    for damaged in (packed[:-1], packed + b"xy", packed[:50], _flipped(packed, len(packed) - 2)):
        with pytest.raises(DataError, match=r"stream is|something else follows"):
            read(damaged, f"a.csv{suffix}")


def _flipped(packed: bytes, at: int) -> bytes:
    return packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_bomb_is_unpacked_in_small_pieces(tmp_path, suffix):
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(COMPRESS[suffix](bytes(2**27)))
    with Content(path) as content:
        sizes = [len(piece) for piece in content.pieces()]
    assert sum(sizes) == 2**27
    assert max(sizes) <= 2**25


def test_quoted_newlines_separators_and_quotes_are_part_of_the_cell(read):
    table = read('a,b\n"x\ny, ""z""",1\nq,2\n')
    assert table.frame.rows() == [('x\ny, "z"', 1), ("q", 2)]
    assert [table.place(row) for row in range(2)] == ["line 2", "line 4"]


def test_quotes_inside_of_fields_are_letters(read):
    assert read('a,b\n5" pipe,1\n6" pipe,2\n').frame["a"].to_list() == ['5" pipe', '6" pipe']
    assert read('a,b\n"q, r",1\n6" pipe,2\n').frame["a"].to_list() == ["q, r", '6" pipe']


REFUSED = {
    "short": ("a,b\n1,2\n3\n", "line 3 has 1 field, 2 are due: 3"),
    "long": ("a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields, 2 are due: 3,4,5"),
    "short after a quoted newline": ('a,b\n"x\ny",2\n3\n', "line 4 has 1 field"),
    "open quote": ('a,b\n1,2\n"3,4\n5,6\n', "line 3: a quote is opened there and never closed"),
    "odd quote": ('a,b\n"x"y,2\n"z",3\n', "line 2: a quote stands out of place"),
    "same names": ("a, a\n1,2\n", "columns 1 and 2 are both called 'a'; rename one"),
    "empty": ("", "it is empty"),
    "header alone": ("a,b\n", "it has a header and no rows below it"),
    "binary": (b"a,b\n1,\0\n", "it is no text: it holds zero bytes"),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_is_refused_with_its_line(read, content, said):
    with pytest.raises(DataError, match=re.escape(said)):
        read(content)


def test_other_files_are_refused(tmp_path, read):
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match=r"no table by its suffix. Known: \.csv"):
        read("a", "a.xlsx")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="no file but a folder, pipe or device"):
        read_table(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read(b"PAR1 nonsense PAR1", "a.parquet")
    assert is_table_file("a.CSV.GZ")
    assert not is_table_file("a.png")


def test_a_file_without_a_header_is_told(read):
    table = read("1,2,x\n3,4,y\n")
    assert table.frame.columns == ["column_1", "column_2", "column_3"]
    assert "no header found" in table.found[1]
    assert table.place(0) == "line 1"
    assert read("1,2,x\n3,4,y\n", header=True).frame.columns == ["1", "2", "x"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("0,1,2\n5,3,4\n1,1,1\n", ["0", "1", "2"]),  # what pandas calls an array's columns
        ("country,2019,2020\nFR,3,5\nDE,1,9\n", ["country", "2019", "2020"]),
        ("red,small\nblue,large\nred,large\n", ["column_1", "column_2"]),
        ("colour,size\nblue,large\nred,large\n", ["colour", "size"]),
        (",b\n0,2\n1,3\n", ["column_1", "b"]),
    ],
)
def test_headers_are_told_from_rows(read, content, names):
    assert read(content).frame.columns == names


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
    "not countries": (["NA", "DE", "Usa"], [None, "DE", "Usa"], None),
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


def test_an_open_decimal_sign_follows_the_other_columns(read):
    table = read("a;b\n1.234;2,5\n5.678;3,5\n")
    assert table.frame["a"].to_list() == [1234, 5678]
    table = read("a;b\n1.234;2.5\n5.678;3.5\n")
    assert table.frame["a"].to_list() == [1.234, 5.678]
    table = read("a;b\n1.234;x\n5.678;y\n")
    assert table.frame["a"].to_list() == [1.234, 5.678]
    assert any("decimal comma, thousands point, too" in line for line in table.found)


def test_the_last_cell_decides_as_well_as_the_first(read, monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 100)
    monkeypatch.setattr(records, "_BYTES_A_COLUMN", 1)
    rows = "".join(f"{i},{i}.5,2020-01-01,w{i}\n" for i in range(500))
    table = read("a,b,c,d\n" + rows + "300.25,?,x,y\n")
    assert table.frame.dtypes == [pl.Float64, pl.Float64, pl.String, pl.String]
    assert table.frame["a"].to_list() == [*map(float, range(500)), 300.25]
    assert table.frame["b"].null_count() == 1
    assert table.place(500) == "line 502"
    with pytest.raises(DataError, match="line 502 has 1 field"):
        read("a,b,c,d\n" + rows + "1\n")


def test_quoted_newlines_may_stand_where_blocks_end(read, monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 20)
    monkeypatch.setattr(records, "_BYTES_A_COLUMN", 1)
    monkeypatch.setattr("kmlp.data.reading.unpacked._RAW", 7)  # cuts within letters and quotes
    cells = [f"é\n{i}\n" * (i % 5) + f'"{i}"' for i in range(200)]
    out = io.StringIO()
    csv.writer(out).writerows([["a", "b"], *([cell, i] for i, cell in enumerate(cells))])
    table = read(out.getvalue())
    assert table.frame["a"].to_list() == cells
    assert table.frame["b"].to_list() == list(range(200))


def test_columns_can_stay_as_they_are_written(read):
    table = read("zip,y\n1.50,?\nNA,2\n", text=["zip"])
    assert table.frame["zip"].to_list() == ["1.50", "NA"]


def test_whole_numbers_take_as_few_bytes_as_they_need(read):
    table = read("a,b,c,d\n0,-1,300,5000000000\n255,2,-4,1\n")
    assert table.frame.dtypes == [pl.UInt8, pl.Int8, pl.Int16, pl.Int64]
    assert table.frame.row(0) == (0, -1, 300, 5000000000)


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


def _pixels(names: list[str]) -> tuple[pl.DataFrame, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (5, 784))
    return pl.DataFrame({name: images[:, i] for i, name in enumerate(names)}), images


@pytest.mark.parametrize(
    "names",
    [
        [f"pixel{i}" for i in range(784)],
        [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)],
        [f"pixel{i}" for i in range(1, 785)],
    ],
    ids=["pixel0", "1x1", "pixel1"],
)
def test_the_layouts_of_mnist_are_images(names):
    frame, images = _pixels(names)
    labelled = frame.with_columns(pl.Series("label", range(5)))
    assert is_pixel_table(frame)
    found, labels = pixel_images(labelled.select(sorted(labelled.columns)))  # in any order
    np.testing.assert_array_equal(found, images.reshape(-1, 28, 28))
    assert found.dtype == np.uint8
    assert labels is not None
    assert labels.to_list() == list(range(5))
    assert pixel_images(frame)[1] is None


def test_other_tables_are_no_images():
    frame, _ = _pixels([f"pixel{i}" for i in range(784)])
    assert not is_pixel_table(frame.drop("pixel5"))
    assert not is_pixel_table(frame.with_columns(pl.col("pixel5") + 300))
    assert not is_pixel_table(frame.with_columns(pl.col("pixel5") / 2))
    assert not is_pixel_table(frame.with_columns(pl.lit(1).alias("age")))
    with pytest.raises(DataError, match="no set of images"):
        pixel_images(frame.drop("pixel5"))


def _mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three small accidents: bytes changed, lost, doubled, moved, cut off."""
    raw = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at, to = sorted(rng.integers(0, len(raw), 2))
        to = min(to, at + int(rng.integers(1, 40)))
        match rng.integers(7):
            case 0:
                raw[at] = rng.integers(256)
            case 1:
                del raw[at:to]
            case 2:
                raw[at:at] = raw[at:to]
            case 3:
                raw[at:at] = rng.choice([b'"', b",", b"\n", b"\r", b";", b" ", b"\0", b"'", b"-"])
            case 4:
                raw[at : at + 1] = rng.choice([b"e", b".", b"nan", b"?", b"x", b"99999999999"])
            case 5:
                raw[at:to] = raw[at:to][::-1]
            case _:
                del raw[max(at, len(raw) // 2) :]
    return bytes(raw)


def _check_right(content: bytes, table) -> None:
    """Every cell is what Python's own csv module finds there."""
    text = content.decode(table.dialect.encoding)
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=table.dialect.separator,
        quotechar=table.dialect.quote or '"',
        quoting=csv.QUOTE_MINIMAL if table.dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    wanted = [row for row in rows if row][table.dialect.header :]
    assert len(wanted) == table.frame.height
    for row, cells in zip(table.frame.iter_rows(), wanted, strict=True):
        for value, cell in zip(row, map(str.strip, cells), strict=True):
            if isinstance(value, str):
                assert value.strip() == cell
            elif value is not None:
                assert float(cell) == value
            else:
                assert cell in ("", "?", "nan", "-", ".")


def test_two_thousand_mutations_are_right_or_refused(tmp_path):
    from sklearn.datasets import load_wine

    wine = load_wine(as_frame=True).frame.iloc[::6, [0, 4, 12, 13]]
    content = wine.rename(columns={"target": "kind"}).to_csv(index=False).encode()
    path, rng, outcomes = tmp_path / "wine.csv", np.random.default_rng(0), {"read": 0, "refused": 0}
    for _ in range(2000):
        mutated = _mutated(content, rng)
        path.write_bytes(mutated)
        try:
            table = read_table(path)
        except KmlpError:
            outcomes["refused"] += 1
            continue
        _check_right(mutated, table)
        outcomes["read"] += 1
        try:
            schema = infer_schema(table, "kind", columns={"alcohol": "number"})
            assert np.isfinite(encode(table, schema.columns)[:, 0]).all() or (
                table.frame["alcohol"].null_count()
            )
        except KmlpError:
            pass
    assert min(outcomes.values()) > 400, outcomes


def test_as_table_takes_what_is_given(tmp_path, read):
    table = read("a,b\n1,2\n")
    assert as_table(table) is table
    assert as_table(str(tmp_path / "a.csv")).frame.rows() == [(1, 2)]
    part = as_table(pl.DataFrame({"a": [1, 2, 3]})).take(np.array([False, False, True]))
    assert part.place(0) == "row 2"
