"""An exported model gives Keras's predictions, and nothing damaged or foreign is loaded."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset, load_dataset
from kmlp.deploy.cards.model_card import model_card
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.exporting import export, load_models
from kmlp.deploy.folders.belonging import run_of
from kmlp.deploy.manifest import manifest_sha256
from kmlp.deploy.serving import load_saved
from kmlp.errors import DataError, ForeignFolderError, ModelError, SelectionError
from kmlp.study.loading import Study
from kmlp.study.study import run_study
from tests.foreign import project, snapshot


@pytest.fixture(scope="module")
def images() -> Dataset:
    """900 real Fashion-MNIST images to train on, 200 to test on."""
    data = load_dataset("fashion_mnist")
    return Dataset.from_arrays(
        data.x_train[:900], data.y_train[:900], data.x_test[:200], data.y_test[:200]
    )


@pytest.fixture(scope="module")
def study(images, tmp_path_factory) -> Study:
    config = StudyConfig(
        dataset="arrays",
        variants=("none", "dropout"),
        num_seeds=3,
        model=MLPConfig(hidden_units=(24, 12)),
        train=TrainConfig(max_epochs=3),
    )
    return run_study(config, tmp_path_factory.mktemp("study") / "run", images)


@pytest.fixture(scope="module")
def saved(study, tmp_path_factory) -> Path:
    """Version 1 of the best member."""
    return export(study.best(), tmp_path_factory.mktemp("saved") / "one")


@pytest.fixture(scope="module")
def ensemble(study, tmp_path_factory) -> Path:
    return export(study.ensemble("dropout"), tmp_path_factory.mktemp("saved") / "many")


def test_the_saved_model_predicts_as_keras_does(study, saved, images):
    (model,) = load_models(study.best())
    expected = model.predict(images.x_test, verbose=0)
    np.testing.assert_allclose(load_saved(saved).predict(images.x_test), expected, atol=1e-6)


@pytest.mark.slow
def test_tensorflow_alone_serves_it(study, saved, images, tmp_path):
    """A fresh process in which kmlp and Keras cannot be imported; both signatures, any batch."""
    np.save(tmp_path / "x.npy", images.x_test)
    code = f"""
import sys
sys.modules["kmlp"] = sys.modules["keras"] = None
import numpy as np, tensorflow as tf
x = np.load({str(tmp_path / "x.npy")!r})
model = tf.saved_model.load({str(saved)!r})
out = model.signatures["serving_default"](inputs=tf.constant(x))
logits = model.signatures["logits"](inputs=tf.constant(x[:7]))["logits"]
assert set(out) == {{"probabilities", "label"}}, set(out)
np.testing.assert_allclose(tf.nn.softmax(logits), out["probabilities"][:7], atol=1e-6)
np.testing.assert_array_equal(out["label"], np.argmax(out["probabilities"], 1))
np.save({str(tmp_path / "p.npy")!r}, out["probabilities"])
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    (model,) = load_models(study.best())
    expected = model.predict(images.x_test, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected, atol=1e-5)


