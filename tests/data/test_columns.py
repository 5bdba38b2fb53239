"""What a column is found to be, what is left out and why, and what a user is warned of."""

import datetime
import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from kmlp.data.columns import Schema
from kmlp.data.inference import infer_schema
from kmlp.data.inference.cautions import of_repeated_rows
from kmlp.data.tables import as_table, read_table
from kmlp.errors import DataError

N = 200
RNG = np.random.default_rng(0)
CLASSES = ["stays" if u < 0.5 else "leaves" for u in RNG.random(N)]
WORDS = ["red", "green", "blue"]


def infer(column, name: str = "x", target=None, **options) -> Schema:
    """The schema of one column beside a number and a target."""
    frame = {name: column, "other": RNG.normal(size=N), "y": target or CLASSES}
    return infer_schema(frame, "y", **options)


def _days(count: int) -> list[datetime.date]:
    return [datetime.date(2020, 1, 1) + datetime.timedelta(days=7 * i % 900) for i in range(count)]


USED = {
    "fractions": (RNG.normal(size=N), ["number"]),
    "whole numbers that all differ": (RNG.permutation(5 * N)[:N], ["number"]),
    "ratings": (RNG.integers(1, 6, N), ["number"]),
    "numbers as strings": ([f"{u:.3f}" for u in RNG.random(N)], ["number"]),
    "words": (RNG.choice(WORDS, N).tolist(), ["category"]),
    "codes with leading zeros": ([f"{i % 40:05d}" for i in range(N)], ["category"]),
    "truth values": (RNG.random(N) < 0.5, ["boolean"]),
    "truth values with gaps": ([None, True, False, True] * (N // 4), ["boolean"]),
    "yes and no": (["Yes", "no", "", "yes"] * (N // 4), ["boolean"]),
    "one word with gaps": (["x", None] * (N // 2), ["category"]),
    "few mixed values": (["1", "2", "3", "4", "5+"] * (N // 5), ["category"]),
    "dates": (_days(N), ["number", "category", "category", "number"]),
    "dates as strings": ([str(day) for day in _days(N)], 2 * ["number", "category"]),
}


@pytest.mark.parametrize(("column", "kinds"), USED.values(), ids=USED)
def test_kinds_are_found(column, kinds):
    schema = infer(column)
    assert sorted(c.kind for c in schema.columns if c.source == "x") == sorted(kinds)
    assert not schema.left_out


LEFT_OUT = {
    "constant": ("x", [7] * N, "constant"),
    "constant word": ("x", ["a"] * N, "constant"),
    "nothing": ("x", [None] * N, "no values"),
    "counter": ("x", range(1000, 1000 + N), "an identifier: a number of its own"),
    "shuffled counter": ("x", RNG.permutation(N), "an identifier: a number of its own"),
    "half of a counter": ("x", RNG.permutation(2 * N)[:N], "an identifier: a number of its own"),
    "by its name": ("customerId", RNG.permutation(9 * N)[:N], "an identifier: a number of its"),
    "words of their own": ("x", [f"k{i}" for i in range(N)], "an identifier or free text: 200"),
    "sentences": ("x", [f"one two three four {i % 50}" for i in range(N)], "free text"),
    "beyond float64": ("x", [2**60 + i % 90 for i in range(N)], "cannot be told apart as float64"),
    "the target": ("x", CLASSES, "a copy of the target"),
    "the target's code": ("x", [int(c == "stays") for c in CLASSES], "a copy of the target"),
}


@pytest.mark.parametrize(("name", "column", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_of_no_use_is_left_out_for_a_reason(name, column, reason):
    schema = infer(list(column), name)
    assert reason in schema.left_out[name]
    assert [c.source for c in schema.columns] == ["other"]
    shown = next(shown for shown in schema.shown if shown.name == name)
    assert shown.becomes == f"left out: {schema.left_out[name]}"


def test_what_is_said_overrides_what_is_found():
    assert infer(range(N), columns={"x": "number"}).columns[0].kind == "number"
    codes = infer(range(N), columns={"x": "category"}).columns[0]
    assert (codes.kind, codes.values[:3]) == ("category", ("0", "1", "2"))
    ratings = infer(RNG.integers(1, 4, N), columns={"x": "category"}).columns[0]
    assert ratings.values == ("1", "2", "3")
    pair = infer(RNG.integers(1, 3, N), columns={"x": "boolean"}).columns[0]
    assert (pair.kind, pair.values) == ("boolean", ("1", "2"))
    days = infer([20200101 + i % 28 for i in range(N)], columns={"x": "date"})
    assert [c.part for c in days.columns if c.source == "x"] == ["elapsed", "weekday", "day"]
    assert infer(range(N), drop=["x"]).left_out == {"x": "dropped as asked"}


def test_postal_codes_are_categories_by_their_name():
    schema = infer(RNG.integers(10000, 10040, N), "zip_code")
    assert schema.columns[0].kind == "category"
    assert '"number" says otherwise' in schema.notes[0]


REFUSED = {
    "no target": (
        {},
        r"which column is to be predicted\? frame holds: a, b, y.*target='y', .* --target y",
    ),
    "no such target": ({"target": "B"}, r"no column 'B'\. Did you mean 'b'\?"),
    "no such column": ({"target": "y", "columns": {"aa": "number"}}, "no column 'aa'"),
    "no such kind": ({"target": "y", "columns": {"a": "text"}}, "a column is one of number, cat"),
    "not dropped": ({"target": "y", "drop": ["z"]}, "no column 'z'"),
    "nothing left": ({"target": "y", "drop": ["a", "b"]}, "no column to predict 'y' from"),
    "no boolean": ({"target": "y", "columns": {"a": "boolean"}}, "holds 40 values"),
    "no date": ({"target": "y", "columns": {"a": "date"}}, "row 0: '0' is no date; write it as"),
    "no number": ({"target": "y", "columns": {"b": "number"}}, "row 0: 'w0' is no number; mend"),
    "no task": ({"target": "y", "task": "ranking"}, "task must be auto, binary"),
    "no regression": ({"target": "y", "task": "regression"}, "no numbers, as a regression needs"),
    "not binary": ({"target": "a", "task": "binary"}, "has 40 classes; two are binary"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_with_the_remedy(options, said):
    frame = {"a": [i % 40 for i in range(N)], "b": [f"w{i % 9}" for i in range(N)], "y": CLASSES}
    with pytest.raises(DataError, match=said):
        infer_schema(frame, **options)


def test_no_column_is_proposed_as_target_that_no_name_speaks_for():
    with pytest.raises(DataError, match=r"holds: a, b. Write .*--target NAME, with its name"):
        infer_schema({"a": [1, 2], "b": [3, 4]})


def test_a_stray_cell_is_named_with_its_line(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{i / 7:.3f},{i},{c}" for i, c in enumerate(CLASSES)]
    rows[41] = f"abc{rows[41][4:]}".replace("abc57", "abc")
    path.write_text("\n".join(["x,k,y", *rows]).replace(rows[41], "abc,41,stays"))
    remedy = re.escape('mend or clear it, or say columns={"x": "category"}')
    with pytest.raises(DataError, match=f"column 'x', line 43: 'abc' is no number.*{remedy}"):
        infer_schema(read_table(path), "y")
    path.write_text("\n".join(["x,k,y", *rows[:41], *rows[42:], "inf,3,stays"]))
    with pytest.raises(DataError, match="column 'x', line 201: 'inf' is no finite number"):
        infer_schema(read_table(path), "y")


def test_numbers_with_a_unit_are_told():
    schema = infer([f"${i + 0.5}" for i in range(N)])
    assert "an identifier or free text" in schema.left_out["x"]
    assert "numbers with a unit, such as '$0.5' (row 0): take it off" in schema.notes[0]


TASKS = {
    "words": (CLASSES, "binary", ("leaves", "stays")),
    "truth values": ([c == "stays" for c in CLASSES], "binary", ("false", "true")),
    "zeros and ones": ([int(c == "stays") for c in CLASSES], "binary", ("0", "1")),
    "as doubles": ([float(c == "stays") for c in CLASSES], "binary", ("0", "1")),
    "ratings": ([i % 5 + 1 for i in range(N)], "multiclass", ("1", "2", "3", "4", "5")),
    "ten and nine": ([9 + i % 3 for i in range(N)], "multiclass", ("9", "10", "11")),
    "fractions": (RNG.random(N).tolist(), "regression", ()),
    "prices": (RNG.integers(1000, 100000, N).tolist(), "regression", ()),
    "as strings": ([f"{u:.3f}" for u in RNG.random(N)], "regression", ()),
}


@pytest.mark.parametrize(("target", "task", "names"), TASKS.values(), ids=TASKS)
def test_the_task_is_read_from_the_target(target, task, names):
    schema = infer(RNG.normal(size=N), target=target)
    assert (schema.task, schema.class_names) == (task, names)


def test_a_target_that_could_be_either_is_told_or_asked_about():
    x = RNG.normal(size=N)
    ratings = [i % 5 + 1 for i in range(N)]
    assert "read as 5 classes; say task=" in infer(x, target=ratings).warnings[0]
    assert infer(x, target=ratings, task="regression").warnings == ()
    letters = [1.0 + i % 26 for i in range(N)]
    with pytest.raises(DataError, match=r"holds 26 different whole numbers.*classes or quantities"):
        infer(x, target=letters)
    assert infer(x, target=letters, task="multiclass").class_names[:2] == ("1", "2")
    assert infer(x, target=letters, columns={"y": "number"}).task == "regression"
    counts = [i % 26 if i > 9 else 100 + i for i in range(N)]
    assert "read as a quantity, though" in infer(x, target=counts).warnings[0]


def test_a_target_of_nothing_is_refused():
    x = RNG.normal(size=N)
    for target, said in (
        (["a"] * N, "'a' in every row"),
        ([0.5] * N, "0.5 in every row"),
        ([None] * N, "has no values"),
        ([f"k{i}" for i in range(N)], "200 different values in 200 rows: an identifier"),
        (_days(N), "is a date"),
    ):
        with pytest.raises(DataError, match=said):
            infer(x, target=target)


def test_rows_without_a_target_count_for_nothing():
    target = [None if i % 4 == 0 else c for i, c in enumerate(CLASSES)]
    column = ["only here" if i % 4 == 0 else WORDS[i % 3] for i in range(N)]
    schema = infer(column, target=target)
    assert schema.num_unlabelled == N // 4
    assert "50 rows have no target ('y') and are left out" in schema.warnings
    assert schema.columns[0].values == tuple(sorted(WORDS))


def test_a_column_that_gives_the_target_away_is_told():
    y = np.array([c == "stays" for c in CLASSES])
    leak = np.where(y, RNG.uniform(5, 9, N), RNG.uniform(0, 4, N))
    assert "alone gives the target away (accuracy 100.0 %)" in infer(leak).warnings[0]
    word = [f"{c}{i % 3}" for i, c in enumerate(CLASSES)]
    assert "column 'x' alone gives" in infer(word).warnings[0]
    gap = np.where(y, np.nan, RNG.normal(size=N))
    assert "column 'x' alone gives" in infer(gap).warnings[0]
    good = y + RNG.normal(size=N) / 2  # right for 84 % of rows
    assert infer(good).warnings == ()
    many = [f"k{i % 90}" for i in range(N)]  # would tell all of the rows that it was fitted on
    assert infer(many).warnings == ()


def test_each_of_many_categories_counts_by_itself():
    y = RNG.random(3000) < 0.5
    words = [f"{i % 50} {'yes' if of else 'no'}" for i, of in enumerate(y)]
    warnings = infer_schema({"x": words, "y": y}, "y").warnings
    assert "column 'x' alone gives" in warnings[0]


def test_a_column_that_gives_a_quantity_away_is_told():
    y = RNG.normal(size=3000)
    frame = {"x": y * 3 + 1 + RNG.normal(size=3000) / 50, "z": y + RNG.normal(size=3000), "y": y}
    warnings = infer_schema(frame, "y").warnings
    assert len(warnings) == 1
    given_away = r"column 'x' alone gives the target away \(R2 of ranks (0\.99\d|1\.000)\)"
    assert re.match(given_away, warnings[0])


def test_few_rows_and_skewed_classes_are_told():
    target = ["rare"] + ["common"] * (N - 1)
    few, skewed = infer(RNG.normal(size=N), target=target).warnings[:2]
    assert "few rows for one class of 'y': rare (1)" in few
    assert "1:199: accuracy says little" in skewed


def test_addresses_are_told():
    schema = infer([f"u{i % 9}@example.com" for i in range(N)])
    assert "column 'x' holds e-mail addresses" in schema.warnings[0]


def test_spellings_of_one_word_are_told():
    """Two classes of one meaning are learnt, and scored, as two."""
    target = [["good", "bad", "Good"][i % 3] for i in range(N)]
    cities = [["New York", "New  York", "Oslo", "new york"][i % 4] for i in range(N)]
    of_classes, of_column = infer(cities, target=target).warnings
    assert of_classes.startswith(
        "classes of 'y' differ in case or blanks only ('Good' and 'good'): each counts by itself"
    )
    assert "categories of column 'x' differ in case or blanks only ('New  York' and" in of_column
    assert infer(["Bern", "Berne"] * (N // 2)).warnings == ()


def test_free_text_that_is_left_out_is_told_and_identifiers_are_not():
    notes = [f"called about bill {i * 7919 % 1000}" for i in range(N)]
    schema = infer(notes)
    assert schema.left_out["x"] == "free text, which kmlp does not read"
    assert "column 'x' is free text and is left out: make columns of what" in schema.warnings[0]
    for names in ([f"K-{i}" for i in range(N)], [f"Ann A{i}" for i in range(N)]):
        schema = infer(names)
        assert "an identifier or free text: " in schema.left_out["x"]
        assert schema.warnings == ()


def test_rows_that_stand_there_twice_are_told_where_chance_is_no_reason():
    rows = {"a": RNG.normal(size=N), "y": CLASSES}
    twice = as_table({k: [*column, *column[:7]] for k, column in rows.items()})
    assert of_repeated_rows(twice)[0].startswith("14 of 207 rows stand in the table more than once")
    assert of_repeated_rows(as_table(rows)) == ()
    few = {"a": RNG.choice(WORDS, N).tolist(), "y": CLASSES}
    assert of_repeated_rows(as_table(few)) == (), (
        "of six kinds of rows nearly all stand there again"
    )
    assert of_repeated_rows(as_table({"a": [1] * N, "y": ["b"] * N})) == ()
    assert of_repeated_rows(as_table({"a": [1], "y": ["b"]})) == ()


def test_what_is_shown_covers_every_column():
    gaps = [None if i % 4 == 0 else float(i) for i in range(N)]
    schema = infer_schema({"g": gaps, "c": CLASSES[::-1], "k": range(N), "y": CLASSES}, "y")
    assert [shown.name for shown in schema.shown] == ["y", "g", "c", "k"]
    target, numbers, words, _ = schema.shown
    assert target.becomes == "the target, 2 classes"
    assert (numbers.missing, numbers.distinct, numbers.range) == (0.25, 150, "1 to 199")
    assert (words.distinct, words.range) == (2, "leaves, stays")
    assert schema.inputs == {"g": "number", "c": "category"}


def test_a_schema_is_the_same_after_json():
    frame = {
        "d": _days(N),
        "w": RNG.choice(WORDS, N).tolist(),
        "n": 1e9 + RNG.random(N),
        "k": [1] * N,
    }
    schema = infer_schema(frame | {"y": CLASSES}, "y")
    assert len(schema.columns) > 4
    assert schema.columns[-1].offset > 1e8
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


def test_the_order_of_rows_and_columns_changes_no_record():
    frame = pl.DataFrame(
        {"d": _days(N), "w": RNG.choice(WORDS, N), "n": RNG.random(N), "y": CLASSES}
    )
    schema = infer_schema(frame, "y")
    other = infer_schema(frame.sample(fraction=1, shuffle=True, seed=1)[:, ::-1], "y")
    assert set(schema.columns) == set(other.columns)


def test_declared_categories_keep_their_order():
    sizes = pd.Categorical(RNG.choice(["s", "m", "l"], N), categories=["s", "m", "l", "xl"])
    frame = pd.DataFrame({"x": sizes, "y": CLASSES})
    assert infer_schema(frame, "y").columns[0].values == ("s", "m", "l")
