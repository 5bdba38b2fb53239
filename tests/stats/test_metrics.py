"""The final scores against scikit-learn, and where scikit-learn has no answer, by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from kmlp.stats.metrics import (
    HIGHER_IS_BETTER,
    METRICS,
    RECORDS,
    classification_metrics,
    regression_metrics,
    within_range,
)
from kmlp.stats.metrics.predicted import PredictedClasses, PredictedNumbers


def draw(n: int, shares: list[float], seed: int, *, decimals: int = 8):
    """Labels of unbalanced classes and log-probabilities that know something of them; few
    decimals make ties."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(shares), n, p=shares)
    logits = rng.normal(size=(n, len(shares))) + 1.5 * np.eye(len(shares))[labels]
    logits = logits.round(decimals)
    return labels, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 8])
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.1], [0.2, 0.7, 0.1], [0.1] * 10])
def test_class_scores_are_scikit_learns(shares, decimals, seed):
    labels, log_p = draw(400, shares, seed, decimals=decimals)
    found, predicted = classification_metrics(labels, log_p), log_p.argmax(axis=1)
    assert found["accuracy"] == sklearn_metrics.accuracy_score(labels, predicted)
    expected = {
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(labels, predicted),
        "macro_f1": sklearn_metrics.f1_score(labels, predicted, average="macro"),
        "cross_entropy": sklearn_metrics.log_loss(labels, np.exp(log_p)),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_binary_auc_is_scikit_learns_with_and_without_ties(seed):
    labels, _ = draw(300, [0.8, 0.2], seed)
    for decimals in (1, 8):
        p = np.random.default_rng(seed).uniform(0.02, 0.98, 300).round(decimals)
        p = np.clip(0.7 * p + 0.3 * labels, 0.02, 0.98)
        found = classification_metrics(labels, np.log(np.column_stack([1 - p, p])))
        assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, p), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 8])
def test_multiclass_auc_is_scikit_learns_one_against_the_rest(decimals, seed):
    labels, log_p = draw(300, [0.2, 0.7, 0.1], seed, decimals=decimals)
    expected = np.mean([sklearn_metrics.roc_auc_score(labels == c, log_p[:, c]) for c in range(3)])
    assert classification_metrics(labels, log_p)["auc"] == pytest.approx(expected, rel=1e-12)
    if decimals == 8:  # exp and log make and break ties of rounded values
        expected = sklearn_metrics.roc_auc_score(labels, np.exp(log_p), multi_class="ovr")
        assert classification_metrics(labels, log_p)["auc"] == pytest.approx(expected, rel=1e-9)


def test_equal_probabilities_have_half_the_area():
    labels = np.arange(10) % 2
    assert classification_metrics(labels, np.full((10, 2), np.log(0.5)))["auc"] == 0.5


def test_sure_predictions_in_float32_are_still_told_apart():
    """log p(1) of both rounds to the same float32; the log odds do not."""
    logits = np.array([[0.0, 30.0], [0.0, 31.0]], np.float32)
    log_p = logits - np.logaddexp(logits[:, :1], logits[:, 1:])
    assert log_p[0, 1] == log_p[1, 1]
    assert classification_metrics([0, 1], log_p)["auc"] == 1.0


def test_absent_classes_are_left_out():
    """Class 2 of 4 is neither in the labels nor predicted, class 3 predicted only."""
    labels = np.array([0, 0, 1, 1])
    p = np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.2, 0.2, 0.1, 0.5], [0.2, 0.6, 0.1, 0.1], [0.6, 0.3, 0.05, 0.05]]
    )
    found = classification_metrics(labels, np.log(p))
    assert found["balanced_accuracy"] == (1 / 2 + 1 / 2) / 2
    assert found["macro_f1"] == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)
    expected = sklearn_metrics.f1_score(labels, p.argmax(axis=1), average="macro")
    assert found["macro_f1"] == pytest.approx(expected)
    areas = [sklearn_metrics.roc_auc_score(labels == c, p[:, c]) for c in (0, 1)]
    assert found["auc"] == pytest.approx(np.mean(areas))


