"""Columns of a table say which rows go where: what they say is done, or refused with what to do."""

import numpy as np
import polars as pl
import pytest

from kmlp.data import Dataset
from kmlp.data.rows.cells import coded
from kmlp.data.rows.options import RowOptions
from kmlp.data.rows.telling import validation_note
from kmlp.errors import DataError

NUM_ROWS = 240


def table() -> dict[str, list]:
    rng = np.random.default_rng(0)
    days = [f"2024-{1 + i // 20:02d}-{1 + i % 20:02d}" for i in range(NUM_ROWS)]
    patients = rng.integers(0, 30, NUM_ROWS)
    return {
        "row": [float(i) + 0.5 for i in rng.permutation(NUM_ROWS)],
        "patient": [f"p{p}" for p in patients],
        "day": rng.permutation(days).tolist(),
        "sex": rng.choice(["f", "m"], NUM_ROWS, p=[0.2, 0.8]).tolist(),
        "site": [f"s{p % 4}" for p in patients],
        "y": rng.choice(["no", "yes"], NUM_ROWS).tolist(),
    }


TABLE = table()
OF_ROW = {row: i for i, row in enumerate(TABLE["row"])}


def rows_of(data: Dataset) -> tuple[list[int], list[int]]:
    """The table's rows that train and that test, found by the number that each row has."""
    place = [c.name for c in data.spec.columns].index("row")
    column = data.spec.columns[place]
    return tuple(
        [OF_ROW[float(v) * 2.0**column.exponent + column.offset] for v in x[:, place]]
        for x in (data.x_train, data.x_test)
    )


def values(name: str, rows: list[int]) -> list:
    return [TABLE[name][row] for row in rows]


def test_a_groups_rows_are_in_training_or_in_test_and_it_is_no_input():
    data = Dataset.from_table(TABLE, "y", group_on="patient", test=0.2)
    train, test = rows_of(data)
    assert sorted(train + test) == list(range(NUM_ROWS))
    assert not set(values("patient", train)) & set(values("patient", test))
    assert abs(len(test) - NUM_ROWS / 5) < 10
    words = values("patient", train)
    np.testing.assert_array_equal(data.rows.groups, coded(pl.Series(words)))
    assert "patient" not in data.schema.inputs
    assert data.schema.left_out["patient"] == "group_on: says which rows belong together"
    numbers = f"{len(set(words))} in the training rows, {30 - len(set(words))} in the test rows"
    assert data.rows.notes == (f"groups by 'patient': {numbers}; none is parted",)


def test_who_says_a_kind_wants_the_column_as_an_input():
    kinds = {"patient": "category"}
    data = Dataset.from_table(TABLE, "y", group_on="patient", columns=kinds)
    assert data.schema.inputs["patient"] == "category"


def test_the_last_rows_test_and_those_before_them_validate():
    data = Dataset.from_table(TABLE, "y", time_on="day", test=0.25)
    train, test = rows_of(data)
    assert max(values("day", train)) < min(values("day", test)) == "2024-10-01"
    assert data.rows.notes[0].endswith("test rows begin at 2024-10-01")
    assert values("day", train) == [str(t)[:10] for t in data.rows.time]
    assert validation_note(data.rows, 1 / 6) == (
        "validation: the last training rows, 30 of 180, from 2024-08-11 on; the same for every seed"
    )


def test_strata_are_of_the_column_that_is_named():
    data = Dataset.from_table(TABLE, "y", stratify_on="sex")
    train, test = rows_of(data)
    share = TABLE["sex"].count("f") / NUM_ROWS
    assert abs(values("sex", test).count("f") - share * len(test)) < 1
    np.testing.assert_array_equal(data.rows.strata, coded(pl.Series(values("sex", train))))


def test_a_regressions_target_gives_tenths_by_size():
    numbers = TABLE | {"y": np.random.default_rng(1).lognormal(size=NUM_ROWS).tolist()}
    data = Dataset.from_table(numbers, "y", stratify_on="y", test=0.5)
    assert len(set(data.rows.strata.tolist())) == 10
    assert np.ptp(np.bincount(data.rows.strata)) <= 1
    assert data.schema.target.name == "y"


def test_folds_are_those_that_are_given_by_name():
    data = Dataset.from_table(TABLE, "y", fold_on="site", group_on="patient")
    train, _ = rows_of(data)
    np.testing.assert_array_equal(data.rows.folds, [int(s[1]) for s in values("site", train)])
    assert data.rows.num_folds == 4
    sizes = np.bincount(data.rows.folds)
    assert data.rows.notes[1] == f"folds by 'site': 4, of {sizes.min()} to {sizes.max()} rows"


def test_folds_of_very_different_sizes_are_told():
    """Up to twice the size is no word worth: folds of groups differ by as much."""
    for small, said in ((20, False), (19, True)):
        site = ["a"] * 40 + ["b"] * 40 + ["c"] * small
        table = {"site": site, "x": np.arange(80.0 + small), "y": np.arange(80 + small) % 2}
        (note,) = Dataset.from_table(table, "y", fold_on="site").rows.notes
        assert ("weighs 2.11 times one of the largest: join small folds" in note) == said


