"""The doctor's self-test tells a device that computes right from one that does not."""

import numpy as np

from kmlp import self_test


def test_this_device_computes_what_numpy_does():
    """Float32 keeps 7 digits; the tolerance of 1e-5 leaves room for other orders of summation."""
    found = self_test.run_self_test()
    assert found.passed
    assert 0 < found.difference < 2e-6
    assert (found.num_members, found.num_steps) == (3, 8)


def test_a_wrong_gradient_is_seen(monkeypatch):
    """One per cent off, as a wrong kernel might be."""
    right = self_test._gradients

    def wrong(weights, x, y):
        return {path: 1.01 * gradient for path, gradient in right(weights, x, y).items()}

    monkeypatch.setattr(self_test, "_gradients", wrong)
    assert not self_test.run_self_test().passed


def test_weights_that_are_no_numbers_are_seen(monkeypatch):
    def no_numbers(member, data, weights):
        return {path: np.full_like(w, np.nan) for path, w in weights.items()}

    monkeypatch.setattr(self_test, "_train_in_numpy", no_numbers)
    assert not self_test.run_self_test().passed
