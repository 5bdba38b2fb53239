"""No test touches the network, the home folder or another test's data."""

import importlib.util
import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KMLP_OFFLINE"] = "1"
os.environ.pop("KMLP_DATA", None)

# Most of the time JAX compiles: each program once for all processes, those that a test starts on
# JAX included.
_CACHE = Path(__file__).parent / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("JAX_ENABLE_X64", "1")

collect_ignore = [] if importlib.util.find_spec("jax") else ["kmlp/backend/jax.py"]


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    os.environ["KMLP_CACHE"] = str(home / "kmlp")
    os.environ["KERAS_HOME"] = str(home / "keras")


@pytest.fixture(autouse=True)
def _readme_names(doctest_namespace: dict, tmp_path) -> None:
    """Names that the README's examples use; they run as tests."""
    doctest_namespace["run_dir"] = tmp_path / "run"