def test_the_ensemble_is_the_mean_of_its_members(study, ensemble, images):
    each = [m.predict(images.x_test, verbose=0) for m in load_models(study.ensemble("dropout"))]
    out = load_saved(ensemble).outputs(images.x_test)
    mean = np.mean(each, axis=0)
    assert len(each) == 3
    np.testing.assert_allclose(out["probabilities"], mean, atol=1e-6)
    np.testing.assert_allclose(out["stddev"], np.std(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(out["entropy"], -(mean * np.log(mean)).sum(1), atol=1e-5)
    accuracy = (out["label"] == images.y_test).mean()
    assert study.results["variants"][1]["ensemble"]["accuracy"] == pytest.approx(accuracy)


def test_versions_count_up_and_the_newest_is_loaded(study, tmp_path):
    paths = [export(study.member("none", seed), tmp_path / "m") for seed in (0, 1)]
    assert [p.name for p in paths] == ["1", "2"]
    assert load_saved(tmp_path / "m").path == paths[1]
    assert load_saved(paths[0]).manifest["members"][0]["seed"] == 0
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == [".kmlp", "1", "2"]


@pytest.mark.parametrize("given", ["runs/a", types.SimpleNamespace(run_dir="runs/a")])
def test_a_study_of_which_nothing_was_chosen_is_refused(given, tmp_path):
    with pytest.raises(
        SelectionError, match=r"study\.best\(\), study\.ensemble\(VARIANT\).*Received"
    ):
        export(given, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_failed_export_leaves_no_version(study, tmp_path, monkeypatch):
    monkeypatch.setattr("kmlp.deploy.exporting.model_card", lambda selection, **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(study.best(), tmp_path / "m")
    assert [p.name for p in (tmp_path / "m").iterdir()] == [".kmlp"]


def test_a_failed_export_takes_back_its_own_files_alone(study, tmp_path, monkeypatch):
    def card(selection, **_):
        (aside,) = (tmp_path / "m").glob(".writing-*")
        (aside / "variables" / "mine.txt").write_text("mine")
        raise ZeroDivisionError

    monkeypatch.setattr("kmlp.deploy.exporting.model_card", card)
    with pytest.raises(ZeroDivisionError):
        export(study.best(), tmp_path / "m")
    files = [p for p in (tmp_path / "m").rglob("*") if p.is_file()]
    assert sorted(p.name for p in files) == [".kmlp", "mine.txt"]


def test_a_folder_that_is_no_models_is_refused_and_not_touched(study, tmp_path):
    theirs = project(tmp_path / "project")
    before = snapshot(theirs)
    with pytest.raises(ForeignFolderError, match="was not made by kmlp"):
        export(study.best(), theirs)
    assert snapshot(theirs) == before


def test_permissions_of_a_version_follow_the_umask(study, tmp_path):
    before = os.umask(0o077)
    try:
        version = export(study.best(), tmp_path / "m")
    finally:
        os.umask(before)
    assert {p.stat().st_mode & 0o077 for p in (version, *version.rglob("*"))} == {0}


def test_the_manifest_and_the_card_say_what_it_is(study, ensemble):
    manifest = json.loads((ensemble / "manifest.json").read_text())
    assert manifest["variant"]["config"]["model"]["dropout"] == 0.2
    assert manifest["dataset"]["sha256"] == study.results["dataset"]["sha256"]
    assert manifest["environment"]["packages"]["tensorflow"]
    accuracy = study.results["variants"][1]["test"]["accuracy"]
    assert manifest["variant"]["test"]["accuracy"] == json.loads(json.dumps(accuracy))
    card = (ensemble / "model_card.md").read_text()
    assert f"{100 * accuracy['mean']:.2f} %" in card
    assert "An ensemble of 3 networks" in card
    low, high = accuracy["ci95"]
    least, most = study.results["variants"][1]["test_ci95_seeds_and_rows"]
    assert (
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f} over seeds, {100 * least:.2f} to "
        f"{100 * most:.2f} over seeds and test rows)"
    ) in card
    assert "`entropy` (batch,) in nats" in card


def test_batches_of_any_size_agree(saved, images, monkeypatch):
    model = load_saved(saved)
    whole = model.predict(images.x_test)
    monkeypatch.setattr("kmlp.deploy.serving._BATCH", 33)
    np.testing.assert_allclose(model.predict(images.x_test), whole, atol=1e-6)
    assert model.predict(images.x_test[:0]).shape == (0, 10)


def test_whole_numbers_of_any_type_are_taken(saved, images):
    model = load_saved(saved)
    np.testing.assert_array_equal(
        model.predict(images.x_test.astype(int)), model.predict(images.x_test)
    )


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((28, 28), np.uint8), r"inputs must be \(n, 28, 28\).*Write x\[None\]"),
        (np.zeros((2, 784), np.uint8), r"Received: \(2, 784\)"),
        (np.zeros((2, 28, 28)), r"must be uint8, raw pixels from 0 to 255.*np\.rint\(255 \* x\)"),
        (np.full((2, 28, 28), 256), "pixels must be 0 to 255. Received: 256 to 256"),
        (np.full((2, 28, 28), -1), "pixels must be 0 to 255"),
        (np.full((2, 28, 28), "a"), "must be uint8. Received: <U1"),
    ],
)
def test_wrong_inputs_are_refused_with_what_to_write(saved, x, message):
    with pytest.raises(DataError, match=message):
        load_saved(saved).predict(x)


