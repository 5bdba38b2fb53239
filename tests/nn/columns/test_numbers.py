"""Embeddings of numbers, against the formulas of their authors written out in NumPy."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from kmlp.config import MLPConfig
from kmlp.config.tables.encoding import Encoding
from kmlp.nn.columns.encoding import ColumnEncoding
from kmlp.nn.columns.numbers import initial_waves
from kmlp.nn.columns.statistics import column_statistics
from tests.encoded import AGE, INCOME, NAN, encoded_table

DATA = encoded_table()
TRAIN, TEST = DATA.x_train, DATA.x_test


def layer_of(**fields) -> ColumnEncoding:
    """A layer that has learned from the training rows."""
    layer = ColumnEncoding(Encoding.of(MLPConfig(**fields), DATA.spec), seed=3)
    layer.build((None, TRAIN.shape[1]))
    found = column_statistics(layer.plan, TRAIN)
    for variable in layer.weights:
        if variable.name in found:
            variable.assign(found[variable.name])
    return layer


def values(layer: ColumnEncoding, x: np.ndarray) -> np.ndarray:
    return ops.convert_to_numpy(layer(x))


def test_periodic_embeddings_are_the_authors_of_each_number_beside_itself():
    """cos(2 pi x c + b) W + d of every scaled number: PBLD; a truth value stays as it is."""
    own = {"input_scaling": "robust", "input_clip": 3.0}
    plain = values(layer_of(**own), TEST)
    layer = layer_of(**own, number_embedding="periodic", num_frequencies=5, number_embedding_dim=3)
    ours = values(layer, TEST)
    np.testing.assert_array_equal(ours[:, :3], plain[:, :3])
    np.testing.assert_array_equal(ours[:, 3 + 2 * 2 :], plain[:, 3:])
    weights = {name: ops.convert_to_numpy(w).astype(float) for name, w in layer.waves.items()}
    for j in range(2):  # age and income
        x = plain[:, j : j + 1].astype(float)
        waves = np.cos(2 * np.pi * x * weights["frequencies"][j] + weights["phases"][j])
        mixed = waves @ weights["mixing"][5 * j : 5 * j + 5] + weights["offsets"][j]
        np.testing.assert_allclose(ours[:, 3 + 2 * j : 5 + 2 * j], mixed, rtol=1e-4, atol=1e-5)


def test_waves_start_as_the_authors_draw_them():
    """N(0, sigma^2), uniform within pi, and torch's own uniform within 1 / sqrt(n)."""
    columns = [dataclasses.replace(DATA.spec.columns[INCOME], name=str(i)) for i in range(200)]
    spec = dataclasses.replace(DATA.spec, input_shape=(200,), columns=tuple(columns))
    config = MLPConfig(number_embedding="periodic", frequency_stddev=0.3, num_frequencies=25)
    plan = Encoding.of(config, spec)
    drawn = {
        n: ops.convert_to_numpy(initial_waves(plan, n, 0, "float32")) for n in plan.wave_shapes
    }
    assert {n: w.shape for n, w in drawn.items()} == plan.wave_shapes
    assert drawn["frequencies"].std() == pytest.approx(0.3, rel=0.05)
    for name, bound in (("phases", np.pi), ("mixing", 0.2), ("offsets", 0.2)):
        assert abs(drawn[name]).max() < bound
        assert drawn[name].std() == pytest.approx(bound / 3**0.5, rel=0.05)
    flat = [np.resize(w, 200 * 3) for w in drawn.values()]
    assert abs(np.corrcoef(flat) - np.eye(4)).max() < 0.2
    again = ops.convert_to_numpy(initial_waves(plan, "phases", 0, "float32"))
    np.testing.assert_array_equal(again, drawn["phases"])
    other = ops.convert_to_numpy(initial_waves(plan, "phases", 1, "float32"))
    assert not np.array_equal(other, drawn["phases"])


def by_equation_1(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Gorishniy et al. 2022, equation 1, case by case."""
    found = np.zeros((len(x), len(edges) - 1))
    last = len(edges) - 1
    for t in range(1, last + 1):
        low, high = edges[t - 1], edges[t]
        inside = (x - low) / (high - low)
        below, above = (x < low) & (t > 1), (x >= high) & (t < last)
        found[:, t - 1] = np.where(below, 0, np.where(above, 1, inside))
    return found


def test_bins_are_those_of_the_papers_equation():
    """Of age with gaps and of income; values beyond the training rows go on as lines."""
    layer = layer_of(number_embedding="piecewise_linear", num_bins=7)
    x = np.concatenate([TEST, TEST[:2]])
    x[-2:, [AGE, INCOME]] = [[-50, 1e4], [400, -3]]
    ours = values(layer, x)
    assert ours.shape[1] == 1 + 2 * 7 + 2 + 4 + 3 + 8
    medians = np.nanmedian(TRAIN[:, [AGE, INCOME]].astype(float), axis=0)
    for j, column in enumerate((AGE, INCOME)):
        train = np.where(np.isnan(TRAIN[:, column]), medians[j], TRAIN[:, column])
        filled = np.where(np.isnan(x[:, column]), medians[j], x[:, column]).astype(float)
        edges = np.unique(np.quantile(train, np.linspace(0, 1, 8)).astype(np.float32)).astype(float)
        expected = by_equation_1(filled, edges)
        first = 1 + 7 * j
        found = ours[:, first : first + expected.shape[1]]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert not ours[:, first + expected.shape[1] : first + 7].any()
    assert ours[-1].max() > 1 > 0 > ours[-2].min()
    np.testing.assert_array_equal(ours[:, 0], values(layer_of(), x)[:, 2])  # the truth value


def test_a_number_with_few_values_has_few_bins_and_one_that_does_not_vary_none():
    spec = dataclasses.replace(
        DATA.spec, input_shape=(2,), columns=(DATA.spec.columns[AGE], DATA.spec.columns[INCOME])
    )
    config = MLPConfig(number_embedding="piecewise_linear", num_bins=6, missing_indicators=False)
    layer = ColumnEncoding(Encoding.of(config, spec))
    layer.build((None, 2))
    train = np.array([[0, 5]] * 60 + [[1, 5]] * 20 + [[4, 5]] * 20, np.float32)
    found = column_statistics(layer.plan, train)
    for variable in layer.weights:
        variable.assign(found[variable.name])
    edges = np.unique(np.quantile(train[:, 0], np.linspace(0, 1, 7)).astype(np.float32))
    assert 2 < len(edges) < 7
    x = np.array([[0.5, 5], [2.5, 7], [NAN, NAN]], np.float32)
    ours = ops.convert_to_numpy(layer(x))
    expected = by_equation_1(np.array([0.5, 2.5, 0.0]), edges.astype(float))
    np.testing.assert_allclose(ours[:, : len(edges) - 1], expected, rtol=1e-6)
    assert not ours[:, len(edges) - 1 :].any()


@pytest.mark.parametrize("kind", ["periodic", "piecewise_linear"])
def test_a_table_without_numbers_is_embedded_as_without(kind):
    columns = tuple(c for c in DATA.spec.columns if c.kind == "category")
    spec = dataclasses.replace(DATA.spec, input_shape=(len(columns),), columns=columns)
    plain, own = (Encoding.of(MLPConfig(number_embedding=k), spec) for k in ("none", kind))
    assert own == plain
    whole = Encoding.of(MLPConfig(number_embedding=kind), DATA.spec)
    assert whole.waves + whole.binned == (0, 1)  # age and income, not the truth value
