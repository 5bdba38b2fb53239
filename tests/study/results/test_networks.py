"""What the report takes from the arrays, against plain loops and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from kmlp.study.results.networks import read_networks
from kmlp.study.results.predictions import confused_pairs, confusion, most_misread, reliability
from tests.hand_made import LABELS, hand_made, record


@pytest.fixture
def predicted():
    """Labels and log probabilities of 3 networks on 200 rows of 4 classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    logits = rng.normal(size=(3, 200, 4))
    logits[:, np.arange(200), labels] += 1.0
    return labels, logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))


def test_a_confusion_matrix_is_the_mean_over_networks(predicted):
    labels, log_p = predicted
    said = log_p.argmax(axis=2)
    by_network = [metrics.confusion_matrix(labels, s, normalize="true") for s in said]
    np.testing.assert_allclose(confusion(labels, said, 4), np.mean(by_network, axis=0))


def test_a_class_without_rows_has_no_shares():
    shares = confusion(np.array([0, 0]), np.array([[0, 2]]), 3)
    assert shares[0].tolist() == [0.5, 0, 0.5]
    assert np.isnan(shares[1:]).all()
    assert confused_pairs(shares, 5) == [(0, 2, 0.5)]


def test_reliability_is_what_a_loop_over_rows_gives(predicted):
    labels, log_p = predicted
    bins = reliability(labels, log_p[0], num_bins=5)
    rows: dict[int, list] = {}
    for label, row in zip(labels, np.exp(log_p[0]), strict=True):
        place = next(b for b in range(5) if row.max() <= (b + 1) / 5)
        rows.setdefault(place, []).append((row.max(), row.argmax() == label))
    means = [np.mean(rows[b], axis=0) for b in sorted(rows)]
    np.testing.assert_allclose(bins.confidence, [m[0] for m in means])
    np.testing.assert_allclose(bins.accuracy, [m[1] for m in means])
    assert bins.counts.tolist() == [len(rows[b]) for b in sorted(rows)]
    ece = sum(len(rows[b]) * abs(np.subtract(*np.mean(rows[b], axis=0))) for b in rows) / 200
    assert bins.ece == pytest.approx(ece)
    assert (bins.intervals[:, 0] <= bins.accuracy).all()
    assert (bins.accuracy <= bins.intervals[:, 1]).all()


def test_a_sure_prediction_falls_into_the_last_bin():
    bins = reliability(np.array([0, 1]), np.array([[0.0, -np.inf], [-np.inf, 0.0]]))
    assert (bins.counts.tolist(), bins.accuracy.tolist(), bins.ece) == ([2], [1.0], 0.0)


def test_the_most_misread_rows_come_first_and_say_for_what():
    labels = np.array([0, 1, 2, 0])
    p = np.full((3, 4, 3), 0.1)
    for network, said in enumerate([[0, 2, 0, 1], [0, 2, 0, 1], [0, 1, 1, 1]]):
        p[network, np.arange(4), said] = 0.8
    p[2, 2], p[:, 3] = [0.01, 0.98, 0.01], [0.15, 0.7, 0.15]
    found = most_misread(labels, np.log(p), 10)
    assert [(m.row, m.label, m.taken_for) for m in found] == [(2, 2, 0), (3, 0, 1), (1, 1, 2)]
    assert [(m.num_wrong, m.num_agreeing) for m in found] == [(3, 2), (3, 3), (2, 2)]
    assert most_misread(labels, np.log(p), 1) == found[:1]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_what_is_gathered_is_what_was_recorded(tmp_path, task):
    made = hand_made(tmp_path, task)
    networks = read_networks(made.folder, made.record)
    assert (networks.best, len(networks.trained)) == ("dropout", 18)
    for seed, outputs in networks.outputs.items():
        np.testing.assert_array_equal(outputs, made.outputs["dropout", seed])
    stacked = np.stack([made.outputs["dropout", s] for s in range(6)]).astype(float)
    mean = stacked.mean(axis=0) if task == "regression" else np.log(np.exp(stacked).mean(axis=0))
    np.testing.assert_allclose(networks.ensemble_output, mean, rtol=1e-6)
    loss = "mse" if task == "regression" else "cross_entropy"
    assert [len(c) for c in networks.curves("l2", f"val_{loss}")] == [7] * 6
    assert networks.curves("l2", "val_nonsense") == []


def test_weights_are_counted_without_what_training_does_not_set(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    kernel = np.array([[0.0, 5e-4, -5e-4], [1.0, -1.0, 1e-3]], np.float32)
    weights = {
        "weight/hidden_1/kernel": kernel,
        "weight/hidden_1/bias": np.zeros(3, np.float32),
        "weight/scaling/mean": np.zeros(2, np.float32),
        "weight/normalization_1/gamma": np.ones(3, np.float32),
        "weight/normalization_1/moving_variance": np.ones(3, np.float32),
    }
    id = made.plan.ids["none"][0]
    record(made.folder, id, "multiclass", made.truth, made.outputs["none", 0], arrays=weights)
    first = read_networks(made.folder, made.record).of("none")[0]
    assert (first.num_weights, first.near_zero) == (6 + 3 + 3, 0.5)


def test_a_diverged_network_is_no_evidence(tmp_path):
    made = hand_made(tmp_path, "multiclass")
    for seed, id in made.plan.ids["dropout"].items():
        if seed:
            outputs = made.outputs["dropout", seed]
            record(made.folder, id, "multiclass", LABELS["multiclass"], outputs, status="diverged")
    networks = read_networks(made.folder, made.record)
    assert (list(networks.outputs), networks.best_seed) == ([0], 0)
