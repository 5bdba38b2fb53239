"""Whatever write a process dies at, or a disk is full at: the same study in the end."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import NEEDED, STACK_SIZE

ROOT = Path(__file__).parent.parent


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
    # Four files of the study, four members, and for two stacks a note and three checkpoints.
    assert struck["replace"] == 4 + 4 + 2 * (1 + 3)
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
