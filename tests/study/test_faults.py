"""Whatever write a process dies at, or a disk is full at: the same study in the end."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from tests.faults import NEEDED, STACK_SIZE

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def faults(folder: Path, kind: str) -> list[dict]:
    command = [sys.executable, "-m", "tests.faults", str(folder), kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def kills(tmp_path_factory) -> list[dict]:
    """SIGKILL at each write, flush, rename, removal, statement and commit of a study."""
    return faults(tmp_path_factory.mktemp("kills"), "kill")


def test_every_kind_of_write_was_struck(kills):
    struck = Counter(fault["said"].strip() for fault in kills)
    assert set(struck) == {"mkdir", "fsync", "replace", "statement", "commit", "unlink", "rmdir"}
    # The mark and six files of the study, four members, and for two stacks a note when
    # they are planned and when they begin, and three checkpoints.
    assert struck["replace"] == 1 + 6 + 4 + 2 * (2 + 3)
    assert {fault["code"] for fault in kills} == {-9}


def test_killed_anywhere_what_is_recorded_loads(kills):
    assert all(fault["whole"] for fault in kills)


def test_killed_anywhere_the_same_command_ends_with_the_same_study_to_the_bit(kills):
    assert all(fault["again"] == 0 and fault["same"] for fault in kills)


def test_killed_anywhere_only_the_epoch_since_the_last_checkpoint_is_trained_again(kills):
    assert {fault["trained"] - NEEDED for fault in kills} == {0, STACK_SIZE}


def test_a_full_disk_is_one_line_and_once_there_is_room_the_study_goes_on(tmp_path):
    """Each write fails once with what a full disk says."""
    found = faults(tmp_path, "full")
    failed = [fault for fault in found if fault["code"]]
    assert len(failed) > 40
    for fault in failed:
        _, *said = fault["said"].splitlines()
        assert fault["code"] == 1, said
        assert len(said) == 1, said
        assert "No space left on device" in said[0] or "disk is full" in said[0]
        assert str(tmp_path) in said[0], "the error names the file"
    assert all(fault["whole"] and fault["again"] == 0 and fault["same"] for fault in found)


POISONED = """
import sys
from pathlib import Path
from tests import faults
from kmlp.study.run_folder import RunFolder
run, epoch, member = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
faults.POISON.update(epoch=epoch, member=member)
for attempt in range(20):
    code, said = faults.in_a_process(run, faults.die, 0)
    print(code, said)
    if code == 0:
        break
"""


def run_poisoned(run: Path, epoch: int, member: str) -> list[str]:
    """Starts the study until it ends; the exit codes."""
    command = [sys.executable, "-c", POISONED, str(run), str(epoch), member]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    run = tmp_path_factory.mktemp("healthy") / "run"
    assert run_poisoned(run, 0, "") == ["0"]
    return run


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_member_that_ends_its_process_is_given_up_and_the_rest_goes_on(healthy, tmp_path, epoch):
    """Twice with its stack, for a kill from outside looks the same, and twice alone.

    In a later epoch the first death comes after progress, and counts for nothing.
    """
    guilty = load_study(healthy).results["members"][1]
    codes = run_poisoned(tmp_path / "run", epoch, guilty["id"])
    assert codes == ["-9"] * (len(codes) - 1) + ["0"]
    assert len(codes) - 1 == (4 if epoch == 1 else 5)
    results = load_study(tmp_path / "run").results
    given_up = [m for m in results["members"] if m["status"] == "given_up"]
    assert [m["id"] for m in given_up] == [guilty["id"]]
    sentence = "none with seed 1 ended its process four times in a row, twice of them alone"
    assert any(s.startswith(sentence) for s in results["verdict"])
    mine, theirs = RunFolder(tmp_path / "run"), RunFolder(healthy)
    innocent = set(theirs.records()) - {guilty["id"]}
    assert set(mine.records()) == innocent
    for id in innocent:
        kernels = [run.arrays(id)["weight/predictions/kernel"] for run in (mine, theirs)]
        np.testing.assert_array_equal(*kernels)


def test_two_kills_in_the_first_epoch_cost_no_member_and_no_stack(healthy, tmp_path):
    """Its members prove themselves alone, for one epoch; then their stack goes on as it was."""
    members = load_study(healthy).results["members"]
    run = tmp_path / "run"
    code = POISONED.replace("range(20)", "range(2)")
    command = [sys.executable, "-c", code, str(run), "1", members[0]["id"]]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert sorted(RunFolder(run).stacks.attempts_without_progress().values()) == [2, 2]
    assert run_poisoned(run, 0, "") == ["0"]
    with sqlite3.connect(run / "ledger.sqlite") as connection:
        epochs = dict(connection.execute("SELECT stack, count(*) FROM epoch GROUP BY stack"))
    connection.close()
    alone = [RunFolder(run).stacks.checkpoint_folder([m["id"]]).name for m in members[:2]]
    assert [epochs.pop(name) for name in alone] == [1, 1]
    assert sorted(epochs.values()) == [3, 3]
    assert (run / "results.json").read_bytes() == (healthy / "results.json").read_bytes()
