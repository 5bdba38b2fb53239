"""A study on a cluster: the members and the bits of one machine, whoever trains them."""

import socket

import pytest

from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer
from tests.cluster.studies import config, same_arrays
from tuning import tune

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_networks_folds_and_references_are_those_of_one_machine(nodes, tiny, tmp_path):
    wanted = config(folds=3, references=("constant", "linear"))
    run_study(wanted, tmp_path / "here", tiny, trainer=LinearTrainer())
    there = run_study(
        wanted, tmp_path / "there", tiny, trainer=LinearTrainer(), cluster=nodes.address
    )
    same_arrays(tmp_path / "there", tmp_path / "here")
    assert {stack.place for stack in there.record.stacks} == {f"{socket.gethostname()} (none)"}
    names = {record.device for record in RunFolder(tmp_path / "there").records().values()}
    assert names == {"none", None}, "of networks, and of references"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("tuner", ["bayesian", "hyperband"])
def test_a_search_draws_and_finds_what_one_machine_does(nodes, tiny, tmp_path, tuner):
    settings = {
        "tuner": tuner,
        "max_trials": 4 if tuner == "bayesian" else 1,
        "num_seeds": 2,
        "space": ["none", "learning_rate=1e-2:1e-1:log", "dropout=0,0.2"],
        "fixed": {"hidden_units": [8]},
        "train": {"max_epochs": 3},
        "trainer": LinearTrainer(),
    }
    here = tune(tiny, tmp_path / "here", **settings)
    there = tune(tiny, tmp_path / "there", **settings, cluster=nodes.address)
    same_arrays(tmp_path / "there", tmp_path / "here")
    found = [[(t.values, t.score) for t in s.record.finished] for s in (there, here)]
    assert found[0] == found[1]
    assert there.record.picked == here.record.picked


def test_where_nodes_have_cards_only_these_train(nodes, tiny, tmp_path):
    run_study(config(), tmp_path / "here", tiny, trainer=LinearTrainer())
    node = nodes.add(num_gpus=1)
    try:
        run_study(
            config(), tmp_path / "there", tiny, trainer=LinearTrainer(), cluster=nodes.address
        )
    finally:
        nodes.remove(node)
    same_arrays(tmp_path / "there", tmp_path / "here")
