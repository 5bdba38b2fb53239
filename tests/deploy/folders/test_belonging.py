"""A model's folder is of one run: another is told apart, and gets a folder of its own."""

import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from kmlp.cli.models.exporting import _own_folder, _what_it_is, print_model, write_export
from kmlp.config import StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.folders.belonging import other_run, own_folder_for, run_name, run_of
from kmlp.deploy.manifest import manifest_sha256
from kmlp.errors import ForeignFolderError
from kmlp.ownership import own_folder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.deploy.folders.test_listing import write_model
from tests.foreign import project

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
DATA = Dataset.from_arrays(X[:40], np.arange(40) % 2, X[40:], np.arange(20) % 2, name="my data")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three folders: a study, the same with more seeds and variants, and one of another rate."""
    folder = tmp_path_factory.mktemp("runs")

    def run(name: str, rate: float, **changes) -> None:
        config = StudyConfig(
            **{"dataset": "my data", "variants": ("none",), "num_seeds": 1} | changes,
            train=TrainConfig(max_epochs=2, learning_rate=rate),
        )
        run_study(config, folder / name, DATA, trainer=LinearTrainer())

    run("a", 0.01)
    run("more", 0.01, variants=("none", "dropout"), num_seeds=2)
    run("other", 0.02)
    run("calibrated", 0.01, calibration_fraction=0.25)
    return folder


def version_of(models, name, run_dir, version=1, **changes):
    own_folder(models / name, "model")
    dataset = {"name": "my data", "sha256": DATA.provenance.sha256}
    return write_model(models, name, version, run=run_of(run_dir), dataset=dataset, **changes)


def test_the_same_study_is_the_same_run_whatever_it_has_trained_so_far(runs, tmp_path):
    version_of(tmp_path, "m", runs / "a")
    assert other_run(tmp_path / "m", runs / "a") == ""
    assert other_run(tmp_path / "m", runs / "more") == ""
    assert other_run(tmp_path / "missing", runs / "other") == ""
    assert "another run" in other_run(tmp_path / "m", runs / "calibrated")  # of fewer rows
    told = other_run(tmp_path / "m", runs / "other")
    assert told == "version 1 there is of another run, 'a' (data 'my data', made 2026-01-31)"


def test_other_data_are_another_run(runs, tmp_path):
    shutil.copytree(runs / "a", tmp_path / "b")
    data = Dataset.from_arrays(X[:40] + 1, np.arange(40) % 2, X[40:], np.arange(20) % 2)
    config = StudyConfig.from_toml((runs / "a" / "study.toml").read_text())
    run_study(config, tmp_path / "later", data, trainer=LinearTrainer())
    assert run_of(tmp_path / "b")["study"] == run_of(runs / "a")["study"]
    assert run_of(tmp_path / "later")["study"] != run_of(runs / "a")["study"]


def test_the_newest_version_says_whose_the_folder_is(runs, tmp_path):
    version_of(tmp_path, "m", runs / "a", version=9)
    version_of(tmp_path, "m", runs / "other", version=10)
    assert other_run(tmp_path / "m", runs / "a").startswith("version 10 there is of another run")


def test_what_an_earlier_kmlp_exported_is_known_by_its_networks(runs, tmp_path):
    """Manifests of 0.1.0 name no run; ids are hashes of all that a network depends on."""
    results = json.loads((runs / "a" / "results.json").read_text())
    members = [{"id": results["members"][0]["id"], "seed": 0}]
    path = write_model(tmp_path, "m", 1, members=members) / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["run"], manifest["sha256"]
    path.write_text(json.dumps(manifest | {"sha256": manifest_sha256(manifest)}))
    assert other_run(tmp_path / "m", runs / "a") == ""
    told = other_run(tmp_path / "m", runs / "other")
    assert told == "version 1 there is of another run (data 'fashion', made 2026-01-31)"


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_of_what_cannot_be_read_nobody_can_say(runs, tmp_path, content):
    (version_of(tmp_path, "m", runs / "a") / "manifest.json").write_text(content)
    assert other_run(tmp_path / "m", runs / "a").startswith("nobody can say of which run")


def test_a_second_run_gets_a_name_of_its_own_and_keeps_it(runs, tmp_path):
    assert own_folder_for("my data", runs / "a", tmp_path) == tmp_path / "my_data"
    version_of(tmp_path, "my_data", runs / "a")
    assert own_folder_for("my data", runs / "a", tmp_path) == tmp_path / "my_data"
    own = tmp_path / "my_data-other"
    assert own_folder_for("my data", runs / "other", tmp_path) == own
    version_of(tmp_path, own.name, runs / "other")
    assert own_folder_for("my data", runs / "other", tmp_path) == own
    version_of(tmp_path, own.name, runs / "a", version=2)
    assert own_folder_for("my data", runs / "other", tmp_path) == tmp_path / "my_data-other-2"


def test_what_is_no_model_is_no_folder_for_one(runs, tmp_path):
    project(tmp_path / "my_data")
    with pytest.raises(ForeignFolderError):
        own_folder_for("my data", runs / "a", tmp_path)


def test_the_study_of_a_search_is_called_as_the_search(tmp_path):
    (tmp_path / "s" / "study").mkdir(parents=True)
    assert run_name(tmp_path / "s" / "study") == "study"
    (tmp_path / "s" / "search.toml").write_text("")
    assert run_name(tmp_path / "s" / "study") == "s"


@pytest.mark.parametrize("name", ["../..", "/etc", "", "."])
def test_no_name_leads_out_of_the_folder_of_models(runs, tmp_path, name):
    assert own_folder_for(name, runs / "a", tmp_path).parent == tmp_path


def test_the_command_line_says_where_an_export_goes_and_how_it_goes_elsewhere(
    runs, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    version_of(tmp_path / "saved_models", "my_data", runs / "a")
    assert _own_folder("my data", runs / "a", []) == Path("saved_models/my_data")
    assert capsys.readouterr().err == ""
    assert _own_folder("my data", runs / "other", []) == Path("saved_models/my_data-other")
    told = capsys.readouterr().err
    assert told.startswith("saved_models/my_data: version 1 there is of another run, 'a'")
    assert f"kmlp export {runs / 'other'} --out saved_models/my_data" in told


def test_an_export_that_goes_elsewhere_is_said_again_with_all_its_options(
    runs, tmp_path, monkeypatch, capsys
):
    """Without one of them the command would export another network, or show what is to be hidden.

    What writes the graph loads TensorFlow, and is tested elsewhere."""
    monkeypatch.chdir(tmp_path)
    version_of(tmp_path / "saved_models", "my_data", runs / "a")
    written = types.SimpleNamespace(export=lambda selection, out, **_: out)
    monkeypatch.setitem(sys.modules, "kmlp.deploy.exporting", written)
    monkeypatch.setattr("kmlp.cli.models.exporting.import_tensorflow_quietly", lambda: None)
    certainty = {"calibrate": False, "costs": "fp=1, fn=5"}
    said = {"formats": ("onnx",), "certainty": certainty, "hide_values": True}
    write_export(runs / "other", "none", "0", None, **said)
    same = f"kmlp export {runs / 'other'} --variant none --member 0 --format onnx --no-calibrate"
    told = capsys.readouterr().err
    assert told.endswith(f"{same} --costs 'fp=1, fn=5' --hide-values --out saved_models/my_data\n")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ({"members": [{"seed": 4}]}, "variant 'trial 3', one network, seed 4"),
        ({"members": [{"seed": 0}, {"seed": 1}]}, "variant 'trial 3', ensemble of 2"),
        (
            {"members": [{"seed": 4}], "refit": {}},
            "variant 'trial 3', one network, seed 4, trained anew",
        ),
        ({"reference": {"name": "linear", "seed": 1}}, "reference 'linear', seed 1"),
    ],
)
def test_whose_networks_were_exported_is_told(manifest, told):
    assert _what_it_is({"variant": {"name": "trial 3"}, **manifest}).startswith(told)


def test_a_model_says_that_the_version_before_is_of_another_run_of_its_study(tmp_path, capsys):
    """Judged by another metric it may hold another network, and a server takes the newest."""
    own_folder(tmp_path / "m", "model")
    for version, name in ((1, "by_auc"), (3, "by_accuracy")):
        write_model(tmp_path, "m", version, run={"name": name, "study": "0" * 16})
    print_model(tmp_path / "m" / "3")
    assert "m: version 1 there is of the same study in run by_auc; a" in capsys.readouterr().err
    print_model(tmp_path / "m" / "1")
    assert not capsys.readouterr().err


def test_a_model_that_lacks_what_the_version_before_could_says_so(tmp_path, capsys):
    """A server takes the newest: its answers would lose their intervals without a word."""
    own_folder(tmp_path / "m", "model")
    write_model(tmp_path, "m", 1, calibration={"coverage": 0.9})
    write_model(tmp_path, "m", 2)
    print_model(tmp_path / "m" / "2")
    said = capsys.readouterr()
    assert said.out.startswith(f"Model:  {tmp_path}/m/2\nHolds:  variant ")
    assert "version 1 gives sets or intervals, this one none" in said.err
    assert said.err.rstrip().endswith("--coverage 0.9")
    print_model(tmp_path / "m" / "1")
    assert not capsys.readouterr().err
