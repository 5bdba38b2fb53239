"""A table's model takes raw columns by name: with kmlp by the encoder, without it by its graph."""

import json
import logging
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.data.encoder import Told
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.exporting import export
from kmlp.deploy.manifest import manifest_sha256
from kmlp.deploy.serving import load_saved
from kmlp.errors import DataError, ModelError
from kmlp.study.study import run_study
from tests.deploy.made_table import HEADER, rows, write_csv

pytestmark = pytest.mark.engine

CONFIG = StudyConfig(
    dataset="churn",
    variants=("none",),
    num_seeds=2,
    model=MLPConfig(hidden_units=(8,)),
    train=TrainConfig(max_epochs=4, batch_size=64),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The table's data set, its study, and the exports of its best member and of both."""
    folder = tmp_path_factory.mktemp("churn")
    path = write_csv(folder / "churn.csv", rows(600))
    data = Dataset.from_table(path, "status", test=0.2)
    study = run_study(CONFIG, folder / "run", data)
    one = export(study.best(), folder / "one")
    return data, study, {"one": one, "many": export(study.ensemble("none"), folder / "many")}


@pytest.fixture(scope="module")
def models(made):
    return {name: load_saved(path) for name, path in made[2].items()}


def frame(table: list[dict[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(table).with_columns(pl.all().replace("", None))


NEW = rows(80, seed=1)
NEW[0]["City"], NEW[1]["City"], NEW[2]["age"], NEW[3]["since"] = "Oslo", "", "", ""
NEW[4]["zip"], NEW[5]["Auto pay"] = "99999", ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one", "many"])
def test_tensorflow_alone_says_of_raw_columns_what_kmlp_says(made, models, tmp_path, name):
    """Neither kmlp nor Keras can be imported; columns go in by name, in another order, as their
    cells are written; gaps are NaN and "", one category is unseen."""
    manifest = json.loads((made[2][name] / "manifest.json").read_text())
    (tmp_path / "new.json").write_text(json.dumps({n: [r[n] for r in NEW] for n in HEADER}))
    code = f"""
import json, sys
sys.modules["kmlp"] = sys.modules["keras"] = None
import numpy as np, tensorflow as tf
cells = json.load(open({str(tmp_path / "new.json")!r}))
model = tf.saved_model.load({str(made[2][name])!r}).signatures["serving_default"]
fed = {{}}
for each in reversed({manifest["inputs"]!r}):
    column = cells[each["columns"][0]]
    if each["dtype"] == "float64":
        column = [float(cell or "nan") for cell in column]
    fed[each["name"]] = tf.constant(column, each["dtype"])
np.savez({str(tmp_path / "out.npz")!r}, **{{k: v.numpy() for k, v in model(**fed).items()}})
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    expected = models[name].outputs(frame(NEW))
    with np.load(tmp_path / "out.npz") as found:
        assert set(found) == set(expected)
        for output, values in expected.items():
            assert np.isfinite(found[output]).all()
            np.testing.assert_allclose(found[output], values, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_the_plain_models_on_the_encoded_rows_are_what_is_exported(made, models):
    from kmlp.deploy.exporting import load_models

    data, study, _ = made
    plain = [m.predict(data.x_test, verbose=0)[:, 0] for m in load_models(study.ensemble("none"))]
    found = models["many"].encoded_outputs(data.x_test)
    np.testing.assert_allclose(found["probabilities"][:, 1], np.mean(plain, axis=0), atol=1e-6)


def test_frames_mappings_and_files_are_matched_by_name(models, tmp_path):
    model, wanted = models["one"], models["one"].predict(frame(NEW))
    path = write_csv(tmp_path / "new.csv", NEW, tuple(reversed(HEADER[:-1])))
    table = {name: [row[name] for row in NEW] for name in reversed(HEADER)}
    for given in (frame(NEW).select(reversed(HEADER)), frame(NEW).to_pandas(), table, path):
        np.testing.assert_allclose(model.predict(given), wanted, atol=1e-6)
    with pytest.raises(DataError, match=r"lacks the column 'age' \(is it 'Age'\?\)"):
        model.predict(frame(NEW).rename({"age": "Age"}))
    with pytest.raises(DataError, match=r"takes a table's columns by name: .* Received: ndarray"):
        model.predict(np.zeros((3, 6)))


def test_what_should_be_looked_at_is_logged_or_handed_over(models, caplog):
    new = frame(NEW).with_columns(pl.lit(7).alias("more"), pl.lit(1e9).alias("age"))
    with caplog.at_level(logging.WARNING):
        models["one"].predict(new)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "not used: 'more'" in said
    assert "column 'City': 1 of 80 rows hold a category that was not in training" in said
    assert "column 'age': 80 of 80 rows lie far outside" in said
    caplog.clear()
    told = Told()
    models["one"].outputs(new, told)
    assert told.unseen["City"] == 1
    assert not caplog.records


def test_a_data_set_prepared_alike_is_scored_and_another_refused(made, models, tmp_path):
    data, study, _ = made
    scores = evaluate(models["one"], data)
    (member,) = study.best().members
    assert scores["accuracy"]["value"] == pytest.approx(member["test"]["accuracy"])
    other = Dataset.from_table(
        write_csv(tmp_path / "other.csv", rows(300, seed=5)), "status", test=0.2
    )
    with pytest.raises(DataError, match=r"not prepared as the model's were.*kmlp evaluate MODEL"):
        evaluate(models["one"], other)
    labels = [row["status"] for row in NEW]
    assert evaluate(models["one"], (frame(NEW), labels))["num_rows"] == 80


def test_the_cards_example_runs_as_it_stands(made):
    """With TensorFlow alone; and what is sent to a server names the same inputs."""
    import tensorflow as tf

    card = (made[2]["many"] / "model_card.md").read_text(encoding="utf-8")
    names: dict = {"folder": str(made[2]["many"])}
    exec(card.split("```python\n")[1].split("```")[0], names)
    assert np.isfinite(names["outputs"]["probabilities"]).all()
    (line,) = (line for line in card.splitlines() if line.startswith('{"instances"'))
    (sent,) = json.loads(line)["instances"]
    fed = {k: tf.constant([v], tf.float64 if type(v) is float else None) for k, v in sent.items()}
    outputs = names["model"](**fed)
    np.testing.assert_array_equal(outputs["stddev"], names["outputs"]["stddev"])


def test_the_card_lists_columns_by_name_input_kind_and_range(made):
    card = (made[2]["one"] / "model_card.md").read_text(encoding="utf-8")
    lines = [line for line in card.splitlines() if line.startswith("| `")]
    assert len(lines) == 6
    charges, pays = lines[3], lines[4]
    assert charges.startswith("| `Monthly charges (€)` | `Monthly_charges` | a number; NaN where")
    assert "| `1000000." in charges
    assert "` to `1000099." in charges
    assert pays.startswith("| `Auto pay` | `Auto_pay` | text: `no` or `yes`, true or false |")
    assert "Not used, and not needed: `Customer ID` (an identifier" in card
    assert "- Classes: `has left`, `stays on`." in card


@pytest.mark.slow
def test_values_are_hidden_where_that_can_be(made, tmp_path):
    """The card alone: without its categories no cell could be encoded, and it says so."""
    folder = export(made[1].best(), tmp_path / "hidden", hide_values=True)
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    for value in ("Berlin", "東京", "00007", "1000000.", "2018-", "60% yes"):
        assert value not in card
    assert "The graph and `manifest.json` hold the categories" in card
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["schema"]["shown"] == []
    hidden = load_saved(folder).predict(frame(NEW))
    np.testing.assert_array_equal(hidden, load_saved(made[2]["one"]).predict(frame(NEW)))


def test_a_tables_columns_stand_in_the_manifest_once(made):
    manifest = json.loads((made[2]["one"] / "manifest.json").read_text(encoding="utf-8"))
    assert json.dumps(manifest, ensure_ascii=False).count('"São Paulo"') == 1
    assert [each["name"] for each in manifest["inputs"]][3:5] == ["Monthly_charges", "Auto_pay"]
    (age,) = [c for c in manifest["schema"]["columns"] if c["name"] == "age"]
    assert -60 < age["low"] < age["high"] < 150


@pytest.mark.parametrize("change", ["no list", "no columns", "deep"])
def test_a_manifest_with_another_schema_is_refused(made, tmp_path, change):
    copy = shutil.copytree(made[2]["one"], tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    if change == "no list":
        manifest["schema"] = ["x"]
    elif change == "no columns":
        del manifest["schema"]["columns"]
    else:
        manifest["schema"]["columns"][0]["values"] = 7
    manifest["sha256"] = manifest_sha256(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_saved(copy)


@pytest.mark.slow
def test_a_number_is_predicted_in_its_unit_with_its_digits(tmp_path):
    """A target of which float32 would keep no digit: by kmlp, and by the graph from raw columns."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    table = {"age": rng.normal(40, 9, 200), "city": rng.choice(["a", "b"], 200)}
    table["paid"] = 1e9 + 0.01 * table["age"] + (table["city"] == "a")
    data = Dataset.from_table(table, "paid", test=0.2)
    study = run_study(CONFIG, tmp_path / "run", data)
    new = {"city": ["b", "zz", ""], "age": [39.5, np.nan, 1e4]}
    for selection in (study.best(), study.ensemble("none")):
        path = export(selection, tmp_path / "model")
        wanted = load_saved(path).outputs(new)
        assert wanted["prediction"].dtype == np.float64
        assert np.abs(wanted["prediction"][:2] - 1e9).max() < 10
        served = tf.saved_model.load(str(path)).signatures["serving_default"]
        found = served(age=tf.constant(new["age"], tf.float64), city=tf.constant(new["city"]))
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-4)
