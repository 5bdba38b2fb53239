"""What is read back from a run folder is what was written, or is refused; never other numbers."""

import contextlib
import dataclasses
import json
import logging
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import tomli_w

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.errors import RunFolderError
from kmlp.report import write_report
from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.run_folder.records import MEMBER
from tests.hand_made import HandMade, hand_made, record
from tuning.results.search_folder import SearchFolder, Trial

ROOT = Path(__file__).parents[2]
AGAIN = "Run the same command again: it keeps what is whole and does the rest anew."


def flips(folder: Path, what: str) -> list[dict[str, str]]:
    command = [sys.executable, "-m", "tests.damage", str(folder), what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def flipped(tmp_path_factory) -> list[dict[str, str]]:
    """2,000 flipped bits, of a study's files and of a search's."""
    return [f for w in ("study", "search") for f in flips(tmp_path_factory.mktemp(w), w)]


@pytest.mark.slow
def test_a_flipped_bit_gives_no_other_numbers_and_no_traceback(flipped):
    assert len(flipped) > 2000
    found = {(f["file"].rpartition("/")[2].partition(".")[2], f["read"]) for f in flipped}
    assert {outcome for _, outcome in found} == {"same", "refused"}
    # A checkpoint and the note of a stack are read by who trains, `results.json` by nobody.
    refused = {kind for kind, outcome in found if outcome == "refused"}
    assert refused == {"sqlite", "toml", "json", "npz"}


@pytest.mark.slow
def test_after_a_flipped_bit_the_same_command_ends_with_the_same_results(flipped):
    again = [f for f in flipped if "again" in f]
    assert {f["file"] for f in again} == {f["file"] for f in flipped}
    assert [f for f in again if f["again"] != "same"] == []


@pytest.fixture
def made(tmp_path) -> HandMade:
    return hand_made(tmp_path / "run", "multiclass", 2)


def sql(folder: RunFolder, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(folder.path / "ledger.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def replace(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


def test_a_digit_changed_in_the_ledger_is_refused_by_whoever_reads(made):
    """Seed 0 of l2 would be the best, and be exported."""
    path, id = made.folder.path, made.plan.ids["l2"][0]
    before = load_study(path).best().variant["name"]
    score = made.folder.records()[id].metrics["val"]["accuracy"]
    replace(path / "ledger.sqlite", b'"accuracy": %.2f' % score, b'"accuracy": 0.99')
    for read in (load_study, write_report):
        with pytest.raises(RunFolderError, match=rf"{id}.* not what was written\. {AGAIN}"):
            read(path)
    assert before == "dropout"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE member SET record = (SELECT record FROM member m WHERE m.id = '{other}') "
        "WHERE id = '{id}'",
        "UPDATE member SET (record, arrays, sha256, seal) = (SELECT record, arrays, sha256, seal "
        "FROM member m WHERE m.id = '{other}') WHERE id = '{id}'",
        "UPDATE member SET sha256 = (SELECT sha256 FROM member m WHERE m.id = '{other}') "
        "WHERE id = '{id}'",
        "UPDATE member SET seal = '' WHERE id = '{id}'",
        "UPDATE member SET record = 7 WHERE id = '{id}'",
        "UPDATE member SET record = x'ff00' WHERE id = '{id}'",
    ],
    ids=["record", "row", "arrays", "no hash", "number", "bytes"],
)
@pytest.mark.parametrize("version", [0, 1])
def test_a_record_that_stands_where_it_was_not_written_is_refused(made, damage, version):
    """Whatever the format number says: what has hashes is never read as if it had none."""
    ids = made.plan.ids
    statement = damage.format(id=ids["none"][0], other=ids["l2"][1])
    sql(made.folder, statement, f"PRAGMA user_version = {version}")
    with pytest.raises(RunFolderError, match="is not what was written"):
        load_study(made.folder.path)


def test_a_record_of_another_folder_is_refused(made, tmp_path):
    """The same network with other scores, under its own hash and beside its own arrays."""
    other = hand_made(tmp_path / "other", "multiclass", 2, model=MLPConfig(hidden_units=(8,)))
    id, theirs = made.plan.ids["none"][0], other.plan.ids["none"][0]
    with contextlib.closing(sqlite3.connect(other.folder.path / "ledger.sqlite")) as connection:
        query = "SELECT record, sha256, seal FROM member WHERE id = ?"
        taken = connection.execute(query, (theirs,)).fetchone()
    with contextlib.closing(sqlite3.connect(made.folder.path / "ledger.sqlite")) as connection:
        update = "UPDATE member SET record = ?, sha256 = ?, seal = ? WHERE id = ?"
        connection.execute(update, (*taken, id))
        connection.commit()
    shutil.copy(
        other.folder.path / "arrays" / f"{theirs}.npz", made.folder.path / "arrays" / f"{id}.npz"
    )
    with pytest.raises(RunFolderError, match=f"{id}.* is not what was written"):
        load_study(made.folder.path)


def test_who_writes_leaves_a_damaged_record_out_and_names_it(made, caplog):
    id = made.plan.ids["none"][0]
    kept = {k: v for k, v in made.folder.records().items() if k != id}
    sql(made.folder, f"UPDATE member SET record = replace(record, '0', '1') WHERE id = '{id}'")
    damaged = (made.folder.path / "ledger.sqlite").read_bytes()
    folder = RunFolder(made.folder.path)
    with folder.writing():
        assert folder.records() == kept
    assert f"member {id} is not what was written; it is left out" in caplog.text
    assert load_study(folder.path).num_missing == 1
    assert (folder.path / "ledger.damaged").read_bytes() == damaged


def test_pages_that_sqlite_cannot_read_leave_the_others(made, caplog):
    """Of the leaf pages of the members one is overwritten; the file is one of many pages."""
    made = hand_made(made.folder.path.parent / "large", "multiclass", 12)
    path, before = made.folder.path / "ledger.sqlite", made.folder.records()
    content = bytearray(path.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = 'member' AND pagetype = 'leaf'"
        try:
            pages = [n for (n,) in connection.execute(query)]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite does not say which pages are whose")
    start = 4096 * (pages[len(pages) // 2] - 1)
    content[start : start + 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=AGAIN):
        load_study(made.folder.path)
    folder = RunFolder(made.folder.path)
    with folder.writing():
        left = folder.records()
    assert 0 < len(left) < len(before)
    assert left.items() <= before.items()
    assert "going on with the rows that are whole" in caplog.text


@pytest.mark.slow
@pytest.mark.page
def test_results_json_is_never_believed(made):
    write_report(made.folder.path, made.folder.path / "before")
    results = json.loads(json.dumps(made.results).replace('"mean": 0.', '"mean": 0.999'))
    made.folder.write_json("results.json", results)
    write_report(made.folder.path, made.folder.path / "after")
    before, after = (
        {p.relative_to(made.folder.path / n): p.read_bytes() for p in made.folder.path.glob(n)}
        for n in ("before/report.html", "after/report.html")
    )
    assert list(before.values()) == list(after.values())
    assert load_study(made.folder.path).results == made.results


def changed_settings() -> list[dict]:
    """A study's settings, each changed in turn."""
    settings = StudyConfig(dataset="made", variants=("none", "dropout", "l2"), num_seeds=2)
    found = []
    for part in (None, "model", "train"):
        table = settings.to_dict() if part is None else settings.to_dict()[part]
        for name, value in table.items():
            if name not in ("model", "train"):
                changed = {**table, name: another(value)}
                found.append(changed if part is None else {**settings.to_dict(), part: changed})
    return [without_none(values) for values in found]


def another(value):
    if value is None or isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, dict):
        return {**value, "more": ["x"]}
    return [*value, "more"] if isinstance(value, list) else value + 1


def without_none(value):
    if isinstance(value, dict):
        return {k: without_none(v) for k, v in value.items() if v is not None}
    return value


@pytest.mark.long
def test_each_changed_setting_is_refused_with_the_line_that_differs(made):
    path, changed = made.folder.path / "study.toml", changed_settings()
    fields = [dataclasses.fields(kind) for kind in (StudyConfig, MLPConfig, TrainConfig)]
    assert len(changed) == sum(map(len, fields)) - len(("model", "train"))
    for settings in changed:
        path.write_text(tomli_w.dumps(settings))
        assert tomllib.loads(path.read_text()) != made.plan.config.to_dict()
        with pytest.raises(RunFolderError, match=r"study\.toml was changed after kmlp wrote it: l"):
            load_study(made.folder.path)
        with pytest.raises(RunFolderError, match="It is a record of what was run, not an input"):
            write_report(made.folder.path)


@pytest.mark.parametrize("name", ["environment.json", "arrays/test_labels.npz"])
def test_other_files_that_were_changed_are_named(made, name):
    path = made.folder.path / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunFolderError, match=f"{path} (was changed|is missing or damaged)"):
        load_study(made.folder.path)


def test_labels_that_are_damaged_are_written_anew_by_the_study(made):
    path = made.folder.path / "arrays" / "test_labels.npz"
    path.write_bytes(b"PK")
    with pytest.raises(RunFolderError, match="Run the study again: it writes them anew"):
        made.folder.test_labels()
    made.folder.write_test_labels(made.truth)
    assert (made.folder.test_labels() == made.truth).all()


def test_a_file_about_to_be_written_may_hold_the_old_or_the_new(made, monkeypatch):
    """Whichever a process leaves that dies between telling the ledger and renaming the file."""
    folder, old = made.folder, made.folder.read_text("study.toml")

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("kmlp.study.run_folder.folder.write_atomically", die)
    with pytest.raises(KeyboardInterrupt):
        folder.write_text("study.toml", old + "# later\n")
    folder.refuse_changed("study.toml")
    monkeypatch.undo()
    folder.write_text("study.toml", old + "# later\n")
    (folder.path / "study.toml").write_text(old)
    with pytest.raises(RunFolderError, match=r"line \d+ is '', was '# later'"):
        folder.refuse_changed("study.toml")


@pytest.mark.parametrize(
    "note", [b"", b'["a', b"7", b"[[]]", b'["b"]', b"\xff", b"[" * 100_000, b'{"a": 1}']
)
def test_a_damaged_note_of_a_stack_is_passed_over(tmp_path, note, caplog):
    folder = RunFolder(tmp_path)
    with folder.writing():
        folder.stacks.begin(["a"])
        folder.stacks.begin(["c", "d"])
        path = folder.stacks.checkpoint_folder(["a"]) / "members.json"
        path.write_bytes(note)
        assert folder.stacks.noted() == [["c", "d"]]
    assert f"{path} is not what was written; its stack is trained anew" in caplog.text


def test_counts_of_attempts_that_are_damaged_give_nobody_up(tmp_path):
    folder = RunFolder(tmp_path)
    with folder.writing():
        folder.stacks.begin(["a", "b"])
    sql(folder, "UPDATE attempt SET barren = 9 WHERE id = 'a'")
    with pytest.raises(RunFolderError, match="attempt a is not what was written"):
        folder.stacks.attempts_without_progress()
    folder = RunFolder(tmp_path)
    with folder.writing():
        assert folder.stacks.attempts_without_progress() == {"b": 1}


def as_of_0_1_0(folder: RunFolder) -> None:
    """The ledger as kmlp 0.1.0 made it."""
    drop = [f"ALTER TABLE {name} DROP COLUMN seal" for name in ("member", "attempt", "epoch")]
    sql(folder, *drop, "DROP TABLE file", "PRAGMA user_version = 0")


def test_a_folder_of_0_1_0_is_read_as_it_is_and_gets_hashes_once_it_is_written(made):
    as_of_0_1_0(made.folder)
    folder, before = RunFolder(made.folder.path), made.folder.records()
    assert load_study(folder.path).results == made.results
    assert not folder.has_hashes
    with folder.writing():
        record(folder, "b" * 16, "multiclass", made.truth, made.outputs["none", 0])
    assert folder.has_hashes
    assert folder.records().keys() == before.keys() | {"b" * 16}
    id = made.plan.ids["none"][0]
    sql(folder, f"UPDATE member SET record = replace(record, '0', '1') WHERE id = '{id}'")
    with pytest.raises(RunFolderError, match=f"member {id}"):
        load_study(folder.path)
    assert not (folder.path / "ledger.damaged").exists()


@pytest.mark.parametrize("changes", [{"model": {"input_dropout": 0.5}}, {"first_seed": 7}])
def test_a_study_that_its_members_were_not_trained_by_is_refused_without_hashes_too(made, changes):
    as_of_0_1_0(made.folder)
    config = StudyConfig.from_dict({**made.plan.config.to_dict(), **changes})
    (made.folder.path / "study.toml").write_text(config.to_toml())
    with pytest.raises(RunFolderError, match="none of the 6 networks recorded here is one of the"):
        load_study(made.folder.path)


GARBAGE = [
    b"",
    b"\xff\xfe",
    b"7",
    b"null",
    b"{}",
    b"[" * 100_000,
    b"9" * 10_000,
    b'{"dataset": {"task": "none"}}',
    b"dataset = [nan]\nvariants = 7",
    b"a = " + b"[" * 5_000,
    b"model = 5",
]


@pytest.mark.parametrize("content", GARBAGE, ids=range(len(GARBAGE)))
@pytest.mark.parametrize("name", ["study.toml", "environment.json", "arrays/test_labels.npz"])
def test_whatever_a_file_without_a_hash_holds_is_refused_in_one_line(made, name, content):
    as_of_0_1_0(made.folder)
    (made.folder.path / name).write_bytes(content)
    with pytest.raises(RunFolderError, match=name) as caught:
        load_study(made.folder.path)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600


RECORDS = [
    "",
    "7",
    "[]",
    "{}",
    "[" * 100_000,
    '{"id": "x"}',
    '{"id": "ID", "status": "odd", "best_epoch": 1, "stopped_epoch": 1, "metrics": {}, '
    '"seconds": 1}',
    '{"id": "ID", "status": "done", "best_epoch": 1, "stopped_epoch": 1, "metrics": {"val": 5}, '
    '"seconds": 1}',
    '{"id": "ID", "status": "done", "best_epoch": "1", "stopped_epoch": 1, "metrics": {}, '
    '"seconds": 1}',
]


@pytest.mark.parametrize("text", RECORDS, ids=range(len(RECORDS)))
def test_whatever_a_record_without_a_hash_holds_is_refused_or_trained_again(made, text):
    id = made.plan.ids["none"][0]
    as_of_0_1_0(made.folder)
    sql(made.folder, f"UPDATE member SET record = '{text.replace('ID', id)}' WHERE id = '{id}'")
    with pytest.raises(RunFolderError, match=f"member {id} is not what was written"):
        load_study(made.folder.path)
    folder = RunFolder(made.folder.path)
    with folder.writing():
        assert id not in folder.records()


def test_a_members_arrays_are_hashed_once_by_a_command(made, monkeypatch):
    folder, hashed = RunFolder(made.folder.path), []
    counting = SimpleNamespace(sha256=lambda content: hashed.append(content) or sha256(content))
    monkeypatch.setattr("kmlp.study.run_folder.array_files.hashlib", counting)
    ids = list(folder.records())
    assert folder.damaged(ids) == []
    for id in ids:
        folder.arrays(id)
    assert len(hashed) == len(ids)
    path = folder.path / "arrays" / f"{ids[0]}.npz"
    path.write_bytes(b"changed")
    assert folder.damaged(ids) == ids[:1]


@pytest.fixture
def trials(tmp_path) -> SearchFolder:
    folder = SearchFolder(tmp_path)
    with folder.writing():
        done = {"values": {"dropout": 0.1}, "status": "done", "score": 0.5}
        folder.write_trials([Trial(number=n, batch=n // 2, **done) for n in range(6)])
    return folder


@pytest.mark.parametrize("number", [3, 5])
def test_from_the_batch_of_a_damaged_trial_on_all_are_drawn_again(trials, number, caplog):
    sql(trials, f"UPDATE trial SET record = replace(record, '0.5', '0.9') WHERE number = {number}")
    with pytest.raises(RunFolderError, match=f"trial {number} is not what was written. {AGAIN}"):
        trials.trials()
    folder = SearchFolder(trials.path)
    with folder.writing():
        left = folder.trials()
    # Batches hold two trials. Those before run again, for a score may be lost.
    running = [(n, "running", None) for n in range(number - 1)]
    assert [(t.number, t.status, t.score) for t in left] == running
    assert f"trial {number} is not what was written" in caplog.text


def test_a_trial_that_is_gone_is_noticed(trials):
    sql(trials, "DELETE FROM trial WHERE number = 1")
    with pytest.raises(RunFolderError, match=r"trial 1 is missing\. Run the same command"):
        trials.trials()
    with SearchFolder(trials.path).writing():
        pass
    # Trial 0 is of the same batch: both are drawn again.
    assert trials.trials() == []


def test_a_clock_that_was_turned_is_refused(trials):
    sql(trials, "UPDATE clock SET seconds = 1e9")
    with pytest.raises(RunFolderError, match=r"clock .* is not what was written"):
        trials.seconds()


def test_another_table_that_is_gone_is_noticed(trials):
    sql(trials, "ALTER TABLE trial RENAME TO trail")
    with pytest.raises(RunFolderError, match=r"no such table: trial\. Run the same command"):
        trials.trials()


def test_a_row_is_hashed_with_the_name_of_its_table():
    assert "seal('member'" in MEMBER.insert


def test_what_is_mended_is_said_once(made, caplog):
    sql(made.folder, "UPDATE member SET seal = ''")
    for _ in range(2):
        with RunFolder(made.folder.path).writing():
            pass
    told = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(told) == 1
