"""The house holds: imports run downwards and in no circle, files and rooms stay small."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each room and the rooms below it that it may import; what stands beside the rooms, everybody may.
BELOW = {
    "kmlp.stats": (),
    "kmlp.data": ("kmlp.stats",),
    "kmlp.config": ("kmlp.data", "kmlp.stats"),
    "kmlp.nn": ("kmlp.config", "kmlp.data", "kmlp.stats"),
    "kmlp.engine": ("kmlp.nn", "kmlp.config", "kmlp.data", "kmlp.stats"),
    "kmlp.cluster": ("kmlp.engine", "kmlp.nn", "kmlp.config", "kmlp.data", "kmlp.stats"),
    "kmlp.study": (
        *("kmlp.cluster", "kmlp.engine", "kmlp.nn", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
    "kmlp.testing": ("kmlp.study", "kmlp.engine", "kmlp.config", "kmlp.data", "kmlp.stats"),
    "kmlp.deploy": (
        *("kmlp.study", "kmlp.engine", "kmlp.nn", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
    "kmlp.serve": ("kmlp.deploy", "kmlp.data"),
    "kmlp.scores": ("kmlp.study", "kmlp.data", "kmlp.stats"),
    "kmlp.report": ("kmlp.scores", "kmlp.study", "kmlp.config", "kmlp.data", "kmlp.stats"),
    "tuning.space": (
        *("kmlp.study", "kmlp.engine", "kmlp.nn", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
    "tuning.results": (
        "tuning.space",
        *("kmlp.study", "kmlp.engine", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
    "tuning.search": (
        *("tuning.results", "tuning.space"),
        *("kmlp.study", "kmlp.engine", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
    "tuning.report": (
        *("tuning.search", "tuning.results", "tuning.space"),
        *("kmlp.report", "kmlp.study", "kmlp.config", "kmlp.data", "kmlp.stats"),
    ),
}
EVERYBODYS = (
    *("kmlp.errors", "kmlp.files", "kmlp.machine", "kmlp.ownership"),
    *("kmlp.terminal", "kmlp.text"),
)
LONGEST_FILE, MOST_FILES_AT_THE_TOP, MOST_FILES_IN_A_ROOM = 350, 8, 14


@cache
def modules() -> dict[str, Path]:
    paths = [p for package in ("kmlp", "tuning") for p in (ROOT / package).rglob("*.py")]
    return {_name(p): p for p in paths}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


@cache
def imported(module: str) -> frozenset[str]:
    """The project's modules that a module imports, at whatever depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules() else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found & modules().keys())


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _arrows(room: str) -> Iterator[tuple[str, str]]:
    for module in modules():
        if room_of(module) == room:
            yield from ((module, other) for other in imported(module) if room_of(other) != room)


@pytest.mark.long
@pytest.mark.parametrize("room", BELOW)
def test_imports_run_downwards(room):
    allowed = {*BELOW[room], *EVERYBODYS}
    upwards = [arrow for arrow in _arrows(room) if room_of(arrow[1]) not in allowed]
    assert not upwards


def test_results_are_made_of_a_run_folder_and_know_no_study_that_runs():
    known = {"readings", "folder", "records", "run_folder", "plan", "pilot"}
    for module in modules():
        if module.startswith("kmlp.study.results."):
            inside = {m for m in imported(module) if room_of(m) == "kmlp.study"}
            outer = {m.rpartition(".")[2] for m in inside if ".results." not in m}
            assert outer <= known, module


def test_every_room_has_its_arrows_and_its_purpose():
    rooms = {room_of(m) for m in modules() if (ROOT / Path(*room_of(m).split("."))).is_dir()}
    assert rooms - {"kmlp", "tuning", "kmlp.cli"} == set(BELOW)
    for room in rooms:
        path = modules()[room]
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


@pytest.mark.long
def test_no_imports_go_in_a_circle():
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> None:
        assert module not in path, f"circle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done:
            return
        path.append(module)
        for other in sorted(imported(module)):
            visit(other)
        done.add(path.pop())

    for module in modules():
        visit(module)


def test_files_and_rooms_stay_small():
    for path in modules().values():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE, path
    assert len(list((ROOT / "kmlp").glob("*.py"))) <= MOST_FILES_AT_THE_TOP
    for folder in {p.parent for p in modules().values()}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES_IN_A_ROOM, folder


def test_the_page_for_those_who_change_the_code_names_every_room_and_no_file_that_is_not_there():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for room in BELOW:
        assert f"`{room.replace('.', '/')}/`" in page, room
    named = {word for word in page.split("`") if word.endswith((".py", "/")) and " " not in word}
    missing = [w for w in named if not (ROOT / w).exists() and "NAME" not in w]
    assert not missing
