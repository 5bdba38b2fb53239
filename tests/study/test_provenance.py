"""A run folder says where its members were trained, whoever comes back to it later."""

import pytest

from kmlp.config import StudyConfig
from kmlp.machine import package_version
from kmlp.study import provenance
from kmlp.study.run_folder import RunFolder
from kmlp.testing import LinearTrainer


@pytest.fixture
def claimed(tiny, tmp_path):
    """Claims one folder on a device, and gives its environment."""
    config, folder = StudyConfig(dataset="tiny", variants=("none",)), RunFolder(tmp_path / "run")

    def on(backend: str, device: str) -> dict:
        with folder.writing():
            provenance.claim(folder, config, tiny, LinearTrainer(device=(backend, device)))
        return folder.read_json("environment.json")

    return on


def test_the_environment_names_the_backend_and_its_packages(claimed):
    assert "jax" not in claimed("tensorflow", "cpu: one")["packages"]
    packages = claimed("jax", "cpu: one")["later"][0]["packages"]
    assert packages["jax"] == package_version("jax")
    assert packages["jaxlib"] == package_version("jaxlib")


def test_the_first_environment_stays_and_others_are_added_once(claimed):
    first = claimed("tensorflow", "gpu: one")
    assert claimed("tensorflow", "gpu: one") == first
    assert (first["backend"], first["device"]) == ("tensorflow", "gpu: one")
    for _ in range(2):
        again = claimed("tensorflow", "cpu: two")
    assert {key: again[key] for key in first} == first
    assert [e["device"] for e in again["later"]] == ["cpu: two"]


def test_a_folder_that_knew_no_device_gets_none_of_a_later_one():
    """As run folders were written before."""
    kept = {"python": "3", "platform": "here", "packages": {"keras": "3"}, "data": {}}
    found = kept | {"backend": "jax", "device": "cpu: two", "data": {"location": "moved"}}
    after = provenance.with_earlier(kept, found)
    assert "device" not in after
    assert after["data"] == {"location": "moved"}
    assert after["later"][0]["device"] == "cpu: two"


def test_a_variant_by_another_name_is_not_taken_for_one_that_is_no_longer_asked_for(
    tiny, tmp_path, caplog
):
    """Earlier releases called the baseline of a search's study "none", not "default"."""
    folder = RunFolder(tmp_path / "run")

    def claim(*variants, baseline: str) -> None:
        config = StudyConfig(dataset="tiny", variants=variants, baseline=baseline)
        with folder.writing():
            provenance.claim(folder, config, tiny, LinearTrainer())

    claim("none", "dropout=0.3", baseline="none")
    claim({"name": "default"}, "dropout=0.3", baseline="default")
    assert "narrowed" not in caplog.text
    claim({"name": "default"}, baseline="default")
    assert "narrowed to these variants" in caplog.text


@pytest.mark.engine
def test_the_device_is_the_one_that_trains():
    import keras

    from kmlp.engine.engine import Engine

    backend, device = Engine().backend_and_device()
    assert backend == keras.backend.backend()
    assert device.startswith(("cpu: ", "gpu: "))
