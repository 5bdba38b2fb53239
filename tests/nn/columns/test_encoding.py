"""Encoded features are scikit-learn's, plain or stacked; what training did not meet is "other"."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from kmlp.config import MLPConfig
from kmlp.config.tables.encoding import Encoding
from kmlp.nn.columns.encoding import ColumnEncoding, StackedColumnEncoding, initial_embeddings
from kmlp.nn.columns.statistics import column_statistics
from kmlp.nn.mlp import adapt, build_mlp
from tests.encoded import AGE, CITY, INCOME, MEMBER, NAN, SEX, ZIP, encoded_table

SCALERS = {"standard": StandardScaler, "robust": RobustScaler}
DATA = encoded_table()
TRAIN, TEST = DATA.x_train, DATA.x_test
NUM_SIMPLE = 3 + 2 + 4 + 3  # numbers, indicators, one-hot slots


def plain(x: np.ndarray, plan: Encoding, rows: np.ndarray | None = None, **options) -> np.ndarray:
    """The features of `x` by a layer that has learned from some training rows."""
    layer = ColumnEncoding(plan, seed=0, **options)
    layer.build((None, x.shape[1]))
    for name, value in column_statistics(plan, TRAIN, rows).items():
        getattr(layer, name).assign(value)
    return ops.convert_to_numpy(layer(x))


def plan_of(**fields) -> Encoding:
    return Encoding.of(MLPConfig(**fields), DATA.spec)


def by_scikit_learn(x: np.ndarray, scaler: type, rows: np.ndarray) -> np.ndarray:
    """Numbers, indicators and one-hot slots, "other" and missing ones aside."""
    train, x = TRAIN[rows].astype(np.float64), x.astype(np.float64)
    numbers, gaps = [AGE, INCOME, MEMBER], [AGE, MEMBER]
    imputer = SimpleImputer(strategy="median").fit(train[:, numbers])
    scaled = scaler().fit(imputer.transform(train[:, numbers]))
    shown = MissingIndicator(features="all").fit(train[:, gaps])
    encoder = OneHotEncoder(
        categories=[[0.0, 1.0, 2.0], [0.0, 1.0]], handle_unknown="ignore", sparse_output=False
    ).fit(np.nan_to_num(train[:, [CITY, SEX]]))
    one_hot = encoder.transform(np.nan_to_num(x[:, [CITY, SEX]], nan=-1))
    return np.hstack(
        [scaled.transform(imputer.transform(x[:, numbers])), shown.transform(x[:, gaps]), one_hot]
    )


@pytest.mark.parametrize("scaling", SCALERS)
def test_features_are_those_of_scikit_learn(scaling):
    rows = np.arange(5, 85)
    theirs = by_scikit_learn(TEST, SCALERS[scaling], rows)
    ours = plain(TEST, plan_of(input_scaling=scaling), rows)
    is_other = np.array([8, 11])
    np.testing.assert_allclose(
        np.delete(ours[:, :NUM_SIMPLE], is_other, axis=1), theirs, rtol=1e-6, atol=1e-6
    )
    assert not ours[:, is_other].any()


@pytest.mark.parametrize("scaling", SCALERS)
def test_one_hot_features_are_scaled_as_numbers_are(scaling):
    """By scikit-learn's scalers of the same columns; the two sexes become one column of 1, -1."""
    rows = np.arange(5, 85)
    ours = plain(TEST, plan_of(input_scaling=scaling, scaled_one_hot=True), rows)

    def columns(x: np.ndarray) -> np.ndarray:
        city = np.nan_to_num(x[:, [CITY]], nan=-1) == np.arange(3)
        return np.column_stack([city, 1 - 2 * x[:, SEX]]).astype(float)

    scaler = SCALERS[scaling]().fit(columns(TRAIN[rows]))
    center = scaler.mean_ if scaling == "standard" else scaler.center_
    spread = scaler.scale_
    if scaling == "robust":  # half the range where most rows are the same
        few = np.ptp(np.quantile(columns(TRAIN[rows]), [0.25, 0.75], axis=0), axis=0) == 0
        spread = np.where(few, np.ptp(columns(TRAIN[rows]), axis=0) / 2, spread)
        assert few.any()
    expected = (columns(TEST) - center) / spread
    found = ours[:, [5, 6, 7, 9]]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert ours.shape[1] == 3 + 2 + 4 + 1 + 8
    assert not ours[:, 8].any()  # no training row is of another city


