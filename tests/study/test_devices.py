"""What trained a member of many machines: in its record, and said where kinds were mixed."""

import dataclasses
import itertools
import json

import pytest

from kmlp.config import MLPConfig, StudyConfig, TrainConfig
from kmlp.study.run_folder import RunFolder
from kmlp.study.study import run_study
from kmlp.testing import LinearTrainer


class OfNodes(LinearTrainer):
    """Stacks that say they were trained by these devices, in turn."""

    devices = ("cpu: A",)

    def train_members(self, stacks, data, *, on_result, **options):
        turns = itertools.cycle(self.devices)

        def named(results):
            device = next(turns)
            on_result([dataclasses.replace(r, device=device) for r in results])

        super().train_members(stacks, data, on_result=named, **options)


class OfTwoKinds(OfNodes):
    devices = ("cpu: A", "cpu: B")


@pytest.fixture
def config() -> StudyConfig:
    settings = {"model": MLPConfig(hidden_units=(4,)), "train": TrainConfig(max_epochs=2)}
    return StudyConfig(dataset="tiny", variants=("none", "dropout"), num_seeds=2, **settings)


def test_mixed_kinds_are_named_beside_the_verdict(config, tiny, tmp_path):
    study = run_study(config, tmp_path, tiny, trainer=OfTwoKinds())
    assert study.results["devices"] == ["cpu: A", "cpu: B"]
    said = [s for s in study.record.verdict if "of 2 kinds (cpu: A; cpu: B)" in s]
    assert len(said) == 1
    named = [record.device for record in RunFolder(tmp_path).records().values()]
    assert sorted(named) == ["cpu: A", "cpu: A", "cpu: B", "cpu: B"]


def test_one_kind_is_named_in_the_records_alone(config, tiny, tmp_path):
    study = run_study(config, tmp_path, tiny, trainer=OfNodes())
    assert "devices" not in study.results
    assert {r.device for r in RunFolder(tmp_path).records().values()} == {"cpu: A"}


def test_a_record_of_one_machine_is_what_earlier_releases_read(config, tiny, tmp_path):
    run_study(config, tmp_path, tiny, trainer=LinearTrainer())
    for record in RunFolder(tmp_path).records().values():
        assert "device" not in json.loads(record.to_json())
