"""Trained networks, asked again, each of rows of its own, say what they were scored on."""

import numpy as np
import pytest

from kmlp.data import Dataset
from kmlp.engine.engine import Engine
from tests.twins import make_member

RNG = np.random.default_rng(0)


def table(task: str) -> Dataset:
    n = 60
    size = RNG.normal(size=n)
    size[::9] = np.nan
    frame = {"size": size, "colour": RNG.choice(["red", "green"], n)}
    known = np.nan_to_num(size)
    y = known * 40 + 1e6 if task == "regression" else np.where(known > 0, "yes", "no")
    return Dataset.from_table({**frame, "y": y}, target="y", test=0.3)


@pytest.mark.parametrize("task", ["binary", pytest.param("regression", marks=pytest.mark.slow)])
def test_each_networks_own_rows_are_predicted_as_when_it_was_scored(task):
    data = table(task)
    members = [make_member(data, seed=seed, max_epochs=1, drop_connect=0.1) for seed in (1, 2)]
    found = []
    Engine().train_members([members], data, on_result=found.extend)
    predict = Engine().predictor(members, [r.weights for r in found], data)
    # The second network is given the rows in another order.
    x, back = data.x_test, data.x_test[::-1]
    first, second = predict(np.stack([x, back]))
    np.testing.assert_allclose(first, found[0].predictions, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second[::-1], found[1].predictions, rtol=1e-5, atol=1e-6)
