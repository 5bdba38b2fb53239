"""Without Ray, without a cluster, or on nodes that differ: one line that says what to do."""

import dataclasses
import sys

import pytest

from kmlp.cluster.connection import connected
from kmlp.cluster.nodes import differences, kinds, refuse_differing, this_node
from kmlp.config import StudyConfig
from kmlp.errors import ClusterError, ConfigError
from kmlp.study.study import run_study, training_on
from kmlp.testing import LinearTrainer
from tests.command_line import kmlp


def test_without_ray_one_line_says_what_to_install(monkeypatch, tiny, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    wanted = StudyConfig(dataset="tiny", num_seeds=2)
    with pytest.raises(ConfigError, match=r"pip install 'kmlp\[ray\]', here and on every node"):
        run_study(wanted, tmp_path / "run", tiny, trainer=LinearTrainer(), cluster="ray")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["study", "run", "tune"])
def test_a_command_says_so_before_it_loads_anything(monkeypatch, tmp_path, command):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = kmlp(command, "fashion_mnist", "--cluster", "ray", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "pip install 'kmlp[ray]'" in line
    assert not list(tmp_path.iterdir())


def test_an_address_of_a_client_is_refused():
    """Its driver would not be a node, and streams of results do not reach it."""
    with (
        pytest.raises(ConfigError, match=r"Received: ray://10\.0\.0\.1:10001"),
        connected("ray://10.0.0.1:10001"),
    ):
        pass


def test_storage_is_of_a_cluster():
    with pytest.raises(ConfigError, match="storage is of a cluster"):
        training_on(None, LinearTrainer(), "/shared", None)


def test_nodes_that_differ_are_refused_by_name_and_difference():
    here = this_node("1", ("tensorflow", "cpu: A"))
    other = dataclasses.replace(
        here, name="laptop-b", versions={**here.versions, "keras": "3.0.0"}, device="cpu: B"
    )
    refuse_differing([here])
    with pytest.raises(ClusterError, match=r"laptop-b has keras 3\.0\.0 instead of 3\."):
        refuse_differing([here, other])
    assert differences(here) == ""
    assert kinds([here, other, here]) == ["cpu: A", "cpu: B"]
