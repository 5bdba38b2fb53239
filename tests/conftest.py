"""Data and settings that several test modules share."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmlp.data import Dataset

# Most of the tests' time would be compiling: what one process has compiled, those that it starts,
# that follow it after a kill, or that work beside it need not. Read when TensorFlow starts; JAX's
# cache is set in the other conftest. A program's name there does not tell its flags.
_FLAGS = hashlib.sha256(os.environ.get("XLA_FLAGS", "").encode()).hexdigest()[:8]
_CACHE = Path(__file__).parent.parent / ".pytest_cache" / f"xla-{_FLAGS}"
_CACHE.mkdir(parents=True, exist_ok=True)
os.environ.setdefault(
    "TF_XLA_FLAGS",
    f"--tf_xla_persistent_cache_directory={_CACHE} --tf_xla_persistent_cache_device_types=CPU",
)


# What each module's own generator is once it is collected.
_STATES: dict[str, dict[str, Any]] = {}


def pytest_itemcollected(item: pytest.Item) -> None:
    module = getattr(item, "module", None)
    if isinstance(rng := getattr(module, "RNG", None), np.random.Generator):
        _STATES.setdefault(module.__name__, rng.bit_generator.state)


@pytest.fixture(autouse=True)
def same_draws(request: pytest.FixtureRequest) -> None:
    """A test draws the same whichever tests of its module ran before it in its process."""
    module = getattr(request, "module", None)
    if (state := _STATES.get(getattr(module, "__name__", ""))) is not None:
        module.RNG.bit_generator.state = state


@pytest.fixture
def tiny() -> Dataset:
    """300 training and 90 test rows of three classes that a small network can nearly tell apart."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 3
        return (centres[y] + rng.normal(size=(n, 12))).astype(np.float32), y

    return Dataset.from_arrays(*draw(300), *draw(90), name="tiny")


@pytest.fixture
def float64():
    """Keras in float64 while a test runs."""
    import keras

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def compacting(monkeypatch):
    """Stacks are compacted whatever the size of their data."""
    monkeypatch.setattr("kmlp.engine.planning.width._COMPACT_FROM_FLOPS", 0)
