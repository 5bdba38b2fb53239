"""The doctor's self-test tells a device that computes right from one that does not."""

import dataclasses

import keras
import numpy as np
import pytest

from kmlp.engine import self_test
from kmlp.nn import backend


def test_this_device_computes_what_numpy_does():
    """Float32 keeps 7 digits; the tolerance of 1e-5 leaves room for other orders of summation."""
    found = self_test.run_self_test()
    assert found.passed
    assert 0 < found.difference < 2e-6
    assert (found.num_members, found.num_steps) == (6, 8)


def assert_seen():
    """By the tolerance of a GPU, the largest, with room."""
    found = self_test.run_self_test()
    assert not found.passed
    assert found.difference > 3 * max(self_test.TOLERANCES.values())


def test_float32_is_not_rounded_to_tensorfloat_meanwhile():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's switch")
    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    with backend.full_precision():
        assert not enabled()
    assert enabled()


def test_a_wrong_gradient_is_seen(monkeypatch):
    """One per cent off, as a wrong kernel might be."""
    right = self_test._gradients

    def wrong(weights, x, y):
        return {path: 1.01 * gradient for path, gradient in right(weights, x, y).items()}

    monkeypatch.setattr(self_test, "_gradients", wrong)
    assert_seen()


def test_a_missing_penalty_is_seen(monkeypatch):
    right = self_test._train_in_numpy

    def wrong(member, data, weights):
        model = dataclasses.replace(member.model, l2=0.0)
        return right(dataclasses.replace(member, model=model), data, weights)

    monkeypatch.setattr(self_test, "_train_in_numpy", wrong)
    assert_seen()


def test_a_wrong_adam_is_seen(monkeypatch):
    """Without the correction of its moments' start at zero."""

    def wrong(moments, gradient, step):
        first, second = 0.9 * moments[0] + 0.1 * gradient, 0.999 * moments[1] + 0.001 * gradient**2
        return (first, second), first / (np.sqrt(second) + 1e-7)

    monkeypatch.setattr(self_test, "_adam", wrong)
    assert_seen()


def test_weights_that_are_no_numbers_are_seen(monkeypatch):
    def no_numbers(member, data, weights):
        return {path: np.full_like(w, np.nan) for path, w in weights.items()}

    monkeypatch.setattr(self_test, "_train_in_numpy", no_numbers)
    assert not self_test.run_self_test().passed
