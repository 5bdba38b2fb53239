"""Whatever is named as an output: what kmlp did not make is refused, and not touched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kmlp
from kmlp.cli import main
from kmlp.config import StudyConfig
from kmlp.errors import ForeignFolderError
from kmlp.ownership import own_folder, refuse_foreign_folder
from kmlp.report import write_comparison, write_report
from kmlp.study.run_folder import RunFolder
from tests.foreign import HEX, database, project, snapshot
from tests.hand_made import hand_made
from tests.made_search import made_search
from tuning import tune
from tuning.report import write_search_report
from tuning.results.search_folder import SearchFolder

ROOT = Path(__file__).parent.parent
KINDS = ("study", "search", "comparison", "report", "model")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished study."""
    made = hand_made(tmp_path_factory.mktemp("finished") / "run", "multiclass")
    made.folder.write_json("results.json", made.results)
    return made.folder.path


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("search") / "run"
    made_search(path, 5)
    return path


@pytest.fixture
def theirs(tmp_path) -> Path:
    return project(tmp_path / "project")


@pytest.fixture
def _no_data(monkeypatch):
    """A refusal comes before any data set is loaded."""

    def load(*arguments, **options):
        raise AssertionError("a data set was loaded")

    for place in ("kmlp.data", "kmlp.config.tables.table"):
        monkeypatch.setattr(f"{place}.load_dataset", load)


@pytest.fixture
def several(tmp_path) -> Path:
    path = tmp_path / "several.toml"
    path.write_text('dataset = "mnist"\n[[study]]\nname = "a"\n[[study]]\nname = "b"\n')
    return path


COMMANDS = {
    "study": "study mnist --out OUT",
    "study of several": "study SEVERAL --out OUT",
    "run": "run mnist --out OUT",
    "run of several": "run SEVERAL --out OUT",
    "run with a search": "run mnist --tune --out OUT",
    "tune": "tune mnist --out OUT",
    "tune, then study": "tune mnist --then study --out OUT",
    "report": "report RUN --out OUT",
    "report of a search": "report SEARCH --out OUT",
    "comparison": "report RUN RUN --out OUT",
    "export": "export RUN --out OUT",
}


def words(command: str, **places: object) -> list[str]:
    for name, place in places.items():
        command = command.replace(name, str(place))
    return ["kmlp", *command.split()]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Cyclopts application invoked")
@pytest.mark.usefixtures("_no_data")
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_refuses_someone_elses_folder_in_one_line(
    command, theirs, several, finished, search, monkeypatch, capsys
):
    before = snapshot(theirs)
    argv = words(command, OUT=theirs, SEVERAL=several, RUN=finished, SEARCH=search)
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kmlp: {theirs} was not made by kmlp, and holds '.lock', ")
    assert said.endswith("Nothing was touched. Name another folder with --out.\n")
    assert said.count("\n") == 1
    assert snapshot(theirs) == before


@pytest.mark.filterwarnings("ignore:Cyclopts application invoked")
@pytest.mark.usefixtures("_no_data")
@pytest.mark.parametrize("name", ["b", "a"])
def test_the_folders_of_several_studies_are_looked_at_before_the_first_is_trained(
    name, several, tmp_path, monkeypatch, capsys
):
    own_folder(tmp_path / "out", "comparison")
    theirs = project(tmp_path / "out" / name)
    before = snapshot(tmp_path / "out")
    monkeypatch.setattr(
        sys, "argv", words("study SEVERAL --out OUT", SEVERAL=several, OUT=theirs.parent)
    )
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert str(theirs) in capsys.readouterr().err
    assert snapshot(tmp_path / "out") == before


@pytest.mark.long
@pytest.mark.usefixtures("_no_data")
@pytest.mark.parametrize(
    ("inside", "call"),
    [
        ("", lambda out, run, search: kmlp.run_study(StudyConfig(dataset="mnist"), out)),
        ("", lambda out, run, search: tune("mnist", out)),
        ("", lambda out, run, search: write_report(run, out)),
        ("", lambda out, run, search: write_search_report(search, out)),
        ("", lambda out, run, search: write_comparison([run, run], out)),
        (
            "pilot",
            lambda out, run, search: kmlp.run_study(
                StudyConfig(dataset="mnist", strengths="auto"), out
            ),
        ),
        ("study", lambda out, run, search: tune("mnist", out, then_study=True)),
    ],
    ids=["study", "search", "report", "search report", "comparison", "pilot", "follow-up"],
)
def test_a_call_refuses_someone_elses_folder(inside, call, finished, search, tmp_path):
    """Of a folder inside the run folder that kmlp will need later as well."""
    out = tmp_path / "out"
    if inside:
        own_folder(out, "search" if inside == "study" else "study")
    project(out / inside)
    before = snapshot(out)
    with pytest.raises(ForeignFolderError, match="was not made by kmlp, and holds"):
        call(out, finished, search)
    assert snapshot(out) == before