@pytest.mark.parametrize("num_classes", [2, 3])
def test_one_class_alone_has_no_area(num_classes):
    found = classification_metrics([1, 1], np.log(np.full((2, num_classes), 1 / num_classes)))
    assert math.isnan(found["auc"])
    assert found["accuracy"] == found["balanced_accuracy"] == 0.0


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.2, 0.7, 0.1], [0.1] * 10])
def test_the_brier_score_is_its_formulas_and_scikit_learns(shares):
    labels, log_p = draw(400, shares, seed=0)
    p = np.exp(log_p)
    found = classification_metrics(labels, log_p)["brier_score"]
    assert found == pytest.approx(((p - np.eye(len(shares))[labels]) ** 2).sum(1).mean(), rel=1e-12)
    p = p / p.sum(axis=1, keepdims=True)
    expected = sklearn_metrics.brier_score_loss(
        labels, p, labels=range(len(shares)), scale_by_half=False
    )
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_brier_score_goes_from_sure_and_right_to_sure_and_wrong():
    """In float64, whatever the logarithms are: a row's error of 1e-6 squared is not lost."""
    with np.errstate(divide="ignore"):
        sure = np.log(np.eye(3))
    assert classification_metrics([0, 1, 2], sure)["brier_score"] == 0.0
    assert classification_metrics([1, 2, 0], sure)["brier_score"] == 2.0
    p = np.array([[1 - 1e-6, 1e-6]])
    found = classification_metrics([0], np.log(p).astype(np.float32))["brier_score"]
    assert found == pytest.approx(2e-12, rel=1e-6)


def test_a_label_of_probability_zero_costs_infinitely_much():
    with np.errstate(divide="ignore"):
        found = classification_metrics([0, 1], np.log([[0.0, 1.0], [0.0, 1.0]]))
    assert found["cross_entropy"] == math.inf
    assert (found["accuracy"], found["auc"]) == (0.5, 0.5)


def test_a_model_that_has_diverged_has_no_score():
    found = classification_metrics([0, 1], np.array([[np.nan, np.nan], [-0.7, -0.7]]))
    assert all(math.isnan(value) for value in found.values())
    found = regression_metrics([0.0, 1.0], [np.nan, 1.0])
    assert all(math.isnan(value) for value in found.values())


def test_scores_are_summed_in_float64():
    """In float32 the mean of 60,000 terms is off in the seventh digit."""
    labels, log_p = draw(60_000, [0.1] * 10, seed=0)
    single = log_p.astype(np.float32)
    expected = -single[np.arange(60_000), labels].astype(np.float64).mean()
    assert classification_metrics(labels, single)["cross_entropy"] == expected


@pytest.mark.parametrize("seed", range(4))
def test_regression_scores_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(50, 10, 200)
    predicted = y + rng.normal(0, 5, 200)
    expected = {
        "rmse": sklearn_metrics.root_mean_squared_error(y, predicted),
        "mae": sklearn_metrics.mean_absolute_error(y, predicted),
        "mape": sklearn_metrics.mean_absolute_percentage_error(y, predicted),
        "r2": sklearn_metrics.r2_score(y, predicted),
        "mse": sklearn_metrics.mean_squared_error(y, predicted),
    }
    assert regression_metrics(y, predicted) == pytest.approx(expected, rel=1e-12)
    assert regression_metrics(y[:, None], predicted) == regression_metrics(y, predicted[:, None])


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_r2_is_unknown_where_the_targets_do_not_vary(value):
    """0.1 because the variance of equal numbers may round to something above zero."""
    found = regression_metrics([value] * 3, [value, value + 1, value - 1])
    assert math.isnan(found["r2"])
    assert found["mse"] == pytest.approx(2 / 3)


def test_every_metric_is_listed_and_has_a_direction():
    labels, log_p = draw(50, [0.5, 0.5], seed=0)
    assert tuple(classification_metrics(labels, log_p)) == METRICS["binary"]
    assert METRICS["multiclass"] == METRICS["binary"]
    assert tuple(regression_metrics([0.0, 1.0], [0.0, 1.0])) == METRICS["regression"]
    assert {name for names in METRICS.values() for name in names} == set(HIGHER_IS_BETTER)
    assert [METRICS[t][0] for t in ("binary", "multiclass", "regression")] == [
        "accuracy",
        "accuracy",
        "rmse",
    ]


def test_the_direction_is_that_of_better_predictions():
    labels, log_p = draw(300, [0.6, 0.4], seed=1)
    worse = classification_metrics(labels, np.full_like(log_p, np.log(0.5)))
    better = classification_metrics(labels, log_p)
    y = np.arange(9.0)
    worse |= regression_metrics(y, y[::-1])
    better |= regression_metrics(y, y + 0.1)
    assert {name: better[name] > worse[name] for name in better} == HIGHER_IS_BETTER


