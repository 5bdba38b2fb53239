"""Quantile scaling is scikit-learn's; values that many rows share take the middle of theirs."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

from kmlp.config.tables.encoding import NUM_KNOTS, Encoding
from kmlp.nn.columns.encoding import ColumnEncoding, StackedColumnEncoding
from kmlp.nn.columns.quantiles import normal_quantile
from kmlp.nn.columns.statistics import column_statistics
from tests.encoded import NAN


def plan(num_columns: int = 1) -> Encoding:
    return Encoding(tuple(range(num_columns)), (), (), (), 8, "quantile", 1)


def scaled(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """`x` by a layer that has learned from `train`, both `(n, columns)`."""
    layer = ColumnEncoding(plan(train.shape[1]))
    layer.build((None, train.shape[1]))
    found = column_statistics(layer.plan, train.astype(np.float32))
    for variable in layer.weights:
        variable.assign(found[variable.name])
    return ops.convert_to_numpy(layer(x.astype(np.float32)))


@pytest.mark.parametrize("num_rows", [25, 700, 40_000])
def test_it_is_scikit_learns_with_the_papers_number_of_quantiles(num_rows):
    """10, 23 and 1000 of them; columns of very different shapes; values far outside, too."""
    rng = np.random.default_rng(num_rows)
    train = rng.normal(size=(num_rows, 3)) * [1, 1e4, 1e-3]
    train[:, 1] = np.exp(train[:, 0] * 3)
    train = train.astype(np.float32)
    x = np.concatenate([train[:25], rng.normal(size=(200, 3)) * [2, 9, 2e-3], [[9e9] * 3]])
    number = min(max(num_rows // 30, 10), 1000)
    theirs = QuantileTransformer(
        n_quantiles=number, output_distribution="normal", subsample=None
    ).fit(train.astype(float))
    expected = theirs.transform(x.astype(np.float32).astype(float))
    # They take what is within 1e-7 of the range's end for the end.
    inside = abs(expected) < 5.19
    ours = scaled(train, x)
    np.testing.assert_allclose(ours[inside], expected[inside], atol=2e-4)
    assert inside[:25].mean() > 0.7
    np.testing.assert_allclose(ours[-1], 5.19933758)


def test_ties_inside_the_range_are_scikit_learns():
    """Half of the rows are 0, a tenth of them 1: those values take the middle of their shares."""
    rng = np.random.default_rng(0)
    train = rng.normal(size=600)
    train[:300], train[300:360] = 0, 1
    theirs = QuantileTransformer(n_quantiles=20, output_distribution="normal", subsample=None)
    x = np.array([0, 1, 0.5, -0.5, 1e-6, 1.000001])[:, None]
    expected = theirs.fit(train[:, None].astype(np.float32)).transform(x.astype(np.float32))
    np.testing.assert_allclose(scaled(train[:, None], x), expected, atol=2e-4)


def test_a_value_that_most_rows_have_is_not_the_farthest_out():
    """Nine of ten are the least there is: the middle of their shares, not -5.2."""
    train = np.array([0.0] * 900 + list(range(1, 101)))[:, None]
    shares = np.linspace(0, 1, 33)
    covered = shares[np.quantile(train, shares) == 0].max()
    (at_zero,), (beyond,) = scaled(train, np.array([[0.0], [-1.0]]))
    assert at_zero == pytest.approx(norm.ppf(covered / 2), abs=1e-4)
    assert beyond == pytest.approx(-5.19933758)


def test_a_column_that_does_not_vary_or_has_no_value_is_0_whatever_comes():
    train = np.array([[2.5, NAN]] * 50)
    assert (scaled(train, np.array([[2.5, 1.0], [9.0, NAN], [-9.0, 0.0]])) == 0).all()


def test_a_missing_value_is_the_medians():
    rng = np.random.default_rng(1)
    train = rng.normal(size=(400, 1))
    train[:40] = NAN
    (missing,), (median,) = scaled(train, np.array([[NAN], [np.nanmedian(train)]]))
    assert missing == median
    assert abs(missing) < 0.1


def test_the_normal_quantile_is_scipys():
    share = np.concatenate([np.geomspace(2e-7, 0.5, 200), 1 - np.geomspace(1e-6, 0.5, 200)])
    share = share.astype(np.float32)
    ours = ops.convert_to_numpy(normal_quantile(ops.convert_to_tensor(share)))
    np.testing.assert_allclose(ours, norm.ppf(share.astype(float)), rtol=1e-5, atol=2e-6)
    ends = ops.convert_to_numpy(normal_quantile(ops.convert_to_tensor([0.0, 0.5, 1.0])))
    np.testing.assert_allclose(ends, [-5.19933758, 0, 5.19933758])


def test_members_of_a_stack_have_quantiles_of_their_own():
    rng = np.random.default_rng(2)
    parts = [rng.normal(size=(300, 2)), np.exp(rng.normal(size=(500, 2)))]
    x = rng.normal(size=(40, 2))
    layer = StackedColumnEncoding(plan(2))
    layer.build((2, None, 2))
    found = [column_statistics(layer.plan, part.astype(np.float32)) for part in parts]
    for variable in layer.weights:
        values = np.stack([each[variable.name] for each in found])
        variable.assign(values.reshape(variable.shape))
    assert layer.knots[0].shape == (2, NUM_KNOTS, 2)
    together = ops.convert_to_numpy(layer(np.stack([x, x]).astype(np.float32)))
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(together[k], scaled(part, x))
    assert keras.backend.standardize_dtype(layer.compute_dtype) == "float32"
