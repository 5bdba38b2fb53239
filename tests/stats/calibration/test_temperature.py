"""The temperature: the least log loss, and no number where there is none."""

import numpy as np
import pytest
from scipy import optimize

from kmlp.stats.calibration.temperature import fit_temperature, scaled_log_probabilities


def drawn(seed, num_rows=2000, num_classes=4, true_temperature=1.0):
    """Labels drawn from softmax(z / T), and the log-probabilities of softmax(z)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (num_rows, num_classes))
    log_p = scaled_log_probabilities(logits, 1.0)
    p = np.exp(scaled_log_probabilities(logits, true_temperature))
    labels = (rng.random((num_rows, 1)) > p.cumsum(axis=1)).sum(axis=1)
    return np.minimum(labels, num_classes - 1), log_p


def loss(labels, log_p, temperature, weights=None):
    own = scaled_log_probabilities(log_p, temperature)[np.arange(len(labels)), labels]
    return -np.average(own, weights=weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_is_where_scipys_minimizer_ends(weighted):
    labels, log_p = drawn(0)
    weights = np.random.default_rng(1).random(len(labels)) if weighted else None
    found = optimize.minimize_scalar(
        lambda t: loss(labels, log_p, t, weights),
        bounds=(0.1, 10),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert fit_temperature(labels, log_p, weights) == pytest.approx(found.x, rel=1e-5)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_finds_the_temperature_that_labels_were_drawn_at(true_temperature):
    labels, log_p = drawn(2, num_rows=40_000, true_temperature=true_temperature)
    assert fit_temperature(labels, log_p) == pytest.approx(true_temperature, rel=0.05)


def test_a_row_of_weight_two_is_the_row_twice():
    labels, log_p = drawn(3, num_rows=300)
    twice = np.append(np.arange(300), np.arange(50))
    weights = np.where(np.arange(300) < 50, 2.0, 1.0)
    assert fit_temperature(labels, log_p, weights) == pytest.approx(
        fit_temperature(labels[twice], log_p[twice]), rel=1e-9
    )


def test_an_impossible_class_does_no_harm():
    """Its log-probability is minus infinity, as that of class weights can be."""
    labels, log_p = drawn(4)
    log_p = np.hstack([log_p, np.full((len(log_p), 1), -np.inf)])
    assert fit_temperature(labels, log_p) == pytest.approx(fit_temperature(labels, log_p[:, :-1]))


def test_refuses_rows_that_are_all_right_for_which_sharper_is_always_better():
    log_p = scaled_log_probabilities(np.eye(3).repeat(20, axis=0), 1.0)
    with pytest.raises(ValueError, match=r"no temperature from 0\.05 to 20 has the least log loss"):
        fit_temperature(np.arange(3).repeat(20), log_p)
