"""Initial weights that follow from rows: what they promise of the rows, and by their seed."""

import keras
import numpy as np
import pytest
from keras import ops

from kmlp.config import MLPConfig
from kmlp.engine.stack import build_stack
from kmlp.nn.initializers import Hull, RowInitialization, UnitVariance
from kmlp.nn.mlp import adapt, build_mlp
from tests.twins import make_member


def sums(model: keras.Model, name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a dense layer adds up of rows, without and with its bias: `(n, units)`."""
    layer = model.get_layer(name)
    inputs = ops.convert_to_numpy(keras.Model(model.input, layer.input)(x))
    found = inputs @ ops.convert_to_numpy(layer.kernel)
    return found, found + ops.convert_to_numpy(layer.bias)


def adapted(tiny, **fields) -> keras.Model:
    config = MLPConfig(**{"hidden_units": (40, 30), **fields})
    return adapt(build_mlp(config, tiny.spec, seed=3), tiny.x_train)


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_every_units_sum_has_a_stddev_of_1_over_the_rows(tiny, parametrization):
    fields = {"kernel_initializer": "unit_variance", "parametrization": parametrization}
    model = adapted(tiny, **fields)
    for name in ("hidden_1", "hidden_2", "output"):
        found, _ = sums(model, name, tiny.x_train)
        np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-4)
    other = adapted(tiny, **fields)
    np.testing.assert_array_equal(*(m.get_layer("output").get_weights()[0] for m in (model, other)))


def test_every_units_kink_lies_between_the_rows(tiny):
    """Its sum is 0 within the rows' own: no unit is always on or always off."""
    model = adapted(tiny, bias_initializer="hull")
    for name in ("hidden_1", "hidden_2", "output"):
        _, found = sums(model, name, tiny.x_train)
        assert (found.min(axis=0) < 0).all()
        assert (found.max(axis=0) > 0).all()


def test_the_point_between_five_rows_is_even_on_their_simplex():
    """Of rows that are 0 or 1 the point has the mean of a row and a third of its variance: the
    squares of five shares that are even on the simplex add up to 2 / 6 in the mean."""
    inputs = keras.Input((1,))
    units = 20_000
    outputs = keras.layers.Dense(
        units, kernel_initializer="ones", bias_initializer=Hull(seed=1), name="dense"
    )(inputs)
    model = keras.Model(inputs, outputs)
    RowInitialization(model).run(np.array([[0.0], [1.0], [1.0], [1.0]], "float32"))
    points = -ops.convert_to_numpy(model.get_layer("dense").bias)
    assert points.mean() == pytest.approx(0.75, abs=0.01)
    assert points.var() == pytest.approx(0.75 * 0.25 * 2 / 6, rel=0.05)


def test_a_unit_that_says_the_same_of_all_rows_is_left_as_it_is(tiny):
    x = np.ones((20, 12), "float32")
    config = MLPConfig(hidden_units=(5,), input_scaling="none", kernel_initializer="unit_variance")
    plain = build_mlp(config, tiny.spec, seed=3)
    before = plain.get_layer("hidden_1").get_weights()[0]
    after = adapt(plain, x).get_layer("hidden_1").get_weights()[0]
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert np.isfinite(plain.get_layer("output").get_weights()[0]).all()


def test_initializers_survive_their_configs():
    for kind in (UnitVariance, Hull):
        again = kind.from_config(kind(seed=7).get_config())
        assert again.get_config() == {"seed": 7}


def test_members_begin_each_by_their_own_rows_whatever_their_company(tiny):
    """In one stack with members that ask for none; a second `adapt` in training changes nothing."""
    asking = {"kernel_initializer": "unit_variance", "bias_initializer": "hull"}
    members = [make_member(tiny, s, **(asking if s % 2 else {})) for s in range(4)]
    rows = [m.split(tiny.y_train)[0] for m in members]
    stack = build_stack(members, tiny.spec)
    untouched = stack.weights_of(0)
    stack.adapt(tiny, rows)
    for k in (1, 3):
        alone = build_stack([members[k]], tiny.spec)
        alone.adapt(tiny, [rows[k]])
        plain = build_mlp(members[k].model, tiny.spec, seed=k)
        adapt(plain, tiny.x_train[rows[k]])
        for variable in plain.trainable_variables:
            theirs = ops.convert_to_numpy(variable)
            np.testing.assert_array_equal(alone.weights_of(0)[variable.path], theirs)
            np.testing.assert_array_equal(stack.weights_of(k)[variable.path], theirs)
    for path, weight in untouched.items():
        np.testing.assert_array_equal(stack.weights_of(0)[path], weight)
    before = stack.weights_of(1)
    stack.state = {**stack.state, "step": stack.state["step"] + 1}
    stack.adapt(tiny, [r[::2] for r in rows])
    np.testing.assert_array_equal(stack.weights_of(1)["hidden_1/bias"], before["hidden_1/bias"])


def test_weights_and_biases_are_uniform_within_1_over_the_root_of_the_layers_inputs(tiny):
    """What PyTorch's linear layers begin with; each layer draws its own."""
    fields = dict.fromkeys(("kernel_initializer", "bias_initializer"), "fan_in_uniform")
    model = build_mlp(MLPConfig(hidden_units=(400, 300), **fields), tiny.spec, seed=3)
    found = {}
    for name in ("hidden_1", "hidden_2", "output"):
        kernel, bias = model.get_layer(name).get_weights()
        bound = len(kernel) ** -0.5
        for weights in (kernel, bias):
            assert np.abs(weights).max() <= bound
        assert kernel.std() == pytest.approx(bound / 3**0.5, rel=0.05)
        found[name] = bias / bound
    assert found["hidden_1"].std() == pytest.approx(3**-0.5, rel=0.1)
    assert abs(np.corrcoef(found["hidden_1"][:300], found["hidden_2"])[0, 1]) < 0.2