@pytest.mark.process
def test_a_refusal_loads_no_keras(theirs, finished):
    script = (
        "import sys; from kmlp.cli import main\n"
        "try: main()\nexcept SystemExit as left:\n"
        "    assert left.code == 2 and not {'keras', 'tensorflow'} & set(sys.modules), left"
    )
    for command in ("study mnist --out OUT", "tune mnist --out OUT", "export RUN --out OUT"):
        argv = words(command, OUT=theirs, RUN=finished)[1:]
        subprocess.run([sys.executable, "-c", script, *argv], check=True, cwd=ROOT)


def _only(*names: str):
    def put(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("mine")

    return put


def _ledger_of_another_run(folder: Path) -> None:
    database(folder.parent / "other.sqlite", "member", "attempt", "epoch")
    (folder / "ledger.sqlite").symlink_to(folder.parent / "other.sqlite")


def _mark_of_another_run(folder: Path) -> None:
    own_folder(folder.parent / "other", "study")
    (folder / ".kmlp").symlink_to(folder.parent / "other" / ".kmlp")


FOREIGN = {
    "temporary file": _only(".results.json.123.tmp"),
    "lock with content": _only(".lock"),
    "arrays": _only("arrays/a.npz"),
    "empty ledger": lambda folder: (folder / "ledger.sqlite").touch(),
    "other database": lambda folder: database(folder / "ledger.sqlite", "member", "attempt"),
    "ledger elsewhere": _ledger_of_another_run,
    "no database": _only("ledger.sqlite"),
    "dangling link": lambda folder: (folder / "a").symlink_to("nowhere"),
    "arrays elsewhere": lambda folder: (folder / "arrays").symlink_to(folder.parent),
    "pages of others": _only("report.html", "report.pdf", "comparison.html", "comparison.pdf"),
    "model of others": _only("1/saved_model.pb", "1/manifest.json"),
    "deep manifest": lambda folder: _put(folder / "1" / "manifest.json", "[" * 100_000),
    "study file": _only("study.toml"),
    "mark elsewhere": _mark_of_another_run,
    "mark that is a pipe": lambda folder: os.mkfifo(folder / ".kmlp"),
    "mark that is a folder": lambda folder: (folder / ".kmlp").mkdir(),
    **{
        f"mark {i}": lambda folder, text=text: _put(folder / ".kmlp", text)
        for i, text in enumerate(("", "{", "[]", "7", "null", '{"kind": "study"}', "[" * 4096))
    },
}


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("put", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_kmlps_is_refused_as_any_kind_and_not_touched(put, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    put(folder)
    before = {p.name: p.lstat() for p in folder.iterdir()}, folder.stat().st_mtime_ns
    for kind in KINDS:
        with pytest.raises(ForeignFolderError):
            own_folder(folder, kind)
    with pytest.raises(ForeignFolderError), RunFolder(folder).writing():
        pass
    after = {p.name: p.lstat() for p in folder.iterdir()}, folder.stat().st_mtime_ns
    assert {n: (s.st_mode, s.st_mtime_ns, s.st_size) for n, s in after[0].items()} == {
        n: (s.st_mode, s.st_mtime_ns, s.st_size) for n, s in before[0].items()
    }
    assert after[1] == before[1]


def test_a_newer_format_is_said_to_be_one(tmp_path):
    (tmp_path / ".kmlp").write_text('{"kind": "study", "format": 2}')
    with pytest.raises(ForeignFolderError, match=r"of format 2, made by a newer kmlp.*Update kmlp"):
        own_folder(tmp_path, "study")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(ForeignFolderError, match="it is no folder"):
        own_folder(tmp_path / "a", "report")
    assert (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_a_marked_folder_is_of_one_kind_whatever_lies_in_it(kind, tmp_path):
    own_folder(tmp_path / "out", kind)
    mark = tmp_path / "out" / ".kmlp"
    assert json.loads(mark.read_text()) == {"kind": kind, "format": 1}
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = snapshot(tmp_path / "out")
    own_folder(tmp_path / "out", kind)
    for other in set(KINDS) - {kind}:
        with pytest.raises(ForeignFolderError, match=r"out holds .*, and .* is to go there"):
            own_folder(tmp_path / "out", other)
    assert snapshot(tmp_path / "out") == before


def test_a_run_folder_reached_through_a_link_is_fine(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "disk")
    for _ in range(2):
        with RunFolder(tmp_path / "runs" / "a").writing():
            pass
    assert (tmp_path / "disk" / "a" / ".kmlp").is_file()


def test_what_a_start_leaves_that_was_killed_at_once_is_nobodys(tmp_path):
    folder = tmp_path / "run"
    (folder / "arrays").mkdir(parents=True)
    (folder / ".lock").touch()
    (folder / f"..kmlp.{HEX}.tmp").write_text('{"ki')
    with RunFolder(folder).writing():
        pass
    assert not list(folder.glob("*.tmp"))
    refuse_foreign_folder(folder, "study")


def unmarked(folder: Path) -> Path:
    """As kmlp 0.1.0 left it."""
    (folder / ".kmlp").unlink()
    return folder


def _study(folder: Path, finished: Path) -> Path:
    return unmarked(shutil.copytree(finished, folder))


def _search(folder: Path, finished: Path) -> Path:
    with SearchFolder(folder).writing():
        pass
    return unmarked(folder)


def _pilot(folder: Path, finished: Path) -> Path:
    _study(folder / "pilot", finished)
    return folder


def _several(folder: Path, finished: Path) -> Path:
    _study(folder / "a", finished)
    shutil.copytree(finished, folder / "b")
    return folder


def _comparison(folder: Path, finished: Path) -> Path:
    write_comparison([finished, finished], folder)
    return unmarked(folder)


def _report(folder: Path, finished: Path) -> Path:
    write_report(finished, folder)
    return unmarked(folder)


def _model(folder: Path, finished: Path) -> Path:
    (folder / "3").mkdir(parents=True)
    manifest = {"kmlp": 1, "files": {}, "spec": {}}
    (folder / "3" / "manifest.json").write_text(json.dumps(manifest))
    return folder


EARLIER = [
    (_study, "study"),
    (_pilot, "study"),
    (_search, "search"),
    (_several, "comparison"),
    (_comparison, "comparison"),
    (_report, "report"),
    (_model, "model"),
]


@pytest.mark.parametrize(("make", "kind"), EARLIER)
@pytest.mark.page
def test_folders_of_0_1_0_are_known_by_what_they_hold_and_get_their_mark(
    make, kind, finished, tmp_path
):
    folder = make(tmp_path / "out", finished)
    before = snapshot(folder)
    for other in set(KINDS) - {kind}:
        with pytest.raises(ForeignFolderError, match="is to go there"):
            own_folder(folder, other)
    refuse_foreign_folder(folder, kind)
    assert snapshot(folder) == before
    own_folder(folder, kind)
    assert json.loads((folder / ".kmlp").read_text())["kind"] == kind


@pytest.mark.long
def test_a_study_of_0_1_0_that_was_killed_while_it_wrote_is_known(tmp_path):
    """Its rows may lie in the write-ahead log alone; its tables do not."""
    script = (
        "import os, sys\n"
        "from tests.study.test_run_folder import record\n"
        "from kmlp.study.run_folder import RunFolder\n"
        "folder = RunFolder(sys.argv[1])\n"
        "with folder.writing(), folder._ledger.connect() as open_:\n"
        "    open_.execute('SELECT * FROM member').fetchall()\n"
        "    folder.record(record(), {}); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    assert subprocess.run(command, cwd=ROOT).returncode == -9
    assert (tmp_path / "run" / "ledger.sqlite-wal").stat().st_size
    before = snapshot(unmarked(tmp_path / "run"))
    refuse_foreign_folder(tmp_path / "run", "study")
    assert snapshot(tmp_path / "run") == before
    with RunFolder(tmp_path / "run").writing():
        assert list(RunFolder(tmp_path / "run").records()) == ["a" * 16]


@pytest.mark.slow
def test_killed_anywhere_what_others_put_into_a_run_folder_stays(tmp_path):
    """SIGKILL at every third write of a study; then the same command until it ends."""
    command = [sys.executable, "-m", "tests.foreign", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    kills = [json.loads(line) for line in done.stdout.splitlines()]
    assert len([kill for kill in kills if kill["code"] == -9]) > 30
    assert all(kill["killed"] and kill["ended"] and kill["again"] == 0 for kill in kills)
