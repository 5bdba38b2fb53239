"""The stage in front of an exported network makes of raw columns what the one encoder makes."""

import datetime

import numpy as np
import pytest
import tensorflow as tf

from kmlp.data.columns import Column
from kmlp.data.encoder import encode
from kmlp.data.inference import infer_schema
from kmlp.deploy.graph.raw_inputs import MOST_NUMBERS, raw_inputs
from kmlp.deploy.graph.raw_stage import RawStage

NAN = float("nan")
N = 300


def through_graph(columns, cells: dict) -> np.ndarray:
    """What the stage makes of raw columns, compiled into a graph and fed by name."""
    stage = RawStage(columns)
    call = tf.function(stage.__call__, autograph=False).get_concrete_function(**stage.signature)
    return call(**{each.name: _fed(each, cells) for each in reversed(stage.inputs)}).numpy()


def _fed(each, cells: dict):
    if each.kind == "number":
        numbers = [[NAN if v is None else v for v in cells[name]] for name in each.columns]
        array = np.array(numbers, np.float64)
        return tf.constant(array[0] if len(each.columns) == 1 else array.T)
    return tf.constant(["" if v is None else str(v) for v in cells[each.columns[0]]])


def random_table(seed: int) -> dict[str, list]:
    """Numbers of every size, words with spaces and gaps, truth values, dates and moments."""
    rng = np.random.default_rng(seed)
    start = datetime.datetime(1890, 1, 1)
    seconds = rng.integers(0, 200 * 365 * 86_400, N).tolist()
    moments = [start + datetime.timedelta(seconds=s, microseconds=s % 1_000_000) for s in seconds]
    words = ["a", " b", "Ärger", "naïve ", "东京", "NA", "x\u00a0", "3", "-0", "New York"]
    table: dict[str, list] = {
        "plain": rng.normal(size=N).tolist(),
        "offset": (1e9 + rng.random(N)).tolist(),
        "huge": (rng.normal(size=N) * 1e39).tolist(),
        "tiny": (rng.normal(size=N) * 1e-30).tolist(),
        "account": (2**52 + rng.permutation(N) * 7).tolist(),
        "word": rng.choice(words, N).tolist(),
        "many": [
            f"code {i % (50 if row < N // 2 else 90)}" for row, i in enumerate(rng.permutation(N))
        ],
        "flag": rng.choice(["Yes", "no"], N).tolist(),
        "day": [str(m.date()) for m in moments],
        "moment": [m.isoformat(sep=" ") for m in moments],
    }
    table["moment"] = [m if "." in m else m + ".0" for m in table["moment"]]
    for name in table:
        gaps = rng.random(N) < 0.1
        table[name] = [None if g else v for g, v in zip(gaps, table[name], strict=True)]
    return table | {"y": rng.choice(["p", "q"], N).tolist()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_graph_makes_what_the_encoder_makes_to_the_bit(seed):
    table = random_table(seed)
    half = {name: cells[: N // 2] for name, cells in table.items()}
    columns = infer_schema(half, "y", columns={"account": "number"}).columns
    assert {c.source for c in columns} == table.keys() - {"y"}
    expected = encode(table, columns)
    assert np.isnan(expected).any(axis=0).all(), "every column has gaps"
    unseen = columns[[c.source for c in columns].index("many")]
    assert (expected[:, columns.index(unseen)] == len(unseen.values)).any()
    np.testing.assert_array_equal(through_graph(columns, table), expected)


CITY = Column(name="city", kind="category", source="city", values=("a", "b", "NA"))
PAID = Column(name="paid", kind="boolean", source="paid", values=("no", "yes"))
AGE = Column(name="age", kind="number", source="age")
WHEN = tuple(
    Column(name=f"when ({part})", kind=kind, source="when", part=part, values=values)
    for part, kind, values in (
        ("elapsed", "number", ()),
        ("month", "category", (*"123456789", "10", "11", "12")),
        ("weekday", "category", tuple("abcdefg")),
        ("day", "number", ()),
        ("hour", "number", ()),
    )
)
CELLS = {
    "city": (CITY, ["b", " a\t", "zz", "", "?", "NA", "A", "nan", "null", "\u2003b\u00a0"]),
    "paid": (PAID, ["Yes", "NO ", "true", "False", "", "?", "Unknown", "n.a."]),
    "when": (WHEN, ["2024-02-29", "1600-03-01", "0001-01-01", "9999-12-31", "", "NA", "unknown"]),
    "minutes": (WHEN, ["2024-02-29 23:59", "1969-12-31 0:00", "-"]),
    "moments": (WHEN, ["1969-07-20T20:17:40", "1970-01-01T00:00:00.123456789"]),
    "zones": (WHEN, ["2024-03-01T00:30:00+01:00", "2024-02-29T23:59:59.5-0930"]),
    "utc": (WHEN, ["2024-03-01T00:30:00Z", "2024-02-29T23:59:59.5z"]),
    "short": (WHEN, ["2024-3-1", "999-1-1"][:1]),
}


@pytest.mark.parametrize(("columns", "cells"), CELLS.values(), ids=CELLS)
def test_cells_of_every_form_are_read_alike(columns, cells):
    columns = columns if isinstance(columns, tuple) else (columns,)
    table = {columns[0].source: cells}
    np.testing.assert_array_equal(through_graph(columns, table), encode(table, columns))


STRANGE = {
    "a word for a boolean": (
        PAID,
        ["no", "maybe"],
        "column paid: a cell is neither no nor yes:. .maybe",
    ),
    "infinite": (AGE, [1.0, np.inf], "column age: a cell is infinite; a missing number is NaN"),
    "no such day": (WHEN, ["2023-02-29"], "column when: a cell is no date, YYYY-MM-DD"),
    "no such month": (WHEN, ["2023-13-01"], "a cell is no date"),
    "no such hour": (WHEN, ["2023-12-01 24:00"], "a cell is no date"),
    "another order": (WHEN, ["31.12.2023"], r"a cell is no date.*31\.12\.2023"),
}


@pytest.mark.parametrize(("columns", "cells", "said"), STRANGE.values(), ids=STRANGE)
def test_a_cell_of_another_kind_is_refused_by_graph_and_encoder(columns, cells, said):
    columns = columns if isinstance(columns, tuple) else (columns,)
    table = {columns[0].source: cells}
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        through_graph(columns, table)
    if cells != ["31.12.2023"]:  # the encoder reads more forms, and says which
        with pytest.raises(ValueError, match=f"column '{columns[0].source}'"):
            encode(table, columns)


def test_names_are_identifiers_and_each_its_own():
    names = ("age", "Age ", "monthly charges (€)", "a/b", "a:b", "class", "2024", "数据", "Größe")
    columns = [Column(name=n, kind="number", source=n) for n in names]
    inputs = raw_inputs(columns)
    assert [each.columns[0] for each in inputs] == list(names)
    found = [each.name for each in inputs]
    wanted = ["age", "Age_2", "monthly_charges", "a_b", "a_b_2", "column_class", "column_2024"]
    assert found == [*wanted, "column_8", "Gr_e"]


@pytest.mark.slow
def test_many_numbers_are_one_input():
    columns = [
        *(Column(name=f"x{i}", kind="number", source=f"x{i}") for i in range(MOST_NUMBERS + 1)),
        CITY,
    ]
    numbers, city = raw_inputs(columns)
    assert (numbers.name, numbers.shape, city.name) == ("numbers", (None, 201), "city")
    table = {c.source: [float(i), NAN] for i, c in enumerate(columns[:-1])} | {"city": ["b", ""]}
    np.testing.assert_array_equal(through_graph(columns, table), encode(table, columns))