@pytest.mark.parametrize("way", ["column", "shared", "frame", "file"])
def test_given_rows_validate_after_the_others_and_nothing_is_learned_of_them(way, tmp_path):
    marks = ["validation"] * 40 + ["test"] * 50 + ["train"] * (NUM_ROWS - 90)
    own = {name: column[:40] for name, column in TABLE.items()}
    rest = {name: column[40:] for name, column in TABLE.items()}
    own["sex"] = ["d", *own["sex"][1:]]  # a category that is nowhere else
    if way == "frame":
        data = Dataset.from_table(rest, "y", validation=own)
    elif way == "file":
        path = tmp_path / "own.csv"
        pl.DataFrame(own).write_csv(path)
        data = Dataset.from_table(rest, "y", validation=str(path))
    else:
        marked = TABLE | {"part": marks, "sex": own["sex"] + rest["sex"]}
        test = "part" if way == "shared" else 0.25
        if way == "column":
            marked["part"] = ["val"] * 40 + ["train"] * (NUM_ROWS - 40)
        data = Dataset.from_table(marked, "y", validation="part", test=test)
        assert "part" not in data.schema.inputs
    train, test = rows_of(data)
    assert train[-40:] == list(range(40))
    assert data.rows.is_validation.tolist() == [False] * (len(train) - 40) + [True] * 40
    assert not set(train) & set(test)
    assert next(c for c in data.spec.columns if c.name == "sex").values == ("f", "m")
    assert any(w.startswith("validation rows: column 'sex'") for w in data.warnings)
    if way == "shared":
        assert sorted(test) == list(range(40, 90))


@pytest.mark.long
def test_who_says_nothing_has_the_data_of_before():
    """Ids of members follow from it: nothing is hashed that was not."""
    plain = Dataset.from_table(TABLE, "y", drop=["patient"])
    assert plain.given_rows is None
    grouped = Dataset.from_table(TABLE, "y", group_on="patient")
    assert grouped.provenance.sha256 != plain.provenance.sha256
    one, other = (
        Dataset.from_table(TABLE, "y", test=0.2, fold_on="site", drop=drop)
        for drop in ([], ["patient"])
    )
    assert one.provenance.sha256 != other.provenance.sha256


def own(**columns) -> dict:
    return {name: column[:20] for name, column in (TABLE | columns).items()}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"group_on": "nobody"}, "group_on='nobody': frame has no such column. Columns: row, "),
        ({"group_on": "patients"}, "has no such column. Did you mean 'patient'"),
        ({"group_on": "y"}, "group_on='y' is the target, which is to be predicted. Name another"),
        ({"time_on": "day", "group_on": "patient"}, "time_on and group_on cannot both hold"),
        ({"time_on": "day", "fold_on": "site"}, "time_on and fold_on cannot both hold: folds"),
        ({"time_on": "day", "stratify_on": "sex"}, "time_on and stratify_on cannot both hold"),
        ({"time_on": "sex"}, "time_on='sex' holds neither dates nor numbers"),
        ({"stratify_on": "day"}, "stratify_on='day' has 240 values in 240 rows, too many"),
        ({"group_on": "patient", "fold_on": "row"}, "in several folds. Mend the folds, or leave"),
        ({"group_on": "gap"}, "column 'gap', row 3: the cell is empty (1 rows); say which, or"),
        (
            {"group_on": "one", "test": 0.2},
            "group_on: 1 group cannot be parted into training and test rows",
        ),
        ({"time_on": "one"}, "time_on: every row is of the same time"),
        ({"validation": "nowhere"}, "validation='nowhere' is neither a file nor a column"),
        ({"validation": "sex"}, "column 'sex', row 0: 'm' is no mark of validation or training"),
        ({"validation": "part", "test": "held"}, "to validate by 'part' and to test by 'held'"),
        ({"validation": own(), "group_on": "patient"}, "both the training and the validation rows"),
        ({"validation": own(), "time_on": "day"}, "and training rows go on until 2024-10"),
        ({"validation": {"row": [1.0], "y": ["no"]}, "group_on": "patient"}, "the validation rows"),
        ({"test": own(), "group_on": "patient"}, "both the training and the test rows. Part them"),
        ({"test": own(), "time_on": "day"}, "the test rows begin at 2024-01"),
    ],
)
def test_what_cannot_be_done_is_refused(said, message):
    more = {
        "gap": [None if i == 3 else "a" for i in range(NUM_ROWS)],
        "one": [1] * NUM_ROWS,
        "part": ["val"] * 9 + ["train"] * (NUM_ROWS - 9),
        "held": ["test"] * 5 + ["train"] * (NUM_ROWS - 5),
    }
    with pytest.raises(DataError) as error:
        Dataset.from_table(TABLE | more, "y", **said)
    assert message in str(error.value)


def test_options_say_themselves_whether_anything_is_asked():
    assert not RowOptions()
    assert RowOptions(validation="part")
    assert RowOptions(group_on="a", fold_on="b").columns == {"group_on": "a", "fold_on": "b"}
