"""A table's rows in batches are those of the whole table, read as the whole file says."""

import tracemalloc

import polars as pl
import pytest

from kmlp.data.tables import read_batches, read_table
from kmlp.errors import DataError

FRAME = pl.DataFrame({"a": range(20), "b*": [f"word {i % 3}" for i in range(20)]})
WRITERS = {
    "p.parquet": FRAME.write_parquet,
    "file.arrow": FRAME.write_ipc,
    "stream.arrow": FRAME.write_ipc_stream,
    "j.jsonl": FRAME.write_ndjson,
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_with_types_are_cut_into_equal_batches(tmp_path, name):
    WRITERS[name](tmp_path / name)
    batches = read_batches(tmp_path / name, size=8)
    assert (batches.names, batches.num_rows) == (("a", "b*"), 20)
    assert batches.sha256 == read_table(tmp_path / name).sha256
    for _ in range(2):
        tables = list(batches.tables())
        assert [t.frame.height for t in tables] == [8, 8, 4]
        assert pl.concat([t.frame for t in tables]).cast({"a": pl.Int64}).equals(FRAME)
        assert tables[2].place(1) == "row 17"


def test_how_a_column_is_written_is_found_from_the_whole_file(tmp_path, monkeypatch):
    """The last row says that days come first, and that "kind" is text."""
    monkeypatch.setattr("kmlp.data.reading.records.BLOCK", 64)
    monkeypatch.setattr("kmlp.data.reading.records._BYTES_A_COLUMN", 1)
    path = tmp_path / "a.csv"
    rows = [f'"0{i % 9 + 1}/02/2024";{i},5;{i}' for i in range(30)]
    path.write_text("\n".join(["when;size;kind", *rows, '"31/12/2024";1,5;x']))
    batches, whole = read_batches(path), read_table(path)
    tables = list(batches.tables())
    assert [t.frame.height for t in tables] == [30, 1]
    assert pl.concat([t.frame for t in tables]).equals(whole.frame)
    assert whole.frame["when"][0].day == 1
    assert (batches.num_rows, batches.sha256) == (31, whole.sha256)
    assert tables[-1].place(tables[-1].frame.height - 1) == "line 32"


@pytest.mark.long
def test_memory_holds_a_batch_not_the_file(tmp_path):
    """Of 10 and of 40 MB as much."""
    peaks = []
    for num_rows in (100_000, 400_000):
        path = tmp_path / f"{num_rows}.csv"
        path.write_text("a,b\n" + "".join(f"{i},{'x' * 90}\n" for i in range(num_rows)))
        tracemalloc.start()
        try:
            assert sum(t.height for t in read_batches(path).tables()) == num_rows
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_a_file_that_changes_on_the_way_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    batches = read_batches(path)
    path.write_text("a\n2\n")
    with pytest.raises(DataError, match="it changed while it was read"):
        list(batches.tables())


def test_tables_without_rows_are_refused(tmp_path):
    FRAME[:0].write_parquet(tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"none\.parquet: the table has no rows"):
        read_batches(tmp_path / "none.parquet")
