"""Every schedule against its formula in NumPy, at every step; warm-ups by member."""

import math

import numpy as np
import pytest
from keras import ops

from kmlp.nn.steps.schedules import schedule_factor

NUM_STEPS = 40


def factors(schedule: str, num_steps: int = NUM_STEPS, **options) -> np.ndarray:
    steps = ops.convert_to_tensor(np.arange(num_steps + 1, dtype="int32"))
    return np.ravel(ops.convert_to_numpy(schedule_factor(schedule, steps, num_steps, **options)))


FORMULAS = {
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
    "step": lambda t: 1 if t < 0.5 else 0.1 if t < 0.75 else 0.01,
    "flat_cosine": lambda t: 1 if t < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * t - 1))),
    "coslog4": lambda t: 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t))),
    "exponential": lambda t: 0.01**t,
    "inverse": lambda t: 1 / (1 + 99 * t),
    "cosine_restarts": lambda t: 0.5 * (1 + math.cos(math.pi * since_restart(t))),
}


def since_restart(t: float) -> float:
    """Cycles of 1, 2 and 4 sevenths; the last one ends the training."""
    for begins, length in ((3, 4), (1, 2), (0, 1)):
        if t >= begins / 7:
            return (7 * t - begins) / length
    raise AssertionError(t)


@pytest.mark.parametrize("schedule", FORMULAS)
def test_a_schedule_is_its_formula(schedule):
    expected = [FORMULAS[schedule](step / NUM_STEPS) for step in range(NUM_STEPS + 1)]
    np.testing.assert_allclose(factors(schedule), expected, atol=2e-6)


def test_schedules_at_their_ends():
    assert factors("step", 100)[[0, 49, 50, 74, 75, 100]].tolist() == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    assert factors("cosine", 100)[[0, 50, 100]].tolist() == pytest.approx([1, 0.5, 0], abs=1e-6)
    # Zeros where a wave ends, 1 in its middle: at t = (2^i - 1) / 15 and (2^(i + 1/2) - 1) / 15.
    assert factors("coslog4", 15)[[0, 1, 3, 7, 15]].tolist() == pytest.approx([0] * 5, abs=1e-5)
    assert factors("exponential", decay_rate=0.25)[-1] == pytest.approx(0.25)
    inverse = factors("inverse", decay_rate=0.25)
    assert inverse[[0, 20, 40]].tolist() == pytest.approx([1, 0.4, 0.25])
    restarts = factors("cosine_restarts", 105)
    assert restarts[[0, 15, 45, 75, 105]].tolist() == pytest.approx([1, 1, 1, 0.5, 0], abs=1e-6)
    assert restarts[[14, 44]].tolist() == pytest.approx(
        [0.5 * (1 + math.cos(math.pi * part)) for part in (14 / 15, 29 / 30)], abs=1e-6
    )
    assert schedule_factor("constant", 7, 100) == 1.0


@pytest.mark.parametrize("schedule", ["constant", *(s for s in FORMULAS if s != "coslog4")])
def test_a_warm_up_rises_evenly_and_leaves_the_rest_to_the_schedule(schedule):
    found = factors(schedule, warm_up=0.2)
    rising, rest = 8, 32
    np.testing.assert_allclose(found[:rising], np.arange(rising) / rising, atol=1e-6)
    formula = FORMULAS.get(schedule, lambda t: 1)
    expected = [formula(step / rest) for step in range(rest + 1)]
    np.testing.assert_allclose(found[rising:], expected, atol=2e-6)


def test_each_member_has_its_own_warm_up_and_its_own_decay():
    """Steps `(k,)` and their numbers: of two members at one step, neither knows the other's."""
    step = ops.convert_to_tensor(np.array([4, 4, 4], "int32"))
    warm_up = ops.convert_to_tensor(np.array([0.0, 0.5, 0.1], "float32"))
    decay = ops.convert_to_tensor(np.array([0.25, 0.25, 0.5], "float32"))
    found = schedule_factor("exponential", step, NUM_STEPS, warm_up=warm_up, decay_rate=decay)
    np.testing.assert_allclose(found, [0.25**0.1, 0.2, 1.0], rtol=1e-6)
