"""200 damaged inputs for everything that is read; `make fuzz` tries 10,000 each."""

import sys

import pytest

from kmlp.data.loading import load_dataset
from tests.fuzz import seeds
from tests.fuzz.harness import Target, fuzz
from tests.fuzz.targets import TARGETS, WAYS

_COUNT = 200


def _marked(target: Target) -> object:
    marks = [pytest.mark.slow] * target.is_slow + [pytest.mark.long] * target.is_long
    return pytest.param(target, id=target.name, marks=marks)


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory as Linux does")
@pytest.mark.parametrize("target", [_marked(target) for target in TARGETS])
def test_damage_is_refused_in_words_or_read(target, tmp_path):
    """Some of it is read, too: what refuses every input was never looked into."""
    folder = tmp_path / "1"
    folder.mkdir()
    found = fuzz(target, _COUNT, folder)
    assert not found.broken
    assert found.count == _COUNT
    assert found.read >= 3
    assert found.refused >= 10


def test_inputs_are_the_same_whenever_they_are_made():
    target = next(t for t in TARGETS if t.name == "study.toml")
    assert list(target.inputs(20)) == list(target.inputs(30))[:20]


@pytest.mark.long
def test_every_seed_is_read(tmp_path):
    """What is damaged must have been whole."""
    folder = tmp_path / "1"
    folder.mkdir()
    for target in TARGETS:
        for seed in target.seeds():
            path = folder / target.name
            path.write_bytes(seed if target.wrap is None else target.wrap(seed))
            target.read(path)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way))
def test_every_way_to_part_rows_reads_what_is_whole(tmp_path, way):
    """Where another way reads it, one that is always refused would not be missed."""
    path = tmp_path / "parted.csv"
    for seed in seeds.parted():
        path.write_bytes(seed)
        assert load_dataset(path, target="kind", **way).spec.num_classes == 2
