"""A table becomes a data set: rows parted, columns encoded, the schema and the origin kept."""

import hashlib
import re

import numpy as np
import pandas as pd
import pytest

import kmlp
from kmlp.config.network_checks import resolved_scaling
from kmlp.data import Dataset, load_dataset
from kmlp.data.columns import Schema
from kmlp.data.encoder import encode
from kmlp.errors import DataError

rng = np.random.default_rng(0)
N = 200
FRAME = pd.DataFrame(
    {
        "age": rng.integers(18, 90, N),
        "when": 1e9 + rng.random(N),
        "city": np.array(["Bern", "Rom", "Ulm"])[rng.integers(0, 3, N)],
        "plus": rng.integers(0, 2, N).astype(bool),
        "left": np.array(["no", "yes"])[rng.integers(0, 2, N)],
    }
)


@pytest.fixture
def path(tmp_path):
    FRAME.to_csv(tmp_path / "churn.csv", index=False)
    return tmp_path / "churn.csv"


def test_a_files_rows_are_parted_and_encoded(path):
    data = load_dataset(path, target="left", test=0.25)
    assert (len(data.x_train), len(data.x_test), data.name) == (150, 50, "churn")
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    assert (data.spec.task, data.spec.class_names) == ("binary", ("no", "yes"))
    assert [c.name for c in data.spec.columns] == ["age", "when", "city", "plus"]
    both = np.concatenate([data.x_train, data.x_test])
    whole = encode(FRAME, data.spec.columns)
    np.testing.assert_array_equal(np.unique(both, axis=0), np.unique(whole, axis=0))
    shares = [np.mean(y) for y in (data.y_train, data.y_test)]
    assert abs(shares[0] - shares[1]) < 0.02
    assert isinstance(data.schema, Schema)
    assert data.schema.columns == data.spec.columns


def test_the_origin_is_the_files(path):
    data = kmlp.load_dataset(path, target="left", test=0.2)
    origin = data.provenance
    assert (origin.source, origin.location) == ("file", str(path))
    assert origin.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(data.x_test) == N // 5
    again = kmlp.load_dataset(path, target="left", test=0.2)
    assert again.provenance == origin
    np.testing.assert_array_equal(again.x_test, data.x_test)


def test_a_frame_gives_what_its_file_gives(path):
    from_file = load_dataset(path, target="left")
    from_frame = Dataset.from_table(FRAME, target="left")
    np.testing.assert_array_equal(from_file.x_train, from_frame.x_train)
    assert from_file.provenance.sha256 == from_frame.provenance.sha256
    assert from_frame.provenance.source == "arrays"


def test_the_hash_knows_what_the_numbers_mean():
    other = FRAME.assign(city=FRAME["city"].replace({"Bern": "Aix"}))
    one, two = (Dataset.from_table(f, target="left") for f in (FRAME, other))
    np.testing.assert_array_equal(one.x_train, two.x_train)
    assert one.provenance.sha256 != two.provenance.sha256


def test_what_is_known_comes_from_training_rows_alone(tmp_path):
    test = FRAME[:20].assign(age=200, city="Oslo")
    data = Dataset.from_table(FRAME, target="left", test=test)
    age, _, city, _ = data.spec.columns
    assert age.high < 100
    assert city.values == ("Bern", "Rom", "Ulm")
    assert (data.x_test[:, 2] == 3).all()
    told = " ".join(data.schema.warnings)
    assert "column 'city': 20 of 20 rows hold a category that was not in training" in told
    assert "column 'age': 20 of 20 rows lie far outside" in told


def test_test_rows_come_from_a_file_or_a_column(path, tmp_path):
    FRAME[:30].to_csv(tmp_path / "held.csv", index=False)
    by_file = load_dataset(path, target="left", test=tmp_path / "held.csv")
    assert (len(by_file.x_train), len(by_file.x_test)) == (N, 30)
    assert "30 of 30 test rows stand in the training rows, too" in by_file.schema.warnings[-1]
    marked = FRAME.assign(part=["test"] * 30 + ["train"] * (N - 30))
    by_column = Dataset.from_table(marked, target="left", test="part")
    np.testing.assert_array_equal(by_column.x_test[:, 0], FRAME["age"][:30])
    assert "part" not in by_column.schema.inputs


def test_kinds_are_said_and_columns_dropped(tmp_path):
    FRAME.assign(zip=["00123", "01000"] * 100).to_csv(tmp_path / "a.csv", index=False)
    data = load_dataset(
        tmp_path / "a.csv",
        target="left",
        columns={"zip": "category", "age": "category"},
        drop=["when"],
    )
    kinds = {c.name: c for c in data.spec.columns}
    assert kinds["zip"].values == ("00123", "01000")
    assert kinds["age"].kind == "category"
    assert data.schema.left_out == {"when": "dropped as asked"}


def test_rows_without_a_target_are_left_out_and_told():
    gaps = FRAME.assign(left=FRAME["left"].where(np.arange(N) % 10 > 0))
    data = Dataset.from_table(gaps, target="left", test=0.25)
    assert len(data.y_train) + len(data.y_test) == N * 9 // 10
    assert any("test rows" in w and "have no target" in w for w in data.schema.warnings)


def test_a_regressions_target_keeps_its_digits():
    data = Dataset.from_table(FRAME, target="when", test=0.25)
    back = np.sort(np.concatenate([data.spec.in_unit(y) for y in (data.y_train, data.y_test)]))
    np.testing.assert_allclose(back, np.sort(FRAME["when"]), rtol=0, atol=1e-6)


