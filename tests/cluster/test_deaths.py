"""Whatever dies: same members, same bits, none twice; the guilty one is given up."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.cluster.studies import config, drive, same_arrays, slowly

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


def poisoned(guilty, members, epoch) -> None:
    """Ends the process of a member in its second epoch."""
    if epoch == 2 and any(m.id == guilty for m in members):
        os.kill(os.getpid(), signal.SIGKILL)


def killed_once(marks, members, epoch) -> None:
    """Ends the process of each stack once."""
    mark = marks / members[0].id
    if epoch == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def here(tiny, tmp_path):
    """The same study on this machine."""
    run_study(config(), tmp_path / "here", tiny, trainer=LinearTrainer())
    return tmp_path / "here"


def test_every_task_is_killed_once_and_no_bit_differs(nodes, tiny, tmp_path, here):
    (tmp_path / "marks").mkdir()
    trainer = LinearTrainer(before_told=partial(killed_once, tmp_path / "marks"))
    run_study(config(), tmp_path / "there", tiny, trainer=trainer, cluster=nodes.address)
    same_arrays(tmp_path / "there", here)
    assert set(RunFolder(tmp_path / "there").stacks.attempts().values()) == {2}


def test_a_member_that_ends_its_process_is_given_up_and_the_rest_goes_on(
    nodes, tiny, tmp_path, here
):
    """As on one machine: twice in company, twice alone; its neighbour trains on without it."""
    guilty = load_study(here).record.members[1]
    trainer = LinearTrainer(before_told=partial(poisoned, guilty.id))
    run_study(config(), tmp_path / "there", tiny, trainer=trainer, cluster=nodes.address)
    found, whole = RunFolder(tmp_path / "there"), RunFolder(here)
    assert found.stacks.given_up() == {guilty.id}
    assert found.records().keys() == whole.records().keys() - {guilty.id}
    given_up = [m for m in load_study(tmp_path / "there").record.members if m.status == "given_up"]
    assert [m.id for m in given_up] == [guilty.id]


@pytest.mark.parametrize("saved_at", ["", "{}", "file://{}"])
def test_a_node_that_goes_dark_is_nobodys_fault_and_one_that_joins_is_used(
    nodes, tiny, tmp_path, here, saved_at
):
    """The node goes once it trains; with a storage, its stack goes on from its last epoch."""
    gone = threading.Event()

    class Watcher:
        def nodes(self, doing) -> None:
            if doing and not gone.is_set():
                gone.set()
                nodes.add()
                nodes.remove(nodes.nodes[0])

        def __getattr__(self, name):
            return lambda *_: None

    trainer = LinearTrainer(before_told=partial(slowly, 0.5))
    storage = tmp_path / "storage"
    run_study(
        config(num_seeds=4),
        tmp_path / "there",
        tiny,
        trainer=trainer,
        progress=Watcher(),
        cluster=nodes.address,
        storage=saved_at.format(storage) or None,
    )
    assert gone.is_set()
    found = RunFolder(tmp_path / "there")
    assert len(found.records()) == 8
    assert max(found.stacks.attempts().values()) <= 2
    assert not found.stacks.attempts_without_progress()
    if saved_at:
        assert storage.is_dir(), "something was saved"
        assert not [p for p in storage.rglob("*") if p.is_file()], "what is recorded is not kept"


def test_the_driver_is_killed_and_the_same_command_goes_on(nodes, tmp_path):
    """Killed with SIGKILL after its first record, then again; nothing is trained twice that was
    recorded."""
    drive(tmp_path / "here", "")
    run, kept = tmp_path / "there", {}
    command = [sys.executable, "-m", "tests.cluster.studies", str(run), nodes.address]
    for _ in range(2):
        driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        while driver.poll() is None and len(recorded(run)) <= len(kept):
            time.sleep(0.05)
        driver.kill()
        driver.wait()
        kept |= recorded(run)
    assert kept
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    same_arrays(run, tmp_path / "here")
    now = recorded(run)
    assert all(now[name] == when for name, when in kept.items())


def recorded(run: Path) -> dict[str, int]:
    """The recorded members' arrays, and when they were written."""
    if not (run / "ledger.sqlite").exists():
        return {}
    names = [f"{id}.npz" for id in RunFolder(run).records()]
    return {name: (run / "arrays" / name).stat().st_mtime_ns for name in names}
