"""Binary, multiclass and regression studies on real tables, from the labels to the SavedModel."""

import keras
import numpy as np
import pytest
from sklearn import datasets, metrics
from sklearn.model_selection import train_test_split

from kmlp import Dataset, MLPConfig, StudyConfig, TrainConfig, export, load_saved, run_study
from kmlp.deploy.evaluation import evaluate
from kmlp.deploy.exporting import load_models
from kmlp.study.loading import Study
from kmlp.study.run_folder import RunFolder

needs_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's"
)
LOADERS = {
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
TASKS = {"breast_cancer": "binary", "diabetes": "regression"}
# What a network must reach that has learned anything: well above the largest class, or R² of 0.
LEARNED = {"breast_cancer": 0.93, "wine": 0.9, "digits": 0.9, "diabetes": 0.2}


def load(name: str) -> Dataset:
    x, y = LOADERS[name](return_X_y=True)
    parts = train_test_split(x, y, test_size=0.3, random_state=0)
    return Dataset.from_arrays(parts[0], parts[2], parts[1], parts[3], name=name)


# Some classes and numbers will do at first.
LATER = ("digits", "breast_cancer")
QUICK = [pytest.param(n, marks=[pytest.mark.slow] * (n in LATER), id=n) for n in LOADERS]


@pytest.fixture(scope="module", params=QUICK)
def finished(request, tmp_path_factory) -> tuple[Dataset, Study]:
    """Two variants, two seeds, on one real table."""
    data = load(request.param)
    config = StudyConfig(
        dataset=data.name,
        variants=("none", {"name": "norm", "normalization": "batch", "dropout": 0.1}),
        num_seeds=2,
        model=MLPConfig(hidden_units=(32, 16)),
        train=TrainConfig(max_epochs=25, batch_size=32, learning_rate=0.01),
    )
    return data, run_study(config, tmp_path_factory.mktemp("run") / data.name, data)


def stored(study: Study, member: dict) -> np.ndarray:
    arrays = RunFolder(study.run_dir).arrays(member["id"])
    return arrays.get("test_predictions", arrays.get("test_log_probabilities"))


def test_the_task_is_read_from_the_labels_and_something_is_learned(finished):
    data, study = finished
    assert study.results["dataset"]["task"] == TASKS.get(data.name, "multiclass")
    metric = "r2" if data.name == "diabetes" else "accuracy"
    for variant in study.results["variants"]:
        assert variant["test"][metric]["mean"] > LEARNED[data.name]


def test_every_metric_is_scikit_learns_of_the_stored_predictions(finished):
    data, study = finished
    for member in study.results["members"]:
        predicted, found = stored(study, member), member["test"]
        if data.spec.task == "regression":
            expected = {
                "rmse": metrics.root_mean_squared_error(data.y_test, predicted),
                "mae": metrics.mean_absolute_error(data.y_test, predicted),
                "r2": metrics.r2_score(data.y_test, predicted),
            }
        else:
            labels, p = predicted.argmax(1), np.exp(predicted.astype(float))
            p /= p.sum(axis=1, keepdims=True)
            score = p[:, 1] if data.spec.task == "binary" else p
            expected = {
                "accuracy": metrics.accuracy_score(data.y_test, labels),
                "balanced_accuracy": metrics.balanced_accuracy_score(data.y_test, labels),
                "macro_f1": metrics.f1_score(data.y_test, labels, average="macro"),
                "auc": metrics.roc_auc_score(data.y_test, score, multi_class="ovr"),
                # scikit-learn's own takes no probability below 2e-16 for what it is.
                "cross_entropy": -predicted[np.arange(len(labels)), data.y_test].mean(dtype=float),
            }
        for name, value in expected.items():
            # Probabilities that round to one another tie in scikit-learn's AUC, not in ours.
            assert found[name] == pytest.approx(value, rel=1e-5, abs=1e-4 if name == "auc" else 0)


def test_the_restored_epoch_is_the_best_one_with_its_moving_statistics(finished):
    """The final validation score is the curve's best value: weights and statistics belong to it."""
    data, study = finished
    is_regression = data.spec.task == "regression"
    for member in study.results["members"]:
        arrays = RunFolder(study.run_dir).arrays(member["id"])
        if is_regression:
            variance = float(arrays["weight/predictions/variance"][0])
            final = member["val"]["mse"] / variance
        else:
            final = member["val"]["cross_entropy"]
        curve = arrays["curve_val_mse" if is_regression else "curve_val_cross_entropy"]
        assert final == pytest.approx(curve[member["best_epoch"] - 1], rel=1e-4)


@needs_tensorflow
def test_the_exported_model_predicts_what_the_study_stored(finished, tmp_path):
    """Of the variant with batch normalization, on standardized tables."""
    data, study = finished
    selection = study.best("norm")
    outputs = load_saved(export(selection, tmp_path / "one")).outputs(data.x_test)
    predicted = stored(study, selection.members[0])
    if data.spec.task == "regression":
        np.testing.assert_allclose(outputs["prediction"], predicted, rtol=1e-4)
        single = load_saved(tmp_path / "one").predict(data.x_test[:1])
        np.testing.assert_allclose(single, predicted[:1], rtol=1e-4)
    else:
        np.testing.assert_allclose(outputs["probabilities"], np.exp(predicted), atol=1e-5)
        np.testing.assert_array_equal(outputs["label"], predicted.argmax(1))
    (plain,) = load_models(selection)
    keras_says = plain.predict(data.x_test, verbose=0)
    if data.spec.task == "binary":
        np.testing.assert_allclose(keras_says[:, 0], outputs["probabilities"][:, 1], atol=1e-5)


@needs_tensorflow
def test_an_exported_ensemble_is_the_mean_of_its_members(finished, tmp_path):
    data, study = finished
    model = load_saved(export(study.ensemble("norm"), tmp_path / "many"))
    members = [m for m in study.results["members"] if m["variant"] == "norm"]
    each = np.stack([stored(study, m) for m in members]).astype(float)
    if data.spec.task == "regression":
        name, mean = "prediction", each.mean(axis=0)
    else:
        name, mean = "probabilities", np.exp(each).mean(axis=0)
    np.testing.assert_allclose(model.outputs(data.x_test)[name], mean, rtol=1e-4, atol=1e-5)
    scores, primary = evaluate(model, data), study.results["metric"]["name"]
    ensemble = next(v for v in study.results["variants"] if v["name"] == "norm")["ensemble"]
    assert scores[primary]["value"] == pytest.approx(ensemble[primary], rel=1e-4)


@pytest.mark.slow
def test_all_variants_train_on_a_regression_but_those_without_meaning(tmp_path):
    config = StudyConfig(
        dataset="diabetes", variants="all", num_seeds=1, train=TrainConfig(max_epochs=1)
    )
    study = run_study(config, tmp_path / "run", load("diabetes"))
    trained = {v["name"]: v["num_members"] for v in study.results["variants"]}
    assert set(trained.values()) == {1}
    assert len(trained) == 14
    assert not {"label_smoothing", "input_norm"} & set(trained)


@pytest.mark.slow
def test_streams_vary_each_on_its_own(tiny, tmp_path):
    """With all but one stream fixed, seeds differ by that stream alone."""
    from kmlp.config import STREAMS

    weights = {}
    for varied in STREAMS:
        fixed = {stream: 7 for stream in STREAMS if stream != varied}
        config = StudyConfig(
            dataset="tiny",
            variants=({"name": "none", "dropout": 0.2},),
            num_seeds=2,
            first_seed=7,
            seed_streams=fixed,
            model=MLPConfig(hidden_units=(8,)),
            train=TrainConfig(max_epochs=1, batch_size=50),
        )
        study = run_study(config, tmp_path / varied, tiny)
        ids = [m["id"] for m in study.results["members"]]
        kernels = [RunFolder(study.run_dir).arrays(i)["weight/hidden_1/kernel"] for i in ids]
        weights[varied] = kernels
    base = weights["init"][0]
    for first, second in weights.values():
        np.testing.assert_allclose(first, base, atol=1e-6, err_msg="seed 7 is seed 7 everywhere")
        assert abs(second - first).max() > 1e-3
