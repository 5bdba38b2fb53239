"""Scores of a loaded model on labelled rows, for every task, with an interval each."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import datasets

from kmlp.data import Dataset
from kmlp.deploy.evaluation import evaluate
from kmlp.errors import DataError
from kmlp.stats import summaries
from kmlp.stats.metrics import METRICS, classification_metrics, regression_metrics


def model_that_gives(class_names=(), **outputs: np.ndarray) -> SimpleNamespace:
    """Stands in for a loaded model."""
    return SimpleNamespace(
        class_names=class_names,
        output_names=tuple(outputs),
        outputs=lambda x: outputs,
        schema=None,
        feature_names=(),
        manifest={},
    )


def from_sklearn(name: str) -> Dataset:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return Dataset.from_arrays(x[::2], y[::2], x[1::2], y[1::2])


def probabilities_for(data: Dataset) -> np.ndarray:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(len(data.y_test), data.spec.num_classes))
    logits[np.arange(len(data.y_test)), data.y_test] += 2.0
    p = np.exp(logits)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_a_classifiers_scores_are_the_metrics(name):
    data = from_sklearn(name)
    p = probabilities_for(data)
    scores = evaluate(model_that_gives(data.spec.class_names, probabilities=p), data)
    expected = classification_metrics(data.y_test, np.log(p.astype(float)))
    assert {m: scores[m]["value"] for m in expected} == expected
    for metric in METRICS[data.spec.task]:
        low, high = scores[metric]["ci95"]
        assert low < scores[metric]["value"] < high
    hits = int((p.argmax(axis=1) == data.y_test).sum())
    assert scores["accuracy"]["ci95"] == summaries.wilson_interval(hits, len(data.y_test))
    kinds = {m: scores[m]["interval"] for m in METRICS[data.spec.task]}
    assert (kinds.pop("accuracy"), kinds.pop("cross_entropy")) == ("Wilson", "t")
    assert set(kinds.values()) == {"bootstrap"}
    assert (scores["task"], scores["num_rows"]) == (data.spec.task, len(data.y_test))
    confusion = np.array(scores["confusion"])
    np.testing.assert_array_equal(confusion.sum(axis=1), np.bincount(data.y_test))
    assert np.trace(confusion) == hits


def test_a_regressions_scores_are_the_metrics():
    data = from_sklearn("diabetes")
    rng = np.random.default_rng(0)
    predictions = data.y_test + rng.normal(scale=50.0, size=len(data.y_test))
    scores = evaluate(model_that_gives(prediction=predictions), data)
    expected = regression_metrics(data.y_test, predictions)
    assert {m: scores[m]["value"] for m in expected} == expected
    assert set(scores) == {"task", "num_rows", *METRICS["regression"]}
    for metric in METRICS["regression"]:
        low, high = scores[metric]["ci95"]
        assert low < scores[metric]["value"] < high
    # Normal errors: the RMSE of n rows has a standard error of about stddev / sqrt(2 n).
    low, high = scores["rmse"]["ci95"]
    assert (high - low) / 2 == pytest.approx(1.96 * 50 / (2 * len(data.y_test)) ** 0.5, rel=0.2)


def test_what_the_rows_cannot_tell_is_none():
    data = from_sklearn("diabetes")
    flat = Dataset.from_arrays(data.x_train, data.y_train, data.x_test[:3], np.full(3, 1.5))
    scores = evaluate(model_that_gives(prediction=np.zeros(3)), flat)
    assert scores["r2"] == {"value": None, "ci95": None, "interval": "bootstrap"}
    assert scores["rmse"] == {"value": 1.5, "ci95": None, "interval": "bootstrap"}


def test_a_sure_mistake_has_a_finite_cross_entropy():
    data = from_sklearn("breast_cancer")
    p = np.eye(2, dtype=np.float32)[1 - data.y_test]
    scores = evaluate(model_that_gives(data.spec.class_names, probabilities=p), data)
    assert scores["cross_entropy"]["value"] == pytest.approx(38 * np.log(10))


def test_another_task_or_other_classes_are_refused():
    classes, numbers = from_sklearn("wine"), from_sklearn("diabetes")
    gives_numbers = model_that_gives(prediction=np.zeros(3))
    gives_classes = model_that_gives(probabilities=np.full((89, 2), 0.5))
    with pytest.raises(DataError, match="model predicts numbers; the data's labels are classes"):
        evaluate(gives_numbers, classes)
    with pytest.raises(DataError, match="model predicts classes; the data's labels are numbers"):
        evaluate(gives_classes, numbers)
    with pytest.raises(DataError, match="the model knows 2 classes; the data have 3"):
        evaluate(gives_classes, classes)
    with pytest.raises(DataError, match="the model knows the classes a, b; the data have 0, 1, 2"):
        evaluate(model_that_gives(("a", "b"), probabilities=np.zeros((1, 2))), classes)


P = np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]], np.float32)


@pytest.mark.long
def test_rows_that_lack_a_class_are_scored_by_the_models_own_classes():
    x = np.zeros((3, 2))
    labels = np.array(["a", "c", "c"])
    model = model_that_gives(("a", "b", "c"), probabilities=P)
    data = Dataset.from_arrays(x, labels, x, labels)
    for given in (data, (x, labels), (x, [0, 2, 2])):
        scores = evaluate(model, given)
        assert scores["confusion"] == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
        assert scores["class_names"] == ["a", "b", "c"]
        assert scores["accuracy"]["value"] == pytest.approx(2 / 3)
        assert scores["task"] == "multiclass"


def test_numbered_classes_are_the_models_first_ones():
    x, labels = np.zeros((3, 2)), np.array([0, 1, 1])
    data = Dataset.from_arrays(x, labels, x, labels)
    scores = evaluate(model_that_gives(("a", "b", "c"), probabilities=P), data)
    assert scores["confusion"] == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_rows_of_one_class_alone_need_no_training_set():
    scores = evaluate(
        model_that_gives(("a", "b", "c"), probabilities=P), (np.zeros((3, 2)), ["c"] * 3)
    )
    assert scores["accuracy"]["value"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, np.nan, 3.0], r"y holds NaN or infinite values in 1 rows\. Drop those rows\."),
        ([1.0, None, 3.0], "y holds NaN or infinite values in 1 rows"),
        (["1", "b", "3"], r"y must hold numbers for regression\. Received: dtype <U1\."),
        ([], "y holds no row"),
        ([1.0], r"y must be \(n,\) for 3 rows"),
    ],
)
def test_targets_that_cannot_be_scored_are_refused(y, message):
    """Scores of a missing target would all be unknown, and nobody would learn why."""
    model = model_that_gives(prediction=np.array([1.0, 2.0, 3.0]))
    with pytest.raises(DataError, match=message):
        evaluate(model, (np.zeros((3, 2)), y))


def test_pairs_that_do_not_fit_are_refused():
    model, x = model_that_gives(("a", "b", "c"), probabilities=P), np.zeros((3, 2))
    with pytest.raises(DataError, match="y holds 'd', not among the classes a, b, c"):
        evaluate(model, (x, ["a", "b", "d"]))
    with pytest.raises(DataError, match="y holds class 3; the classes are 0 to 2"):
        evaluate(model, (x, [0, 1, 3]))
    with pytest.raises(DataError, match=r"only the last two are scored: data\[2:\]"):
        evaluate(model, (x, [0], x, [0]))
    with pytest.raises(DataError, match=r"y must be \(n,\) for 3 rows"):
        evaluate(model, (x, ["a"]))
