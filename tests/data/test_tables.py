"""A file of any dialect gives the numbers that stand in it, or one line that says what is wrong."""

import bz2
import csv
import gzip
import io
import lzma
import os
import re

import numpy as np
import polars as pl
import pytest
import zstandard

from kmlp.data.reading import records, text
from kmlp.data.reading.cells import Wanted
from kmlp.data.reading.unpacked import Content
from kmlp.data.tables import as_table, is_table_file, read_table
from kmlp.errors import DataError

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


@pytest.mark.long
@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_bomb_is_unpacked_in_small_pieces(tmp_path, suffix):
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(COMPRESS[suffix](bytes(2**26)))
    with Content(path) as content:
        sizes = [len(piece) for piece in content.pieces()]
    assert sum(sizes) == 2**26
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
    with pytest.raises(DataError, match="it is a pipe or a device"):
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


@pytest.mark.long
def test_quoted_newlines_may_stand_where_blocks_end(read, monkeypatch):
    monkeypatch.setattr(records, "BLOCK", 20)
    monkeypatch.setattr(records, "_BYTES_A_COLUMN", 1)
    monkeypatch.setattr("kmlp.data.reading.unpacked.PIECE", 7)  # cuts within letters and quotes
    cells = [f"é\n{i}\n" * (i % 5) + f'"{i}"' for i in range(200)]
    out = io.StringIO()
    csv.writer(out).writerows([["a", "b"], *([cell, i] for i, cell in enumerate(cells))])
    table = read(out.getvalue())
    assert table.frame["a"].to_list() == cells
    assert table.frame["b"].to_list() == list(range(200))


def test_a_file_that_changes_between_the_passes_is_refused(read, tmp_path, monkeypatch):
    decide = text._decide

    def decide_while_another_writes(*arguments):
        (tmp_path / "a.csv").write_text("a,b\n5,6\n7,8\n")
        return decide(*arguments)

    monkeypatch.setattr(text, "_decide", decide_while_another_writes)
    with pytest.raises(DataError, match="it changed while it was read"):
        read("a,b\n1,2\n3,4\n")


def test_columns_can_stay_as_they_are_written(read):
    table = read("zip,y\n1.50,?\nNA,2\n", wanted=Wanted(text=["zip"]))
    assert table.frame["zip"].to_list() == ["1.50", "NA"]


def test_whole_numbers_take_as_few_bytes_as_they_need(read):
    table = read("a,b,c,d\n0,-1,300,5000000000\n255,2,-4,1\n")
    assert table.frame.dtypes == [pl.UInt8, pl.Int8, pl.Int16, pl.Int64]
    assert table.frame.row(0) == (0, -1, 300, 5000000000)


def test_as_table_takes_what_is_given(tmp_path, read):
    table = read("a,b\n1,2\n")
    assert as_table(table) is table
    assert as_table(str(tmp_path / "a.csv")).frame.rows() == [(1, 2)]
    part = as_table(pl.DataFrame({"a": [1, 2, 3]})).take(np.array([False, False, True]))
    assert part.place(0) == "row 2"


def test_what_will_not_fit_into_memory_is_said_before_it_is_read(read, monkeypatch):
    monkeypatch.setattr(text, "available_memory", lambda: 2 * 300 * (1 + 4 + 4 + 4) - 1)
    content = "a,b\n" + "1,x\n" * 600
    assert read(content).height == 600  # a little is never asked about
    monkeypatch.setattr(text, "_LITTLE", 0)
    with pytest.raises(DataError, match=r"its 600 rows and 2 columns take .* take a sample of"):
        read(content)
    monkeypatch.setattr(text, "available_memory", lambda: 600 * (1 + 4 + 4 + 4))
    assert read(content).height == 600


def test_words_that_repeat_are_kept_as_codes_and_seen_as_words(read):
    table = read("a,b\n" + "".join(f"w{i % 5},k{i}\n" for i in range(100)))
    assert (table.is_coded("a"), table.is_coded("b")) == (True, False)
    assert table.frame.dtypes == [pl.String, pl.String]
    part = table.take(np.array([7, 3]))
    assert part.column("a").to_list() == ["w2", "w3"]
    assert [part.place(row) for row in range(2)] == ["line 9", "line 5"]
    assert part.take(np.array([False, True])).frame.rows() == [("w3", "k3")]


@pytest.mark.parametrize("shift", range(3))
def test_a_long_file_is_utf_8_wherever_its_first_piece_ends(read, shift):
    """Of three files two are cut inside of a sign of three bytes, whatever a piece's size."""
    rows = "\n".join(["東京" * 20] * (2**22 // 120 + 99))
    assert read(f"{'n' * (shift + 1)}\n{rows}\n").frame.to_series()[-1] == "東京" * 20