def test_any_changed_missing_or_added_byte_is_refused(saved, tmp_path):
    """200 truncated or bit-flipped files: a refusal each time, never other numbers."""
    rng = np.random.default_rng(0)
    files = [p.relative_to(saved) for p in saved.rglob("*") if p.is_file()]
    copy = shutil.copytree(saved, tmp_path / "copy")
    for trial in range(200):
        name = files[trial % len(files)]
        content = (saved / name).read_bytes()
        if not content:
            continue
        position = int(rng.integers(len(content)))
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        (copy / name).write_bytes(content[:position] if trial % 2 else changed)
        with pytest.raises(ModelError, match=r"damaged|missing"):
            load_saved(copy)
        (copy / name).write_bytes(content)
    (copy / "assets").mkdir(exist_ok=True)
    (copy / "assets" / "extra.txt").write_text("x")
    with pytest.raises(ModelError, match=r"extra\.txt is not in the manifest"):
        load_saved(copy)


def test_a_foreign_saved_model_needs_trust(saved, images, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "foreign")
    (copy / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"not written by kmlp.*trust=True"):
        load_saved(copy)
    trusted = load_saved(copy, trust=True).predict(images.x_test)
    np.testing.assert_array_equal(trusted, load_saved(saved).predict(images.x_test))


def test_trust_excuses_no_damage(saved, tmp_path):
    copy = shutil.copytree(saved, tmp_path / "copy")
    with open(copy / "saved_model.pb", "ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=r"saved_model\.pb is damaged: its hash is not"):
        load_saved(copy, trust=True)


def test_version_10_is_newer_than_9(saved, tmp_path):
    for version in ("9", "10"):
        shutil.copytree(saved, tmp_path / version)
    (tmp_path / ".writing-half").mkdir()
    assert load_saved(tmp_path).path.name == "10"


def test_the_files_reach_the_disk_before_their_version_gets_its_name(study, tmp_path, monkeypatch):
    """After a power cut a version that shows is whole."""
    calls = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, n=name, r=real: calls.append(n) or r(*a))
    files = [p for p in export(study.best(), tmp_path / "m").rglob("*") if p.is_file()]
    at = calls.index("rename")
    assert calls[:at].count("fsync") >= len(files)
    assert calls[at:] == ["rename", "fsync"]


def test_nothing_exported_is_said_with_the_command(tmp_path):
    with pytest.raises(ModelError, match=r"no exported model. Make one: kmlp export RUN --out"):
        load_saved(tmp_path / "nothing")


def test_evaluation_agrees_with_the_predictions(saved, images):
    named = dataclasses.replace(images, name="x")
    scores = evaluate(load_saved(saved), named)
    labels = load_saved(saved).outputs(images.x_test)["label"]
    assert scores["accuracy"]["value"] == (labels == images.y_test).mean()
    low, high = scores["accuracy"]["ci95"]
    assert low < scores["accuracy"]["value"] < high
    confusion = np.array(scores["confusion"])
    np.testing.assert_array_equal(confusion.sum(1), np.bincount(images.y_test, minlength=10))
    assert np.trace(confusion) == (labels == images.y_test).sum()


def test_evaluation_refuses_other_classes(saved):
    with pytest.raises(DataError, match=r"the model knows the classes 0, 1, .* Ankle boot"):
        evaluate(load_saved(saved), load_dataset("fashion_mnist"))


def test_data_without_names_of_their_own_take_the_model_s(images, tmp_path):
    """As a folder of IDX files is evaluated."""
    names = load_dataset("fashion_mnist").spec.class_names
    model = types.SimpleNamespace(
        class_names=names,
        output_names=("probabilities", "label"),
        schema=None,
        feature_names=(),
        manifest={},
        outputs=lambda x: {"probabilities": np.eye(10, dtype=np.float32)[images.y_test]},
    )
    scores = evaluate(model, images)
    assert scores["class_names"] == list(names)
    assert scores["accuracy"]["value"] == 1.0


def test_a_member_that_is_not_there_is_named(study):
    with pytest.raises(SelectionError, match=r"Variants: none, dropout; finished seeds.*: 0, 1, 2"):
        study.member("none", 7)
    with pytest.raises(SelectionError, match="Received: variant='nonsense'"):
        study.ensemble("nonsense")


def test_evaluation_refuses_named_data_of_another_kind(saved):
    """Digits are not clothes, though both have ten classes and one is named by numbers."""
    model = load_saved(saved)
    model.class_names = load_dataset("fashion_mnist").spec.class_names
    with pytest.raises(DataError, match=r"the model knows the classes T-shirt/top, .* 8, 9"):
        evaluate(model, load_dataset("mnist"))


