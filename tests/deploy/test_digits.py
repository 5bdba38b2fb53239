"""Numbers whose digits float32 would lose: from arrays to the exported model's float64."""

import numpy as np
import pandas as pd
import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.exporting import export
from kmlp.deploy.serving import load_saved
from kmlp.study.study import run_study

pytestmark = pytest.mark.engine

rng = np.random.default_rng(0)
U = rng.random((240, 2))
CONFIG = StudyConfig(
    dataset="digits",
    variants=("none",),
    num_seeds=2,
    model=MLPConfig(hidden_units=(16,)),
    train=TrainConfig(max_epochs=40, batch_size=16, learning_rate=0.01),
)


def test_inputs_and_a_target_with_an_offset_are_learned_and_served_in_their_units(tmp_path):
    x = pd.DataFrame({"a": 1e9 + U[:, 0], "b": U[:, 1] * 1e39})
    y = 1e9 + U[:, 0] - U[:, 1]
    data = Dataset.from_arrays(x[:180], y[:180], x[180:], y[180:])
    study = run_study(CONFIG, tmp_path / "run", data)
    assert study.results["variants"][0]["test"]["r2"]["mean"] > 0.9
    for selection in (study.best(), study.ensemble("none")):
        model = load_saved(export(selection, tmp_path / "model"))
        assert model.input_dtype == np.float64
        predicted = model.predict(x[180:][["b", "a"]])
        assert predicted.dtype == np.float64
        assert np.std(predicted - y[180:]) < 0.15
        np.testing.assert_array_equal(predicted, model.predict(x[180:].to_numpy()))
        assert evaluate(model, data)["r2"]["value"] > 0.9
    (member,) = study.best().members
    scores = evaluate(load_saved(export(study.best(), tmp_path / "one")), data)
    assert scores["rmse"]["value"] == pytest.approx(member["test"]["rmse"], rel=1e-4)
