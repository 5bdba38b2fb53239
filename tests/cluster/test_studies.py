"""A study on a cluster: the members, the bits and the folder of one machine."""

import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def config(**more) -> StudyConfig:
    settings = {"variants": ("none", "dropout", "l2"), "num_seeds": 4, **more}
    return StudyConfig(
        dataset="tiny",
        model=MLPConfig(hidden_units=(4,)),
        train=TrainConfig(max_epochs=3),
        **settings,
    )


def same_arrays(one, other) -> None:
    mine, theirs = RunFolder(one), RunFolder(other)
    assert mine.records().keys() == theirs.records().keys()
    for id in theirs.records():
        expected = theirs.arrays(id)
        found = mine.arrays(id)
        assert found.keys() == expected.keys()
        for name, array in found.items():
            assert array.tobytes() == expected[name].tobytes(), (id, name)


def test_a_study_gives_the_bits_of_one_machine(nodes, tiny, tmp_path):
    wanted = config(folds=3, references=("constant", "linear"))
    run_study(wanted, tmp_path / "here", tiny, trainer=LinearTrainer())
    run_study(wanted, tmp_path / "there", tiny, trainer=LinearTrainer(), cluster=nodes.address)
    same_arrays(tmp_path / "there", tmp_path / "here")
    networks = [r for r in RunFolder(tmp_path / "there").records().values() if r.device]
    assert networks
