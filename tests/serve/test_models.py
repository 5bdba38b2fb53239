"""Versions come when they lie there whole; whatever happens on the disk, the old one answers."""

import shutil

import pytest

from kmlp.errors import ModelError
from kmlp.serve.folders import check_models, models_in
from tests.serve.stand_in import StandIn, asking, write_version

IMAGE = [[1, 1], [1, 1]]


class Loader:
    """Loads what is whole; keeps what it has loaded."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, folder):
        graph = (folder / "saved_model.pb").read_bytes()
        self.loaded.append(f"{folder.parent.name}/{folder.name}")
        if graph != b"graph":
            raise ModelError(f"{folder}: damaged")
        return StandIn(version=int(folder.name))


async def states(client, name="digits"):
    found = (await client.get(f"/v1/models/{name}")).json()["model_version_status"]
    return {each["version"]: each["state"] for each in found}


async def served(client, number=None):
    version = f"/versions/{number}" if number else ""
    answer = await client.post(f"/v1/models/digits{version}:predict", json={"instances": [IMAGE]})
    return answer.status_code


def follow(tmp_path, steps, **options):
    loader = Loader()
    asking(tmp_path, loader, steps, **options)
    return loader.loaded


def test_a_new_version_takes_over_and_the_old_one_goes(tmp_path):
    write_version(tmp_path, "digits", 1)

    async def steps(client, models):
        write_version(tmp_path, "digits", 2)
        await models.refresh()
        assert models.version("digits").number == 2
        assert (await client.get("/v1/models/digits/metadata")).json()["model_spec"][
            "version"
        ] == "2"
        await models.close()
        await served(client)
        assert await states(client) == {"2": "AVAILABLE", "1": "END"}
        assert await served(client, 1) == 404
        await models.refresh()

    assert follow(tmp_path, steps) == ["digits/1", "digits/2"]


def test_several_versions_and_models_are_served_side_by_side(tmp_path):
    for number in (1, 2, 3):
        write_version(tmp_path, "digits", number)
    write_version(tmp_path, "churn", 1)

    async def steps(client, models):
        assert await served(client, 2) == await served(client, 3) == 200
        assert await served(client, 1) == 404
        assert await states(client, "churn") == {"1": "AVAILABLE"}
        assert [(each.name, each.number) for each in models] == [("churn", 1), ("digits", 3)]

    assert follow(tmp_path, steps, num_versions=2) == ["churn/1", "digits/3", "digits/2"]


def test_a_damaged_version_leaves_the_old_one_answering_and_is_tried_again_once_mended(tmp_path):
    write_version(tmp_path, "digits", 1)

    async def steps(client, models):
        folder = write_version(tmp_path, "digits", 2)
        (folder / "saved_model.pb").write_bytes(b"gra")
        for _ in range(3):
            await models.refresh()
        assert await served(client) == 200
        assert await states(client) == {"2": "END", "1": "AVAILABLE"}
        status = (await client.get("/v1/models/digits/versions/2")).json()
        assert "damaged" in status["model_version_status"][0]["status"]["error_message"]
        (folder / "saved_model.pb").write_bytes(b"graph")
        await models.refresh()
        assert models.version("digits").number == 2

    assert follow(tmp_path, steps) == ["digits/1", "digits/2", "digits/2"]


def test_a_version_on_its_way_is_passed_over(tmp_path):
    """An export writes aside and renames; a copy has no graph at first."""
    write_version(tmp_path, "digits", 1)

    async def steps(client, models):
        (tmp_path / "digits" / ".writing-0123").mkdir()
        (tmp_path / "digits" / ".writing-0123" / "saved_model.pb").write_bytes(b"gra")
        (tmp_path / "digits" / "2").mkdir()
        await models.refresh()
        assert await states(client) == {"1": "AVAILABLE"}

    assert follow(tmp_path, steps) == ["digits/1"]


def test_a_model_that_is_removed_goes_on_answering_and_an_older_one_takes_over(tmp_path):
    write_version(tmp_path, "digits", 1)
    write_version(tmp_path, "digits", 2)

    async def steps(client, models):
        shutil.rmtree(tmp_path / "digits" / "2")
        await models.refresh()
        assert models.version("digits").number == 1
        shutil.rmtree(tmp_path / "digits")
        await models.refresh()
        assert await served(client) == 200

    assert follow(tmp_path, steps) == ["digits/2", "digits/1"]


def test_a_version_that_is_written_anew_under_its_number_is_loaded_anew(tmp_path):
    folder = write_version(tmp_path, "digits", 1)

    async def steps(client, models):
        old = models.version("digits")
        (folder / "manifest.json").write_bytes(b"{}")
        await models.refresh()
        assert models.version("digits") is not old
        new = models.version("digits")
        (folder / "saved_model.pb").write_bytes(b"gra")
        await models.refresh()
        await models.refresh()
        assert models.version("digits") is new

    assert follow(tmp_path, steps) == ["digits/1"] * 3


def test_the_newest_version_that_can_be_loaded_is_served_from_the_start(tmp_path):
    write_version(tmp_path, "digits", 1)
    (write_version(tmp_path, "digits", 2) / "saved_model.pb").write_bytes(b"gra")

    async def steps(client, models):
        assert models.version("digits").number == 1

    follow(tmp_path, steps)


def test_a_version_a_model_and_a_folder_of_models_are_found(tmp_path):
    first, second = write_version(tmp_path, "a", 1), write_version(tmp_path, "a", 12)
    other = write_version(tmp_path, "b", 1)
    (tmp_path / "README.md").write_text("models")
    assert models_in(tmp_path) == {"a": {1: first, 12: second}, "b": {1: other}}
    assert models_in(tmp_path / "a") == {"a": {1: first, 12: second}}
    assert models_in(second) == {"a": {12: second}}
    assert models_in(tmp_path / "none") == {}
    with pytest.raises(ModelError, match="no exported model"):
        check_models(tmp_path / "none")
