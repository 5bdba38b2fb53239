"""The best threshold: that of a search over all of them."""

import numpy as np
import pytest
from sklearn import metrics

from kmlp.stats.calibration.thresholds import best_threshold, cheapest_threshold
from kmlp.stats.metrics.counts import METRICS_OF_COUNTS

SKLEARN = {
    "f1": lambda y, said, w: metrics.f1_score(y, said, sample_weight=w, zero_division=0),
    "macro_f1": lambda y, said, w: metrics.f1_score(
        y, said, sample_weight=w, average="macro", zero_division=0
    ),
    "accuracy": lambda y, said, w: metrics.accuracy_score(y, said, sample_weight=w),
    "balanced_accuracy": lambda y, said, w: metrics.balanced_accuracy_score(
        y, said, sample_weight=w
    ),
}


def drawn(seed, num_rows=80):
    rng = np.random.default_rng(seed)
    labels = (rng.random(num_rows) < 0.25).astype(int)
    # Rounded, so that there are ties.
    return labels, np.clip(rng.normal(0.3 + 0.2 * labels, 0.2), 0, 1).round(2), rng


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("metric", METRICS_OF_COUNTS)
def test_no_threshold_does_better_by_scikit_learns_metric(metric, weighted):
    labels, p, rng = drawn(0)
    weights = rng.integers(1, 4, len(p)).astype(float) if weighted else None
    found = best_threshold(labels, p, metric, weights)

    def value(threshold):
        return SKLEARN[metric](labels, (p >= threshold).astype(int), weights)

    assert found.value == pytest.approx(value(found.threshold))
    assert found.at_half == pytest.approx(value(0.5))
    assert found.value >= max(map(value, np.linspace(0, 1.01, 500))) - 1e-12


def test_no_threshold_costs_less():
    labels, p, _ = drawn(1)
    found = cheapest_threshold(labels, p, false_positive=1, false_negative=5)

    def cost(threshold):
        said = p >= threshold
        return np.mean(1.0 * (said & (labels == 0)) + 5.0 * (~said & (labels == 1)))

    assert found.value == pytest.approx(cost(found.threshold))
    assert found.value <= min(map(cost, np.linspace(0, 1.01, 500))) + 1e-12


def test_of_equally_good_ones_the_nearest_to_one_half():
    p, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1])
    assert best_threshold(labels, p, "accuracy").threshold == 0.5


def test_costs_of_right_probabilities_give_the_threshold_of_the_theory():
    rng = np.random.default_rng(0)
    p = rng.random(200_000)
    labels = (rng.random(len(p)) < p).astype(int)
    found = cheapest_threshold(labels, p, false_positive=1, false_negative=4)
    assert found.threshold == pytest.approx(0.2, abs=0.02)


def test_refuses_rows_of_one_class():
    with pytest.raises(ValueError, match="of one class only"):
        best_threshold(np.ones(5, int), np.linspace(0, 1, 5), "f1")
