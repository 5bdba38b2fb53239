"""The encoder that lies beside a converted network makes the matrix that kmlp's own makes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.data.encoder import encode as encode_table
from kmlp.deploy.formats import encode as beside
from kmlp.deploy.formats.rows import drawn_rows
from kmlp.deploy.formats.specification import specification
from tests.deploy.made_table import rows, write_csv


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = write_csv(tmp_path_factory.mktemp("table") / "table.csv", rows(300))
    return Dataset.from_table(path, target="status", test=0.2)


def as_cells(table, kinds):
    """Rows as JSON would bring them: numbers as such, gaps as null."""
    return [
        {
            name: (float(row[name]) if kinds[name] == "number" and row[name] else row[name] or None)
            for name in kinds
        }
        for row in table
    ]


def test_rows_are_encoded_as_kmlp_does_gaps_and_new_words_included(data):
    said = json.loads(json.dumps(specification(data.spec)))
    table = as_cells(rows(60, seed=1), data.schema.inputs)
    table[0]["City"], table[1]["City"] = "Atlantis", " Berlin "
    table[4]["since"] = "unknown"
    table[5]["Auto pay"], table[6]["Auto pay"] = True, "YES"
    columns = {name: [row[name] for row in table] for name in table[0]}
    columns["Auto pay"][5] = "true"
    found = np.array([beside.encode(row, said) for row in table], np.float32)
    np.testing.assert_array_equal(found, encode_table(columns, data.spec.columns))


def test_a_moment_is_taken_apart_in_utc():
    cell = "2020-03-01T00:30:00+01:00"  # in UTC the last of February, a Saturday
    parts = {part: beside._part(cell, part) for part in ("month", "day", "weekday", "hour")}
    assert parts == {"month": 1, "day": 29, "weekday": 5, "hour": 23.5}
    assert beside._part("1970-01-02 12:00", "elapsed") == 1.5


def test_a_cell_of_another_kind_is_refused(data):
    said = specification(data.spec)
    (row,) = as_cells(rows(1), data.schema.inputs)
    with pytest.raises(ValueError, match="column Auto pay: 'perhaps' is none of"):
        beside.encode(row | {"Auto pay": "perhaps"}, said)
    with pytest.raises(ValueError, match="yesterday"):
        beside.encode(row | {"since": "yesterday"}, said)


@pytest.mark.process
def test_it_needs_nothing_but_python(data, tmp_path):
    shutil.copy(beside.__file__, tmp_path / "encode.py")
    script = "import sys, encode; assert not {'numpy', 'kmlp'} & set(sys.modules)"
    subprocess.run([sys.executable, "-S", "-c", script], check=True, cwd=tmp_path)


def test_a_converted_network_is_tried_on_rows_of_every_kind(data):
    drawn = drawn_rows(data.spec, 500)
    columns = data.spec.columns
    for cells, column in zip(drawn.T, columns, strict=True):
        assert np.isnan(cells).any() == column.has_missing
        if column.kind == "category":
            assert set(cells[~np.isnan(cells)]) == set(range(column.num_codes))
    np.testing.assert_array_equal(drawn, drawn_rows(data.spec, 500))
