"""Networks of Keras on a cluster, to the bit."""

import pytest

from kmlp.engine.engine import Engine
from kmlp.engine.planning import stacks
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from tests.cluster.studies import config, same_arrays

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


class OfThreeCores(Engine):
    """Plans for as many cores as the cluster has, whatever this machine has."""

    def plan_stacks(self, members, spec, num_places=None, *, room=None):
        return stacks.plan_stacks(members, spec, 3, room=room)


def test_equal_stacks_give_the_bits_of_one_machine(nodes, tiny, tmp_path):
    wanted = config(num_seeds=3)
    run_study(wanted, tmp_path / "there", tiny, cluster=nodes.address)
    run_study(wanted, tmp_path / "here", tiny, trainer=OfThreeCores())
    same_arrays(tmp_path / "there", tmp_path / "here")
    devices = {record.device for record in RunFolder(tmp_path / "there").records().values()}
    assert len(devices) == 1
    assert devices.pop().startswith(("cpu: ", "gpu: "))
