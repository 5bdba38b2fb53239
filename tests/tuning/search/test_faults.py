"""Whatever write a search dies at: the same trials, executions and choice in the end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.search_faults import MAX_TRIALS, NUM_SEEDS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def run(folder: Path, tuner: str, what: str) -> list[dict]:
    command = [sys.executable, "-m", "tests.search_faults", str(folder), tuner, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("tuner", MAX_TRIALS)
def test_killed_anywhere_the_same_call_ends_with_the_same_search(tuner, tmp_path):
    """SIGKILL at each 37th write, flush, rename, removal, statement or commit."""
    kills = run(tmp_path, tuner, "37")
    assert len(kills) >= 4
    assert all(k["code"] == -9 and k["again"] == 0 and k["same"] for k in kills), kills


def test_a_trial_that_ends_the_process_is_given_up_and_the_rest_goes_on(tmp_path):
    (found,) = run(tmp_path, "random", "poison")
    # Once after progress, twice more with its stack, twice alone; then never again.
    assert found["codes"] == [-9] * 5 + [0]
    trials = found["results"]["trials"]
    assert [t["status"] for t in trials] == ["done", "given_up", "done", "done"]
    assert trials[1]["message"] == "seed 1 ended the process again and again"
    assert found["results"]["picked"] != 1
    assert all(len(t["executions"]) == NUM_SEEDS for t in trials)
