"""References are taken away by name alone, say what the study scored, and are loaded by digest."""

import dataclasses

import numpy as np
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.folders.belonging import other_run, run_of
from kmlp.deploy.references.exporting import export_reference
from kmlp.deploy.references.loading import load_reference
from kmlp.deploy.serving import load_saved
from kmlp.errors import ForeignFolderError, ModelError, RunFolderError, SelectionError
from kmlp.study.judging.test_rows import load_data
from kmlp.study.references.training import outputs_of
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.command_line import kmlp

CONFIG = StudyConfig(
    dataset="made",
    variants=("none", "l2"),
    num_seeds=2,
    model=MLPConfig(hidden_units=(4,)),
    train=TrainConfig(max_epochs=1),
    references=("constant", "linear", "boosted_trees"),
    importance=False,
)
rng = np.random.default_rng(0)
TABLE = {
    "size": rng.normal(size=160).tolist(),
    "colour": rng.choice(["red", "green"], 160).tolist(),
}
TABLE["left"] = [
    "yes" if colour == "red" and size > -1 else "no"
    for size, colour in zip(TABLE["size"], TABLE["colour"], strict=True)
]


@pytest.fixture(scope="module")
def data():
    return Dataset.from_table(TABLE, target="left", test=0.25)


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    return run_study(CONFIG, tmp_path_factory.mktemp("run") / "run", data, trainer=LinearTrainer())


@pytest.fixture(scope="module")
def version(study, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "trees"
    return export_reference(study.run_dir, "boosted_trees", out, seed=1, data=data)


def digest_of(version) -> str:
    return load_reference(version, trust=True).manifest["sha256"]


def test_what_is_loaded_says_of_raw_columns_what_the_study_scored(study, data, version):
    loaded = load_reference(version.parent, sha256=digest_of(version))
    member = next(r for r in study.record.references if r.name == "boosted_trees").members[1]
    probabilities = loaded.predict({"colour": TABLE["colour"], "size": TABLE["size"]})
    assert probabilities.shape == (160, 2)
    said = np.asarray(loaded.spec.class_names)[probabilities.argmax(axis=1)]
    held_out = np.asarray(TABLE["left"])
    assert np.mean(said == held_out) > 0.9
    encoded = outputs_of(loaded.estimator, data.x_test, data.spec)
    accuracy = np.mean(encoded.argmax(axis=1) == data.y_test)
    assert accuracy == pytest.approx(member.test["accuracy"])


def test_best_and_ensemble_never_choose_a_reference(study):
    """The trees do far better here, and stay out of it."""
    assert study.record.answer.kind in ("reference_wins", "too_few_seeds")
    assert study.best().variant["name"] in CONFIG.variant_names
    assert study.ensemble().variant["name"] in CONFIG.variant_names
    with pytest.raises(SelectionError, match="no finished network of that variant"):
        study.best("boosted_trees")


def test_a_pickle_is_loaded_by_its_digest_or_not_at_all(version):
    with pytest.raises(ModelError, match=r"pickle, which can run any program.*sha256=DIGEST"):
        load_reference(version)
    with pytest.raises(ModelError, match="another model than was asked for"):
        load_reference(version, sha256="0" * 64)
    damaged = version.parent / "1" / "estimator.joblib"
    content = damaged.read_bytes()
    damaged.write_bytes(content + b"x")
    with pytest.raises(ModelError, match="damaged"):
        load_reference(version, trust=True)
    damaged.write_bytes(content)


def test_what_is_for_networks_names_what_takes_it(version):
    with pytest.raises(ModelError, match=r"scikit-learn model, no SavedModel.*load_reference"):
        load_saved(version.parent)


def test_the_card_says_that_it_is_no_network_and_how_far_it_is_trusted(version):
    card = (version / "model_card.md").read_text()
    assert "boosted trees, no network; scikit-learn's defaults; seed 1" in card
    assert "Test accuracy, mean:" in card
    assert "is a pickle" in card


def test_other_data_and_what_says_something_else_are_refused(study, data, tmp_path):
    other = Dataset.from_table(TABLE, target="left", test=0.2)
    with pytest.raises(RunFolderError, match="is of other data"):
        export_reference(study.run_dir, "linear", tmp_path / "a", data=other)
    assert not (tmp_path / "a" / "1").exists()


def test_unknown_names_and_seeds_are_refused_with_what_there_is(study, data, tmp_path):
    with pytest.raises(SelectionError, match="Did you mean 'boosted_trees'"):
        export_reference(study.run_dir, "boosted_tree", tmp_path, data=data)
    with pytest.raises(SelectionError, match=r"no linear of seed 7\. Seeds of the study: 0 and 1"):
        export_reference(study.run_dir, "linear", tmp_path, seed=7, data=data)


def test_a_folder_of_networks_is_left_alone(study, data, tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").touch()
    with pytest.raises(ForeignFolderError):
        export_reference(study.run_dir, "linear", tmp_path / "m", data=data)


def test_where_folds_test_it_is_fitted_to_all_rows(tmp_path):
    data = Dataset.from_table(TABLE, target="left", test="cv")
    config = dataclasses.replace(
        CONFIG, num_seeds=1, folds=2, repeats=1, references=("linear",), reference_trials=3
    )
    run_study(config, tmp_path / "run", data, trainer=LinearTrainer())
    version = export_reference(tmp_path / "run", "linear", tmp_path / "m", data=data)
    loaded = load_reference(version, trust=True)
    assert "Cross-validated accuracy" in (version / "model_card.md").read_text()
    assert loaded.manifest["reference"]["settings"] is not None


def test_the_command_line_takes_a_reference_by_its_name(tmp_path):
    rows = zip(*TABLE.values(), strict=True)
    lines = [",".join(TABLE), *(",".join(map(str, row)) for row in rows)]
    file = tmp_path / "churn.csv"
    file.write_text("\n".join(lines))
    config = StudyConfig.from_dict(
        {**CONFIG.to_dict(), "dataset": str(file), "data": {"target": "left", "test": 0.25}}
    )
    data, config = load_data(config, tmp_path / "run")
    run_study(config, tmp_path / "run", data, trainer=LinearTrainer())
    out = tmp_path / "m"
    done = kmlp("export", str(tmp_path / "run"), "--variant", "linear", "--out", str(out))
    assert done.stdout.strip() == str(out / "1"), done.stderr
    assert "reference 'linear', seed " in done.stderr
    assert "kmlp.load_reference" in done.stderr
    refused = kmlp("export", str(tmp_path / "run"), "--variant", "linear", "--member", "ensemble")
    assert "makes no ensemble" in refused.stderr
    refused = kmlp("predict", str(out), str(file))
    assert "scikit-learn model, no SavedModel" in refused.stderr


@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_other_runtimes_are_for_networks_and_a_reference_says_so(study, tmp_path, name):
    words = ("--variant", "boosted_trees", "--format", name, "--out", str(tmp_path / "m"))
    refused = kmlp("export", str(study.run_dir), *words)
    assert refused.returncode != 0
    assert f"--format {name} is of networks, and boosted_trees is none" in refused.stderr
    assert not (tmp_path / "m").exists()


def test_a_reference_says_of_which_run_it_is(study, version):
    manifest = load_reference(version, trust=True).manifest
    assert manifest["run"] == run_of(study.run_dir)
    assert other_run(version.parent, study.run_dir) == ""
