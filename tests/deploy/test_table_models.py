"""A table's model takes raw columns by name: with kmlp by the encoder, without it by its graph."""

import json
import logging
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
from kmlp.deploy.serving import load_saved
from kmlp.errors import DataError
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
    data = Dataset.from_table(path, "status")
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
    other = Dataset.from_table(write_csv(tmp_path / "other.csv", rows(300, seed=5)), "status")
    with pytest.raises(DataError, match=r"not prepared as the model's were.*kmlp evaluate MODEL"):
        evaluate(models["one"], other)
    labels = [row["status"] for row in NEW]
    assert evaluate(models["one"], (frame(NEW), labels))["num_rows"] == 80
