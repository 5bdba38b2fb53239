"""Which tests load Keras and a backend, told from the text without importing anything."""

import ast
import functools
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import kmlp
import tuning

ROOT = Path(__file__).parent.parent
HEAVY = {"jax", "keras", "keras_tuner", "tensorboard", "tensorflow"}
# What loads them when it is called.
CALLED = {"evaluate", "export", "load_saved", "run_study", "tune"}


@functools.cache
def file_loads_a_backend(path: Path) -> bool:
    """Whether importing this file of the project does, through whatever it imports."""
    seen, left = set(), [path]
    while left:
        file = left.pop()
        if file in seen:
            continue
        seen.add(file)
        loads, files = _named_by(file)
        if loads:
            return True
        left += files
    return False


@functools.cache
def _named_by(path: Path) -> tuple[bool, list[Path]]:
    """Whether a file itself names what is heavy; the files of the project that it imports."""
    names = set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
    return any(n.split(".")[0] in HEAVY for n in names), [f for n in names for f in _files_of(n)]


def text_loads_a_backend(source: str) -> bool:
    """Whether the lines of an example do."""
    tree = ast.parse(source)
    called = {_last_name(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return bool(called & CALLED) or any(
        name.split(".")[0] in HEAVY or any(map(file_loads_a_backend, _files_of(name)))
        for name in _imported(tree)
    )


def _last_name(node: ast.expr) -> str:
    """Of `study` and of `kmlp.study.study`."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _imported(tree: ast.Module) -> Iterator[str]:
    """Modules, and names that may be modules, of a file's outermost imports."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            homes = {"kmlp": kmlp._HOME, "tuning": tuning._HOME}.get(node.module, {})
            for alias in node.names:
                yield homes.get(alias.name, f"{node.module}.{alias.name}")


@functools.cache
def _files_of(name: str) -> list[Path]:
    """A module's file in the project, and those of the packages around it; none elsewhere."""
    parts = name.split(".")
    if parts[0] not in ("kmlp", "tuning", "tests", "benchmarks", "tools"):
        return []
    packages = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return [f for f in (*packages, ROOT.joinpath(*parts).with_suffix(".py")) if f.exists()]


class Refusal:
    """An import hook that lets nothing heavy in: what is said to be fast stays so."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.split(".")[0] in HEAVY and sys.modules.get(name) is None:
            raise ModuleNotFoundError(
                f"a test of `make test-fast` imports {name}: mark it @pytest.mark.engine.",
                name=name,
            )
        return None
