"""Whatever dies on the nodes: same members, none lost, none twice, the guilty one given up."""

import os
import signal
import threading
import time
from functools import partial

import pytest

from kmlp.study.loading import load_study
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.cluster.test_studies import config, same_arrays

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


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


def slowly(members, epoch) -> None:
    time.sleep(0.5)


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


def test_a_node_that_goes_dark_is_nobodys_fault_and_one_that_joins_is_used(
    nodes, tiny, tmp_path, here
):
    """The node goes as soon as a stack has told of an epoch on it."""
    gone = threading.Event()

    class Watcher:
        def nodes(self, doing) -> None:
            if doing and not gone.is_set():
                gone.set()
                nodes.remove()
                nodes.add()

        def __getattr__(self, name):
            return lambda *_: None

    trainer = LinearTrainer(before_told=slowly)
    run_study(
        config(),
        tmp_path / "there",
        tiny,
        trainer=trainer,
        progress=Watcher(),
        cluster=nodes.address,
    )
    assert gone.is_set()
    same_arrays(tmp_path / "there", here)
    found = RunFolder(tmp_path / "there").stacks
    assert max(found.attempts().values()) <= 2
    assert not found.attempts_without_progress()