@pytest.mark.parametrize(
    ("labels", "log_p", "message"),
    [
        ([0, 1], np.zeros(2), r"Received: shapes \(2,\) and \(2,\)"),
        ([0, 1], np.zeros((2, 1)), "two columns for a binary task"),
        ([], np.zeros((0, 2)), "n at least 1"),
        ([0.0, 1.0], np.zeros((2, 2)), "integers from 0 to 1. Received: float64 from 0.0 to 1.0"),
        ([0, 2], np.zeros((2, 2)), "from 0 to 1. Received: int64 from 0 to 2"),
        ([-1, 1], np.zeros((2, 2)), "from 0 to 1. Received: int64 from -1 to 1"),
        ([0, 1], np.full((2, 2), 0.5), r"at most 0. Received: 0.5. .*Pass log\(p\)"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels, log_p, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(labels, log_p)


def test_numbers_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="Received: 3 targets, 2 predictions"):
        regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"predictions must be .* Received: shape \(2, 2\)"):
        regression_metrics([1.0, 2.0], np.zeros((2, 2)))
    with pytest.raises(ValueError, match="n at least 1"):
        regression_metrics([], [])


def test_an_interval_holds_nothing_that_its_metric_cannot_be():
    assert within_range("accuracy", (0.96, 1.04)) == (0.96, 1.0)
    assert within_range("auc", (-0.1, 1.2)) == (0.0, 1.0)
    assert within_range("brier_score", (-0.1, 2.2)) == (0.0, 2.0)
    assert within_range("rmse", (-3.0, 50.0)) == (0.0, 50.0)
    assert within_range("r2", (-0.5, 1.1)) == (-0.5, 1.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 8])
@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.2, 0.7, 0.1]])
def test_average_precision_is_scikit_learns_one_against_the_rest(shares, decimals, seed):
    labels, log_p = draw(300, shares, seed, decimals=decimals)
    scores = log_p - log_p[:, ::-1] if len(shares) == 2 else log_p
    positives = [1] if len(shares) == 2 else range(3)
    expected = [
        sklearn_metrics.average_precision_score(labels == c, scores[:, c]) for c in positives
    ]
    found = classification_metrics(labels, log_p)["average_precision"]
    assert found == pytest.approx(np.mean(expected), rel=1e-12)


def test_mape_is_scikit_learns_and_none_where_a_target_is_0():
    y, predicted = np.array([1.0, -2.0, 4.0]), np.array([1.5, -2.0, 3.0])
    expected = sklearn_metrics.mean_absolute_percentage_error(y, predicted)
    assert regression_metrics(y, predicted)["mape"] == pytest.approx(expected)
    assert math.isnan(regression_metrics([0.0, 1.0], [0.5, 1.0])["mape"])


@pytest.mark.parametrize("shares", [[0.6, 0.4], [0.2, 0.7, 0.1]])
def test_a_weight_of_two_is_the_row_twice_and_of_zero_no_row(shares):
    """Rows that are repeated in the data are the definition of what a weight means."""
    labels, log_p = draw(60, shares, 0, decimals=1)
    weights = np.random.default_rng(1).integers(0, 4, 60)
    rows = np.repeat(np.arange(60), weights)
    expected = classification_metrics(labels[rows], log_p[rows])
    assert classification_metrics(labels, log_p, weights) == pytest.approx(expected, rel=1e-12)


def test_a_weight_of_two_is_the_row_twice_in_a_regression():
    y, predicted = np.random.default_rng(0).normal(3.0, 1.0, (2, 40))
    weights = np.arange(40) % 3
    rows = np.repeat(np.arange(40), weights)
    expected = regression_metrics(y[rows], predicted[rows])
    assert regression_metrics(y, predicted, weights) == pytest.approx(expected, rel=1e-12)


def test_equal_weights_are_no_weights():
    labels, log_p = draw(200, [0.3, 0.7], 0)
    unweighted = classification_metrics(labels, log_p)
    assert classification_metrics(labels, log_p, np.full(200, 0.37)) == pytest.approx(unweighted)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], r"one a row, \(3,\)"),
        ([1.0, -1.0, 1.0], "at least 0"),
        ([0.0, 0.0, 0.0], "not all 0"),
        ([1.0, math.nan, 1.0], "finite"),
    ],
)
def test_refuses_weights_that_are_none(weights, message):
    with pytest.raises(ValueError, match=message):
        regression_metrics([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], weights)


@pytest.mark.parametrize("metric", [m for m in RECORDS if m.by_row], ids=lambda m: m.name)
def test_a_metric_is_the_mean_of_what_it_has_by_row(metric):
    """Intervals that count other test rows rest on it."""
    if "binary" in metric.tasks:
        rows = PredictedClasses.checked(*draw(200, [0.2, 0.7, 0.1], 0))
    else:
        rows = PredictedNumbers.checked(*np.random.default_rng(0).normal(5.0, 1.0, (2, 50)))
    mean = metric.by_row(rows).mean()
    assert metric.score(rows) == pytest.approx(mean**0.5 if metric.is_root else mean, rel=1e-12)
