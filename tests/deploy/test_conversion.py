"""Exported models convert to TensorFlow Lite and predict the same there."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.data import Dataset
from kmlp.deploy.exporting import export
from kmlp.deploy.formats.litert import run_litert
from kmlp.deploy.serving import load_saved
from kmlp.study.study import run_study

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4)).astype(np.float32)
Y = np.arange(90) % 3
CONFIG = StudyConfig(
    dataset="arrays",
    variants=("none",),
    num_seeds=2,
    model=MLPConfig(hidden_units=(8,)),
    train=TrainConfig(max_epochs=2, batch_size=16),
)


def by_lite(path, x: np.ndarray) -> dict[str, np.ndarray]:
    content = tf.lite.TFLiteConverter.from_saved_model(str(path)).convert()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the interpreter moves to a package of its own
        interpreter = tf.lite.Interpreter(model_content=content)
    run = interpreter.get_signature_runner("serving_default")
    rows = [run(inputs=row[None]) for row in x]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.slow
def test_a_converted_model_predicts_the_same(tmp_path):
    data = Dataset.from_arrays(X[:60], Y[:60], X[60:], Y[60:])
    study = run_study(CONFIG, tmp_path / "run", data)
    for selection in (study.best(), study.ensemble("none")):
        path = export(selection, tmp_path / "model", formats=["litert"])
        wanted, found = load_saved(path).outputs(X[60:65]), by_lite(path, X[60:65])
        assert set(found) == set(wanted)
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, atol=1e-5)
        beside = run_litert((path / "model.tflite").read_bytes(), X[60:65])
        np.testing.assert_allclose(beside["probabilities"], wanted["probabilities"], atol=1e-5)
        assert not (path / "encode.py").exists()  # numbers go in as they are
