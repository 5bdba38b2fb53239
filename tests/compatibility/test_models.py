"""Models that kmlp 0.1.0 exported: whole by their manifests, and predicting what they did."""

import json

import numpy as np
import pytest

from kmlp.deploy.manifest import checked_manifest
from kmlp.deploy.serving import load_saved
from kmlp.errors import ModelError
from kmlp.study.loading import load_study
from tests.data_0_1_0.make import dataset

MODELS = ("member", "ensemble")


@pytest.mark.parametrize("name", MODELS)
def test_the_manifest_holds(old, name):
    """The digest that 0.1.0 computed of it is the one by which it is asked for today."""
    folder = old / "models" / name / "1"
    written = json.loads((folder / "manifest.json").read_text())
    assert checked_manifest(folder, sha256=written["sha256"]) == written
    (folder / "model_card.md").write_text("")
    with pytest.raises(ModelError, match=r"model_card\.md is damaged"):
        checked_manifest(folder)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize("name", MODELS)
def test_it_predicts_what_it_predicted_and_so_does_a_new_export(old, tmp_path, name):
    from kmlp.deploy.exporting import export

    x, run = dataset("multiclass").x_test, load_study(old / "study")
    selection = run.member("dropout", 1) if name == "member" else run.ensemble("none")
    new = export(selection, old / "models" / name)
    assert new.name == "2"
    with np.load(old / "models" / f"{name}.npz") as wanted:
        for folder in (old / "models" / name / "1", new):
            found = load_saved(folder).outputs(x)
            assert found.keys() == set(wanted)
            for output, values in found.items():
                np.testing.assert_allclose(values, wanted[output], rtol=1e-5, atol=1e-6)
