"""Calibrated exports: what the graph gives, what files, scores, cards and the server say of it."""

import csv
import json
import logging

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.exporting import export
from kmlp.deploy.formats.litert import run_litert
from kmlp.deploy.prediction import predict_file, write_predictions
from kmlp.deploy.serving import load_saved
from kmlp.errors import DataError
from kmlp.serve.saved import load_servable
from kmlp.stats.calibration.temperature import scaled_log_probabilities
from kmlp.study.study import run_study
from tests.command_line import kmlp
from tests.deploy.made_table import rows, write_csv
from tests.serve.stand_in import asking

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SETTINGS = {
    "variants": ("none",),
    "num_seeds": 2,
    "calibration_fraction": 0.2,
    "references": "none",
    "importance": False,
    "model": MLPConfig(hidden_units=(8,)),
    "train": TrainConfig(max_epochs=12, batch_size=32),
}


@pytest.fixture(scope="module")
def churn(tmp_path_factory):
    """A table of two classes, its study, and its best network with all that can be asked."""
    folder = tmp_path_factory.mktemp("churn")
    path = write_csv(folder / "churn.csv", rows(600))
    data = Dataset.from_table(path, "status", test=0.2)
    study = run_study(StudyConfig(dataset="churn", **SETTINGS), folder / "run", data)
    asked = {"coverage": 0.9, "costs": {"fp": 1, "fn": 5}}
    return (
        data,
        study,
        export(study.best(), folder / "models" / "churn", formats=("litert", "onnx"), **asked),
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Pixels between 0 and 1 of three classes; an ensemble."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 500)
    x = (rng.random((500, 4, 4)) * 0.8 + (y / 10)[:, None, None]).astype("float32")
    data = Dataset.from_arrays(x[:400], y[:400], x[400:], y[400:])
    folder = tmp_path_factory.mktemp("images")
    study = run_study(StudyConfig(dataset="arrays", **SETTINGS), folder / "run", data)
    return data, study, export(study.ensemble(), folder / "models" / "squares", coverage=0.8)


def test_an_ensembles_probabilities_are_at_its_temperature(images, tmp_path):
    data, study, path = images
    model, plain = load_saved(path), export(study.ensemble(), tmp_path / "m", calibrate=False)
    own = load_saved(plain)
    assert own.calibration is None
    assert set(model.output_names) - set(own.output_names) == {"set"}
    before, after = own.outputs(data.x_test), model.outputs(data.x_test)
    wanted = scaled_log_probabilities(
        np.log(before["probabilities"]), model.calibration.temperature
    )
    np.testing.assert_allclose(after["probabilities"], np.exp(wanted), atol=1e-5)
    np.testing.assert_array_equal(
        after["set"], before["probabilities"] >= model.calibration.least_probability
    )
    np.testing.assert_allclose(after["entropy"], -(np.exp(wanted) * wanted).sum(axis=1), atol=1e-4)
    np.testing.assert_array_equal(after["label"], before["label"])
    np.testing.assert_allclose(after["stddev"], before["stddev"], atol=1e-6)


def test_pixels_of_another_unit_are_refused_flagged_and_forced(images, tmp_path, caplog):
    data, _, path = images
    model, far = load_saved(path), (255 * data.x_test).astype("float32")
    assert not model.outputs(data.x_test)["out_of_range"].any()
    with pytest.raises(DataError, match=r"such as x / 255\. Or say force=True \(--force\)"):
        model.predict(far)
    with caplog.at_level(logging.WARNING):
        assert model.outputs(far, force=True)["out_of_range"].all()
    assert "is the unit the same?" in caplog.text
    np.save(tmp_path / "far.npy", far)
    words = ("predict", str(path), str(tmp_path / "far.npy"), "--json")
    refused = kmlp(*words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    said = [json.loads(line) for line in kmlp(*words, "--force").stdout.splitlines()]
    assert len(said) == 100
    assert all(each["out_of_range"] is True for each in said)


def test_the_server_flags_what_lies_outside(images):
    data, _, path = images

    async def ask(client, served):
        body = {"instances": [(255 * data.x_test[0]).tolist(), data.x_test[0].tolist()]}
        answer = await client.post("/v1/models/squares:predict", json=body)
        return answer, (await client.get("/openapi.json")).json()

    answer, openapi = asking(path.parents[1], load_servable, ask)
    found = answer.json()["predictions"]
    assert [row["out_of_range"] for row in found] == [True, False]
    assert all(isinstance(flag, bool) for row in found for flag in row["set"])
    assert '"set": {"anyOf": [{"type": "array", "items": {"type": "boolean"}' in json.dumps(openapi)


def test_files_of_predictions_name_the_classes_of_sets_and_the_strange_columns(churn, tmp_path):
    _, _, path = churn
    model, new = load_saved(path), rows(60, seed=1)
    new[0]["City"], new[1]["age"] = "Oslo", "500"
    source = write_csv(tmp_path / "new.csv", new)
    write_predictions(predict_file(model, source), tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="") as file:
        said = list(csv.DictReader(file))
    outputs = model.outputs(source)
    names = np.array(model.class_names)
    assert [row["set"] for row in said] == ["|".join(names[held]) for held in outputs["set"]]
    assert "City" in said[0]["out_of_range"].split("|")
    assert "age" in said[1]["out_of_range"].split("|")
    columns = np.array(model.columns)
    assert [row["out_of_range"] for row in said] == [
        "|".join(columns[flags]) for flags in outputs["out_of_range"]
    ]
    write_predictions(predict_file(model, source), tmp_path / "out.csv")  # replaces its own kind


def test_the_label_of_files_and_scores_follows_the_threshold(churn):
    data, _, path = churn
    model = load_saved(path)
    outputs = model.encoded_outputs(data.x_test)
    said = outputs["probabilities"][:, 1] >= np.float32(model.calibration.threshold)
    np.testing.assert_array_equal(outputs["label"], said)
    assert (said != outputs["probabilities"].argmax(axis=1)).any()
    scores = evaluate(model, data)
    assert scores["accuracy"]["value"] == pytest.approx((said == data.y_test).mean())
    confusion = np.array(scores["confusion"])
    assert confusion[0, 1] == (said & (data.y_test == 0)).sum()
    log_p = np.log(outputs["probabilities"].astype(float))[np.arange(len(said)), data.y_test]
    assert scores["cross_entropy"]["value"] == pytest.approx(-log_p.mean(), rel=1e-5)
    held = outputs["set"][np.arange(len(said)), data.y_test]
    assert scores["coverage"]["value"] == held.mean()


def test_card_and_manifest_tell_what_was_done(churn):
    _, _, path = churn
    card, manifest = (path / "model_card.md").read_text(), load_saved(path).manifest
    told = manifest["calibration"]
    assert (told["rows"], told["num_rows"], told["coverage"]) == ("reserved", 96, 0.9)
    for said in (
        "Found out on 96 rows that neither training nor early stopping saw",
        "are softmax(logits /",
        "(split conformal). Of new rows like these at least 90 % hold the truth",
        "chosen for the mean cost of a row (fp=1,fn=5)",
        "`out_of_range` (batch, columns) by raw column",
    ):
        assert said in card
    scored = kmlp("evaluate", str(path), str(path.parents[2] / "churn.csv"), "--test", "0.2")
    assert "sets hold the truth of" in scored.stdout


def test_litert_gives_the_same_answers(churn):
    data, _, path = churn
    x = data.x_test[:90].astype("float32")
    wanted = load_saved(path).encoded_outputs(x)
    found = run_litert((path / "model.tflite").read_bytes(), x)
    assert found.keys() == wanted.keys()
    np.testing.assert_allclose(found["probabilities"], wanted["probabilities"], atol=1e-5)
    for name in ("set", "label", "out_of_range"):
        assert (found[name] == wanted[name]).mean() > 0.99


def test_a_regressions_intervals_are_in_its_own_unit_and_are_scored(tmp_path):
    """Prices near a billion, which float32 cannot hold: an offset is taken off and put back."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    table = {"x": x.tolist(), "price": (1e9 + 50 * x + 10 * rng.normal(size=500)).tolist()}
    data = Dataset.from_table(table, "price", test=0.2)
    study = run_study(StudyConfig(dataset="price", **SETTINGS), tmp_path / "run", data)
    model = load_saved(export(study.ensemble(), tmp_path / "m", coverage=0.9))
    found = model.outputs({"x": [0.0, 99.0]})
    half = model.calibration.half_width
    np.testing.assert_allclose(found["upper"] - found["prediction"], half, rtol=1e-4)
    np.testing.assert_allclose(found["prediction"] - found["lower"], half, rtol=1e-4)
    assert found["prediction"][0] == pytest.approx(1e9, abs=100)
    assert found["out_of_range"].tolist() == [[False], [True]]
    scores = evaluate(model, data)
    outputs, truth = model.encoded_outputs(data.x_test), data.spec.in_unit(data.y_test)
    held = (outputs["lower"] <= truth) & (truth <= outputs["upper"])
    assert scores["coverage"]["value"] == held.mean() > 0.7
    assert scores["coverage"]["mean_size"] == pytest.approx(2 * half, rel=1e-4)