def test_what_training_rows_lack_is_0_among_scaled_categories():
    """As authors do it who give an unknown category the code of a missing one."""
    plan = plan_of(input_scaling="robust", scaled_one_hot=True)
    rows = TEST[[0, 0, 0]].copy()
    rows[:, CITY], rows[:, SEX] = [7, NAN, 7], [5, NAN, 0]
    features = plain(rows, plan)
    np.testing.assert_array_equal(features[0, 5:10], features[1, 5:10])
    assert features[2, 9] != features[0, 9]


def test_a_clip_bounds_numbers_and_scaled_categories_and_nothing_else():
    clip = {"input_scaling": "standard", "input_clip": 1.5, "scaled_one_hot": True}
    found, free = plain(TEST, plan_of(**clip)), plain(TEST, plan_of(**{**clip, "input_clip": None}))
    bounded = [0, 1, 2, 5, 6, 7, 8, 9]
    expected = free[:, bounded] / np.sqrt(1 + np.square(free[:, bounded] / 1.5))
    np.testing.assert_allclose(found[:, bounded], expected, rtol=1e-5, atol=1e-6)
    others = np.delete(np.arange(found.shape[1]), bounded)
    np.testing.assert_array_equal(found[:, others], free[:, others])
    assert abs(free).max() > 1.5
    one_hot = plain(TEST, plan_of(**{**clip, "scaled_one_hot": False}))[:, 5:12]
    assert set(np.unique(one_hot)) == {0, 1}


def test_without_scaling_numbers_are_imputed_only():
    ours = plain(TEST, plan_of(input_scaling="none"))[:, :3]
    numbers = TEST[:, [AGE, INCOME, MEMBER]]
    medians = np.nanmedian(TRAIN[:, [AGE, INCOME, MEMBER]].astype(float), axis=0)
    np.testing.assert_array_equal(ours, np.where(np.isnan(numbers), np.float32(medians), numbers))


def test_embeddings_are_rows_of_one_table():
    plan = plan_of()
    table = ops.convert_to_numpy(initial_embeddings(plan, 0, "float32"))
    ours, codes = plain(TEST, plan)[:, NUM_SIMPLE:], TEST[:, ZIP]
    expected = np.where(np.isnan(codes)[:, None], 0, table[np.nan_to_num(codes).astype(int)])
    np.testing.assert_array_equal(ours, expected)


def test_several_columns_share_the_table_each_with_its_rows():
    plan = plan_of(max_one_hot=0)
    table = ops.convert_to_numpy(initial_embeddings(plan, 0, "float32"))
    row = np.array([[NAN, 1, NAN, NAN, 5, 0]], np.float32)
    features = plain(row, plan)[0, 5:].reshape(3, 8)
    np.testing.assert_array_equal(features, table[[1, 4 + 5, 4 + 13 + 0]])


def test_initial_embeddings_are_as_long_as_one_hot_rows_and_other_is_zero():
    columns = [dataclasses.replace(DATA.spec.columns[ZIP], values=tuple(map(str, range(400))))] * 2
    spec = dataclasses.replace(DATA.spec, columns=tuple(columns))
    table = ops.convert_to_numpy(initial_embeddings(Encoding.of(MLPConfig(), spec), 3, "float32"))
    others = table[[400, 801]]
    assert not others.any()
    assert np.square(table).sum() / 800 == pytest.approx(1, rel=0.1)


def test_embeddings_have_the_standard_deviation_that_is_said():
    plan = plan_of(embedding_stddev=3.0)
    wide, usual = (np.asarray(initial_embeddings(p, 5, "float32")) for p in (plan, plan_of()))
    np.testing.assert_allclose(wide, usual * 3.0 * 8**0.5, rtol=1e-5)