def test_a_model_is_asked_for_by_the_digest_that_its_export_has(study, saved, images):
    """Another export of the same members is another model; so is one with a manifest of its own."""
    model = load_saved(saved)
    again = load_saved(saved, sha256=model.sha256)
    assert model.sha256 == json.loads((saved / "manifest.json").read_text())["sha256"]
    np.testing.assert_array_equal(again.predict(images.x_test), model.predict(images.x_test))
    with pytest.raises(ModelError, match=rf"asked for: {'0' * 64}"):
        load_saved(saved, sha256="0" * 64)


def test_a_model_that_nothing_serves_is_named(tmp_path):
    """As TensorFlow saves a module without signatures, or with others."""
    import tensorflow as tf

    module = tf.Module()
    module.f = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec((None, 3))])
    tf.saved_model.save(module, str(tmp_path / "none"), signatures={})
    with pytest.raises(ModelError, match=r"has no signature serving_default.*Signatures: none"):
        load_saved(tmp_path / "none", trust=True)
    signature = module.f.get_concrete_function()
    tf.saved_model.save(module, str(tmp_path / "other"), signatures={"other": signature})
    with pytest.raises(ModelError, match=r"Signatures: other\. Save it with"):
        load_saved(tmp_path / "other", trust=True)
    tf.saved_model.save(module, str(tmp_path / "y"), signatures=signature)
    with pytest.raises(ModelError, match=r"neither probabilities nor a prediction, but y: call"):
        load_saved(tmp_path / "y", trust=True).predict(np.zeros((1, 3), "float32"))
    assert (
        load_saved(tmp_path / "y", trust=True).outputs(np.zeros((1, 3), "float32"))["y"].size == 3
    )


def test_a_number_that_somebody_took_is_left_to_them(study, tmp_path):
    """A stray file and an empty folder stay; only numbers as TensorFlow writes them count."""
    models = tmp_path / "m"
    paths = [export(study.best(), models)]
    (models / "2").mkdir()
    (models / "3").write_text("mine")
    (models / "٣٤").mkdir()
    paths.append(export(study.best(), models))
    assert [p.name for p in paths] == ["1", "4"]
    assert (models / "3").read_text() == "mine"
    assert list((models / "2").iterdir()) == []
    assert load_saved(models).path == paths[1]


def test_a_network_that_was_trained_on_all_rows_says_so_and_is_not_scored_on_them(
    study, images, tmp_path
):
    selection = study.refit("dropout", data=images)
    best = [m.best_epoch for m in study.record.finished("dropout")]
    version = export(selection, tmp_path / "m")
    manifest = json.loads((version / "manifest.json").read_text())
    assert manifest["refit"] == {
        "epochs": round(np.mean(best)),
        "best_epochs": best,
        "seeds": [0, 1, 2],
        "num_rows": 1100,
    }
    card = (version / "model_card.md").read_text()
    assert "One network of this variant, trained once more on all 1,100 rows" in card
    assert "no row was left to test it, and it has no score of its own" in card
    assert f"for {round(np.mean(best))} epochs" in card
    assert "One network's own test score" not in card
    with pytest.raises(DataError, match="has trained on all rows of arrays: none of them can"):
        evaluate(load_saved(version), images)
    (model,) = load_models(selection)
    expected = model.predict(images.x_test, verbose=0)
    np.testing.assert_allclose(load_saved(version).predict(images.x_test), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("metric", "first"), [("macro_f1", "macro F1"), ("cost", "accuracy"), ("", "accuracy")]
)
def test_a_card_begins_with_what_the_study_was_decided_by(study, metric, first):
    """A user's own metric no card can write, and an earlier kmlp told none."""
    selection = dataclasses.replace(study.ensemble("dropout"), metric=metric)
    card = model_card(selection, hide_values=False)
    assert f"## What to expect\n- Test {first}, mean of 3 seeds: " in card
    assert f"- Test {first} of this ensemble: " in card


def test_a_version_says_of_which_run_it_is_and_what_it_takes_over_from(study, tmp_path, caplog):
    version = export(study.best(), tmp_path / "m")
    path = version / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["run"] == run_of(study.run_dir)
    assert f"- Run: `{study.run_dir.name}`." in (version / "model_card.md").read_text()
    export(study.best(), tmp_path / "m")
    assert caplog.messages == []
    other = manifest | {"run": {"name": "theirs", "study": "0" * 16}}
    path = tmp_path / "m" / "2" / "manifest.json"
    path.write_text(json.dumps(other | {"sha256": manifest_sha256(other)}))
    export(study.best(), tmp_path / "m")
    (told,) = caplog.messages
    assert "version 3 takes over, and version 2 there is of another run, 'theirs'" in told