def test_without_a_target_the_columns_are_listed(path):
    message = "churn.csv holds: age, when, city, plus, left. Write target='NAME'"
    with pytest.raises(DataError, match=re.escape(message)):
        load_dataset(path)
    with pytest.raises(DataError, match=r"has no column 'lefft'\. Did you mean 'left'"):
        load_dataset(path, target="lefft")


def test_options_of_tables_are_refused_elsewhere(path):
    with pytest.raises(DataError, match=r"target is of tables, such as a .csv file; 'mnist'"):
        load_dataset("mnist", target="label")
    with pytest.raises(DataError, match=r"'mnist' has test rows of its own\. Received: test=0\.2"):
        load_dataset("mnist", test=0.2)
    with pytest.raises(DataError, match="there is no such file"):
        load_dataset(path.parent / "none.csv", target="left")


@pytest.mark.parametrize("options", [{}, {"test": 0.2}, {"target": "left"}])
def test_what_is_nothing_is_said_to_be_nothing_whatever_was_said_of_it(tmp_path, options):
    with pytest.raises(DataError, match="no data set 'mnsit': neither a known name"):
        load_dataset("mnsit", **options)
    if "target" not in options:
        with pytest.raises(DataError, match="is no data set: it holds neither"):
            load_dataset(tmp_path, **options)


def test_networks_standardize_the_columns_of_a_table():
    spec = Dataset.from_table(FRAME, target="left").spec
    assert {column.kind for column in spec.columns} >= {"category", "number"}
    assert resolved_scaling("auto", spec) == "standard"


@pytest.mark.long
def test_a_table_of_pixels_is_a_set_of_images(tmp_path):
    pixels = rng.integers(0, 256, (50, 784))
    frame = pd.DataFrame(pixels, columns=[f"pixel{i}" for i in range(784)])
    frame.insert(0, "label", np.arange(50) % 5)
    frame.to_csv(tmp_path / "train.csv", index=False)
    data = load_dataset(tmp_path / "train.csv", test=0.2)
    assert (data.spec.input_shape, data.spec.input_dtype) == ((28, 28), "uint8")
    assert (len(data.x_train), len(data.x_test), data.spec.num_classes) == (40, 10, 5)
    assert (data.provenance.source, data.schema) == ("file", None)
    assert np.bincount(data.y_test).tolist() == [2] * 5
    said = Dataset.from_table(frame, target="label", test=0.2)
    np.testing.assert_array_equal(said.x_test, data.x_test)
    with pytest.raises(DataError, match="images without labels"):
        Dataset.from_table(frame.drop(columns="label"))
    numbers = Dataset.from_table(frame, target="label", task="regression")
    assert (numbers.spec.task, numbers.spec.input_shape) == ("regression", (784,))


X, Y = rng.normal(size=(40, 3)), np.arange(40) % 4


def test_archives_of_arrays(tmp_path):
    np.savez(tmp_path / "parts.npz", x_train=X, y_train=Y, x_test=X[:8], y_test=Y[:8])
    data = load_dataset(tmp_path / "parts.npz")
    np.testing.assert_array_equal(data.x_test, X[:8].astype(np.float32))
    digest = hashlib.sha256((tmp_path / "parts.npz").read_bytes()).hexdigest()
    assert (data.provenance.source, data.provenance.file_sha256) == ("file", digest)
    assert data.name == "parts"
    with pytest.raises(DataError, match="has test rows of its own"):
        load_dataset(tmp_path / "parts.npz", test=0.2)
    np.savez(tmp_path / "whole.npz", X=X, y=Y)
    data = load_dataset(tmp_path / "whole.npz", test=0.3)
    assert (len(data.x_train), len(data.x_test)) == (28, 12)
    assert np.bincount(data.y_test).tolist() == [3] * 4


def test_archives_of_other_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=X)
    with pytest.raises(DataError, match=r"a data set holds x_train, .*; it holds x. Examples"):
        load_dataset(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=X, y=Y[:3])
    with pytest.raises(DataError, match=r"x holds 40 examples, y is of shape \(3,\)"):
        load_dataset(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=X, y=Y)
    with pytest.raises(DataError, match="test of arrays and images is a share"):
        load_dataset(tmp_path / "c.npz", test=2)


def test_how_a_file_writes_numbers_and_dates_makes_no_other_data(tmp_path):
    """The hash names what is trained on; folders made before hold it."""
    days = [f"2020-{1 + i % 12:02d}-{13 + i % 15}" for i in range(40)]
    plain = [f"{i}.5,{day},{'ab'[i % 2]}" for i, day in enumerate(days)]
    german = [
        f"{i},5;{'/'.join(reversed(day.split('-')))};{'ab'[i % 2]}" for i, day in enumerate(days)
    ]
    (tmp_path / "plain.csv").write_text("\n".join(["x,d,y", *plain]))
    (tmp_path / "german.csv").write_text("\n".join(["x;d;y", *german]))
    found = [
        Dataset.from_table(tmp_path / f"{name}.csv", target="y", test=0.2)
        for name in ("plain", "german")
    ]
    assert [data.schema.written for data in found] == [{}, {"x": "comma", "d": "day/month/year"}]
    assert len({data.provenance.sha256 for data in found}) == 1
    assert found[0].spec == found[1].spec


def test_the_hash_of_a_table_is_what_run_folders_hold():
    """A field that a column gets must not make other data of what was trained on before."""
    table = {
        "age": [31.0, 45.5, 22.0, 58.25] * 5,
        "city": ["Bern", "Rome", "Bern", "Oslo"] * 5,
        "left": ["yes", "no", "no", "yes"] * 5,
    }
    data = Dataset.from_table(table, target="left", test=0.2)
    assert data.provenance.sha256 == (
        "5eccc130821e20e990196317a682d182ea2bc235ede5379a8b1ab33f7775753e"
    )