def test_embeddings_follow_the_seed():
    first, same, other = (
        ops.convert_to_numpy(initial_embeddings(plan_of(), seed, "float32")) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("code", [2, 3, 1000, -1, NAN])
def test_an_unseen_category_is_other_and_a_missing_one_zeros(code):
    row = TEST[:1].copy()
    row[0, SEX] = code
    slots = plain(row, plan_of())[0, 9:12]
    assert slots.tolist() == ([0, 0, 0] if np.isnan(code) else [0, 0, 1])


def test_a_category_that_its_own_rows_lack_is_other():
    rows = np.flatnonzero(TRAIN[:, CITY] != 2)
    row = TEST[:1].copy()
    row[0, CITY] = 2
    assert plain(row, plan_of(), rows)[0, 5:9].tolist() == [0, 0, 0, 1]
    assert plain(row, plan_of())[0, 5:9].tolist() == [0, 0, 1, 0]


def test_a_stack_encodes_as_each_of_its_members_alone():
    plan, x = plan_of(), np.stack([TEST, TEST[::-1], TEST])
    parts = [np.arange(0, 60), np.arange(30, 90), np.arange(80)]
    layer = StackedColumnEncoding(plan)
    layer.build(x.shape)
    each = [column_statistics(plan, TRAIN, rows) for rows in parts]
    for name in each[0]:
        variable = getattr(layer, name)
        variable.assign(np.stack([s[name] for s in each]).reshape(variable.shape))
    table = initial_embeddings(plan, 0, "float32")
    layer.embeddings.assign(ops.stack([table] * 3))
    stacked = ops.convert_to_numpy(layer(x))
    assert stacked.shape == (3, len(TEST), plan.width)
    for k, rows in enumerate(parts):
        np.testing.assert_allclose(stacked[k], plain(x[k], plan, rows), rtol=1e-6, atol=1e-7)


def test_codes_keep_their_digits_in_half_precision():
    column = dataclasses.replace(DATA.spec.columns[ZIP], values=tuple(map(str, range(1000))))
    spec = dataclasses.replace(DATA.spec, input_shape=(1,), columns=(column,))
    plan = Encoding.of(MLPConfig(max_one_hot=1000), spec)
    layer = ColumnEncoding(plan, dtype="mixed_bfloat16")
    codes = np.array([[257.0], [999.0]], np.float32)
    layer.build(codes.shape)
    layer.remap.assign(np.arange(1002))
    features = layer(codes)
    assert keras.backend.standardize_dtype(features.dtype) == "bfloat16"
    np.testing.assert_array_equal(
        np.argmax(ops.convert_to_numpy(ops.cast(features, "float32")), axis=1), [257, 999]
    )


def test_a_plain_model_learns_its_columns_and_is_the_same_after_saving(tmp_path):
    model = adapt(build_mlp(MLPConfig(hidden_units=(4,)), DATA.spec, seed=1), TRAIN)
    statistics = column_statistics(plan_of(), TRAIN)
    for name, value in statistics.items():
        held = ops.convert_to_numpy(getattr(model.get_layer("encoding"), name))
        np.testing.assert_array_equal(held, value.astype(held.dtype))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    ours, theirs = (ops.convert_to_numpy(m(TEST)) for m in (model, again))
    assert np.isfinite(ours).all()
    np.testing.assert_array_equal(ours, theirs)


def test_a_table_of_categories_alone_and_one_of_numbers_alone():
    for wanted, width in ((("category",), 4 + 3 + 8), (("number", "boolean"), 3 + 2)):
        kept = [i for i, c in enumerate(DATA.spec.columns) if c.kind in wanted]
        columns = tuple(DATA.spec.columns[i] for i in kept)
        spec = dataclasses.replace(DATA.spec, input_shape=(len(kept),), columns=columns)
        model = adapt(build_mlp(MLPConfig(), spec, seed=0), TRAIN[:, kept])
        assert model.get_layer("encoding").output.shape == (None, width)
        assert np.isfinite(ops.convert_to_numpy(model(TEST[:, kept]))).all()
