"""Where stacks are saved for other nodes: at an address, as in a folder."""

import logging

import numpy as np
import pytest

from kmlp.cluster.storage import StoredCheckpoints, below, checked, checkpoints_at
from kmlp.errors import ConfigError
from kmlp.testing import LinearTrainer

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def address():
    """A storage in this process's memory."""
    yield "memory://runs"
    fsspec.filesystem("memory").rm("/runs", recursive=True)


def saved_at(address, folder):
    """The checkpoints of one stack, as a node has them whose own folder is this."""
    return checkpoints_at(below(address, "stack"), LinearTrainer(), folder, 100)


def test_another_node_goes_on_from_what_one_has_saved(address, tmp_path):
    """Its own folder is gone with it."""
    one = saved_at(checked(address), tmp_path / "one")
    for epoch in (1, 2, 3):
        one.save(epoch, {"weights": np.arange(5.0) * epoch})
    other = saved_at(address, tmp_path / "other")
    np.testing.assert_array_equal(other.load()["weights"], np.arange(5.0) * 3)
    np.testing.assert_array_equal(other.load(until=2)["weights"], np.arange(5.0) * 2)
    assert other.load(until=1) is None, "the last two are kept, there as here"


def test_a_copy_that_was_cut_off_is_passed_over(address, tmp_path, caplog):
    one = saved_at(address, tmp_path / "one")
    for epoch in (1, 2):
        one.save(epoch, {"weights": np.ones(epoch)})
    files = fsspec.filesystem("memory")
    name = "/runs/stack/000002.checkpoint"
    files.pipe_file(name, files.cat_file(name)[:-7])
    with caplog.at_level(logging.WARNING, "kmlp"):
        found = saved_at(address, tmp_path / "other").load()
    assert len(found["weights"]) == 1
    assert "is damaged" in caplog.text


def test_what_is_recorded_is_kept_nowhere(address, tmp_path):
    one = saved_at(address, tmp_path / "one")
    one.save(1, {"weights": np.ones(3)})
    # As the driver does, which has saved nothing itself.
    driver = saved_at(address, tmp_path / "driver")
    driver.remove()
    driver.remove()
    assert not fsspec.filesystem("memory").exists("/runs/stack")


def test_training_goes_on_while_the_storage_is_away(address, tmp_path, caplog, monkeypatch):
    one = saved_at(address, tmp_path / "one")
    assert isinstance(one, StoredCheckpoints)

    def refuse(*_, **__):
        raise OSError("the bucket is on fire")

    monkeypatch.setattr(type(one._files), "ls", refuse)
    monkeypatch.setattr(type(one._files), "put_file", refuse)
    with caplog.at_level(logging.WARNING, "kmlp"):
        one.save(1, {"weights": np.ones(3)})
    assert "memory://runs/stack" in caplog.text
    assert "the bucket is on fire" in caplog.text
    assert len(one.load()["weights"]) == 3, "this node still has its own"


@pytest.mark.parametrize("wrong", ["nosuch://bucket/runs", "http://127.0.0.1:1/runs"])
def test_an_address_that_takes_no_files_is_refused_before_training(wrong):
    with pytest.raises(ConfigError, match="cannot be written"):
        checked(wrong)


def test_a_folder_is_told_by_its_full_path(tmp_path, monkeypatch):
    """Nodes have other working directories."""
    monkeypatch.chdir(tmp_path)
    assert checked("runs") == str(tmp_path / "runs")
    made = checkpoints_at(checked("runs"), LinearTrainer(), tmp_path / "own", 1)
    assert made.folder == tmp_path / "runs"
