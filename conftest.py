"""No test touches the network, the home folder or another test's data."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.loading import Refusal, file_loads_a_backend, text_loads_a_backend

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KMLP_OFFLINE"] = "1"
os.environ.pop("KMLP_DATA", None)

# Run folders wait for the disk at each write: a sixth of the time of all tests.
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# Most of the time JAX compiles: each program once for all processes, those that a test starts on
# JAX included.
_CACHE = Path(__file__).parent / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("JAX_ENABLE_X64", "1")

_NOT_FAST = ("engine", "long", "page", "process", "slow")
collect_ignore = [] if importlib.util.find_spec("jax") else ["kmlp/nn/backend/jax.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="no Keras, report, process; nothing long")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        sys.meta_path.insert(0, Refusal())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collecting a file imports it: a fast run leaves out those that load Keras by that.

    Tutorials, whose examples and commands work in one folder, are run by `tests/test_pages.py`.
    """
    if collection_path.suffix == ".md" and collection_path.parent.name == "docs":
        return "```console" in collection_path.read_text(encoding="utf-8") or None
    is_python = collection_path.suffix == ".py"
    if config.getoption("--fast") and is_python and file_loads_a_backend(collection_path):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what loads Keras by its imports; what does so by what it calls says so itself.

    Examples that train are slow: those of `docs` and of the README.
    """
    for item in items:
        if _loads_a_backend(item):
            item.add_marker("engine")
            if item.path.suffix == ".md":
                item.add_marker("slow")
    if config.getoption("--fast"):
        left_out = [i for i in items if any(map(i.get_closest_marker, _NOT_FAST))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if i not in left_out]


def _loads_a_backend(item: pytest.Item) -> bool:
    if isinstance(item, pytest.DoctestItem):
        examples = item.dtest.examples if item.dtest else []
        if text_loads_a_backend("\n".join(example.source for example in examples)):
            return True
    return item.path.suffix == ".py" and file_loads_a_backend(item.path)


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    os.environ["KMLP_CACHE"] = str(home / "kmlp")
    os.environ["KERAS_HOME"] = str(home / "keras")


@pytest.fixture(autouse=True)
def _readme_names(doctest_namespace: dict, tmp_path) -> None:
    """Names that the README's examples use; they run as tests."""
    doctest_namespace["run_dir"] = tmp_path / "run"
