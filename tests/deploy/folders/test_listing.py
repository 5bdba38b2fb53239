"""What lies in a folder of models is told from manifests, damaged ones included."""

import json

import pytest

from kmlp.deploy.folders.listing import list_models
from kmlp.deploy.manifest import manifest_sha256
from kmlp.errors import ModelError
from tests.command_line import kmlp


def write_model(models, name, version, **changes):
    """A version that has nothing but its manifest and an empty graph."""
    folder = models / name / str(version)
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\0" * 2**20)
    manifest = {
        "created": "2026-01-31T12:30:00+00:00",
        "members": [{"id": "a", "seed": 0}, {"id": "b", "seed": 1}],
        "variant": {"name": "dropout", "test": {"accuracy": {"mean": 0.875}}},
        "run": {"name": "weekly", "study": "0" * 16},
        "dataset": {"name": "fashion", "num_train": 1000, "num_val": 200, "num_test": 1040},
        "spec": {"task": "multiclass", "class_names": []},
        "files": {"saved_model.pb": "0" * 64},
    } | changes
    text = json.dumps(manifest | {"sha256": manifest_sha256(manifest)})
    (folder / "manifest.json").write_text(text)
    return folder


@pytest.fixture
def models(tmp_path):
    write_model(tmp_path, "b", 2)
    write_model(tmp_path, "b", 10, variant={"name": "none", "test": {}})
    write_model(tmp_path, "a", 1, spec={"task": "regression"}, variant={"name": "l2", "test": {}})
    (write_model(tmp_path, "c", 1) / "manifest.json").write_text("{}")
    write_model(tmp_path, "d", 1, variant=None)
    (tmp_path / "e" / "1").mkdir(parents=True)
    (tmp_path / "e" / "1" / "saved_model.pb").write_bytes(b"")
    (tmp_path / "README.md").write_text("models")
    return tmp_path


def test_every_version_is_listed_the_newest_first(models):
    found = list_models(models)
    assert [(m.name, m.version) for m in found] == [
        *[("a", 1), ("b", 10), ("b", 2), ("c", 1), ("d", 1), ("e", 1)],
    ]
    told = found[2]
    assert (told.data, told.variant, told.num_members) == ("fashion", "dropout", 2)
    assert told.run == "weekly"
    assert (told.metric, told.score, told.trouble) == ("accuracy", 0.875, "")
    assert (told.basis, told.num_rows) == ("test", 1040)
    assert told.size > 2**20
    assert (found[0].metric, found[0].score) == ("rmse", None)
    assert list_models(models / "b") == found[1:3]


@pytest.mark.parametrize(
    ("metric", "told"),
    [("auc", ("auc", 0.7)), ("cost", ("accuracy", 0.9)), ("", ("accuracy", 0.9))],
)
def test_a_model_is_listed_by_what_its_study_was_decided_by(tmp_path, metric, told):
    """By the accuracy a model looks good that was judged by its AUC and is bad by it."""
    test = {"accuracy": {"mean": 0.9}, "auc": {"mean": 0.7}, "cost": {"mean": 3.0}}
    variant = {"name": "none", "test": test}
    spec = {"task": "binary", "class_names": []}
    write_model(tmp_path, "m", 1, metric=metric, variant=variant, spec=spec)
    (model,) = list_models(tmp_path)
    assert (model.metric, model.score) == told


def test_a_model_beside_the_networks_is_listed_too(tmp_path):
    """Exported by the same command, it is looked for here."""
    trees = {"name": "boosted_trees", "seed": 3, "test": {"accuracy": {"mean": 0.9}}}
    folder = write_model(tmp_path, "trees", 1, reference=trees, dataset={"name": "churn"})
    (folder / "saved_model.pb").rename(folder / "estimator.joblib")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["members"], manifest["variant"], manifest["sha256"]
    text = json.dumps(manifest | {"sha256": manifest_sha256(manifest)})
    (folder / "manifest.json").write_text(text)
    shown = kmlp("models", str(tmp_path))
    row = shown.stdout.splitlines()[1]
    assert row.startswith("trees/1")
    assert {"90.00", "boosted_trees", "churn"} <= set(row.split())
    assert "look at" not in shown.stderr


def test_what_cannot_be_read_says_why(models):
    c, d, e = list_models(models)[3:]
    assert "damaged" in c.trouble
    assert d.trouble == "its manifest is not kmlp's"
    assert e.trouble == "no manifest: not written by kmlp"
    with pytest.raises(ModelError, match="no such folder"):
        list_models(models / "none")


def test_models_are_shown_on_a_terminal_and_to_programs(models, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    told = kmlp("models", str(models))
    (line,) = (line for line in told.stdout.splitlines() if line.startswith("b/2 "))
    shown = "b/2 accuracy 87.50 % 1,040 test rows fashion weekly dropout 2 2026-01-31 12:30 1.0"
    assert " ".join(line.split()) == shown
    assert "look at e/1: no manifest" in told.stderr
    assert len(json.loads(kmlp("models", str(models), "--json").stdout)) == 6
    assert "no model in" in kmlp("models", str(models / "e" / "1")).stdout


def test_scores_say_of_which_rows_they_are_however_narrow_the_terminal(tmp_path, monkeypatch):
    """A higher score of a few test rows is no gain over one of all rows by folds."""
    write_model(tmp_path, "a", 1, basis="folds")
    write_model(tmp_path, "a", 2)
    monkeypatch.setenv("COLUMNS", "80")
    head, set_aside, folds = kmlp("models", str(tmp_path)).stdout.splitlines()[:3]
    assert "expected of one fit" in head
    assert "accuracy 87.50 %" in folds
    assert "1,200 cross-validated rows" in folds
    assert "1,040 test rows" in set_aside
