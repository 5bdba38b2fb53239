"""The whole RealMLP, written out in NumPy after its authors' code, is the network of the recipe."""

import numpy as np
import pytest
from keras import ops

from kmlp.config import MLPConfig, TrainConfig
from kmlp.config.variants import resolve_variant
from kmlp.nn.mlp import adapt, build_mlp
from tests.encoded import AGE, CITY, INCOME, MEMBER, SEX, ZIP, encoded_table


def robust(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(x - median) / iqr by column; half the range where that is 0, and 0 where nothing varies."""
    low, median, high = np.quantile(train, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, np.ptp(train, axis=0) / 2)
    return (x - median) * np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)


def clip(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(1 + np.square(x) / 9)


def filled(train: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(x), np.nanmedian(train, axis=0), x)


def one_hot(x: np.ndarray) -> np.ndarray:
    """The cities with a place for others, and the two sexes as 1 and -1."""
    city = np.nan_to_num(x[:, [CITY]], nan=-1) == np.arange(4)
    return np.column_stack([city, 1 - 2 * x[:, SEX]]).astype(float)


def features(train: np.ndarray, x: np.ndarray, of: dict[str, np.ndarray]) -> np.ndarray:
    """Numbers, their periodic embeddings (none of truth values), which are missing, categories."""
    train, x, numbers = train.astype(float), x.astype(float), [AGE, INCOME, MEMBER]
    known, mine = (filled(train[:, numbers], rows[:, numbers]) for rows in (train, x))
    scaled = clip(robust(known, mine))
    parts = [scaled]
    for j in range(2 if "frequencies" in of else 0):
        waves = np.cos(2 * np.pi * scaled[:, [j]] * of["frequencies"][j] + of["phases"][j])
        size = waves.shape[1]
        parts.append(waves @ of["mixing"][size * j : size * (j + 1)] + of["offsets"][j])
    parts += [np.isnan(x[:, [AGE, MEMBER]]), clip(robust(one_hot(train), one_hot(x)))]
    if "embeddings" in of:
        rows = of["embeddings"][np.nan_to_num(x[:, ZIP]).astype(int)]
        parts.append(np.where(np.isnan(x[:, [ZIP]]), 0, rows))
    return np.hstack(parts)


def selu(x: np.ndarray) -> np.ndarray:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))


def mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.log1p(np.exp(x)))


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_it_is_the_authors_network(task):
    data = encoded_table(task=task)
    small = {"hidden_units": [9, 7], "task": task}
    config = resolve_variant(
        {"name": "x", "recipe": "realmlp", **small}, MLPConfig(), TrainConfig()
    )
    model = adapt(build_mlp(config.model, data.spec, seed=1), data.x_train, data.y_train)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:  # scales and alphas are 1 at first
        weight.assign(weight + 0.2 * rng.normal(size=weight.shape))
    of = {v.path: np.asarray(v, float) for v in model.weights}
    encoding = {path.split("/")[1]: w for path, w in of.items() if path.startswith("encoding/")}
    found = features(data.x_train, data.x_test, encoding)
    layer = model.get_layer("encoding")
    np.testing.assert_allclose(layer(data.x_test), found, rtol=1e-4, atol=1e-4)
    x, activate = found * of["input_scale/scale"], mish if task == "regression" else selu
    for name in ("hidden_1", "hidden_2", "output"):
        x = x @ of[f"{name}/kernel"] / np.sqrt(x.shape[1]) + of[f"{name}/bias"]
        if name != "output":
            alpha = of[f"activation_{name[-1]}/alpha"]
            x = x + alpha * (activate(x) - x)
    if task == "regression":
        y = data.y_train.astype(float)
        expected = np.clip(x * y.std() + y.mean(), y.min(), y.max())
    else:
        expected = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True))[:, 1:]
    ours = ops.convert_to_numpy(model(data.x_test, training=False))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)
    assert np.ptp(ours) > 0.1
